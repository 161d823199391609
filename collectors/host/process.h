#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/base/result.h"
#include "collectors/kernel/files.h"
#include "collectors/parse/mountinfo.h"
#include "collectors/parse/proc_cgroup.h"

namespace cgmon {

/// Processes as /proc shows them. `procfs` is where it is for this process. A process may end
/// between two questions; then the answer is ENOENT or ESRCH.

/// The kinds of namespaces, by their names below /proc/PID/ns. Source: namespaces(7).
inline constexpr auto kNamespaces =
    std::to_array<std::string_view>({"mnt", "uts", "ipc", "pid", "net", "user", "cgroup", "time"});

/// A process' namespaces: inodes in the order of kNamespaces; 0 where the kernel lacks the kind.
using Namespaces = std::array<std::uint64_t, kNamespaces.size()>;

/// Takes the right to look into the process (ptrace read access): its uid and capabilities, or
/// CAP_SYS_PTRACE; EACCES without.
[[nodiscard]] Result<Namespaces> read_namespaces(Files& files, const std::string& procfs,
                                                 std::uint32_t pid);

/// Calls `visit` with each process that can be seen and its cgroups, in no particular order. Fails
/// when there is no /proc to list.
[[nodiscard]] Result<void> each_process(
    Files& files, const std::string& procfs,
    const std::function<void(std::uint32_t pid, std::span<const ProcCgroup>)>& visit);

/// The cgroups of one process.
[[nodiscard]] Result<std::vector<ProcCgroup>> read_cgroups(Files& files, const std::string& procfs,
                                                           std::uint32_t pid);

/// A process of /proc/PID/stat.
struct Process {
  std::string name;  ///< without arguments, any bytes
  std::uint64_t cpu_ticks = 0, start_ticks = 0, resident_pages = 0;  ///< as of ProcessStat
};
[[nodiscard]] Result<Process> read_process(Files& files, const std::string& procfs,
                                           std::uint32_t pid);

/// Whether others' processes are hidden (hidepid): PID 1's then is.
[[nodiscard]] bool hides_processes(Files& files, const std::string& procfs);

/// What a process sees as "/".
[[nodiscard]] Result<Mount> read_root_mount(Files& files, const std::string& procfs,
                                            std::uint32_t pid);

/// Where a file system is mounted with its own root on top, in the mount namespace of `process`: a
/// PID or "self". Empty where it is not.
[[nodiscard]] std::string find_mount_point(Files& files, const std::string& procfs,
                                           std::string_view process, const Mount& mount);

}  // namespace cgmon
