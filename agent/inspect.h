#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/expose/inspect_report.h"
#include "agent/remembering_files.h"
#include "collectors/base/result.h"
#include "collectors/collector.h"
#include "collectors/kernel/roots.h"
#include "collectors/metrics/snapshot.h"

namespace cgmon {

/// What `agent inspect` looks at. All of it must outlive the call.
struct InspectContext {
  RememberingFiles& files;  ///< which the collector reads through
  const Roots& roots;
  Collector& collector;  ///< of all groups and all cgroups
  const Clock& clock;
  const std::vector<std::string>& docker_roots;  ///< empty: by docker's own configuration
  std::uint32_t ticks_per_second = 100, page_bytes = 4096;  ///< of /proc/PID/stat
  std::int64_t patience_ns = 60'000'000'000;                ///< of a pass
};

/// Explains the cgroup that `what` names: a process' number, or as find_cgroup() has it. Makes two
/// passes: one to find it, one to remember what is read of it. What cannot be had for want of a
/// right is told in the report's `missing`.
[[nodiscard]] Result<InspectReport> inspect(const InspectContext& context, std::string_view what);

}  // namespace cgmon
