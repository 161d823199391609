#pragma once

#include <string>
#include <vector>

#include "agent/enforce/spec.h"
#include "collectors/kernel/roots.h"

namespace cgmon {

/// `agent run`: makes the workload, waits for it, reports. Returns the program's exit code.
/// `docker_roots`: where docker keeps its data, for --into; empty: by its own configuration.
[[nodiscard]] int run_command(const RunSpec& spec, const Roots& roots,
                              const std::vector<std::string>& docker_roots);

}  // namespace cgmon
