#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace cgmon {

/// The whole of `text` as an unsigned decimal number; nothing when it is empty, has any other byte
/// or does not fit into 64 bits.
[[nodiscard]] inline std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
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
