#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "collectors/parse/number.h"

namespace cgmon {

/// No list of CPUs or memory nodes with a larger number is believed; Linux has at most 8192 CPUs.
inline constexpr std::uint64_t kMostCpus = 65'536;

/// Hands each range of a list of CPUs or memory nodes ("0-3,8\n") to `on_range(first, last)`; an
/// empty line has none. False where the list is malformed (cut, out of order, overlapping) or names
/// a number that no kernel has; ranges before that were handed over.
/// Source: the kernel's bitmap_print_to_pagebuf(), which writes ascending ranges.
template <std::invocable<std::uint64_t, std::uint64_t> F>
[[nodiscard]] bool for_each_cpu_range(std::string_view text, F on_range) {
  if (!text.ends_with('\n')) return false;
  text.remove_suffix(1);
  std::uint64_t next = 0;  // the least number that may follow
  while (!text.empty()) {
    if (text.ends_with(',')) return false;
    std::string_view range = take_until(text, ',');
    const bool is_range = range.find('-') != range.npos;
    const auto first = parse_number(take_until(range, '-'));
    const auto last = is_range ? parse_number(range) : first;
    if (!first || !last || *first < next || *last < *first || *last >= kMostCpus) return false;
    on_range(*first, *last);
    next = *last + 1;
  }
  return true;
}

/// How many CPUs or memory nodes a list has; nothing where it is malformed.
[[nodiscard]] inline std::optional<std::uint64_t> count_cpu_list(std::string_view text) {
  std::uint64_t count = 0;
  const bool good = for_each_cpu_range(
      text, [&](std::uint64_t first, std::uint64_t last) { count += last - first + 1; });
  return good ? std::optional(count) : std::nullopt;
}

/// The numbers of a list, in rising order; nothing where it is malformed.
[[nodiscard]] inline std::optional<std::vector<std::uint32_t>> parse_cpu_list(
    std::string_view text) {
  std::vector<std::uint32_t> list;
  const bool good = for_each_cpu_range(text, [&](std::uint64_t first, std::uint64_t last) {
    for (std::uint64_t i = first; i <= last; ++i) list.push_back(static_cast<std::uint32_t>(i));
  });
  return good ? std::optional(std::move(list)) : std::nullopt;
}

}  // namespace cgmon
