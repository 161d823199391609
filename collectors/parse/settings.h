#pragma once

#include <algorithm>
#include <string_view>
#include <vector>

#include "collectors/parse/number.h"

namespace cgmon {

/// The values that a configuration gives a key, in its order, without quotes: of lines `key =
/// value` (TOML), `key: value` (YAML) and `"key": value,` (JSON), in whatever table they stand.
/// What a comment says is none, and neither is an empty value. For the few words that engines'
/// files hold; accepts any bytes, views into the text.
[[nodiscard]] inline std::vector<std::string_view> settings(std::string_view text,
                                                            std::string_view key) {
  static constexpr std::string_view kAround = " \t\r\"',", kEnd = " \t\r\"',#";
  const auto skip = [](std::string_view& line, std::size_t from) {
    line.remove_prefix(std::min(line.find_first_not_of(kAround, from), line.size()));
  };
  std::vector<std::string_view> values;
  while (!text.empty()) {
    std::string_view line = take_until(text, '\n');
    skip(line, 0);
    if (!line.starts_with(key)) continue;
    line.remove_prefix(key.size());
    skip(line, 0);
    if (!line.starts_with('=') && !line.starts_with(':')) continue;
    skip(line, 1);
    const std::string_view value = line.substr(0, line.find_first_of(kEnd));
    if (!value.empty()) values.push_back(value);
  }
  return values;
}

}  // namespace cgmon
