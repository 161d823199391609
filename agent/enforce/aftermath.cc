#include "agent/enforce/aftermath.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "agent/enforce/overlay_diff.h"
#include "agent/enforce/system.h"

namespace cgmon {

void add_usage(const rusage& before, RunReport& report) {
  kill_children();
  const rusage usage = reap_all();
  const auto ns = [](const timeval& time) {
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 +
           static_cast<std::uint64_t>(time.tv_usec) * 1000;
  };
  const auto set = [&](std::string_view name, std::uint64_t number) {
    const auto figure = std::ranges::find(report.figures, name, &RunFigure::name);
    if (figure == report.figures.end()) return;
    figure->source = "rusage";
    figure->value = Value::of(number);
  };
  const std::uint64_t user = ns(usage.ru_utime) - ns(before.ru_utime);
  const std::uint64_t system = ns(usage.ru_stime) - ns(before.ru_stime);
  set("cpu_seconds", user + system);
  set("cpu_user_seconds", user);
  set("cpu_system_seconds", system);
  set("page_faults", static_cast<std::uint64_t>(usage.ru_minflt - before.ru_minflt));
  set("major_page_faults", static_cast<std::uint64_t>(usage.ru_majflt - before.ru_majflt));
}

Result<void> add_diff(const Plan& plan, int memory, RunReport& report) {
  const IsolationPlan& isolation = plan.isolation;
  OverlayLayers layers{isolation.lowers, isolation.upper, isolation.user_xattr};
  const std::string seen = "/proc/self/fd/" + std::to_string(memory);
  const auto move = [&](std::string& path) {
    if (!isolation.memory.empty() && path.starts_with(isolation.memory + '/')) {
      path.replace(0, isolation.memory.size(), seen);
    }
  };
  move(layers.upper);
  for (std::string& lower : layers.lowers) move(lower);
  Result<OverlayDiff> diff = overlay_diff(layers);
  if (!diff) return tl::unexpected(diff.error());
  report.has_diff = true;
  report.diff = std::move(diff->changes);
  if (!diff->incomplete.empty()) report.warnings.push_back("--diff: not all: " + diff->incomplete);
  return {};
}

}  // namespace cgmon
