#include "agent/reload.h"

#include <utility>

#include "agent/cli.h"

namespace cgmon {

Result<Reloaded> reload(std::span<const std::string> arguments, std::span<const GroupOption> groups,
                        const Config& running) {
  Result<Invocation> invocation = parse_command_line(arguments, groups);
  if (!invocation) return tl::unexpected(invocation.error());
  Reloaded reloaded{.config = std::move(invocation->config)};
  for (Difference& difference : differences(reloaded.config, running)) {
    if (!difference.fixed_at_start) {
      reloaded.changed.push_back(std::move(difference));
      continue;
    }
    copy_value(*find_option(difference.name), running, reloaded.config);
    reloaded.need_restart.push_back(std::move(difference));
  }
  return reloaded;
}

}  // namespace cgmon
