#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cgmon {

/// One line of /proc/PID/mountinfo (proc_pid_mountinfo(5)), as far as this project asks:
///
///     30 24 0:26 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct
struct Mount {
  std::string device;  ///< "MAJ:MIN": equal for mounts of the same hierarchy
  std::string root;    ///< which directory of the file system is mounted; may be "/../.."
  std::string point;   ///< where, unescaped
  std::string type;    ///< "cgroup", "cgroup2", …
  std::string source;  ///< "/dev/vda1", or what whoever mounted it wrote; may be empty
  std::vector<std::string> super_options;
  bool read_only = false;  ///< the mount or its file system
};

/// One line, nothing when it is malformed. Octal escapes (\040 \011 \012 \134) are undone.
[[nodiscard]] std::optional<Mount> parse_mount(std::string_view line);

/// All mounts, in the file's order: a later one may hide an earlier one. Malformed lines and a last
/// one that was cut are left out.
[[nodiscard]] std::vector<Mount> parse_mounts(std::string_view text);

/// Those of the cgroup file systems.
[[nodiscard]] std::vector<Mount> parse_cgroup_mounts(std::string_view text);

/// The directories that an overlay is made of, as they were named when it was mounted.
struct Overlay {
  std::vector<std::string> lower;  ///< the uppermost first
  std::string upper, work;         ///< empty: read-only
};

/// Out of an overlay's options; nothing for other file systems. `lowerdir` has colons between
/// directories and a backslash before a colon of their own. Source: overlayfs.rst.
[[nodiscard]] std::optional<Overlay> parse_overlay(const Mount& mount);

}  // namespace cgmon
