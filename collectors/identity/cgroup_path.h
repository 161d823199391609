#pragma once

#include <string>
#include <string_view>

#include "collectors/metrics/labels.h"

namespace cgmon {

/// What a cgroup's path alone says about it. Views are into the path or of static texts; empty is
/// unknown.
struct PathIdentity {
  CgroupKind kind = CgroupKind::other;
  /// "docker", "containerd", "nerdctl", "crio", "podman", "lxc", "nspawn", "libvirt", "slurm",
  /// "htcondor", "ecs", "garden", …: the runtime that the path shows. Metadata may know better.
  std::string_view runtime;
  std::string_view container_id;  ///< of a container: the engine's
  /// Of what the path alone tells nothing about: the id of a container that it may be. Only an
  /// engine's files can tell; `engine_namespace` is then containerd's, if it is containerd's.
  std::string_view possible_id;
  std::string_view engine_namespace;  ///< containerd's, where the path shows one
  std::string name;                   ///< of a machine, an LXC container, …; unescaped
  std::string pod_uid;                ///< with dashes as in the API; a static pod's is a hash
  std::string_view qos;               ///< "guaranteed", "burstable", "besteffort"
  std::string_view unit;              ///< innermost systemd unit, as systemd calls it
  std::string_view slice;             ///< innermost slice
  std::string_view uid;               ///< whose it is, in decimal digits
  std::string_view job_id, step_id, task_id;
  /// Path of the nearest container that this lies in and is not: it made this, not the host.
  std::string_view outer;
};

/// Tells who a cgroup is by its absolute path. Only whole segments count: a mount unit whose name
/// holds 64 hex digits is no container, and neither is a cgroup inside of one. Pure; accepts any
/// bytes.
[[nodiscard]] PathIdentity identify_path(std::string_view path);

}  // namespace cgmon
