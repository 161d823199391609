#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <variant>
#include <vector>

#include "config/config.h"

namespace cgmon {

/// What an option is for; --help has one section for each.
enum class Task : std::uint8_t { scrape, select, paths, limits, logging };

// What an option's value may be and where it goes. The getters are plain functions, so the table
// is static data.
struct FlagField {
  bool& (*get)(Config&);
};
struct CountField {
  std::uint32_t& (*get)(Config&);
  std::uint32_t min, max;
};
struct DurationField {
  std::chrono::milliseconds& (*get)(Config&);
  std::chrono::milliseconds min, max;
};
struct TextField {
  std::string& (*get)(Config&);
  bool (*accepts)(std::string_view);
  std::string_view expected;
};
struct TextsField {
  std::vector<std::string>& (*get)(Config&);
  bool (*accepts)(std::string_view);
  std::string_view expected;
  bool commas = false;  ///< one value may be several
};
struct AddressesField {
  std::vector<HostPort>& (*get)(Config&);
};
struct LevelField {
  LogLevel& (*get)(Config&);
};
struct FormatField {
  LogFormat& (*get)(Config&);
};
struct ScopesField {
  std::optional<Scopes>& (*get)(Config&);
};
using Field = std::variant<FlagField, CountField, DurationField, TextField, TextsField,
                           AddressesField, LevelField, FormatField, ScopesField>;

/// One option: a flag (--NAME=VALUE) and a YAML key (the dots of the name are nesting).
struct Option {
  std::string_view name;
  Task task;
  /// In --help and as the reference file's unit, e.g. "DURATION".
  std::string_view value_name;
  /// As a flag or a YAML scalar would say it; empty when the default is derived elsewhere.
  std::string_view default_text;
  /// What that empty default means.
  std::string_view derived_default;
  std::string_view unit;
  /// One sentence.
  std::string_view help;
  Field field;
  /// The words that it takes, with blanks between; empty where there are too many.
  std::string_view words = {};
  /// A reload does not change it: the agent has to be started anew.
  bool fixed_at_start = false;
};

/// Every option, in the order of --help. The `collector.NAME` switches are not among them: they
/// come from the GroupOptions.
[[nodiscard]] std::span<const Option> all_options();

/// Nothing if no option has that name.
[[nodiscard]] const Option* find_option(std::string_view name);

/// May be given several times on the command line and as a list in YAML.
[[nodiscard]] bool is_repeatable(const Option& option);

/// Is a switch: --NAME and --no-NAME.
[[nodiscard]] bool is_flag(const Option& option);

/// What a value has to be, to follow "expected": "a whole number from 1 to 64".
[[nodiscard]] std::string expected_value(const Option& option);

/// The value at `index` is not what the option takes.
struct BadValue {
  std::size_t index = 0;
};

/// Sets the option to these values, in place of those that it has. Without values a repeatable
/// option gets its default. REQUIRES: exactly one value unless it is repeatable.
[[nodiscard]] tl::expected<void, BadValue> assign(const Option& option,
                                                  std::span<const std::string> values,
                                                  Config& config);

/// The option's values in a Config, each as a flag would say it.
[[nodiscard]] std::vector<std::string> values_of(const Option& option, const Config& config);

/// A value that is not another's: "limits.depth", "9", "64".
struct Difference {
  std::string name;
  std::string value, other;  ///< several with commas; "" for none
  bool fixed_at_start = false;
};

/// What `config` has otherwise than `other`, in the order of --help, collectors last. REQUIRES:
/// both are of the same groups.
[[nodiscard]] std::vector<Difference> differences(const Config& config, const Config& other);

/// Gives the option the value that it has in `from`.
void copy_value(const Option& option, const Config& from, Config& to);

/// The switch of a collector by its option's name ("collector.cpu"); null if there is none.
[[nodiscard]] CollectorSwitch* find_collector(std::string_view option_name, Config& config);

/// The names of all options, those of the collectors' switches included.
[[nodiscard]] std::vector<std::string> option_names(const Config& config);

}  // namespace cgmon
