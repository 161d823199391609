#include "agent/expose/json_writer.h"

#include <array>

#include "agent/expose/prometheus_text.h"
#include "collectors/identity/utf8.h"

namespace cgmon {

void JsonWriter::new_line() {
  if (!indented_) return;
  out_ += '\n';
  out_.append(2 * depth_, ' ');
}

void JsonWriter::before_value() {
  if (has_key_) {
    has_key_ = false;
  } else if (depth_ != 0) {
    if (!is_first_) out_ += ',';
    new_line();
  }
  is_first_ = false;
}

void JsonWriter::key(std::string_view name) {
  before_value();
  append_string(name);
  out_ += indented_ ? ": " : ":";
  has_key_ = true;
}

void JsonWriter::open(char bracket) {
  before_value();
  out_ += bracket;
  ++depth_;
  is_first_ = true;
}

void JsonWriter::close(char bracket) {
  --depth_;
  if (!is_first_) new_line();
  out_ += bracket;
  is_first_ = false;
}

void JsonWriter::plain(std::string_view text) {
  before_value();
  out_ += text;
}

void JsonWriter::string(std::string_view value) {
  before_value();
  append_string(value);
}

void JsonWriter::number(std::uint64_t number, unsigned decimals, bool is_signed) {
  std::array<char, 32> text{};
  const char* const end = write_number(text.data(), number, decimals, is_signed);
  plain({text.data(), static_cast<std::size_t>(end - text.data())});
}

void JsonWriter::append_string(std::string_view value) {
  constexpr std::string_view kHex = "0123456789abcdef";
  constexpr std::size_t kNoBound = 3;  // a byte becomes three at most
  out_ += '"';
  for (const char byte : repair_text(value, kNoBound * value.size())) {
    const auto code = static_cast<unsigned char>(byte);
    if (byte == '"' || byte == '\\') {
      (out_ += '\\') += byte;
    } else if (byte == '\n') {
      out_ += "\\n";
    } else if (code < 0x20 || code == 0x7f) {
      out_ += "\\u00";
      out_ += kHex[code >> 4U];
      out_ += kHex[code & 15U];
    } else {
      out_ += byte;
    }
  }
  out_ += '"';
}

}  // namespace cgmon
