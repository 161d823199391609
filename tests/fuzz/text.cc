#include "tests/fuzz/text.h"

#include <bit>
#include <cstdint>

namespace cgmon {
namespace {

std::string encoded(std::uint32_t code) {
  const auto byte = [](std::uint32_t value) { return static_cast<char>(value); };
  if (code < 0x80) return {byte(code)};
  if (code < 0x800) return {byte(0xC0 | code >> 6U), byte(0x80 | (code & 0x3F))};
  const char last = byte(0x80 | (code & 0x3F)), middle = byte(0x80 | (code >> 6U & 0x3F));
  if (code < 0x10000) return {byte(0xE0 | code >> 12U), middle, last};
  return {byte(0xF0 | code >> 18U), byte(0x80 | (code >> 12U & 0x3F)), middle, last};
}

}  // namespace

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto first = static_cast<std::uint8_t>(text.front());
    const auto ones = static_cast<std::size_t>(std::countl_one(first));
    const std::size_t length = std::max<std::size_t>(ones, 1);
    if (ones == 1 || ones > 4 || text.size() < length) return false;
    std::uint32_t code = first & (0xFFU >> (ones + 1));
    for (std::size_t i = 1; i < length; ++i) {
      code = code << 6U | (static_cast<std::uint8_t>(text[i]) & 0x3FU);
    }
    if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return false;
    if (encoded(code) != text.substr(0, length)) return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace cgmon
