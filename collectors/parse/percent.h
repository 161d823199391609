#pragma once

#include <cstdint>
#include <string_view>

#include "collectors/base/value.h"
#include "collectors/parse/number.h"

namespace cgmon {

/// "12.50\n" as hundredths of a percent, "max\n" as no limit; anything else is absent. Two decimal
/// places, as the kernel writes them, none at all or one. Source: cgroup-v2.rst,
/// "cpu.uclamp.min".
[[nodiscard]] inline Value parse_percent(std::string_view text) {
  if (!text.ends_with('\n')) return Value::absent();
  text.remove_suffix(1);
  if (text == "max") return Value::unlimited();
  const bool has_point = text.find('.') != text.npos;
  const auto whole = parse_number(take_until(text, '.'));
  const auto places = has_point && text.size() <= 2 ? parse_number(text) : std::nullopt;
  if (!whole || *whole > UINT32_MAX || (has_point && !places)) return Value::absent();
  const std::uint64_t hundredths = places ? *places * (text.size() == 1 ? 10 : 1) : 0;
  return Value::of(*whole * 100 + hundredths);
}

}  // namespace cgmon
