#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/cli.h"
#include "collectors/base/result.h"

namespace cgmon {

/// What the line said behind the flags of `agent --once`, as it was typed.
struct OnceWords {
  std::optional<std::string> output, interval, sort, limit, color;
  std::vector<std::string> filters;
  bool no_trunc = false;
};

/// An Error names what is known and, of a word that is not, the nearest one.
[[nodiscard]] Result<OnceOptions> once_options(const OnceWords& words);

/// One line about wrong usage.
[[nodiscard]] tl::unexpected<Error> usage_failure(const std::string& what);
/// The same about a word that is none of the known ones; `known` are listed where it is near none.
[[nodiscard]] tl::unexpected<Error> unknown_word(const std::string& what, std::string_view word,
                                                 const std::vector<std::string>& known);

}  // namespace cgmon
