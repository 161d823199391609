#include "agent/enforce/delegation.h"

#include <algorithm>
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

std::string delegated_above(std::string directory, const std::string& mount_point) {
  std::string found;
  while (directory.size() > mount_point.size()) {
    if (is_marked_delegated(directory)) found = directory;
    directory.resize(directory.rfind('/'));
  }
  return found;
}

std::vector<std::string> run_parents(Files& files, const Roots& roots, const Layout& layout) {
  std::string text;
  const std::string file = roots.procfs + "/self/cgroup";
  if (read_file(files, Files::kAbsolute, file.c_str(), kTextBytesMax, text) != 0) text.clear();
  const std::vector<ProcCgroup> lines = parse_proc_cgroup(text);
  std::vector<std::string> parents;
  for (const Hierarchy& hierarchy : layout.hierarchies) {
    parents.push_back(parent_in(hierarchy, own_path(lines, hierarchy)));
  }
  return parents;
}

}  // namespace cgmon
