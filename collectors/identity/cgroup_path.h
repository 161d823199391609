#pragma once

#include <string_view>

#include "collectors/metrics/labels.h"

namespace cgmon {

/// What a cgroup's path alone says about it. Views into the path.
struct PathIdentity {
  CgroupKind kind = CgroupKind::other;
  std::string_view runtime;       ///< "docker", or empty
  std::string_view container_id;  ///< 64 hex digits, or empty
  std::string_view unit;          ///< innermost systemd unit, or empty
};

/// Tells containers and systemd units by the last segment of an absolute cgroup path. Pure, accepts
/// any bytes. Docker's four places (v1 and v2 alike): `…/docker/ID` (cgroupfs driver) and
/// `…/docker-ID.scope` (systemd driver). Only whole segments count: a mount unit whose name holds
/// 64 hex digits is no container, and neither is a cgroup inside of one.
[[nodiscard]] PathIdentity identify_path(std::string_view path);

}  // namespace cgmon
