#include "agent/inspect_target.h"

#include <algorithm>
#include <utility>

#include "agent/expose/terminal_text.h"
#include "collectors/base/edit_distance.h"
#include "collectors/host/process.h"
#include "collectors/identity/utf8.h"
#include "collectors/parse/number.h"

namespace cgmon {
namespace {

constexpr std::size_t kSuggestions = 5;
constexpr std::size_t kListed = 20;
constexpr std::size_t kNameBytesMax = 80;  // the distance costs the product of the lengths

std::string_view last_part(std::string_view path) { return path.substr(path.rfind('/') + 1); }

/// One slash in front, none behind.
std::string tidy(std::string_view path) {
  while (path.starts_with('/')) path.remove_prefix(1);
  while (path.ends_with('/')) path.remove_suffix(1);
  return '/' + std::string(path);
}

/// Everything that one cgroup may be called.
std::vector<std::string_view> names_of(const CgroupLabels& labels) {
  std::vector<std::string_view> names;
  for (const std::string_view name :
       {std::string_view(labels.name), std::string_view(labels.unit), std::string_view(labels.pod),
        std::string_view(labels.container), last_part(labels.id)}) {
    if (!name.empty() && std::ranges::find(names, name) == names.end()) names.push_back(name);
  }
  return names;
}

class Search {
 public:
  Search(std::string_view what, const Layout& layout, const Snapshot& snapshot)
      : what_(what), layout_(layout), snapshot_(snapshot) {}

  [[nodiscard]] Result<Slot> find() const {
    if (what_.empty()) return failure("nothing to look for");
    if (what_.find('/') != what_.npos) {
      const Slot slot = by_path();
      return slot != kNoSlot ? Result<Slot>(slot) : unknown();
    }
    // The name of a container counts before a path's last part, which anyone may choose.
    const auto is_name = [&](const CgroupLabels& labels) { return labels.name == what_; };
    const auto is_any = [&](const CgroupLabels& labels) {
      const std::vector<std::string_view> names = names_of(labels);
      return std::ranges::find(names, what_) != names.end();
    };
    const auto has_id = [&](const CgroupLabels& labels) {
      return labels.container_id.starts_with(what_);
    };
    if (const auto found = all(is_name); !found.empty()) return one_of(found);
    if (const auto found = all(is_any); !found.empty()) return one_of(found);
    if (const auto found = all(has_id); !found.empty()) return one_of(found);
    return unknown();
  }

 private:
  template <class Accepts>
  [[nodiscard]] std::vector<Slot> all(Accepts accepts) const {
    std::vector<Slot> found;
    for (const Slot slot : snapshot_.order) {
      if (snapshot_.labels[slot] && accepts(*snapshot_.labels[slot])) found.push_back(slot);
    }
    return found;
  }

  [[nodiscard]] Slot at(const std::string& path) const {
    const std::string id = repair_path(path);
    const auto found = all([&](const CgroupLabels& labels) { return labels.id == id; });
    return found.empty() ? kNoSlot : found.front();
  }

  /// A path below a mount point, of which the longest counts, else the cgroup's own.
  [[nodiscard]] Slot by_path() const {
    const std::string path = tidy(what_);
    const Hierarchy* below = nullptr;
    for (const Hierarchy& hierarchy : layout_.hierarchies) {
      const std::string point = tidy(hierarchy.mount_point);
      const bool fits = path == point || path.starts_with(point + '/');
      if (fits && (below == nullptr || hierarchy.mount_point.size() > below->mount_point.size())) {
        below = &hierarchy;
      }
    }
    if (below != nullptr) {
      const std::string rest = path.substr(tidy(below->mount_point).size());
      const Slot slot = at(tidy(below->prefix + rest));
      if (slot != kNoSlot) return slot;
    }
    return at(path);
  }

  [[nodiscard]] Result<Slot> one_of(const std::vector<Slot>& found) const {
    if (found.size() == 1) return found.front();
    std::string text = quoted() + " may be any of " + std::to_string(found.size()) +
                       " cgroups; give its id or its path:";
    for (std::size_t i = 0; i < std::min(found.size(), kListed); ++i) {
      const CgroupLabels& labels = *snapshot_.labels[found[i]];
      text += "\n  " + terminal_safe(labels.id);
      if (!labels.name.empty()) text += "  (" + terminal_safe(labels.name) + ")";
    }
    if (found.size() > kListed) text += "\n  …";
    return failure(text);
  }

  [[nodiscard]] tl::unexpected<Error> unknown() const {
    std::string text = "no cgroup is called " + quoted() +
                       ": it is no name of a container, unit or pod, no id that begins so, no "
                       "process and no path";
    const std::vector<std::string> near = nearest();
    for (std::size_t i = 0; i < near.size(); ++i) {
      text += i == 0 ? "; did you mean " : i + 1 == near.size() ? " or " : ", ";
      text += near[i];
    }
    return failure(text + (near.empty() ? "" : "?"));
  }

  /// Names that hold the word, or that are a few typos away, the nearest first.
  [[nodiscard]] std::vector<std::string> nearest() const {
    std::vector<std::pair<std::size_t, std::string>> near;
    const std::string_view word = last_part(what_);
    if (word.empty() || word.size() > kNameBytesMax) return {};
    const std::size_t furthest = std::max<std::size_t>(word.size() <= 3 ? 1 : 2, word.size() / 5);
    for (const Slot slot : snapshot_.order) {
      if (!snapshot_.labels[slot]) continue;
      for (const std::string_view name : names_of(*snapshot_.labels[slot])) {
        if (name.size() > kNameBytesMax) continue;
        const bool holds = word.size() >= 3 && name.find(word) != name.npos;
        const std::size_t distance = edit_distance(word, name);
        if (!holds && distance > furthest) continue;
        near.emplace_back(std::min(distance, furthest + (holds ? 0U : 1U)), terminal_safe(name));
      }
    }
    std::ranges::sort(near);
    std::vector<std::string> names;
    for (const auto& [distance, name] : near) {
      const bool known = std::ranges::find(names, name) != names.end();
      if (!known && names.size() < kSuggestions) names.push_back(name);
    }
    return names;
  }

  [[nodiscard]] std::string quoted() const { return '"' + terminal_safe(what_) + '"'; }

  std::string_view what_;
  const Layout& layout_;
  const Snapshot& snapshot_;
};

}  // namespace

const ProcCgroup* line_of(std::span<const ProcCgroup> lines, const Hierarchy& hierarchy) {
  for (const ProcCgroup& line : lines) {
    if (hierarchy.version == Version::v2) {
      if (line.hierarchy == 0) return &line;
      continue;
    }
    if (line.hierarchy == 0) continue;
    const std::string wanted = hierarchy.name.empty()
                                   ? hierarchy.controllers.empty()
                                         ? std::string()
                                         : std::string(name_of(hierarchy.controllers.front()))
                                   : "name=" + hierarchy.name;
    std::string_view rest = line.controllers;
    while (!rest.empty()) {
      if (take_until(rest, ',') == wanted) return &line;
    }
  }
  return nullptr;
}

Slot cgroup_of_process(std::span<const ProcCgroup> lines, const Layout& layout,
                       const Snapshot& snapshot) {
  Slot deepest = kNoSlot;
  for (const Hierarchy& hierarchy : layout.hierarchies) {
    const ProcCgroup* const line = line_of(lines, hierarchy);
    if (line == nullptr) continue;
    const std::string id = repair_path(line->path);
    for (const Slot slot : snapshot.order) {
      if (!snapshot.labels[slot] || snapshot.labels[slot]->id != id) continue;
      if (deepest == kNoSlot || id.size() > snapshot.labels[deepest]->id.size()) deepest = slot;
    }
  }
  return deepest;
}

Result<Slot> find_cgroup(std::string_view what, const Layout& layout, const Snapshot& snapshot) {
  return Search(what, layout, snapshot).find();
}

Result<Slot> find_cgroup_or_process(std::string_view what, Files& files, const Roots& roots,
                                    const Layout& layout, const Snapshot& snapshot) {
  const auto pid = parse_number(what);
  if (!pid || *pid == 0 || *pid > UINT32_MAX) return find_cgroup(what, layout, snapshot);
  const auto lines = read_cgroups(files, roots.procfs, static_cast<std::uint32_t>(*pid));
  if (!lines) return find_cgroup(what, layout, snapshot);  // digits begin ids, too
  const Slot slot = cgroup_of_process(*lines, layout, snapshot);
  if (slot != kNoSlot) return slot;
  return failure("process " + std::string(what) +
                 " is in no cgroup that can be seen from here (docker: --cgroupns=host)");
}

std::vector<std::string> directories_of(std::string_view path, Files& files, const Layout& layout) {
  std::vector<std::string> directories;
  for (const Hierarchy& hierarchy : layout.hierarchies) {
    directories.emplace_back();
    if (!path.starts_with(hierarchy.prefix)) continue;
    std::string_view rest = path.substr(hierarchy.prefix.size());
    if (rest == "/") rest = {};
    const std::string directory = hierarchy.mount_point + std::string(rest);
    FileStatus status;
    if (files.status(Files::kAbsolute, directory.c_str(), status) == 0) {
      directories.back() = directory;
    }
  }
  return directories;
}

}  // namespace cgmon
