#include "agent/detect_text.h"

#include <algorithm>

#include "collectors/parse/number.h"

namespace cgmon {

std::string printable(std::string_view text) {
  std::string plain;
  for (const char byte : text) {
    const auto code = static_cast<unsigned char>(byte);
    if (code >= 0x20 && code != 0x7f) {
      plain += byte;
      continue;
    }
    plain += '\\';
    for (const unsigned shift : {6U, 3U, 0U})
      plain += static_cast<char>('0' + ((code >> shift) & 7U));
  }
  return plain;
}

std::string with_short_ids(std::string_view path) {
  constexpr std::size_t kWhole = 64, kShown = 12;
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text;
  while (!path.empty()) {
    std::size_t digits = 0;
    while (digits < path.size() && kHex.find(path[digits]) != kHex.npos) {
      ++digits;
    }
    const std::size_t other = digits == path.size() ? 0 : 1;
    text += digits == kWhole ? std::string(path.substr(0, kShown))
                             : std::string(path.substr(0, digits));
    text += path.substr(digits, other);
    path.remove_prefix(digits + other);
  }
  return text;
}

std::string joined(const std::vector<std::string>& words, std::string_view separator) {
  std::string text;
  for (const std::string& word : words) {
    if (!text.empty()) text += separator;
    text += word;
  }
  return text;
}

std::string wrapped(std::string_view text, std::string_view first, std::string_view others) {
  constexpr std::size_t kColumns = 96;
  std::string lines;
  std::string line(first);
  bool empty = true;
  while (!text.empty()) {
    const std::string_view word = take_word(text);
    if (!empty && line.size() + 1 + word.size() > kColumns) {
      lines += line + '\n';
      line = others;
      empty = true;
    }
    if (!empty) line += ' ';
    line += word;
    empty = false;
  }
  return lines + line + '\n';
}

std::string Table::text() const {
  std::vector<std::size_t> widths;
  for (const auto& line : lines_) {
    widths.resize(std::max(widths.size(), line.size()));
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  }
  std::string text;
  for (const auto& line : lines_) {
    std::string out;
    for (std::size_t i = 0; i < line.size(); ++i) {
      out += line[i];
      out.append(widths[i] + 2 - line[i].size(), ' ');
    }
    out.erase(out.find_last_not_of(' ') + 1);
    text += out + '\n';
  }
  return text;
}

}  // namespace cgmon
