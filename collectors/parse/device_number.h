#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string_view>

#include "collectors/parse/named_lines.h"

namespace cgmon {

/// A block device as the kernel's files name it.
struct DeviceNumber {
  std::uint32_t major = 0, minor = 0;
  friend constexpr auto operator<=>(const DeviceNumber&, const DeviceNumber&) = default;
};

/// "254:0"; nothing when it is anything else. The kernel has 12 bits of major and 20 of minor.
[[nodiscard]] inline std::optional<DeviceNumber> parse_device_number(std::string_view text) {
  constexpr std::uint64_t kLargestMajor = (1U << 12U) - 1, kLargestMinor = (1U << 20U) - 1;
  const std::size_t colon = text.find(':');
  if (colon == text.npos) return std::nullopt;
  const auto major = parse_number(text.substr(0, colon));
  const auto minor = parse_number(text.substr(colon + 1));
  if (!major || !minor || *major > kLargestMajor || *minor > kLargestMinor) return std::nullopt;
  return DeviceNumber{static_cast<std::uint32_t>(*major), static_cast<std::uint32_t>(*minor)};
}

/// Hands each block device of /proc/partitions to on_device(number, name); returns how many lines
/// were malformed. Devices without a size (empty loops) are not in the file.
///
///     major minor  #blocks  name
///
///      254        0    4194304 vda
template <std::invocable<DeviceNumber, std::string_view> F>
[[nodiscard]] std::size_t parse_partitions(std::string_view text, F on_device) {
  return parse_lines(text, [&](std::string_view line) {
    const std::string_view major_text = take_word(line);
    if (major_text.empty() || major_text == "major") return line.empty() || major_text == "major";
    const auto major = parse_number(major_text), minor = parse_number(take_word(line));
    const auto blocks = parse_number(take_word(line));
    const std::string_view name = take_word(line);
    if (!major || !minor || !blocks || name.empty() || *major > UINT32_MAX || *minor > UINT32_MAX) {
      return false;
    }
    on_device({static_cast<std::uint32_t>(*major), static_cast<std::uint32_t>(*minor)}, name);
    return true;
  });
}

}  // namespace cgmon
