#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>

#include "agent/enforce/spec.h"
#include "agent/expose/table_options.h"
#include "collectors/base/result.h"
#include "config/config.h"

namespace cgmon {

/// What the program was asked to do.
enum class Command : std::uint8_t {
  serve,
  once,
  detect,
  inspect,
  metrics,
  check_config,
  completion,
  run,
  man,
  help,
  version,
};

enum class OutputFormat : std::uint8_t { table, prometheus, json };

/// Of --color: auto is what suits standard output.
enum class ColorChoice : std::uint8_t { automatic, always, never };

/// Of `agent --once`.
struct OnceOptions {
  OutputFormat output = OutputFormat::table;
  /// Between the two samples that rates are made of.
  std::chrono::milliseconds interval{1000};
  /// What the line says of it: sort, filters, limit, wide, whole_ids.
  TableOptions table;
  ColorChoice color = ColorChoice::automatic;
};

/// Of `agent inspect`.
struct InspectOptions {
  std::string what;  ///< NAME, ID, PID or PATH
  bool as_json = false;
};

/// A command line, understood: the configuration is merged (defaults, then the file, then flags)
/// and its paths are resolved.
struct Invocation {
  Command command = Command::serve;
  Config config;
  OnceOptions once;
  InspectOptions inspect;
  RunSpec run;
  /// Of `agent detect`: for programs.
  bool detect_as_json = false;
  /// What follows the command: the NAME of `agent metrics`, the FILE of `agent check-config`. Empty
  /// where it may be left out, and is.
  std::string argument;
  /// What `--help` prints.
  std::string help_text;
};

/// Understands the arguments after the program's name. Reads the configuration file and nothing
/// else. An Error is one line about wrong usage or configuration, for exit code 2; --help and
/// --version win over unknown flags, values that do not fit and the file.
[[nodiscard]] Result<Invocation> parse_command_line(std::span<const std::string> arguments,
                                                    std::span<const GroupOption> groups);

/// What `--help` prints: by task, with examples, no line wider than 100 columns.
[[nodiscard]] std::string help_text(std::span<const GroupOption> groups);

}  // namespace cgmon
