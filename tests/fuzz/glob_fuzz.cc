#include <vector>

#include "collectors/base/glob.h"
#include "tests/fuzz/target.h"
#include "tests/fuzz/text.h"

namespace cgmon {
namespace {

std::vector<std::string> characters(std::string_view text) {
  std::vector<std::string> found;
  for (const char byte : text) {
    const bool goes_on = (static_cast<unsigned char>(byte) & 0xC0U) == 0x80;
    if (!goes_on || found.empty()) found.emplace_back();
    found.back() += byte;
  }
  return found;
}

/// By the table of all beginnings of the pattern and the text.
bool slowly(std::string_view pattern_text, std::string_view text_text) {
  const auto pattern = characters(pattern_text), text = characters(text_text);
  std::vector<bool> row(text.size() + 1);
  row[0] = true;
  for (const std::string& wanted : pattern) {
    std::vector<bool> next(text.size() + 1);
    next[0] = row[0] && wanted == "*";
    for (std::size_t i = 0; i < text.size(); ++i) {
      const bool one = wanted == "?" || wanted == text[i];
      next[i + 1] = wanted == "*" ? row[i + 1] || next[i] : row[i] && one;
    }
    row = std::move(next);
  }
  return row.back();
}

}  // namespace

/// A pattern and a text.
void check_input(std::string_view input) {
  const auto text = parts(input, 2);
  const bool matches = matches_glob(text[0], text[1]);
  if (is_utf8(input)) {
    require(matches == slowly(text[0], text[1]), "a glob matches what its definition says");
  }
  require(matches_glob("*", text[1]), "a star is anything");
  if (text[1].find_first_of("*?") == text[1].npos) {
    require(matches_glob(text[1], text[1]), "a text is a pattern of itself");
  }
}

}  // namespace cgmon
