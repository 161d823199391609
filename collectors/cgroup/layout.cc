#include "collectors/cgroup/layout.h"

#include <algorithm>
#include <cerrno>
#include <map>
#include <optional>
#include <span>

#include "collectors/parse/mountinfo.h"
#include "collectors/parse/number.h"
#include "collectors/parse/proc_cgroup.h"

namespace cgmon {
namespace {

constexpr std::int64_t kCgroup2Magic = 0x63677270;
constexpr std::int64_t kCgroup1Magic = 0x27e0eb;
constexpr std::size_t kMaxMountinfo = 16U << 20U;
constexpr std::size_t kMaxPageSizes = 16;

std::optional<Controller> controller_named(std::string_view name) {
  for (std::size_t i = 0; i < kControllers; ++i) {
    const auto controller = static_cast<Controller>(i);
    const bool real = controller != Controller::core && controller != Controller::psi &&
                      controller != Controller::proc && controller != Controller::agent;
    if (real && name_of(controller) == name) return controller;
  }
  return std::nullopt;
}

bool is_at_or_below(std::string_view path, std::string_view top) {
  if (top == "/" || path == top) return true;
  return path.starts_with(top) && path.substr(top.size()).starts_with('/');
}

std::string without_slash(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

bool exists(Files& files, const std::string& path) {
  FileStatus status;
  return files.status(Files::kAbsolute, path.c_str(), status) == 0;
}

std::string read_text(Files& files, const std::string& path) {
  std::string text;
  if (read_file(files, Files::kAbsolute, path.c_str(), 65536, text) != 0) text.clear();
  return text;
}

/// The controllers that the v2 tree itself has: "cpuset cpu io memory pids\n", possibly empty.
std::vector<Controller> unified_controllers(Files& files, const std::string& mount_point) {
  std::vector<Controller> found;
  const std::string text = read_text(files, mount_point + "/cgroup.controllers");
  std::string_view words = std::string_view(text).substr(0, text.find('\n'));
  while (!words.empty()) {
    if (const auto controller = controller_named(take_word(words))) found.push_back(*controller);
  }
  return found;
}

/// Whether the directory is the host's root cgroup. On v2 only children have cgroup.events (and,
/// since 4.14, cgroup.type); on v1 only the root has release_agent.
bool is_real_root(Files& files, const Hierarchy& hierarchy) {
  if (hierarchy.version == Version::v2) {
    return !exists(files, hierarchy.mount_point + "/cgroup.type") &&
           !exists(files, hierarchy.mount_point + "/cgroup.events");
  }
  return exists(files, hierarchy.mount_point + "/release_agent") ||
         exists(files, hierarchy.mount_point + "/cgroup.sane_behavior");
}

void finish(Files& files, Hierarchy& hierarchy) {
  hierarchy.real_root = is_real_root(files, hierarchy);
  // A root of "/.." lies above this process' namespace: what is mounted there is not known by a
  // path, so paths begin at the mount's top.
  const bool named = hierarchy.mount_root != "/" && !hierarchy.mount_root.starts_with("/..");
  hierarchy.prefix = named && !hierarchy.real_root ? hierarchy.mount_root : "";
}

Hierarchy hierarchy_of(Files& files, const Mount& mount) {
  Hierarchy hierarchy;
  hierarchy.version = mount.type == "cgroup2" ? Version::v2 : Version::v1;
  hierarchy.mount_point = mount.point;
  hierarchy.mount_root = mount.root;
  hierarchy.read_only = mount.read_only;
  if (hierarchy.version == Version::v2) {
    hierarchy.controllers = unified_controllers(files, mount.point);
  } else {
    for (const std::string& option : mount.super_options) {
      if (option.starts_with("name=")) hierarchy.name = option.substr(5);
      if (const auto controller = controller_named(option)) {
        hierarchy.controllers.push_back(*controller);
      }
    }
  }
  finish(files, hierarchy);
  return hierarchy;
}

/// How many cgroups above this process' namespace a mount begins: "/../.." is two.
std::size_t levels_up(std::string_view mount_root) {
  std::size_t levels = 0;
  for (; mount_root.starts_with("/.."); ++levels) mount_root.remove_prefix(3);
  return levels;
}

/// Whether `a` shows cgroups of a hierarchy that `b`, another mount of it, does not.
bool shows_more(const Hierarchy& a, const Hierarchy& b) {
  if (a.real_root != b.real_root) return a.real_root;
  const std::size_t a_up = levels_up(a.mount_root);
  const std::size_t b_up = levels_up(b.mount_root);
  if (a_up != b_up) return a_up > b_up;
  return a.mount_root.size() < b.mount_root.size();
}

/// The cgroup mounts that can be reached, later ones hiding earlier ones at the same point.
std::vector<Mount> reachable_mounts(Files& files, std::string_view mountinfo) {
  std::vector<Mount> mounts;
  for (Mount& mount : parse_cgroup_mounts(mountinfo)) {
    std::erase_if(mounts, [&](const Mount& earlier) { return earlier.point == mount.point; });
    mounts.push_back(std::move(mount));
  }
  // A later mount further up hides what was below it: another file system answers there.
  std::erase_if(mounts, [&](const Mount& mount) {
    const std::int64_t expected = mount.type == "cgroup2" ? kCgroup2Magic : kCgroup1Magic;
    return files.filesystem(mount.point.c_str()) != expected;
  });
  return mounts;
}

/// Adds the hierarchies that are mounted below `top`, each by the mount that shows most of it.
/// `by_device` knows what was found before, which stays as it is.
void add_mounted_below(Files& files, std::span<const Mount> mounts, std::string_view top,
                       std::map<std::string, std::size_t>& by_device,
                       std::vector<Hierarchy>& found) {
  const std::size_t found_before = found.size();
  for (const Mount& mount : mounts) {
    if (!is_at_or_below(mount.point, top)) continue;
    Hierarchy hierarchy = hierarchy_of(files, mount);
    const auto [at, is_new] = by_device.try_emplace(mount.device, found.size());
    if (is_new) {
      found.push_back(std::move(hierarchy));
    } else if (at->second >= found_before && shows_more(hierarchy, found[at->second])) {
      found[at->second] = std::move(hierarchy);
    }
  }
}

/// Without mountinfo's help (a captured tree, a bind mount of a directory): by what lies there.
std::vector<Hierarchy> from_tree_shape(Files& files, const std::string& top) {
  std::vector<Hierarchy> found;
  const auto add = [&](const std::string& point, std::string_view names) {
    Hierarchy hierarchy;
    hierarchy.mount_point = point;
    if (exists(files, point + "/cgroup.controllers")) {
      hierarchy.version = Version::v2;
      hierarchy.controllers = unified_controllers(files, point);
    } else if (exists(files, point + "/cgroup.procs")) {
      while (!names.empty()) {
        const std::string_view name = take_until(names, ',');
        if (const auto controller = controller_named(name)) {
          hierarchy.controllers.push_back(*controller);
        }
        if (name == "systemd") hierarchy.name = name;
      }
      if (hierarchy.controllers.empty() && hierarchy.name.empty()) return;
    } else {
      return;
    }
    finish(files, hierarchy);
    found.push_back(std::move(hierarchy));
  };
  if (exists(files, top + "/cgroup.controllers")) {
    add(top, "");
    return found;
  }
  DirectoryListing listing;
  if (files.list_directories(Files::kAbsolute, top.c_str(), listing) != 0) return found;
  std::vector<std::string> names;  // listings have no order, a layout has
  for (const auto& entry : listing.entries()) names.emplace_back(listing.name(entry));
  std::ranges::sort(names);
  for (const std::string& name : names) add(std::string(top).append("/").append(name), name);
  return found;
}

/// The configured place decides: what is mounted below it, then what lies there, and only where
/// there is nothing at all, what is mounted anywhere on the host.
std::vector<Hierarchy> find_hierarchies(Files& files, const Roots& roots,
                                        std::string_view mountinfo,
                                        std::vector<std::string>& notes) {
  const std::string cgroupfs = without_slash(roots.cgroupfs);
  const std::vector<Mount> mounts = reachable_mounts(files, mountinfo);
  std::vector<Hierarchy> found;
  std::map<std::string, std::size_t> by_device;
  add_mounted_below(files, mounts, cgroupfs, by_device, found);
  if (found.empty()) {
    found = from_tree_shape(files, cgroupfs);
    if (!found.empty()) {
      notes.push_back("No cgroup mount is listed at " + cgroupfs +
                      ": its hierarchies were told by their files.");
      return found;
    }
  }
  // Others of the same host that are mounted elsewhere: a v2 tree beside v1, Android's /dev/memcg.
  add_mounted_below(files, mounts, without_slash(roots.rootfs), by_device, found);
  return found;
}

/// systemd's words: a v2 tree in the usual place is unified, whatever v1 hierarchy was mounted too.
Mode mode_of(const std::vector<Hierarchy>& hierarchies, const std::string& cgroupfs) {
  for (const Hierarchy& hierarchy : hierarchies) {
    if (hierarchy.version == Version::v2 && hierarchy.mount_point == cgroupfs) {
      return Mode::unified;
    }
  }
  const auto count = [&](Version version) {
    return std::ranges::count(hierarchies, version, &Hierarchy::version);
  };
  if (count(Version::v2) == 0) return count(Version::v1) == 0 ? Mode::none : Mode::legacy;
  return count(Version::v1) == 0 ? Mode::unified : Mode::hybrid;
}

void assign_controllers(Layout& layout) {
  const auto serve = [&](Controller controller, std::size_t hierarchy) {
    auto& state = layout.controllers[static_cast<std::size_t>(controller)];
    if (state.hierarchy < 0) state.hierarchy = static_cast<std::int8_t>(hierarchy);
  };
  for (const Version version : {Version::v2, Version::v1}) {  // the v2 tree has the first word
    for (std::size_t i = 0; i < layout.hierarchies.size(); ++i) {
      const Hierarchy& hierarchy = layout.hierarchies[i];
      if (hierarchy.version != version) continue;
      if (version == Version::v2) {
        serve(Controller::core, i);
        if (layout.psi == PsiState::per_cgroup) serve(Controller::psi, i);
      }
      for (const Controller controller : hierarchy.controllers) {
        serve(controller, i);
        // Since 6.14 /proc/cgroups leaves out controllers that have no v1 interface.
        layout.controllers[static_cast<std::size_t>(controller)].known = true;
      }
    }
  }
}

void read_kernel_controllers(Files& files, const Roots& roots, Layout& layout) {
  const std::string text = read_text(files, roots.procfs + "/cgroups");
  for (const KernelController& kernel : parse_proc_cgroups(text)) {
    const auto set = [&](Controller controller) {
      auto& state = layout.controllers[static_cast<std::size_t>(controller)];
      state.known = true;
      state.enabled = kernel.enabled;
    };
    if (const auto controller = controller_named(kernel.name)) set(*controller);
    // /proc/cgroups calls v2's io by its v1 name.
    if (kernel.name == name_of(Controller::blkio)) set(Controller::io);
  }
}

/// A file may be there and say EOPNOTSUPP when opened or read: PSI was switched off (psi=0).
bool pressure_readable(Files& files, const std::string& path) {
  std::string text;
  return read_file(files, Files::kAbsolute, path.c_str(), 4096, text) == 0 && !text.empty();
}

PsiState psi_state(Files& files, const Roots& roots, const Layout& layout) {
  const bool host = pressure_readable(files, roots.procfs + "/pressure/cpu");
  for (const Hierarchy& hierarchy : layout.hierarchies) {
    if (hierarchy.version != Version::v2) continue;
    // The v2 root has the files since 6.1 or so, children since 4.20; with /proc/pressure there,
    // children have them whatever the root has.
    if (host || pressure_readable(files, hierarchy.mount_point + "/cpu.pressure")) {
      return PsiState::per_cgroup;
    }
  }
  return host ? PsiState::host_only : PsiState::off;
}

/// The sizes of huge pages by the directories of /sys/kernel/mm/hugepages ("hugepages-2048kB"),
/// smallest first, in the words of the hugetlb controller's files (mm/hugetlb_cgroup.c, mem_fmt).
std::vector<std::string> page_sizes(Files& files, const Roots& roots) {
  constexpr std::string_view kPrefix = "hugepages-", kSuffix = "kB";
  constexpr std::uint64_t kMiB = 1024, kGiB = 1024 * kMiB;  // in KiB
  DirectoryListing listing;
  const std::string path = without_slash(roots.sysfs) + "/kernel/mm/hugepages";
  if (files.list_directories(Files::kAbsolute, path.c_str(), listing) != 0) return {};
  std::vector<std::uint64_t> sizes;
  for (const DirectoryListing::Entry& entry : listing.entries()) {
    std::string_view name = listing.name(entry);
    if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) continue;
    name.remove_prefix(kPrefix.size());
    const auto kibibytes = parse_number(name.substr(0, name.size() - kSuffix.size()));
    if (kibibytes && sizes.size() < kMaxPageSizes) sizes.push_back(*kibibytes);
  }
  std::ranges::sort(sizes);
  std::vector<std::string> names;
  for (const std::uint64_t size : sizes) {
    names.push_back(size >= kGiB   ? std::to_string(size / kGiB) + "GB"
                    : size >= kMiB ? std::to_string(size / kMiB) + "MB"
                                   : std::to_string(size) + "KB");
  }
  return names;
}

}  // namespace

const char* name_of(Mode mode) {
  switch (mode) {
    case Mode::none:
      return "none";
    case Mode::legacy:
      return "legacy";
    case Mode::hybrid:
      return "hybrid";
    case Mode::unified:
      return "unified";
  }
  return "none";
}

int Layout::master() const {
  for (std::size_t i = 0; i < hierarchies.size(); ++i) {
    if (hierarchies[i].version == Version::v2 && !hierarchies[i].controllers.empty() &&
        mode == Mode::unified) {
      return static_cast<int>(i);
    }
  }
  // Without either, the first that was mounted, which is another at each boot.
  for (const Controller controller : {Controller::memory, Controller::cpu}) {
    if (serving(controller) >= 0) return serving(controller);
  }
  return hierarchies.empty() ? -1 : 0;
}

int Layout::named_systemd() const {
  for (std::size_t i = 0; i < hierarchies.size(); ++i) {
    if (hierarchies[i].name == "systemd") return static_cast<int>(i);
  }
  return -1;
}

bool Layout::restricted() const {
  const int at = master();
  return at >= 0 && !hierarchies[static_cast<std::size_t>(at)].real_root;
}

Result<Layout> detect_layout(Files& files, const Roots& roots) {
  Layout layout;
  // This process' own mountinfo: only what it says can be opened here. (The host's, in
  // <procfs>/1/mountinfo, names places of another mount namespace.)
  std::string text;
  const int error = read_file(files, Files::kAbsolute, "/proc/self/mountinfo", kMaxMountinfo, text);
  if (error != 0) {
    layout.notes.push_back("/proc/self/mountinfo cannot be read (" +
                           std::string(errno_name(-error)) + "): cgroup mounts were guessed from " +
                           roots.cgroupfs + ".");
  }
  layout.hierarchies = find_hierarchies(files, roots, text, layout.notes);
  if (layout.hierarchies.size() > kMaxHierarchies) {
    layout.notes.push_back("More than " + std::to_string(kMaxHierarchies) +
                           " hierarchies: the rest is not read.");
    layout.hierarchies.resize(kMaxHierarchies);
  }
  layout.mode = mode_of(layout.hierarchies, without_slash(roots.cgroupfs));
  layout.psi = psi_state(files, roots, layout);
  read_kernel_controllers(files, roots, layout);
  assign_controllers(layout);
  layout.page_sizes = page_sizes(files, roots);
  return layout;
}

}  // namespace cgmon
