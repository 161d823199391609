#include <string>
#include <vector>

#include "collectors/parse/net_dev.h"
#include "tests/fuzz/target.h"
#include "tests/fuzz/text.h"

namespace cgmon {
namespace {

struct Parsed {
  std::vector<std::string> interfaces;  // "name|counts"
  std::size_t malformed = 0;
  friend bool operator==(const Parsed&, const Parsed&) = default;
};

Parsed parse(std::string_view text) {
  Parsed parsed;
  parsed.malformed = parse_net_dev(text, [&](std::string_view name, const InterfaceCounts& counts) {
    require(!name.empty() && !name.starts_with(' '), "a name is there and begins with no blank");
    require(name.find('\n') == name.npos, "a name is in one line");
    std::string shown(name);
    for (const auto& direction : {counts.receive, counts.transmit}) {
      for (const std::uint64_t count : direction) shown += '|' + std::to_string(count);
    }
    parsed.interfaces.push_back(std::move(shown));
    (void)is_left_out(name);
  });
  return parsed;
}

}  // namespace

void check_input(std::string_view input) {
  Parsed lines;
  for (const std::string& line : whole_lines(input)) {
    const Parsed one = parse(line + '\n');
    require(one.malformed + one.interfaces.size() <= 1, "a line is one interface at most");
    lines.malformed += one.malformed;
    lines.interfaces.insert(lines.interfaces.end(), one.interfaces.begin(), one.interfaces.end());
  }
  if (!input.empty() && !input.ends_with('\n')) ++lines.malformed;
  require(parse(input) == lines, "a text is its whole lines");
}

}  // namespace cgmon
