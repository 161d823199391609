#include <string>

#include "collectors/parse/meminfo.h"
#include "tests/fuzz/target.h"
#include "tests/fuzz/text.h"

namespace cgmon {
namespace {

/// The first whole line of the key decides.
std::optional<std::uint64_t> slowly(std::string_view text, const std::string& key) {
  for (const std::string& line : whole_lines(text)) {
    if (!line.starts_with(key + ':')) continue;
    std::string_view value = std::string_view(line).substr(key.size() + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    if (!value.ends_with(" kB")) return std::nullopt;
    return parse_number(value.substr(0, value.size() - 3));
  }
  return std::nullopt;
}

}  // namespace

void check_input(std::string_view input) {
  for (const std::string key : {"MemTotal", "Mem", "SwapTotal", ""}) {
    const auto value = parse_meminfo(input, key);
    require(value == slowly(input, key), "the first line of a key is its value");
    if (value) {
      require(parse_meminfo(std::string(input) + key + ": 1 kB\n", key) == value,
              "what comes later changes nothing");
    }
  }
}

}  // namespace cgmon
