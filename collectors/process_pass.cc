#include "collectors/process_pass.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include "collectors/metrics/read_errors.h"
#include "collectors/metrics/tables.h"
#include "collectors/parse/process_files.h"

namespace cgmon {
namespace {

constexpr std::size_t kProcesses = row("container_processes");
constexpr std::size_t kZombies = row("container_processes_zombie");
constexpr std::size_t kDescriptors = row("container_file_descriptors");
constexpr std::size_t kSockets = row("container_sockets");
constexpr std::size_t kHighest = row("container_file_descriptors_highest_ratio");
constexpr std::size_t kUlimit = row("container_ulimits_soft", R"(ulimit="max_open_files")");
constexpr std::size_t kOomScoreAdj = row("container_oom_score_adj");
constexpr std::size_t kRunning = row("container_tasks_state", R"(state="running")");
constexpr std::size_t kSleeping = row("container_tasks_state", R"(state="sleeping")");
constexpr std::size_t kStopped = row("container_tasks_state", R"(state="stopped")");
constexpr std::size_t kUninterruptible = row("container_tasks_state", R"(state="uninterruptible")");

constexpr std::size_t kTasks = row("container_threads");  // read before, by Group::pids

constexpr std::size_t kLargestFile = 32U << 20U;
constexpr std::size_t kMostMembers = 1'000'000;

bool has_ended(int error) { return error == -ENOENT || error == -ESRCH; }

}  // namespace

void ProcessPass::read_processes(const Target& target) {
  constexpr std::array<std::string_view, 1> kFiles{"cgroup.procs"};
  if (!list_members(target, kFiles) || !look_at_members(target, true)) return cut_off(target);
  for (const Cgroup* const cgroup : target.chosen) {
    Sums sums = sums_of(at_[cgroup->slot]);
    sums.partial = may_lack_members(*cgroup, sums, target.snapshot);
    sums.hidden |= sums.partial;
    note_lack(sums, target.report);
    const auto set = [&](std::size_t row_index, std::uint64_t value) {
      target.snapshot.columns[row_index].set(cgroup->slot, Value::of(value));
    };
    if (!sums.known || sums.partial) continue;
    set(kProcesses, sums.members);
    if (sums.hidden) continue;
    set(kZombies, sums.zombies);
    if (!sums.denied) {
      set(kDescriptors, sums.descriptors);
      if (!sums.sockets_denied) set(kSockets, sums.sockets);
      if (sums.members != 0) set(kHighest, sums.highest);
    }
    if (is_container(identifier_.labels(cgroup->slot)->kind)) {
      show_first_process(*cgroup, target.snapshot);
    }
  }
}

void ProcessPass::read_tasks(const Target& target) {
  constexpr std::array<std::string_view, 2> kFiles{"cgroup.threads", "tasks"};  // v2, v1
  if (!list_members(target, kFiles) || !look_at_members(target, false)) return cut_off(target);
  for (const Cgroup* const cgroup : target.chosen) {
    Sums sums = sums_of(at_[cgroup->slot]);
    sums.hidden |= may_lack_members(*cgroup, sums, target.snapshot);
    note_lack(sums, target.report);
    if (!sums.known || sums.hidden || sums.denied) continue;
    for (const auto& [row_index, value] : {std::pair{kRunning, sums.running},
                                           {kSleeping, sums.sleeping},
                                           {kStopped, sums.stopped},
                                           {kUninterruptible, sums.uninterruptible}}) {
      target.snapshot.columns[row_index].set(cgroup->slot, Value::of(value));
    }
  }
}

/// Nothing is shown of a pass that ran out of time: a part is no sum.
void ProcessPass::cut_off(const Target& target) const {
  target.report.success = false;
  target.report.unavailable[static_cast<std::size_t>(Reason::deadline)] =
      static_cast<std::uint32_t>(target.chosen.size());
}

/// Lists all cgroups' members; false when time has run out. `files`: the first that is there.
bool ProcessPass::list_members(const Target& target, std::span<const std::string_view> files) {
  const auto& order = tree_.in_order();
  members_.clear();
  begin_.clear();
  unknown_.assign(order.size(), 0);
  at_.resize(tree_.slots());
  FileStatus status;
  const std::string init = procfs_ + "/1/stat";
  hides_others_ = files_.status(Files::kAbsolute, init.c_str(), status) != 0;
  // v1 leaves out whom this process cannot name (cgroup-v1.c, pidlist_array_load); a container that
  // sees its own tree alone can name all that is in there.
  omits_others_ = processes_.view().own_namespace && !tree_.restricted() &&
                  tree_.version(tree_.master()) == Version::v1;
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (clock_.monotonic_ns() > target.deadline_ns || members_.size() > kMostMembers) return false;
    at_[order[i]->slot] = i;
    begin_.push_back(members_.size());
    const int error = list_members_of(*order[i], files);
    unknown_[i] = error != 0 ? 1 : 0;
    if (error == 0 || error == -ENODEV || error == -ENOENT || error == -EOPNOTSUPP) continue;
    target.report.success = false;
    count_read_error(target.errors, files[0], errno_name(-error), [&] { return path_; });
  }
  begin_.push_back(members_.size());
  end_.resize(order.size());
  for (std::size_t i = order.size(); i-- > 0;) {
    end_[i] = i + 1;
    for (std::size_t below = i + 1; below < order.size() && order[below]->parent == order[i];
         below = end_[below]) {
      end_[i] = end_[below];
    }
  }
  return true;
}

int ProcessPass::list_members_of(const Cgroup& cgroup, std::span<const std::string_view> files) {
  const std::size_t h = tree_.master();
  if (!cgroup.is_in(h)) return -ENOENT;
  int error = -ENOENT;
  for (const std::string_view file : files) {
    path_.assign(tree_.relative(cgroup, h)).append("/").append(file);
    ++reads_;
    error = read_file(files_, tree_.directory(h), path_.c_str(), kLargestFile, text_);
    if (error != -ENOENT) break;
  }
  if (error != 0) return error;
  std::string_view rest = text_;
  while (!rest.empty()) {
    const auto id = parse_number(take_until(rest, '\n'));
    if (!id || *id > UINT32_MAX) return -EBADMSG;
    // A number that means another process in procfs names none.
    members_.push_back(processes_.view().fits_procfs ? static_cast<std::uint32_t>(*id) : 0);
  }
  return 0;
}

bool ProcessPass::look_at_members(const Target& target, bool descriptors) {
  facts_.assign(members_.size(), {});
  for (std::size_t i = 0; i < members_.size(); ++i) {
    if (i % 64 == 0 && clock_.monotonic_ns() > target.deadline_ns) return false;
    facts_[i] = look_at(members_[i], descriptors, target.errors);
    target.report.success &= !facts_[i].denied;
  }
  return true;
}

ProcessPass::Facts ProcessPass::look_at(std::uint32_t id, bool descriptors,
                                        std::vector<ReadError>& errors) {
  Facts facts;
  if (id == 0) {
    facts.hidden = true;
    return facts;
  }
  const int error = read_of(id, "/stat");
  if (has_ended(error)) {
    facts.hidden = hides_others_;
    return facts;
  }
  const auto state = error == 0 ? parse_task_state(text_) : std::nullopt;
  if (!state) {
    facts.denied = true;
    count_read_error(errors, "stat", error != 0 ? errno_name(-error) : "malformed",
                     [&] { return path_; });
    return facts;
  }
  facts.state = *state;
  if (descriptors && facts.state != 'Z') count_descriptors(id, facts, errors);
  return facts;
}

void ProcessPass::count_descriptors(std::uint32_t id, Facts& facts,
                                    std::vector<ReadError>& errors) {
  path_.assign(procfs_).append("/").append(std::to_string(id)).append("/fd");
  LinkCounts counts;
  ++reads_;
  const int error = files_.count_links(Files::kAbsolute, path_.c_str(), counts);
  if (has_ended(error)) return;
  if (error != 0) {
    facts.denied = true;
    count_read_error(errors, "fd", errno_name(-error), [&] { return path_; });
    return;
  }
  facts.descriptors = counts.links;
  facts.sockets = counts.sockets;
  facts.sockets_denied = counts.hidden;
  if (counts.links == 0 || read_of(id, "/limits") != 0) return;
  const Value limit = parse_open_files_limit(text_);
  if (limit.is_number() && limit.number != 0) {
    facts.ratio = std::min<std::uint64_t>(counts.links, 1ULL << 40U) * 1'000'000 / limit.number;
  }
}

int ProcessPass::read_of(std::uint32_t id, std::string_view file) {
  path_.assign(procfs_).append("/").append(std::to_string(id)).append(file);
  ++reads_;
  return read_file(files_, Files::kAbsolute, path_.c_str(), kLargestFile, text_);
}

ProcessPass::Sums ProcessPass::sums_of(std::size_t index) const {
  Sums sums;
  for (std::size_t i = index; i < end_[index]; ++i) sums.known = sums.known && unknown_[i] == 0;
  for (std::size_t i = begin_[index]; i < begin_[end_[index]]; ++i) {
    const Facts& facts = facts_[i];
    ++sums.members;
    sums.hidden |= facts.hidden;
    sums.denied |= facts.denied;
    sums.sockets_denied |= facts.sockets_denied;
    sums.zombies += facts.state == 'Z' ? 1 : 0;
    sums.descriptors += facts.descriptors;
    sums.sockets += facts.sockets;
    sums.highest = std::max(sums.highest, facts.ratio);
    sums.running += facts.state == 'R' ? 1 : 0;
    sums.sleeping += facts.state == 'S' ? 1 : 0;
    sums.stopped += facts.state == 'T' || facts.state == 't' ? 1 : 0;
    sums.uninterruptible += facts.state == 'D' ? 1 : 0;
  }
  return sums;
}

/// Whether the lists are silent about some: of a cgroup that has tasks by its own count, none.
bool ProcessPass::may_lack_members(const Cgroup& cgroup, const Sums& sums,
                                   const Snapshot& snapshot) const {
  if (omits_others_) return true;
  const Value tasks = snapshot.value(kTasks, cgroup.slot);
  return sums.members == 0 && tasks.is_number() && tasks.number != 0 &&
         processes_.view().own_namespace;
}

void ProcessPass::note_lack(const Sums& sums, GroupReport& report) const {
  if (sums.known && !sums.hidden && !sums.denied && !sums.sockets_denied) return;
  const Reason why = !sums.known   ? Reason::not_delegated
                     : sums.hidden ? Reason::namespace_hidden
                                   : Reason::permission;
  ++report.unavailable[static_cast<std::size_t>(why)];
}

void ProcessPass::show_first_process(const Cgroup& cgroup, Snapshot& snapshot) {
  const FirstProcess first = processes_.of(cgroup);
  if (first.pid == 0) return;
  const int error = read_of(first.pid, "/limits");
  if (has_ended(error)) processes_.forget(cgroup.slot);
  if (error != 0) return;
  const Value limit = parse_open_files_limit(text_);
  const bool none = !limit.is_number() && !limit.is_absent();
  snapshot.columns[kUlimit].set(cgroup.slot, none ? Value::of(UINT64_MAX) : limit);  // -1
  if (read_of(first.pid, "/oom_score_adj") != 0) return;
  snapshot.columns[kOomScoreAdj].set(cgroup.slot, parse_oom_score_adj(text_));
}

}  // namespace cgmon
