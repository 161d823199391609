#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/enforce/spec.h"
#include "collectors/base/result.h"

namespace cgmon {

/// What the line said with `agent run`, as it was typed.
struct RunWords {
  std::optional<std::string> cpus, cpu_weight, cpuset, cpuset_mems, memory, memory_high, swap, pids,
      timeout, kill_after, interval, json_file, openmetrics_file;
  std::vector<std::string> io;
  bool best_effort = false, force = false, dry_run = false, cleanup = false, quiet = false;
  std::vector<std::string> command;
};

/// An Error says what was expected.
[[nodiscard]] Result<RunSpec> run_spec(const RunWords& words);

/// Whether the command line is of `agent run`: then its own failures, wrong usage included, end
/// with 125.
[[nodiscard]] bool asks_to_run(std::span<const std::string> arguments);

}  // namespace cgmon
