#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "collectors/host/machine.h"
#include "collectors/metrics/snapshot.h"

namespace cgmon {

/// This program, for cadvisor_version_info.
struct ProgramVersion {
  std::string version, revision;
};

/// Where a controller's files are, for cgmon_controller_info.
struct ControllerPlace {
  std::string_view controller, hierarchy;  ///< static texts; "v1", "v2" or "none"
  std::string mount_point;                 ///< empty for none
};

/// The machine as samples of the families that cgroups have no part in, in the families' order. No
/// two have the same labels: of cores or caches that cAdvisor's labels cannot tell apart (cores of
/// two sockets in one memory node) the first one stands for all.
[[nodiscard]] std::vector<MachineSample> machine_samples(const Machine& machine,
                                                         const std::vector<ControllerPlace>& places,
                                                         const ProgramVersion& program);

}  // namespace cgmon
