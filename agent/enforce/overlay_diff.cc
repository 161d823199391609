#include "agent/enforce/overlay_diff.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "agent/enforce/system.h"

namespace cgmon {
namespace {

using ChangeKind = OverlayChange::Kind;

bool is_directory(const struct stat& status) { return S_ISDIR(status.st_mode); }

char type_of(const struct stat& status) {
  if (S_ISREG(status.st_mode)) return 'f';
  if (S_ISDIR(status.st_mode)) return 'd';
  return S_ISLNK(status.st_mode) ? 'l' : 'o';
}

std::uint64_t bytes_of(const struct stat& status) {
  return S_ISREG(status.st_mode) ? static_cast<std::uint64_t>(status.st_size) : 0;
}

std::optional<struct stat> status_of(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return std::nullopt;
  return status;
}

/// An extended attribute; empty where there is none.
std::string attribute_of(const std::string& path, const std::string& name) {
  std::array<char, 4096> value{};
  const ssize_t size = ::lgetxattr(path.c_str(), name.c_str(), value.data(), value.size());
  return size < 0 ? std::string() : std::string(value.data(), static_cast<std::size_t>(size));
}

std::string link_of(const std::string& path) {
  std::array<char, 4096> target{};
  const ssize_t size = ::readlink(path.c_str(), target.data(), target.size());
  return size < 0 ? std::string() : std::string(target.data(), static_cast<std::size_t>(size));
}

bool have_same_bytes(const std::string& one, const std::string& other) {
  const UniqueFd a(::open(one.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  const UniqueFd b(::open(other.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (a.get() < 0 || b.get() < 0) return false;
  constexpr std::size_t kChunk = std::size_t{64} << 10U;
  std::vector<char> left(kChunk), right(kChunk);
  off_t at = 0;
  while (true) {
    const ssize_t got = ::pread(a.get(), left.data(), kChunk, at);
    if (got < 0 || ::pread(b.get(), right.data(), kChunk, at) != got) return false;
    if (got == 0) return true;
    if (!std::equal(left.begin(), left.begin() + got, right.begin())) return false;
    at += got;
  }
}

/// Whether two things that are both no directory, or both one, differ; of directories what is in
/// them, and their time with it, does not count.
bool differ(const std::string& now_path, const struct stat& now, const std::string& then_path,
            const struct stat& then) {
  if (now.st_mode != then.st_mode || now.st_uid != then.st_uid || now.st_gid != then.st_gid ||
      now.st_rdev != then.st_rdev) {
    return true;
  }
  constexpr const char* kCapability = "security.capability";
  if (attribute_of(now_path, kCapability) != attribute_of(then_path, kCapability)) return true;
  if (is_directory(now)) return false;
  if (now.st_size != then.st_size || now.st_mtim.tv_sec != then.st_mtim.tv_sec ||
      now.st_mtim.tv_nsec != then.st_mtim.tv_nsec) {
    return true;
  }
  if (S_ISLNK(now.st_mode)) return link_of(now_path) != link_of(then_path);
  return S_ISREG(now.st_mode) && !have_same_bytes(now_path, then_path);
}

/// A directory of the upper layer that is still to be looked through, and what lies below it.
struct Visit {
  std::string path;                 ///< from the root, "" is the root itself
  std::vector<std::string> lowers;  ///< directories that it merges with, or hides
  bool hides = false;               ///< nothing of them is seen through it
};

/// Something of the layers below.
struct Below {
  std::string path;
  struct stat status {};
  std::vector<std::string> directories;  ///< those that are merged into it, if it is one
};

class Walk {
 public:
  explicit Walk(const OverlayLayers& layers)
      : layers_(layers), prefix_(layers.user_xattr ? "user.overlay." : "trusted.overlay.") {}

  Result<OverlayDiff> run() {
    std::vector<Visit> visits{{"", layers_.lowers, false}};
    if (!status_of(layers_.upper)) return failure("no such layer", layers_.upper, errno);
    while (!visits.empty()) {
      const Visit visit = std::move(visits.back());
      visits.pop_back();
      look_through(visit, visits);
    }
    add_parents();
    std::ranges::sort(diff_.changes, {}, &OverlayChange::path);
    return std::move(diff_);
  }

 private:
  [[nodiscard]] std::string overlay_attribute(const std::string& path, const char* name) const {
    return attribute_of(path, prefix_ + name);
  }
  // The second form, of Linux 6.7, is for layers that are overlays themselves.
  [[nodiscard]] bool is_whiteout(const std::string& path, const struct stat& status) const {
    if (S_ISCHR(status.st_mode)) return status.st_rdev == 0;
    if (!S_ISREG(status.st_mode) || status.st_size != 0) return false;
    return ::lgetxattr(path.c_str(), (prefix_ + "whiteout").c_str(), nullptr, 0) >= 0;
  }
  [[nodiscard]] bool is_opaque(const std::string& path) const {
    return overlay_attribute(path, "opaque") == "y";
  }

  /// What is seen at a name in these directories, the uppermost first.
  [[nodiscard]] std::optional<Below> find_below(const std::vector<std::string>& directories,
                                                const std::string& name) const {
    std::optional<Below> found;
    for (const std::string& directory : directories) {
      const std::string path = directory + '/' + name;
      const auto status = status_of(path);
      if (!status) continue;
      if (is_whiteout(path, *status)) break;
      if (!found) {
        found = Below{path, *status, {}};
      } else if (!is_directory(*status)) {
        break;
      }
      if (!is_directory(*status)) break;
      found->directories.push_back(path);
      if (is_opaque(path)) break;
    }
    return found;
  }

  std::set<std::string> names_in(const std::string& directory) {
    std::set<std::string> names;
    const std::unique_ptr<DIR, int (*)(DIR*)> list(::opendir(directory.c_str()), &::closedir);
    if (!list) {
      if (errno != ENOENT) note("cannot read " + directory);
      return names;
    }
    while (const dirent* const entry = ::readdir(list.get())) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace(name);
    }
    return names;
  }

  void look_through(const Visit& visit, std::vector<Visit>& visits) {
    const std::string here = layers_.upper + visit.path;
    const std::set<std::string> names = names_in(here);
    for (const std::string& name : names) {
      const auto status = status_of(here + '/' + name);
      if (!status) {
        note("cannot look at " + here + '/' + name);
        continue;
      }
      compare(visit, name, *status, visits);
    }
    if (!visit.hides) return;
    // No whiteouts stand for what a directory hides as a whole.
    std::set<std::string> hidden;
    for (const std::string& lower : visit.lowers) hidden.merge(names_in(lower));
    for (const std::string& name : hidden) {
      if (names.contains(name)) continue;
      if (const auto below = find_below(visit.lowers, name))
        deleted(visit.path + '/' + name, *below);
    }
  }

  void compare(const Visit& visit, const std::string& name, const struct stat& status,
               std::vector<Visit>& visits) {
    const std::string path = visit.path + '/' + name, now = layers_.upper + path;
    const auto below = find_below(visit.lowers, name);
    if (is_whiteout(now, status)) {
      if (below) deleted(path, *below);
      return;
    }
    if (!below) {
      add({ChangeKind::added, path, type_of(status), bytes_of(status), 0});
    } else if (differ(now, status, below->path, below->status)) {
      add({ChangeKind::changed, path, type_of(status), bytes_of(status), bytes_of(below->status)});
    }
    if (!is_directory(status)) return;
    Visit next{path, {}, visit.hides || is_opaque(now)};
    if (below && is_directory(below->status)) next.lowers = below->directories;
    redirect(now, next);
    visits.push_back(std::move(next));
  }

  // We mount without, but a kept upper layer may come from elsewhere.
  void redirect(const std::string& now, const Visit& visit) {
    if (!overlay_attribute(now, "redirect").empty()) {
      note(visit.path + " was renamed with its contents (redirect_dir), which are left out");
    }
  }

  void deleted(const std::string& path, const Below& below) {
    add({ChangeKind::deleted, path, type_of(below.status), 0, bytes_of(below.status)});
  }

  void add(OverlayChange change) {
    if (diff_.changes.size() >= OverlayDiff::kMaxChanges) {
      note("more than " + std::to_string(OverlayDiff::kMaxChanges) + " changes");
      return;
    }
    diff_.changes.push_back(std::move(change));
  }

  void note(const std::string& why) {
    if (diff_.incomplete.empty()) diff_.incomplete = why;
  }

  /// A directory is changed when something in it is.
  void add_parents() {
    std::set<std::string> known;
    for (const OverlayChange& change : diff_.changes) known.insert(change.path);
    std::vector<OverlayChange> parents;
    for (const OverlayChange& change : diff_.changes) {
      std::string path = change.path;
      while (true) {
        path.resize(path.rfind('/'));
        if (path.empty() || !known.insert(path).second) break;
        parents.push_back({ChangeKind::changed, path, 'd', 0, 0});
      }
    }
    diff_.changes.insert(diff_.changes.end(), parents.begin(), parents.end());
  }

  const OverlayLayers& layers_;
  std::string prefix_;
  OverlayDiff diff_;
};

}  // namespace

std::string_view name_of(OverlayChange::Kind kind) {
  switch (kind) {
    case ChangeKind::added:
      return "added";
    case ChangeKind::changed:
      return "changed";
    case ChangeKind::deleted:
      return "deleted";
  }
  return {};
}

Result<OverlayDiff> overlay_diff(const OverlayLayers& layers) { return Walk(layers).run(); }

}  // namespace cgmon
