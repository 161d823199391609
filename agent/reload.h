#pragma once

#include <span>
#include <string>
#include <vector>

#include "collectors/base/result.h"
#include "config/config.h"
#include "config/option.h"

namespace cgmon {

/// What came of reading the configuration again.
struct Reloaded {
  /// To go on with: as the file and the flags say it now, but for what is fixed at start.
  Config config;
  std::vector<Difference> changed;       ///< value and what it was
  std::vector<Difference> need_restart;  ///< wanted value, and the one that stays
};

/// Understands the command line that the agent was started with once more, and with it the file
/// that it names. An Error is one line for the log; `running` then stays.
[[nodiscard]] Result<Reloaded> reload(std::span<const std::string> arguments,
                                      std::span<const GroupOption> groups, const Config& running);

}  // namespace cgmon
