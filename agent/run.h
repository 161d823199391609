#pragma once

#include "agent/enforce/spec.h"
#include "collectors/kernel/roots.h"

namespace cgmon {

/// `agent run`: makes the workload, waits for it, reports. Returns the program's exit code.
[[nodiscard]] int run_command(const RunSpec& spec, const Roots& roots);

}  // namespace cgmon
