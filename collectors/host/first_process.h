#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "collectors/kernel/files.h"
#include "collectors/parse/number.h"

namespace cgmon {

/// What cgroup.procs says of a cgroup's processes.
struct FirstProcess {
  std::uint32_t pid = 0;  ///< 0: none that this process can name
  bool hidden = false;    ///< there are some, in a PID namespace that this process is not in
  int error = 0;          ///< negative errno of reading it
};

/// The first process of `text`, the beginning of a cgroup.procs. On v2 a process that this one
/// cannot name is listed as 0, on v1 it is left out. Source: cgroup-v2.rst, "cgroup.procs".
[[nodiscard]] inline FirstProcess first_process(std::string_view text) {
  FirstProcess first;
  while (text.find('\n') != text.npos) {  // a number without a line's end may be cut
    const auto pid = parse_number(take_until(text, '\n'));
    if (!pid || *pid > UINT32_MAX) continue;
    if (*pid != 0) {
      first.pid = static_cast<std::uint32_t>(*pid);
      return first;
    }
    first.hidden = true;
  }
  return first;
}

/// Reads the beginning of a cgroup.procs below `directory`.
[[nodiscard]] FirstProcess read_first_process(Files& files, int directory, const char* path);

/// Whether this process is in a PID namespace of its own: the kernel gives the first one a fixed
/// inode (PROC_PID_INIT_INO). Then v1's cgroup.procs is silent about all others' processes.
[[nodiscard]] bool in_own_pid_namespace(Files& files);

/// How the PIDs that this process is told by cgroup.procs fit the procfs that it reads.
struct PidView {
  bool own_namespace = false;  ///< see in_own_pid_namespace()
  /// A PID of cgroup.procs is that of the same process in procfs. It is not where a container's
  /// agent reads the host's procfs and has a PID namespace of its own.
  bool fits_procfs = true;
};
[[nodiscard]] PidView pid_view(Files& files, const std::string& procfs);

}  // namespace cgmon
