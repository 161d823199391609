#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "collectors/parse/number.h"

namespace cgmon {

/// How many CPUs or memory nodes a list has: "0-3,8\n" has 5, an empty line has none. Nothing where
/// it is malformed (cut, out of order, overlapping) or names a number that no kernel has.
/// Source: the kernel's bitmap_print_to_pagebuf(), which writes ascending ranges.
[[nodiscard]] inline std::optional<std::uint64_t> count_cpu_list(std::string_view text) {
  constexpr std::uint64_t kMost = 1U << 20U;
  if (!text.ends_with('\n')) return std::nullopt;
  text.remove_suffix(1);
  std::uint64_t count = 0, next = 0;  // next: the least number that may follow
  while (!text.empty()) {
    if (text.ends_with(',')) return std::nullopt;
    std::string_view range = take_until(text, ',');
    const bool is_range = range.find('-') != range.npos;
    const auto first = parse_number(take_until(range, '-'));
    const auto last = is_range ? parse_number(range) : first;
    if (!first || !last || *first < next || *last < *first || *last >= kMost) return std::nullopt;
    count += *last - *first + 1;
    next = *last + 1;
  }
  return count;
}

}  // namespace cgmon
