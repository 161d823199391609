#pragma once

#include "agent/cli_run.h"
#include "agent/enforce/isolation.h"
#include "collectors/base/result.h"

namespace cgmon {

/// What the flags of a run say of what the command is kept apart from. An Error says what was
/// expected. Each flag is looked at alone.
[[nodiscard]] Result<Isolation> isolation(const RunWords& words);

/// An Error says which flags do not go together, or which one is missing.
[[nodiscard]] Result<void> check_isolation(const Isolation& isolation);

}  // namespace cgmon
