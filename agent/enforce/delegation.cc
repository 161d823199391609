#include "agent/enforce/delegation.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "agent/enforce/system.h"
#include "collectors/parse/proc_cgroup.h"

namespace cgmon {
namespace {

constexpr std::size_t kTextBytesMax = std::size_t{64} << 10U;

/// The path of this process' cgroup in a hierarchy; empty where that is not known.
std::string own_path(const std::vector<ProcCgroup>& lines, const Hierarchy& hierarchy) {
  for (const ProcCgroup& line : lines) {
    if (hierarchy.version == Version::v2) {
      if (line.hierarchy == 0) return line.path;
      continue;
    }
    const std::string name = hierarchy.controllers.empty()
                                 ? "name=" + hierarchy.name
                                 : std::string(name_of(hierarchy.controllers.front()));
    if ((',' + line.controllers + ',').find(',' + name + ',') != std::string::npos) {
      return line.path;
    }
  }
  return {};
}

std::vector<ProcCgroup> own_cgroups(Files& files, const Roots& roots) {
  std::string text;
  const std::string file = roots.procfs + "/self/cgroup";
  if (read_file(files, Files::kAbsolute, file.c_str(), kTextBytesMax, text) != 0) text.clear();
  return parse_proc_cgroup(text);
}

/// To make a cgroup below, and to move a process there from another one below.
bool is_ours(const std::string& directory) {
  return is_writable(directory) && is_writable(directory + "/cgroup.procs");
}

std::string parent_in(const Hierarchy& hierarchy, std::string path) {
  if (is_ours(hierarchy.mount_point)) return hierarchy.mount_point;
  if (!path.starts_with(hierarchy.prefix)) return {};
  path.erase(0, hierarchy.prefix.size());
  std::string found;
  while (path.size() > 1) {
    const std::string directory = hierarchy.mount_point + path;
    if (is_ours(directory)) found = directory;
    path.resize(path.rfind('/'));
  }
  return found;
}

}  // namespace

bool is_managed_by_systemd(const Hierarchy& hierarchy) {
  // CGROUP_MASK_V1 of systemd 252, its own named hierarchy, and v2's tree.
  constexpr std::array kManaged{Controller::cpu,    Controller::cpuacct, Controller::blkio,
                                Controller::memory, Controller::devices, Controller::pids};
  return hierarchy.version == Version::v2 || hierarchy.name == "systemd" ||
         std::ranges::any_of(hierarchy.controllers, [&](Controller controller) {
           return std::ranges::find(kManaged, controller) != kManaged.end();
         });
}

Result<DelegatedUnit> delegated_unit(Files& files, const Roots& roots, const Layout& layout) {
  const std::vector<ProcCgroup> lines = own_cgroups(files, roots);
  std::string unit, unit_directory;
  for (const Hierarchy& hierarchy : layout.hierarchies) {
    // The mark is in systemd's own tree: v2's, or the named one of v1.
    if (hierarchy.version != Version::v2 && hierarchy.name != "systemd") continue;
    const std::string path = own_path(lines, hierarchy);
    if (!path.starts_with(hierarchy.prefix)) continue;
    const std::string found = delegated_above(
        hierarchy.mount_point + path.substr(hierarchy.prefix.size()), hierarchy.mount_point);
    if (!found.empty()) unit = found.substr(hierarchy.mount_point.size()), unit_directory = found;
  }
  if (unit.empty()) {
    return failure(
        "systemd manages the cgroups of this host, and a tree with two managers is a tree that one "
        "of them breaks; take --driver=systemd, or start the agent in a unit with Delegate=yes, or "
        "--force makes /cgmon-run beside systemd's own all the same");
  }
  DelegatedUnit found;
  for (const Hierarchy& hierarchy : layout.hierarchies) {
    const std::string path = own_path(lines, hierarchy);
    const bool is_below = path == unit || path.starts_with(unit + '/');
    const std::string own = hierarchy.mount_point + unit;
    if (!is_managed_by_systemd(hierarchy)) {
      found.parents.push_back(hierarchy.mount_point);
    } else {
      found.parents.push_back(is_below ? own : "");
    }
    if (hierarchy.version != Version::v2 || !is_below) continue;
    if (path == unit) found.leave = own;
    for (const pid_t pid : processes_in(own)) {
      if (pid == ::getpid()) continue;
      return failure("--driver=cgroupfs: process " + std::to_string(pid) +
                         " is in the unit's own cgroup, too, and on v2 none may hold both "
                         "processes and cgroups with limits; start the agent as the unit's "
                         "command, or move the others to a cgroup below it",
                     own);
    }
  }
  return found;
}

std::string delegated_above(std::string directory, const std::string& mount_point) {
  std::string found;
  while (directory.size() > mount_point.size()) {
    if (is_marked_delegated(directory)) found = directory;
    directory.resize(directory.rfind('/'));
  }
  return found;
}

std::vector<std::string> run_parents(Files& files, const Roots& roots, const Layout& layout) {
  const std::vector<ProcCgroup> lines = own_cgroups(files, roots);
  std::vector<std::string> parents;
  for (const Hierarchy& hierarchy : layout.hierarchies) {
    parents.push_back(parent_in(hierarchy, own_path(lines, hierarchy)));
  }
  return parents;
}

}  // namespace cgmon
