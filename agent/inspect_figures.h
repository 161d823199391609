#pragma once

#include <functional>
#include <string>
#include <vector>

#include "agent/expose/inspect_report.h"
#include "collectors/cgroup/read_plan.h"
#include "collectors/collector.h"
#include "collectors/metrics/snapshot.h"

namespace cgmon {

/// What a pass read of one cgroup.
struct InspectedCgroup {
  const ReadPlan& plan;
  const Snapshot& snapshot;
  Slot slot = kNoSlot;
  bool is_root = false;
  /// The path of a file of the plan, empty where this cgroup has no directory for it.
  std::function<std::string(const FileKind&)> path_of;
  /// What was read of a path, nullptr when it was not.
  std::function<const std::string*(const std::string&)> text_of;
};

/// Every number of the cgroup with the file that it came from; files in the order of reading, then
/// what was computed, then what the agent knows by itself.
[[nodiscard]] std::vector<InspectReport::Figure> inspect_figures(const InspectedCgroup& cgroup);

/// The limits of memory, cpu and pids, with the tightest of the cgroup, its ancestors and the
/// machine. `snapshot`: the collector's last.
[[nodiscard]] std::vector<InspectReport::Limit> inspect_limits(const Collector& collector,
                                                               const Snapshot& snapshot, Slot slot);

}  // namespace cgmon
