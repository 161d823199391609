#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "collectors/parse/number.h"

namespace cgmon {

/// Reads /proc/PID/net/snmp and netstat (proc_pid_net(5)), pairs of lines: names, then values.
///
///     Tcp: RtoAlgorithm RtoMin … ActiveOpens PassiveOpens …
///     Tcp: 1 200 … 12 7 …
///
/// Calls on_counter(protocol, name, value) for each; negative ones (MaxConn is -1) are left out.
/// Accepts any bytes, allocates nothing and returns how many pairs were malformed: of different
/// protocols or lengths, cut, or with a value that is no number. What stood before that in the pair
/// was handed on.
template <std::invocable<std::string_view, std::string_view, std::uint64_t> F>
[[nodiscard]] std::size_t parse_net_counters(std::string_view text, F on_counter) {
  std::size_t malformed = 0;
  const auto take_line = [&text](std::string_view& line) {
    const bool whole = text.find('\n') != text.npos;
    line = take_until(text, '\n');
    return whole;
  };
  while (!text.empty()) {
    std::string_view names, values;
    bool good = take_line(names);
    good = take_line(values) && good;
    std::string_view protocol = take_word(names);
    good = good && protocol == take_word(values) && protocol.ends_with(':');
    if (good) protocol.remove_suffix(1);
    while (good) {
      const std::string_view name = take_word(names);
      std::string_view word = take_word(values);
      if (name.empty() && word.empty()) break;
      const bool negative = word.starts_with('-');
      if (negative) word.remove_prefix(1);
      const auto value = parse_number(word);
      good = !name.empty() && value.has_value();
      if (good && !negative) on_counter(protocol, name, *value);
    }
    if (!good) ++malformed;
  }
  return malformed;
}

}  // namespace cgmon
