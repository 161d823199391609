#include "collectors/identity/utf8.h"

#include <cstdint>

namespace cgmon {
namespace {

/// Length of the well-formed character at the front of `text`, 0 if there is none
/// (Unicode 15.0, table 3-7).
std::size_t character_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
  const std::uint8_t low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  const std::uint8_t high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  if (byte(1) < low || byte(1) > high) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if (byte(i) < 0x80 || byte(i) > 0xBF) return 0;
  }
  return length;
}

}  // namespace

std::string repair_text(std::string_view text, std::size_t max_bytes) {
  constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
  std::string repaired;
  while (!text.empty()) {
    const std::size_t length = character_length(text);
    const std::string_view next = length == 0 ? kReplacement : text.substr(0, length);
    if (repaired.size() + next.size() > max_bytes) break;
    repaired += next;
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return repaired;
}

std::string repair_path(std::string_view path) {
  std::string repaired;
  while (!path.empty()) {
    const std::size_t length = character_length(path);
    const bool stand_in =
        length == 3 && path[0] == '\xEF' && (path[1] == '\x9E' || path[1] == '\x9F');
    if (length != 0 && !stand_in) {
      repaired += path.substr(0, length);
      path.remove_prefix(length);
      continue;
    }
    // U+F780 to U+F7FF are EF 9E 80 to EF 9F BF.
    const auto byte = static_cast<std::uint8_t>(path[0]);
    repaired += '\xEF';
    repaired += byte < 0xC0 ? '\x9E' : '\x9F';
    repaired += static_cast<char>(0x80 | (byte & 0x3F));
    path.remove_prefix(1);
  }
  return repaired;
}

}  // namespace cgmon
