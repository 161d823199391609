#pragma once

#include <string>
#include <vector>

#include "agent/enforce/plan.h"
#include "agent/enforce/system.h"

namespace cgmon {

/// What the kernel tells at once of a workload: that it ran out of memory, that tasks waited for
/// more than a tenth of two seconds (PSI triggers; shorter windows take CAP_SYS_RESOURCE). What
/// cannot be had on this host is left out. Source: accounting/psi.rst, cgroup-v2.rst memory.events,
/// cgroup-v1/memory.rst "OOM Control".
[[nodiscard]] std::vector<Alarm> open_alarms(const Plan& plan, const Layout& layout);

}  // namespace cgmon
