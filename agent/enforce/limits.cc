#include "agent/enforce/limits.h"

#include <algorithm>
#include <string>

#include "agent/enforce/device_filter.h"
#include "agent/enforce/kept.h"
#include "agent/enforce/system.h"

namespace cgmon {
namespace {

constexpr std::size_t kFileBytesMax = std::size_t{64} << 10U;

}  // namespace

Result<void> write_limit(const Step& step, Files& files, RunReport& report) {
  const int error = write_kernel_file(step.path, step.value);
  if (error != 0) {
    std::string what = step.limit.empty() ? "" : "--" + step.limit + ": ";
    what += "the kernel refuses `" + step.value + "`";
    if (!step.remedy.empty()) what += "; " + step.remedy;
    return failure(what, step.path, error);
  }
  return step.limit.empty() ? Result<void>() : check_kept(step, files, report);
}

Result<void> check_kept(const Step& step, Files& files, RunReport& report) {
  std::string text;
  const std::string& path = step.read_back.empty() ? step.path : step.read_back;
  const int error = read_file(files, Files::kAbsolute, path.c_str(), kFileBytesMax, text);
  if (error != 0) return failure("cannot read back", path, -error);
  const Kept kept = judge_kept(step, text);
  report.limits.push_back({step.limit, step.path, step.value, kept.effective});
  if (kept.how == Kept::How::exact) return {};
  if (kept.how == Kept::How::rounded) {
    report.warnings.push_back("--" + step.limit + ": the kernel rounds " + step.value + " to " +
                              kept.effective);
    return {};
  }
  return failure("--" + step.limit + ": asked for " + step.value + ", the kernel has " +
                     (kept.effective.empty() ? "nothing" : kept.effective),
                 path);
}

Result<void> restrict_process(const Step& step, const RunSpec& spec, const Plan& plan, pid_t pid,
                              RunReport& report) {
  int error = 0;
  std::string effective = step.value;
  if (step.act == Step::Act::allow_devices) {
    error = attach_device_program(step.path, device_program(plan.devices));
  } else if (step.act == Step::Act::set_rlimit) {
    const auto is_meant = [&](const Rlimit& each) {
      return step.value.starts_with(std::string(kRlimitNames.at(each.index)) + '=');
    };
    error = set_rlimit(pid, *std::ranges::find_if(spec.rlimits, is_meant));
  } else if (step.act == Step::Act::set_nice) {
    error = set_nice(pid, spec.nice.value_or(0));
  } else {
    const std::string path = "/proc/" + std::to_string(pid) + "/oom_score_adj";
    error = write_kernel_file(path, step.value);
  }
  if (error != 0) {
    return failure("--" + step.limit + ": the kernel refuses " + step.value + "; " + step.remedy,
                   step.path, error);
  }
  report.limits.push_back({step.limit, step.path, step.value, effective});
  return {};
}

}  // namespace cgmon
