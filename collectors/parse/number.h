#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

namespace cgmon {

/// So many decimal digits always fit into 64 bits.
inline constexpr std::size_t kCertainDigits = std::numeric_limits<std::uint64_t>::digits10;

[[nodiscard]] constexpr bool is_digit(char byte) { return byte >= '0' && byte <= '9'; }
[[nodiscard]] constexpr std::uint64_t digit(char byte) {
  return static_cast<std::uint64_t>(byte - '0');
}

/// The whole of `text` as an unsigned decimal number; nothing when it is empty, has any other byte
/// or does not fit into 64 bits.
[[nodiscard]] inline std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  if (text.size() <= kCertainDigits && !text.empty()) {
    for (const char byte : text) {
      if (!is_digit(byte)) return std::nullopt;
      value = 10 * value + digit(byte);
    }
    return value;
  }
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

/// Takes the part of `text` before the next `separator` off its front; without one, all of it.
inline std::string_view take_until(std::string_view& text, char separator) {
  const std::string_view head = text.substr(0, text.find(separator));
  text.remove_prefix(head.size() == text.size() ? head.size() : head.size() + 1);
  return head;
}

/// Takes the next word off the front of `text`; words are separated by any number of blanks.
inline std::string_view take_word(std::string_view& text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  return take_until(text, ' ');
}

}  // namespace cgmon
