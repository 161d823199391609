#include <string>
#include <vector>

#include "collectors/parse/per_cpu.h"
#include "tests/fuzz/target.h"

namespace cgmon {
namespace {

bool parse(std::string_view text, std::vector<std::uint64_t>& values) {
  return parse_per_cpu(text, [&](std::uint32_t cpu, std::uint64_t value) {
    require(cpu == values.size(), "CPUs are counted from 0");
    values.push_back(value);
  });
}

}  // namespace

void check_input(std::string_view input) {
  std::vector<std::uint64_t> values, again;
  const bool good = parse(input, values);
  std::string written;
  for (const std::uint64_t value : values) written += std::to_string(value) + ' ';
  written += '\n';
  require(parse(written, again) == !values.empty() && again == values,
          "values are read back as they were");
  if (!good) return;
  require(!values.empty() && input.ends_with('\n'), "a good line is whole and has a value");
  for (std::size_t cut = 0; cut < input.size(); ++cut) {
    values.clear();
    require(!parse(input.substr(0, cut), values), "a cut line is malformed");
  }
}

}  // namespace cgmon
