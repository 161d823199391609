#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cgmon {

/// One line of /proc/PID/cgroup (cgroups(7)): "4:memory:/docker/ID", "0::/system.slice/x.service".
struct ProcCgroup {
  std::uint32_t hierarchy = 0;  ///< 0 is the v2 hierarchy
  std::string controllers;      ///< "cpu,cpuacct", "name=systemd", empty on v2
  std::string path;             ///< any bytes; " (deleted)" taken off
};

/// All well-formed lines; a last one without a newline was cut and is none. Only the first two
/// colons separate: paths may hold more of them.
[[nodiscard]] std::vector<ProcCgroup> parse_proc_cgroup(std::string_view text);

/// One line of /proc/cgroups: which controllers this kernel was built with.
struct KernelController {
  std::string name;
  std::uint32_t hierarchy = 0;  ///< 0: on the v2 hierarchy, or nowhere
  bool enabled = false;         ///< false after cgroup_disable=NAME
};

[[nodiscard]] std::vector<KernelController> parse_proc_cgroups(std::string_view text);

}  // namespace cgmon
