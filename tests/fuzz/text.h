#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace cgmon {

/// Whether a text is UTF-8, by decoding each character and encoding it again.
[[nodiscard]] bool is_utf8(std::string_view text);

/// No byte but those from blank to tilde, so one line on any terminal.
[[nodiscard]] inline bool is_printable_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

/// The lines that end in a newline, without it; a last one that does not was cut and is left out.
[[nodiscard]] inline std::vector<std::string> whole_lines(std::string_view text) {
  std::vector<std::string> lines;
  for (std::size_t end = text.find('\n'); end != text.npos; end = text.find('\n')) {
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  return lines;
}

/// The parts of an input that stands for several texts: what is between its zero bytes, as many as
/// are asked for. The last one is all the rest.
[[nodiscard]] inline std::vector<std::string_view> parts(std::string_view input,
                                                         std::size_t count) {
  std::vector<std::string_view> found;
  for (; count > 1; --count) {
    const std::string_view part = input.substr(0, input.find('\0'));
    found.push_back(part);
    input.remove_prefix(std::min(part.size() + 1, input.size()));
  }
  found.push_back(input);
  return found;
}

}  // namespace cgmon
