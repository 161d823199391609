#include "collectors/base/glob.h"

#include <optional>

namespace cgmon {
namespace {

/// Takes one character of UTF-8 off; a byte that is none of it counts as one.
void take_character(std::string_view& text) {
  text.remove_prefix(1);
  while (!text.empty() && (static_cast<unsigned char>(text.front()) & 0xC0U) == 0x80U) {
    text.remove_prefix(1);
  }
}

}  // namespace

bool matches_glob(std::string_view pattern, std::string_view text) {
  // On a mismatch only the last star takes one more character: it is never worth going back to an
  // earlier one, so hostile patterns cost at most their length times the text's.
  std::optional<std::string_view> after_star;
  std::string_view from;
  while (true) {
    if (!pattern.empty() && pattern.front() == '*') {
      pattern.remove_prefix(1);
      after_star = pattern;
      from = text;
    } else if (text.empty()) {
      return pattern.empty();
    } else if (!pattern.empty() && pattern.front() == '?') {
      pattern.remove_prefix(1);
      take_character(text);
    } else if (!pattern.empty() && pattern.front() == text.front()) {
      pattern.remove_prefix(1);
      text.remove_prefix(1);
    } else if (after_star) {
      pattern = *after_star;
      from.remove_prefix(1);
      text = from;
    } else {
      return false;
    }
  }
}

}  // namespace cgmon
