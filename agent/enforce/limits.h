#pragma once

#include <sys/types.h>

#include "agent/enforce/plan.h"
#include "agent/enforce/report.h"
#include "agent/enforce/spec.h"
#include "collectors/base/result.h"
#include "collectors/kernel/files.h"

/// The steps of a plan that limit: each notes in the report what was asked for and what the kernel
/// has.
namespace cgmon {

/// Writes a value; of a limit, looks at what the kernel made of it.
[[nodiscard]] Result<void> write_limit(const Step& step, Files& files, RunReport& report);
/// That alone, where somebody else wrote it.
[[nodiscard]] Result<void> check_kept(const Step& step, Files& files, RunReport& report);
/// What is no file of a cgroup: limits of the process `pid`, and devices on v2 (no process needed).
[[nodiscard]] Result<void> restrict_process(const Step& step, const RunSpec& spec, const Plan& plan,
                                            pid_t pid, RunReport& report);

}  // namespace cgmon
