#include <array>
#include <utility>
#include <vector>

#include "collectors/parse/flat_keyed.h"
#include "tests/fuzz/target.h"
#include "tests/fuzz/text.h"

namespace cgmon {
namespace {

constexpr std::array<std::string_view, 5> kWanted{"anon", "file", "anon_thp", "oom_kill", "a"};

struct Outcome {
  std::vector<std::pair<std::size_t, std::uint64_t>> values;
  std::size_t malformed = 0;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome parse(FlatKeyedParser& parser, std::string_view text) {
  Outcome outcome;
  outcome.malformed = parser.parse(
      text, [&](std::size_t key, std::uint64_t value) { outcome.values.emplace_back(key, value); });
  return outcome;
}

/// Line by line, without a memory of earlier texts.
Outcome slowly(std::string_view text) {
  Outcome outcome;
  for (const std::string& line : whole_lines(text)) {
    const std::size_t blank = line.find(' ');
    if (blank == 0 || blank == line.npos) {
      ++outcome.malformed;
      continue;
    }
    for (std::size_t key = 0; key < kWanted.size(); ++key) {
      if (kWanted[key] != line.substr(0, blank)) continue;
      const auto value = parse_number(std::string_view(line).substr(blank + 1));
      if (value) outcome.values.emplace_back(key, *value);
      if (!value) ++outcome.malformed;
    }
  }
  if (!text.empty() && !text.ends_with('\n')) ++outcome.malformed;
  return outcome;
}

}  // namespace

/// Two texts: what the parser learns its order from, and what is parsed then.
void check_input(std::string_view input) {
  const auto texts = parts(input, 2);
  FlatKeyedParser parser(kWanted);
  for (const std::string_view text : {texts[0], texts[1], texts[0]}) {
    require(parse(parser, text) == slowly(text), "what was parsed before changes nothing");
  }
}

}  // namespace cgmon
