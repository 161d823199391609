#include <string>

#include "collectors/parse/number.h"
#include "tests/fuzz/target.h"

namespace cgmon {
namespace {

/// The same, digit by digit.
std::optional<std::uint64_t> slowly(std::string_view text) {
  if (text.empty()) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (__builtin_mul_overflow(value, 10U, &value)) return std::nullopt;
    if (__builtin_add_overflow(value, digit, &value)) return std::nullopt;
  }
  return value;
}

}  // namespace

void check_input(std::string_view input) {
  require(parse_number(input) == slowly(input), "a number is what its digits say");

  std::string joined;
  std::string_view rest = input;
  while (!rest.empty()) {
    const std::string_view before = rest;
    joined += take_until(rest, '\n');
    require(before.ends_with(rest) && rest.size() < before.size(), "each line takes something off");
    joined += '\n';
  }
  require(joined == input || joined == std::string(input) + '\n', "the lines are the text");

  std::string words;
  rest = input;
  while (!rest.empty()) {
    const std::size_t before = rest.size();
    const std::string_view word = take_word(rest);
    require(word.find(' ') == word.npos && rest.size() < before, "a word has no blank");
    words += word;
  }
  std::string without_blanks(input);
  std::erase(without_blanks, ' ');
  require(words == without_blanks, "the words are all but the blanks");
}

}  // namespace cgmon
