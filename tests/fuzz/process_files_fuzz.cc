#include <string>

#include "collectors/parse/process_files.h"
#include "tests/fuzz/target.h"

namespace cgmon {

void check_input(std::string_view input) {
  const auto state = parse_task_state(input);
  if (state) {
    require(*state >= 'A' && *state <= 'z', "a state is a letter");
    require(parse_task_state("1 (" + std::string(input)) == state, "a name may hold anything");
  }
  const Value limit = parse_open_files_limit(input);
  if (limit.is_number()) {
    const std::string again = "Max open files " + std::to_string(limit.number) + " x\n";
    require(parse_open_files_limit(again) == limit, "a limit is read back as it was");
  }
  require(parse_open_files_limit("Max open files\n" + std::string(input)) == limit || input.empty(),
          "other lines change nothing");
  const Value score = parse_oom_score_adj(input);
  if (score.is_number()) {
    const auto number = static_cast<std::int64_t>(score.number);
    require(number >= -1000 && number <= 1000, "a score is within its bounds");
    require(parse_oom_score_adj(std::to_string(number) + '\n') == score,
            "a score is read back as it was");
  }
}

}  // namespace cgmon
