#include "collectors/parse/limit.h"
#include "tests/fuzz/target.h"

namespace cgmon {

void check_input(std::string_view input) {
  const Value value = parse_single(input);
  if (value.is_number()) {
    const std::string_view word = input.substr(0, input.size() - 1);
    require(parse_number(word) == value.number, "a number is the whole file but its newline");
  } else if (value == Value::unlimited()) {
    require(input == "max\n" || input == "-1\n", "only two words are no limit");
  } else {
    require(value == Value::absent(), "nothing stands in for what is absent");
  }
  if (value.is_absent()) return;
  for (std::size_t cut = 0; cut < input.size(); ++cut) {
    require(parse_single(input.substr(0, cut)).is_absent(), "a cut file has no value");
  }
}

}  // namespace cgmon
