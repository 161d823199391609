#pragma once

#include <concepts>
#include <cstdint>
#include <string_view>

#include "collectors/parse/number.h"

namespace cgmon {

/// Hands each number of a one-line list ("12 0 7 \n", cpuacct.usage_percpu: nanoseconds of CPU 0,
/// 1, …) to on_value(cpu, value). Returns false when the line is malformed or cut; what came before
/// was handed on.
template <std::invocable<std::uint32_t, std::uint64_t> F>
[[nodiscard]] bool parse_per_cpu(std::string_view text, F on_value) {
  if (!text.ends_with('\n')) return false;
  text.remove_suffix(1);
  for (std::uint32_t cpu = 0;; ++cpu) {
    const std::string_view word = take_word(text);
    if (word.empty()) return text.empty() && cpu != 0;
    const auto value = parse_number(word);
    if (!value) return false;
    on_value(cpu, *value);
  }
}

}  // namespace cgmon
