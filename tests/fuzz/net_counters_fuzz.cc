#include <string>
#include <vector>

#include "collectors/parse/net_counters.h"
#include "tests/fuzz/target.h"

namespace cgmon {
namespace {

struct Parsed {
  std::vector<std::string> counters;
  std::size_t malformed = 0;
  friend bool operator==(const Parsed&, const Parsed&) = default;
};

Parsed parse(std::string_view text) {
  Parsed parsed;
  parsed.malformed = parse_net_counters(
      text, [&](std::string_view protocol, std::string_view name, std::uint64_t value) {
        require(!name.empty() && name.find_first_of(" \n") == name.npos, "a name is a word");
        require(protocol.find_first_of(" \n") == protocol.npos, "a protocol is a word");
        parsed.counters.push_back(std::string(protocol) + '|' + std::string(name) + '|' +
                                  std::to_string(value));
      });
  return parsed;
}

}  // namespace

void check_input(std::string_view input) {
  const Parsed parsed = parse(input);
  const std::string_view pair = "Tcp: A B\nTcp: 5 -1\n";
  Parsed longer = parse(std::string(pair) + std::string(input));
  require(!longer.counters.empty() && longer.counters.front() == "Tcp|A|5",
          "the first pair counts");
  longer.counters.erase(longer.counters.begin());
  require(longer == parsed, "a pair before it changes nothing of a text");
}

}  // namespace cgmon
