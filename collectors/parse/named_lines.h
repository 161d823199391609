#pragma once

#include <concepts>
#include <cstdint>
#include <string_view>

#include "collectors/parse/number.h"

namespace cgmon {

// Files with a line for each device, resource or page size. All of these functions accept any
// bytes, allocate nothing and return how many lines were malformed; what else the file says was
// handed on. A last line without a newline was cut and is malformed: half a number is a wrong
// number. Texts that are handed on point into the file's.

/// Hands each whole line of `text` to on_line(line), which returns whether it was understood.
template <std::predicate<std::string_view> F>
[[nodiscard]] std::size_t parse_lines(std::string_view text, F on_line) {
  std::size_t malformed = 0;
  while (!text.empty()) {
    const bool cut = text.find('\n') == text.npos;
    const std::string_view line = take_until(text, '\n');
    if (cut || !on_line(line)) ++malformed;
  }
  return malformed;
}

/// Reads "NAME KEY=VALUE KEY=VALUE…" lines (cgroup-v2.rst, "Nested keyed": io.stat, io.max,
/// io.latency, rdma.current; memory.numa_stat of both versions has the same shape):
///
///     254:0 rbytes=3878912 wbytes=5242880 rios=54 wios=36 dbytes=0 dios=0
///     7:7
///
/// Calls on_value(name, key, value's text) for each pair; it returns whether it could make sense of
/// the value. A line with a name alone is no error: io.stat has them for unused devices.
template <std::predicate<std::string_view, std::string_view, std::string_view> F>
[[nodiscard]] std::size_t parse_nested_keyed(std::string_view text, F on_value) {
  return parse_lines(text, [&](std::string_view line) {
    const std::string_view name = take_word(line);
    bool good = !name.empty();
    while (good) {
      std::string_view value = take_word(line);
      if (value.empty()) break;
      if (value.find('=') == value.npos) return false;
      const std::string_view key = take_until(value, '=');
      good = !key.empty() && on_value(name, key, value);
    }
    return good;
  });
}

/// Reads "NAME VALUE" lines whose names are not known beforehand (misc.current, dmem.current,
/// io.weight, blkio.throttle.read_bps_device):
///
///     default 100
///     254:0 524288000
///
/// Calls on_value(name, value's text), which returns whether it could make sense of it.
template <std::predicate<std::string_view, std::string_view> F>
[[nodiscard]] std::size_t parse_named_values(std::string_view text, F on_value) {
  return parse_lines(text, [&](std::string_view line) {
    const std::string_view name = take_word(line), value = take_word(line);
    return !value.empty() && take_word(line).empty() && on_value(name, value);
  });
}

/// Reads "NAME OPERATION VALUE" lines (blkio.throttle.io_service_bytes and the other counters of
/// v1's blkio):
///
///     254:0 Read 3784704
///     254:0 Discard 0
///     Total 3784704
///
/// Calls on_value(name, operation, value) for each; the sum over all devices is left out.
template <std::invocable<std::string_view, std::string_view, std::uint64_t> F>
[[nodiscard]] std::size_t parse_operations(std::string_view text, F on_value) {
  return parse_lines(text, [&](std::string_view line) {
    const std::string_view name = take_word(line), operation = take_word(line);
    const std::string_view third = take_word(line);
    const bool is_sum = name == "Total" && third.empty();
    const auto value = parse_number(is_sum ? operation : third);
    if (!value || !take_word(line).empty()) return false;
    if (!is_sum) on_value(name, operation, *value);
    return true;
  });
}

}  // namespace cgmon
