#include "agent/top_processes.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "agent/inspect_target.h"
#include "collectors/host/process.h"
#include "collectors/identity/utf8.h"

namespace cgmon {
namespace {

constexpr std::size_t kShown = 3;

}  // namespace

TopProcesses::TopProcesses(Files& files, const std::string& procfs, const Layout& layout)
    : files_(files), procfs_(procfs), layout_(layout) {}

void TopProcesses::begin() { look(before_, false); }

ProcessNames TopProcesses::busiest() {
  ProcessNames names;
  ticks_.clear();
  if (hides_processes(files_, procfs_)) return names;
  std::unordered_map<std::uint32_t, Use> after;
  look(after, true);
  for (const auto& [path, by_name] : ticks_) {
    std::vector<std::pair<std::string, std::uint64_t>> order(by_name.begin(), by_name.end());
    std::ranges::stable_sort(order, std::ranges::greater{}, &decltype(order)::value_type::second);
    std::string& shown = names[repair_path(path)];
    for (std::size_t i = 0; i < std::min(order.size(), kShown); ++i) {
      shown.append(i == 0 ? "" : ", ").append(order[i].first);
    }
  }
  return names;
}

void TopProcesses::look(std::unordered_map<std::uint32_t, Use>& uses, bool with_names) {
  const int master = layout_.master();
  if (master < 0) return;
  const Hierarchy& hierarchy = layout_.hierarchies[static_cast<std::size_t>(master)];
  const auto visit = [&](std::uint32_t pid, std::span<const ProcCgroup> lines) {
    const ProcCgroup* const line = line_of(lines, hierarchy);
    if (line == nullptr || line->path.starts_with("/..")) return;
    const auto process = read_process(files_, procfs_, pid);
    if (!process) return;
    uses[pid] = {process->start_ticks, process->cpu_ticks};
    if (!with_names) return;
    const auto was = before_.find(pid);
    const bool same = was != before_.end() && was->second.start_ticks == process->start_ticks;
    const std::uint64_t before = same ? was->second.cpu_ticks : 0;
    const std::uint64_t used = process->cpu_ticks - std::min(before, process->cpu_ticks);
    std::string path(line->path);
    while (true) {
      ticks_[path][process->name] += used;
      if (path == "/") break;
      path.erase(std::max<std::size_t>(path.rfind('/'), 1));
    }
  };
  (void)each_process(files_, procfs_, visit);  // without processes there are no names
}

}  // namespace cgmon
