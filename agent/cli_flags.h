#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace cgmon {

/// Where --help shows a flag of the command line alone.
enum class CommandTask : std::uint8_t { shell, rest };

/// A flag that is no configuration: it says what to do, not how.
struct CommandFlag {
  std::string_view name;
  /// 0: none.
  char short_name = 0;
  CommandTask task = CommandTask::rest;
  /// Empty: the flag takes no value.
  std::string_view value_name = {};
  std::string_view help;
};

/// Indexes of kCommandFlags.
enum class FlagOf : std::uint8_t { once, output, interval, config_file, help, version };

inline constexpr auto kCommandFlags = std::to_array<CommandFlag>({
    {.name = "once", .task = CommandTask::shell, .help = "Print once and exit, without serving."},
    {.name = "output",
     .short_name = 'o',
     .task = CommandTask::shell,
     .value_name = "FORMAT",
     .help = "With --once: table or prometheus. Default: table."},
    {.name = "interval",
     .task = CommandTask::shell,
     .value_name = "DURATION",
     .help = "With --once: time between the two samples that rates are made of. Default: 1s."},
    {.name = "config.file",
     .value_name = "FILE",
     .help = "YAML file with the options; flags override it. Default: none."},
    {.name = "help", .short_name = 'h', .help = "Print this and exit."},
    {.name = "version", .help = "Print the version and exit."},
});

}  // namespace cgmon
