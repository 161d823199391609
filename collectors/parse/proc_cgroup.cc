#include "collectors/parse/proc_cgroup.h"

#include "collectors/parse/number.h"

namespace cgmon {

std::vector<ProcCgroup> parse_proc_cgroup(std::string_view text) {
  constexpr std::string_view kDeleted = " (deleted)";
  std::vector<ProcCgroup> entries;
  while (text.find('\n') != text.npos) {  // a last line without one was cut
    std::string_view line = take_until(text, '\n');
    const auto hierarchy = parse_number(take_until(line, ':'));
    const std::string_view controllers = take_until(line, ':');
    if (line.ends_with(kDeleted)) line.remove_suffix(kDeleted.size());
    if (!hierarchy || *hierarchy > UINT32_MAX || !line.starts_with('/')) continue;
    entries.push_back(
        {static_cast<std::uint32_t>(*hierarchy), std::string(controllers), std::string(line)});
  }
  return entries;
}

std::vector<KernelController> parse_proc_cgroups(std::string_view text) {
  std::vector<KernelController> controllers;
  while (text.find('\n') != text.npos) {  // a last line without one was cut
    std::string_view line = take_until(text, '\n');
    if (line.starts_with('#')) continue;
    const std::string_view name = take_until(line, '\t');
    const auto hierarchy = parse_number(take_until(line, '\t'));
    take_until(line, '\t');  // number of cgroups
    if (name.empty() || !hierarchy || *hierarchy > UINT32_MAX || (line != "0" && line != "1")) {
      continue;
    }
    controllers.push_back({std::string(name), static_cast<std::uint32_t>(*hierarchy), line == "1"});
  }
  return controllers;
}

}  // namespace cgmon
