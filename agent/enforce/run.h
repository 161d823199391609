#pragma once

#include <functional>
#include <string>
#include <vector>

#include "agent/enforce/plan.h"
#include "agent/enforce/report.h"
#include "collectors/kernel/clock.h"

namespace cgmon {

/// Exit codes of `agent run` that are not the command's own, as docker has them.
inline constexpr int kRunFailed = 125, kNotExecutable = 126, kNotFound = 127;

/// What a run needs of its surroundings.
struct RunContext {
  Files& files;
  const Clock& clock;
  const Roots& roots;
  const Layout& layout;
  std::string state;  ///< directory of the state files
};

/// What came of it: the exit code for the program, and a report if the command was executed.
struct RunOutcome {
  int exit_code = kRunFailed;
  std::vector<Error> errors;
  bool has_report = false;
  RunReport report;
};

/// Executes a plan: makes cgroups and limits, runs the command, measures it, kills what is left and
/// removes all it made, in reverse, whatever fails. Takes over the signals of the process.
[[nodiscard]] RunOutcome run_plan(const RunSpec& spec, const Plan& plan, const RunContext& context);

}  // namespace cgmon
