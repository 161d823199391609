#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "collectors/parse/number.h"

namespace cgmon {

/// One entry of /proc/meminfo in KiB ("SwapTotal:      1024 kB"), nothing where it is missing or
/// malformed.
[[nodiscard]] inline std::optional<std::uint64_t> parse_meminfo(std::string_view text,
                                                                std::string_view key) {
  while (!text.empty()) {
    if (text.find('\n') == text.npos) return std::nullopt;  // cut
    std::string_view line = take_until(text, '\n');
    if (!line.starts_with(key) || !line.substr(key.size()).starts_with(':')) continue;
    line.remove_prefix(key.size() + 1);
    const auto value = parse_number(take_word(line));
    return line == "kB" ? value : std::nullopt;
  }
  return std::nullopt;
}

}  // namespace cgmon
