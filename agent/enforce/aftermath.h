#pragma once

#include <sys/resource.h>

#include "agent/enforce/plan.h"
#include "agent/enforce/report.h"
#include "collectors/base/result.h"

/// What is found out of a command after its end from elsewhere than its cgroup.
namespace cgmon {

/// Without a cgroup: what the kernel says of those of our children that have ended.
/// Ends and reaps them all. `before`: what other programs had used.
void add_usage(const rusage& before, RunReport& report);

/// What is other in the overlay than in the layers below. `memory`: descriptor of the directory
/// that the overlay is in, if that is not on disk.
[[nodiscard]] Result<void> add_diff(const Plan& plan, int memory, RunReport& report);

}  // namespace cgmon
