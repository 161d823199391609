#pragma once

#include <cstdint>
#include <string_view>

#include "collectors/base/value.h"
#include "collectors/parse/number.h"

namespace cgmon {

/// At and above this a v1 byte limit means "none": the kernel writes the largest multiple of the
/// page size below 2^63 (9223372036854771712 with 4 KiB pages).
inline constexpr std::uint64_t kNoLimitBytes = std::uint64_t{1} << 62U;

/// One word that is a number or says "no limit": `max` (v2), `-1` (v1's cpu.cfs_quota_us).
/// Malformed text is absent.
[[nodiscard]] inline Value parse_limit_word(std::string_view word) {
  if (word == "max" || word == "-1") return Value::unlimited();
  const auto number = parse_number(word);
  return number ? Value::of(*number) : Value::absent();
}

/// A single-value file: one word and a newline. Text that does not end in a newline was cut and is
/// absent, since half a number is a wrong number.
[[nodiscard]] inline Value parse_single(std::string_view text) {
  if (!text.ends_with('\n')) return Value::absent();
  return parse_limit_word(text.substr(0, text.size() - 1));
}

}  // namespace cgmon
