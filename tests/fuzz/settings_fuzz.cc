#include <string>
#include <vector>

#include "collectors/parse/settings.h"
#include "tests/fuzz/target.h"

namespace cgmon {

void check_input(std::string_view input) {
  constexpr std::string_view kKey = "cgroupDriver";
  const auto values = settings(input, kKey);
  for (const std::string_view value : values) {
    require(!value.empty(), "a value is not empty");
    require(value.find_first_of(" \t\r\n\"',#") == value.npos, "a value is a word");
    require(
        value.data() >= input.data() && value.data() + value.size() <= input.data() + input.size(),
        "a value is a part of the text");
    const std::string line = std::string(kKey) + " = \"" + std::string(value) + "\"\n";
    if (value.front() == '=' || value.front() == ':') continue;
    const auto again = settings(line, kKey);
    require(again.size() == 1 && again[0] == value, "a value is read back as it was");
  }
  // A text is its lines.
  std::vector<std::string_view> of_lines;
  std::string_view rest = input;
  while (!rest.empty()) {
    const auto of_line = settings(take_until(rest, '\n'), kKey);
    require(of_line.size() <= 1, "a line has one value");
    of_lines.insert(of_lines.end(), of_line.begin(), of_line.end());
  }
  require(of_lines == values, "a text is its lines");
}

}  // namespace cgmon
