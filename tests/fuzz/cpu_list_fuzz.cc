#include <string>

#include "collectors/parse/cpu_list.h"
#include "tests/fuzz/target.h"

namespace cgmon {

void check_input(std::string_view input) {
  const auto count = count_cpu_list(input);
  if (!count) return;
  require(*count <= 1U << 20U, "no kernel has more");
  require(!input.empty() && input.back() == '\n', "a list is a whole line");
  require((*count == 0) == (input == "\n"), "only an empty line has none");
  for (std::size_t cut = 0; cut < input.size(); ++cut) {
    require(!count_cpu_list(input.substr(0, cut)), "a cut list has no count");
  }
  std::string longer(input);
  longer.insert(longer.size() - 1, *count == 0 ? "1048575" : ",1048575");
  const auto more = count_cpu_list(longer);
  require(!more || *more == *count + 1, "one more is one more");
}

}  // namespace cgmon
