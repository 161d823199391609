#pragma once

#include <functional>
#include <string_view>
#include <vector>

namespace cgmon {

/// A line of a configuration that gives a key a value. Views into the text.
struct Setting {
  std::string_view table;  ///< TOML's, what stands between the brackets of the last `[table]`
  std::string_view key;
  std::string_view value;  ///< without quotes
  bool is_text = false;    ///< it stood in quotes
};

/// Hands the settings of a configuration to `visit` in their order: lines `key = value` (TOML),
/// `key: value` (YAML) and `"key": value,` (JSON). For the few words and paths that engines' files
/// hold: lists, texts with escapes or of several lines, and broken lines are skipped. Accepts any
/// bytes.
void visit_settings(std::string_view text, const std::function<void(const Setting&)>& visit);

/// The values of one key, in whatever table; an empty one is none.
[[nodiscard]] std::vector<std::string_view> settings(std::string_view text, std::string_view key);

}  // namespace cgmon
