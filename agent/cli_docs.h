#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"

namespace cgmon {

/// A flag as --help, the manual page and the completions tell it: of the command line alone, an
/// option, or a collector's switch.
struct DocFlag {
  std::string name;  ///< without dashes
  char short_name = 0;
  bool negatable = false;  ///< --no-NAME is there, too
  bool repeatable = false;
  std::string value_name;  ///< empty: it takes no value
  std::string help;        ///< with the default
  std::string_view words;  ///< what it takes, with blanks between; empty: too many to say
};

/// Every flag, in the order of the tables: the command line's own first.
[[nodiscard]] std::vector<DocFlag> doc_flags(std::span<const GroupOption> groups);

/// What completes the commands, flags and their values in a shell: bash, zsh or fish.
[[nodiscard]] std::string completion_script(std::string_view shell,
                                            std::span<const GroupOption> groups);

/// cgmon-agent(8) in man(7)'s language. `date` as YYYY-MM-DD.
[[nodiscard]] std::string manual_page(std::string_view version, std::string_view date,
                                      std::span<const GroupOption> groups);

}  // namespace cgmon
