#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/enforce/spec.h"
#include "collectors/base/result.h"

namespace cgmon {

/// What the line or a file said with `agent run`, as it was typed: the values of each flag by its
/// name, "true" of one that takes none.
using RunWords = std::map<std::string, std::vector<std::string>, std::less<>>;

/// An Error says what was expected.
[[nodiscard]] Result<RunSpec> run_spec(const RunWords& words, std::vector<std::string> command);

/// The options of a YAML text: a map of the flags' names, and `command`, a list. Every value is
/// checked; an Error names `name`, which is how messages call the file, line and column.
struct RunFile {
  RunWords words;
  std::vector<std::string> command;
};
[[nodiscard]] Result<RunFile> parse_run_file(std::string_view text, std::string_view name);

/// Whether the command line is of `agent run`: then its own failures, wrong usage included, end
/// with 125.
[[nodiscard]] bool asks_to_run(std::span<const std::string> arguments);

}  // namespace cgmon
