#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cgmon {

/// One line of /proc/PID/mountinfo (proc_pid_mountinfo(5)), as far as cgroup file systems ask:
///
///     30 24 0:26 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct
struct Mount {
  std::string device;  ///< "MAJ:MIN": equal for mounts of the same hierarchy
  std::string root;    ///< which directory of the file system is mounted; may be "/../.."
  std::string point;   ///< where, unescaped
  std::string type;    ///< "cgroup", "cgroup2", …
  std::vector<std::string> super_options;
  bool read_only = false;  ///< the mount or its file system
};

/// One line, nothing when it is malformed. Octal escapes (\040 \011 \012 \134) are undone.
[[nodiscard]] std::optional<Mount> parse_mount(std::string_view line);

/// The mounts of the cgroup file systems, in the file's order. Other lines are left out; malformed
/// ones and a last line that was cut among them too.
[[nodiscard]] std::vector<Mount> parse_cgroup_mounts(std::string_view text);

}  // namespace cgmon
