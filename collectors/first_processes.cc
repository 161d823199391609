#include "collectors/first_processes.h"

#include <cerrno>

#include "collectors/metrics/tables.h"

namespace cgmon {
namespace {

/// Cgroups that are looked into for one container.
constexpr std::size_t kMostSearched = 64;

/// What is below counts, too; read before any of this.
constexpr std::size_t kTasks = row("container_threads");
static_assert(Group::pids < Group::network && Group::pids < Group::disk &&
              Group::pids < Group::process && Group::pids < Group::cpu_load);

}  // namespace

FirstProcess FirstProcesses::of(const Cgroup& cgroup) {
  if (cgroup.slot >= pids_.size()) pids_.resize(tree_.slots());
  std::uint32_t& known = pids_[cgroup.slot];
  if (known != 0) return {.pid = known};
  if (snapshot_ != nullptr && snapshot_->value(kTasks, cgroup.slot) == Value::of(0)) return {};
  std::size_t budget = kMostSearched;
  FirstProcess found = search(cgroup, budget);
  if (found.pid != 0 && !view().fits_procfs) found = {.hidden = true};  // procfs has another there
  known = found.pid;
  const bool silent = found.pid == 0 && !found.hidden && found.error == 0;
  if (silent) found.hidden = view().own_namespace;
  return found;
}

const PidView& FirstProcesses::view() {
  if (!view_) view_ = pid_view(files_, procfs_);
  return *view_;
}

FirstProcess FirstProcesses::search(const Cgroup& cgroup, std::size_t& budget) {
  --budget;
  FirstProcess first = read(cgroup);
  for (const auto& [name, child] : cgroup.children) {
    if (first.pid != 0 || budget == 0) break;
    if (is_container_(*child)) continue;
    const FirstProcess below = search(*child, budget);
    first.pid = below.pid;
    first.hidden |= below.hidden;
  }
  if (first.pid != 0) first.error = 0;
  return first;
}

FirstProcess FirstProcesses::read(const Cgroup& cgroup) {
  std::size_t h = tree_.master();
  for (std::size_t i = 0; !cgroup.is_in(h) && i < tree_.walked().size(); ++i) h = i;
  if (!cgroup.is_in(h)) return {.error = -ENOENT};
  path_.assign(tree_.relative(cgroup, h)).append("/cgroup.procs");
  return read_first_process(files_, tree_.directory(h), path_.c_str());
}

}  // namespace cgmon
