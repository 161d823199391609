#include "agent/logfmt.h"

namespace cgmon {

std::string logfmt_value(std::string_view text) {
  constexpr std::size_t kMaxText = 512;
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string value = "\"";
  for (const char byte : text.substr(0, kMaxText)) {
    const auto code = static_cast<unsigned char>(byte);
    if (byte == '"' || byte == '\\') {
      value += '\\';
      value += byte;
    } else if (code < 0x20 || code == 0x7f) {
      value += "\\x";
      value += kDigits[code >> 4U];
      value += kDigits[code & 15U];
    } else {
      value += byte;
    }
  }
  if (text.size() > kMaxText) value += "...";
  value += '"';
  return value;
}

}  // namespace cgmon
