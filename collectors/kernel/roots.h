#pragma once

#include <string>

namespace cgmon {

/// Where the host's file systems are for this process. In a container with the host mounted at
/// /host, rootfs is "/host" and the others lie below it.
struct Roots {
  std::string rootfs = "/";
  std::string procfs = "/proc";
  std::string sysfs = "/sys";
  std::string cgroupfs = "/sys/fs/cgroup";
};

}  // namespace cgmon
