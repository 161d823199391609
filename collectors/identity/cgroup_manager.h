#pragma once

#include <string_view>

namespace cgmon {

/// Who made a cgroup and how, as far as its path tells. Views into the path or static texts.
struct CgroupManager {
  /// "docker", "podman", "kubelet", "containerd", "cri-o", "lxc", "systemd", …; empty: not known.
  std::string_view name;
  /// Through whom: "systemd" (a scope, service or slice), "cgroupfs" (a plain directory); empty
  /// where no manager is known.
  std::string_view driver;
  /// Path of the nearest container that this cgroup lies in and is not: what runs in there made
  /// it.
  std::string_view inside;
};

/// By what identify_path() tells. Pure, accepts any bytes.
[[nodiscard]] CgroupManager manager_of(std::string_view path);

}  // namespace cgmon
