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
  if (const auto stat = parse_process_stat(input)) {
    const std::string again = "1 (" + std::string(stat->name) + ") S 0 1 1 0 -1 4 5 6 7 8 " +
                              std::to_string(stat->cpu_ticks) + " 0 11 12 20 0 1 0 " +
                              std::to_string(stat->start_ticks) + " 1 " +
                              std::to_string(stat->resident_pages) + " 0\n";
    const auto same = parse_process_stat(again);
    require(same && same->name == stat->name && same->cpu_ticks == stat->cpu_ticks &&
                same->start_ticks == stat->start_ticks &&
                same->resident_pages == stat->resident_pages,
            "a process is read back as it was");
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
