#include "agent/enforce/target.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string_view>

#include "agent/enforce/delegation.h"
#include "agent/enforce/system.h"
#include "collectors/parse/number.h"
#include "collectors/parse/process_files.h"

namespace cgmon {
namespace {

constexpr std::size_t kTextBytesMax = std::size_t{64} << 10U;

/// The first line of a file; empty without one.
std::string line_of(Files& files, const std::string& path) {
  std::string text;
  if (read_file(files, Files::kAbsolute, path.c_str(), kTextBytesMax, text) != 0) return {};
  return text.substr(0, text.find('\n'));
}

/// Whether the path goes through a service, scope or slice of systemd; the root is one, "-.slice".
bool is_of_systemd(std::string_view path) {
  if (path == "/") return true;
  while (!path.empty()) {
    const std::string_view part = take_until(path, '/');
    if (part.ends_with(".service") || part.ends_with(".scope") || part.ends_with(".slice")) {
      return true;
    }
  }
  return false;
}

/// The number behind "Key:\t" in a text of /proc/PID/status.
std::uint64_t status_of(std::string_view text, std::string_view key, int base) {
  const std::size_t at = text.find(key);
  if (at == text.npos) return 0;
  return std::strtoull(std::string(text.substr(at + key.size(), 20)).c_str(), nullptr, base);
}

Result<void> check_hierarchy(Files& files, const Hierarchy& hierarchy, const std::string& directory,
                             const std::string& name) {
  if (!is_writable(directory) || !is_writable(directory + "/cgroup.procs")) {
    return failure("--into: uid " + std::to_string(::geteuid()) + " may not put a process below " +
                       name + "; run it as root, or have the cgroup handed to this user (chown)",
                   directory);
  }
  const std::string type = line_of(files, directory + "/cgroup.type");
  if (hierarchy.version == Version::v2 && !type.empty() && type != "domain") {
    return failure("--into: the cgroup is of type `" + type +
                       "`, below which no process can be started; name the one above it",
                   directory);
  }
  // Since Linux 5.11 all are.
  if (line_of(files, directory + "/memory.use_hierarchy") == "0") {
    return failure(
        "--into: its memory limit does not hold for cgroups below it (memory.use_hierarchy is 0)",
        directory);
  }
  return {};
}

}  // namespace

Result<void> check_target(Files& files, const Layout& layout, const RunTarget& target,
                          bool is_systemds) {
  bool is_there = false, is_handed = false;
  for (std::size_t i = 0; i < target.directories.size(); ++i) {
    const std::string& directory = target.directories[i];
    if (directory.empty()) continue;
    const Hierarchy& hierarchy = layout.hierarchies[i];
    if (auto fine = check_hierarchy(files, hierarchy, directory, target.name); !fine) return fine;
    is_there = true;
    is_handed = is_handed || !delegated_above(directory, hierarchy.mount_point).empty();
  }
  if (!is_there) return failure("--into: the cgroup of " + target.name + " has gone", target.path);
  if (!is_systemds || is_handed || !is_of_systemd(target.path)) return {};
  return failure("--into: systemd manages " + target.path +
                 " and has not handed it over (Delegate=yes of the unit); --force makes a cgroup "
                 "there all the same");
}

Result<void> find_process(Files& files, const Roots& roots, NamespaceSet wanted,
                          RunTarget& target) {
  std::vector<pid_t> pids;
  for (const std::string& directory : target.directories) {
    if (!directory.empty() && pids.empty()) pids = processes_below(directory);
  }
  std::uint64_t first = UINT64_MAX;
  for (const pid_t pid : pids) {
    std::string text;  // all of it: the name may hold a line's end
    const std::string path = roots.procfs + '/' + std::to_string(pid) + "/stat";
    if (read_file(files, Files::kAbsolute, path.c_str(), kTextBytesMax, text) != 0) continue;
    const auto stat = parse_process_stat(text);
    if (!stat || stat->start_ticks >= first) continue;
    first = stat->start_ticks;
    target.process = pid;
  }
  if (target.process < 0) {
    return failure("--join: " + target.name +
                   " has no process (any more) whose namespaces one "
                   "could join");
  }
  target.pidfd = open_process(target.process);
  if (target.pidfd < 0 && errno != ESRCH) {
    return failure("--join: cannot hold process " + std::to_string(target.process) +
                       " by a pidfd, which takes Linux 5.8",
                   {}, errno);
  }
  const std::string directory = roots.procfs + '/' + std::to_string(target.process);
  for (std::size_t i = 0; i < kNamespaceNames.size(); ++i) {
    const auto kind = static_cast<Namespace>(i);
    if ((wanted & bit(kind)) == 0) continue;
    const std::string name =
        "/ns/" + std::string(kind == Namespace::mount ? "mnt" : kNamespaceNames[i]);
    std::string theirs, ours;
    const int error = files.read_link(Files::kAbsolute, (directory + name).c_str(), theirs);
    if (error == -ENOENT) continue;  // this kernel has no such kind, or the process has gone
    if (error != 0) {
      return failure("--join: uid " + std::to_string(::geteuid()) +
                         " may not see the namespaces of process " +
                         std::to_string(target.process) + "; it takes CAP_SYS_PTRACE",
                     directory + name, -error);
    }
    if (files.read_link(Files::kAbsolute, (roots.procfs + "/self" + name).c_str(), ours) != 0 ||
        ours != theirs) {
      target.join |= bit(kind);
    }
  }
  std::string status;
  if (read_file(files, Files::kAbsolute, (directory + "/status").c_str(), kTextBytesMax, status) ==
      0) {
    target.bounding = status_of(status, "\nCapBnd:\t", 16);
    target.no_new_privileges = status_of(status, "\nNoNewPrivs:\t", 10) != 0;
    target.has_filter = status_of(status, "\nSeccomp:\t", 10) == 2;
  }
  // What was read is of the process that the pidfd is of if that lives now.
  if (!is_alive(target.pidfd)) {
    return failure("--join: the oldest process of " + target.name + " ended just now");
  }
  return {};
}

}  // namespace cgmon
