#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "collectors/parse/number.h"

namespace cgmon {

/// No list of CPUs or memory nodes that is longer is believed; Linux has at most 8192 CPUs.
inline constexpr std::size_t kLongestCpuList = 65'536;

/// A list as sysfs writes sets of CPUs and of memory nodes ("0-3,8,10-11\n"), in rising order; an
/// empty line is the empty set. Nothing where it is cut, malformed, not rising or too long.
[[nodiscard]] inline std::optional<std::vector<std::uint32_t>> parse_cpu_list(
    std::string_view text) {
  if (!text.ends_with('\n')) return std::nullopt;
  text.remove_suffix(1);
  std::vector<std::uint32_t> list;
  while (!text.empty()) {
    const bool more = text.find(',') != text.npos;
    std::string_view range = take_until(text, ',');
    if (more && text.empty()) return std::nullopt;
    const bool is_one = range.find('-') == range.npos;
    const auto first = parse_number(take_until(range, '-'));
    const auto last = is_one ? first : parse_number(range);
    if (!first || !last || *last < *first || *last >= kLongestCpuList) return std::nullopt;
    if (!list.empty() && *first <= list.back()) return std::nullopt;
    for (std::uint64_t i = *first; i <= *last; ++i) list.push_back(static_cast<std::uint32_t>(i));
  }
  return list;
}

}  // namespace cgmon
