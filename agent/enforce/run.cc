#include "agent/enforce/run.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "agent/enforce/aftermath.h"
#include "agent/enforce/alarms.h"
#include "agent/enforce/child.h"
#include "agent/enforce/leftovers.h"
#include "agent/enforce/limits.h"
#include "agent/enforce/profile.h"
#include "agent/enforce/scope.h"
#include "agent/enforce/system.h"
#include "agent/enforce/teardown.h"
#include "collectors/kernel/system_files.h"
#include "collectors/parse/flat_keyed.h"

namespace cgmon {
namespace {

using std::chrono::nanoseconds;
constexpr std::size_t kFileBytesMax = std::size_t{64} << 10U;
/// So often has somebody to ask for the end before the command is killed.
constexpr int kInsistence = 3;

std::string without_newline(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

class Run {
 public:
  Run(const RunSpec& spec, const Plan& plan, const RunContext& context)
      : spec_(spec), plan_(plan), context_(context) {}

  RunOutcome run() {
    const Result<void> done = execute();
    if (!done) outcome_.errors.push_back(done.error());
    take_down();
    return std::move(outcome_);
  }

 private:
  Result<void> execute();
  Result<void> prepare(const Step& step);
  Result<void> enable(const Step& step);
  void return_home();
  Result<void> start(const Step& step);
  Result<void> make_scratch_entry(const Step& step);
  Result<void> set_up();
  static Error error_of(const Child::Failure& failed);
  Result<void> execute_command();
  void supervise(std::int64_t deadline_ns);
  void on_signals(const Wake& wake);
  void add_events(const Wake& wake, std::int64_t at_ns);
  void add_last_kill(std::int64_t ended_ns);
  [[nodiscard]] std::uint64_t kills_above() const;
  void pause();
  void add_time(const Step& step, std::int64_t ns);
  void finish(const Child::End& end, std::int64_t ended_ns);
  void take_down();
  bool wait_for_systemd();
  [[nodiscard]] std::int64_t now() const { return context_.clock.monotonic_ns(); }
  [[nodiscard]] std::vector<std::string> own_directories() const {
    std::vector<std::string> paths;
    for (const RunDirectory& directory : plan_.directories) paths.push_back(directory.path);
    return paths;
  }

  const RunSpec& spec_;
  const Plan& plan_;
  const RunContext& context_;
  RunOutcome outcome_;
  std::vector<std::string> made_;  // directories, in order
  Step left_;                      // how this process left its cgroup; no path: it did not
  std::vector<Step> enabled_;      // since then
  bool has_scratch_ = false, is_set_up_ = false;
  UniqueFd lock_, state_, memory_;
  std::optional<Events> events_;
  std::optional<Scope> scope_;
  std::optional<Child> child_;
  std::unique_ptr<Profile> profile_;
  std::int64_t began_ns_ = 0;
  int asked_to_end_ = 0;
  std::uint64_t known_kills_ = 0, kills_above_ = 0;
  std::int64_t out_of_memory_ns_ = 0;
  rusage used_before_{};  // by programs that helped to start the command
  std::optional<EndReason> reason_;
};

Result<void> Run::execute() {
  began_ns_ = now();
  outcome_.report.start_cpu_ns = own_cpu_ns();
  Result<Events> events = Events::open();
  if (!events) return tl::unexpected(events.error());
  events_ = *std::move(events);
  Result<UniqueFd> lock = lock_directory(context_.state);
  if (!lock) return tl::unexpected(lock.error());
  lock_ = *std::move(lock);
  std::vector<std::string> directories = own_directories();
  for (const Step& step : plan_.steps) {
    if (step.act == Step::Act::leave) directories.push_back(parent_of(step.path));
  }
  Result<UniqueFd> file =
      create_state_file(context_.state, plan_.id + ".json",
                        text_of_state(plan_.id, directories, plan_.isolation.scratch_roots));
  if (!file) return tl::unexpected(file.error());
  state_ = *std::move(file);
  for (const Step& step : plan_.steps) {
    if (step.act == Step::Act::execute) return execute_command();
    const std::int64_t since_ns = now();
    const Result<void> done = prepare(step);
    add_time(step, now() - since_ns);
    if (done || step.optional) continue;
    if (step.limit.empty() || !spec_.best_effort) return done;
    outcome_.report.warnings.push_back(done.error().message());
  }
  return {};
}

Result<void> Run::prepare(const Step& step) {
  switch (step.act) {
    case Step::Act::make_directory: {
      const Result<bool> made = make_directory(step.path);
      if (!made) return tl::unexpected(made.error());
      // A parent that was there is shared; it goes with the last run that is in it.
      made_.push_back(step.path);
      return {};
    }
    case Step::Act::scope: {
      Result<Scope> scope = Scope::start(plan_.unit);
      if (!scope) return tl::unexpected(scope.error());
      scope_ = *std::move(scope);
      return {};
    }
    case Step::Act::hold: {
      const int error = write_kernel_file(step.path, std::to_string(scope_->holder()));
      return error == 0 ? Result<void>() : failure("cannot move a process", step.path, error);
    }
    case Step::Act::expect:
      return check_kept(step, context_.files, outcome_.report);
    case Step::Act::leave: {
      const int error = move_self(step.path);
      if (error != 0) return failure("cannot move this process", step.path, error);
      left_ = step;
      return {};
    }
    case Step::Act::enable:
      return enable(step);
    case Step::Act::write:
      return write_limit(step, context_.files, outcome_.report);
    case Step::Act::copy: {
      std::string text;
      const int error =
          read_file(context_.files, Files::kAbsolute, step.value.c_str(), kFileBytesMax, text);
      if (error != 0) return failure("cannot read", step.value, -error);
      const int written = write_kernel_file(step.path, without_newline(text));
      return written == 0 ? Result<void>() : failure("cannot write", step.path, written);
    }
    case Step::Act::allow_devices:
    case Step::Act::set_rlimit:
    case Step::Act::set_nice:
    case Step::Act::set_oom_score:
      return restrict_process(step, spec_, plan_, child_ ? child_->pid() : -1, outcome_.report);
    case Step::Act::start:
      return start(step);
    case Step::Act::attach:
      return scope_->attach(step.path.substr(step.path.rfind('/')), child_->pid());
    case Step::Act::join: {
      const int error = write_kernel_file(step.path, std::to_string(child_->pid()));
      return error == 0 ? Result<void>() : failure("cannot put the command in", step.path, error);
    }
    case Step::Act::scratch:
      return make_scratch_entry(step);
    case Step::Act::map: {
      const std::string path =
          context_.roots.procfs + '/' + std::to_string(child_->pid()) + '/' + step.path;
      if (!step.program.empty()) return map_ids_by(step.program, child_->pid(), step.value);
      const int error = write_kernel_file(path, step.value);
      return error == 0 ? Result<void>() : failure("cannot map ids", path, error);
    }
    case Step::Act::inside:
      return set_up();  // once: it does all of them
    case Step::Act::execute:
      break;
  }
  return {};
}

/// In a unit that was handed over, what was not there before is taken back at the end.
Result<void> Run::enable(const Step& step) {
  std::string before;
  if (!left_.path.empty() &&
      read_file(context_.files, Files::kAbsolute, step.path.c_str(), kFileBytesMax, before) == 0) {
    std::ranges::replace(before, '\n', ' ');
    const bool had = (' ' + before + ' ').find(' ' + step.value.substr(1) + ' ') != before.npos;
    if (!had) enabled_.push_back(step);
  }
  return write_limit(step, context_.files, outcome_.report);
}

/// Back to the cgroup that this process left, which may then have no cgroups with limits below it.
void Run::return_home() {
  for (auto step = enabled_.rbegin(); step != enabled_.rend(); ++step) {
    // What another one still uses stays, and this process where it is.
    [[maybe_unused]] const int error = write_kernel_file(step->path, '-' + step->value.substr(1));
  }
  [[maybe_unused]] const int error = move_self(left_.value + "/cgroup.procs");
}

Result<void> Run::start(const Step& step) {
  // What is shared has been made. Before: a lock lives as long as a copy of it in a new process.
  lock_.reset();
  Result<Child> child = Child::start(plan_.isolation.child, spec_.command, step.path);
  if (!child) return tl::unexpected(child.error());
  child_ = *std::move(child);
  return {};
}

Result<void> Run::make_scratch_entry(const Step& step) {
  const auto entry = std::ranges::find(plan_.isolation.scratch, step.path, &ScratchEntry::path);
  has_scratch_ = true;
  return make_scratch(entry->path, entry->is_file, entry->mode, entry->uid, entry->gid);
}

Error Run::error_of(const Child::Failure& failed) {
  if (failed.step == nullptr) return {"the new process ended before the command", {}, failed.error};
  const std::string& remedy = failed.step->remedy;
  return {text_of(*failed.step) + (remedy.empty() ? "" : " (" + remedy + ')'), {}, failed.error};
}

Result<void> Run::set_up() {
  if (is_set_up_) return {};
  is_set_up_ = true;
  if (const auto failed = child_->set_up()) return tl::unexpected(error_of(*failed));
  if (!plan_.isolation.memory.empty()) memory_ = child_->kept();
  return {};
}

/// The joins of v1 apart: the kernel may wait there for a grace period.
void Run::add_time(const Step& step, std::int64_t ns) {
  std::string_view name = "cgroups";
  if (step.act == Step::Act::start) name = "start";
  if (step.act == Step::Act::join) name = "v1_joins";
  if (step.act == Step::Act::scratch || step.act == Step::Act::map ||
      step.act == Step::Act::inside) {
    name = "isolation";
  }
  std::vector<SetupPart>& parts = outcome_.report.setup;
  const auto part = std::ranges::find(parts, name, &SetupPart::name);
  if (part != parts.end()) {
    part->ns += ns;
  } else {
    parts.push_back({name, ns});
  }
}

Result<void> Run::execute_command() {
  if (Result<void> done = set_up(); !done) return done;
  const ReaderOptions options{user_ticks_per_second(), page_bytes(), context_.roots.procfs};
  profile_ = std::make_unique<Profile>(context_.files, context_.layout, plan_.directories, options);
  profile_->begin(now());
  kills_above_ = kills_above();
  used_before_ = children_usage();
  outcome_.report.started_at_ns = context_.clock.wall_ns();
  // Not when execve is reported: on a busy host we may hear of it after the command has ended.
  const std::int64_t executed_ns = now();
  outcome_.report.setup_cpu_ns = own_cpu_ns() - outcome_.report.start_cpu_ns;
  if (const auto failed = child_->execute()) {
    if (failed->step != nullptr) return tl::unexpected(error_of(*failed));
    outcome_.exit_code = failed->error == ENOENT ? kNotFound : kNotExecutable;
    return failure("cannot execute", spec_.command.front(), failed->error);
  }
  outcome_.report.setup_ns = executed_ns - began_ns_;
  began_ns_ = executed_ns;
  supervise(spec_.timeout ? executed_ns + nanoseconds(*spec_.timeout).count() : 0);
  return {};
}

void Run::supervise(std::int64_t deadline_ns) {
  std::chrono::milliseconds interval = spec_.interval;
  events_->watch(open_alarms(plan_, context_.layout));
  events_->tick_every(interval);
  const std::int64_t cpu_before_ns = own_cpu_ns();
  while (true) {
    const Wake wake = events_->wait(child_->pidfd(), child_->end_pipe(), deadline_ns);
    const std::int64_t woken_ns = now();
    add_events(wake, woken_ns);
    outcome_.report.sampling_cpu_ns = own_cpu_ns() - cpu_before_ns;
    if (const auto end = child_->ended()) return finish(*end, woken_ns);
    events_->reap_orphans(child_->pid());
    if (wake.tick && profile_->sample(woken_ns)) events_->tick_every(interval *= 2);
    outcome_.report.interval_ns = nanoseconds(interval).count();
    on_signals(wake);
    if (deadline_ns == 0 || woken_ns < deadline_ns) continue;
    const bool is_first = reason_ != EndReason::timeout;
    child_->send(is_first ? SIGTERM : SIGKILL);
    deadline_ns = is_first ? woken_ns + nanoseconds(spec_.kill_after).count() : 0;
    reason_ = EndReason::timeout;
  }
}

void Run::add_events(const Wake& wake, std::int64_t at_ns) {
  constexpr std::size_t kMostEvents = 1000;
  std::vector<RunEvent>& events = outcome_.report.events;
  for (const std::string& kind : wake.alarms) {
    // The kernel tells of all that happens to the memory; kills are the ones that count.
    const bool is_memory = kind == "memory_events";
    const std::uint64_t kills = is_memory ? profile_->oom_kills() : 0;
    if (is_memory && kills == known_kills_) {
      // On v1 the kernel tells before it kills.
      out_of_memory_ns_ = at_ns;
      continue;
    }
    if (is_memory) known_kills_ = kills;
    if (events.size() < kMostEvents) {
      events.push_back({at_ns - began_ns_, is_memory ? "oom_kill" : kind});
    } else {
      ++outcome_.report.events_left_out;
    }
  }
}

/// A kill that ended the command may be known by its count alone.
void Run::add_last_kill(std::int64_t ended_ns) {
  if (profile_->oom_kills() == known_kills_) return;
  const std::int64_t at_ns = out_of_memory_ns_ > 0 ? out_of_memory_ns_ : ended_ns;
  outcome_.report.events.push_back({at_ns - began_ns_, "oom_kill"});
}

/// OOM kills in the target, where none are counted for the command alone.
std::uint64_t Run::kills_above() const {
  std::string text;
  if (plan_.kills_above.empty() || read_file(context_.files, Files::kAbsolute,
                                             plan_.kills_above.c_str(), kFileBytesMax, text) != 0) {
    return 0;
  }
  return flat_keyed_number(text, "oom_kill").value_or(0);
}

/// As a terminal's Ctrl-Z, but for all that is in the cgroup; SIGCONT ends it.
void Run::pause() {
  freeze_cgroups(own_directories(), true);
  const std::int64_t from_ns = now();
  stop_self();
  outcome_.report.frozen_ns += now() - from_ns;
  freeze_cgroups(own_directories(), false);
}

void Run::on_signals(const Wake& wake) {
  for (const Wake::Signal& signal : wake.signals) {
    if (signal.number == SIGTSTP) pause();
    if (signal.number == SIGTSTP || signal.number == SIGCONT) continue;
    const bool ends = signal.number == SIGINT || signal.number == SIGTERM ||
                      signal.number == SIGHUP || signal.number == SIGQUIT;
    if (ends && ++asked_to_end_ >= kInsistence) {
      child_->send(SIGKILL);
    } else if (!signal.from_terminal) {
      child_->send(signal.number);
    }
    if (ends && !reason_) reason_ = EndReason::forwarded;
  }
}

void Run::finish(const Child::End& end, std::int64_t ended_ns) {
  RunReport& report = outcome_.report;
  report.wall_ns = ended_ns - began_ns_;
  add_last_kill(ended_ns);
  const Result<std::size_t> killed = kill_cgroups(own_directories());
  if (!killed) outcome_.errors.push_back(killed.error());
  // An init of ours is none of the command's.
  const std::size_t init = child_->end_pipe() >= 0 ? 1 : 0;
  report.killed = std::max(killed.value_or(0), init) - init;
  profile_->sample(now());
  profile_->finish(report);
  if (plan_.directories.empty()) add_usage(used_before_, report);
  report.id = plan_.id;
  report.cgroup_mode = name_of(context_.layout.mode);
  report.command = spec_.command;
  report.warnings.insert(report.warnings.begin(), plan_.warnings.begin(), plan_.warnings.end());
  report.core_dumped = end.core;
  (end.by_signal ? report.signal : report.exit_code) = end.number;
  const auto kills = std::ranges::find(report.figures, "oom_kills", &RunFigure::name);
  const bool is_counted =
      kills != report.figures.end() && kills->value.is_number() && kills->value.number > 0;
  const bool out_of_memory =
      (is_counted || kills_above() > kills_above_) && end.by_signal && end.number == SIGKILL;
  if (reason_) {
    report.reason = *reason_;
  } else if (end.by_signal) {
    report.reason = out_of_memory ? EndReason::out_of_memory : EndReason::signaled;
  }
  if (spec_.isolation.diff) {
    const Result<void> done = add_diff(plan_, memory_.get(), report);
    if (!done) outcome_.errors.push_back(done.error());
  }
  report.own_cpu_ns = own_cpu_ns();
  outcome_.has_report = true;
  outcome_.exit_code = end.by_signal ? 128 + end.number : end.number;
}

void Run::take_down() {
  profile_.reset();
  memory_.reset();
  if (child_) child_->send(SIGKILL);
  if (child_ && plan_.directories.empty()) kill_children();
  if (lock_.get() < 0) {
    if (Result<UniqueFd> lock = lock_directory(context_.state)) lock_ = *std::move(lock);
  }
  bool is_clean = true;
  if (!made_.empty()) {
    if (const auto killed = kill_cgroups(own_directories()); !killed) {
      outcome_.errors.push_back(killed.error());
    }
  }
  if (scope_) scope_->stop();
  [[maybe_unused]] const rusage reaped = reap_all();
  for (auto made = made_.rbegin(); made != made_.rend(); ++made) {
    if (made->ends_with(kAgentEnding)) return_home();
    const bool is_parent = made->ends_with(kRunParent);
    if (is_parent) {
      const int error = remove_directory(*made);  // EBUSY: another run is in it
      is_clean = is_clean && (error == 0 || error == EBUSY || error == ENOENT);
    } else if (const Result<void> removed = remove_cgroup(*made); !removed) {
      outcome_.errors.push_back(removed.error());
      is_clean = false;
    }
  }
  for (const std::string& root : plan_.isolation.scratch_roots) {
    if (!has_scratch_) break;
    if (const Result<void> removed = remove_scratch(root, plan_.isolation.maps); !removed) {
      outcome_.errors.push_back(removed.error());
      is_clean = false;
    }
  }
  if (scope_) is_clean = wait_for_systemd() && is_clean;
  if (state_.get() >= 0 && is_clean) remove_file(context_.state + '/' + plan_.id + ".json");
}

/// False where the scope's directories are still there after a while.
bool Run::wait_for_systemd() {
  using std::chrono::milliseconds;
  constexpr milliseconds kPause{5}, kPatience{5'000};
  const auto is_there = [&](const RunDirectory& directory) {
    FileStatus status;
    return directory.limits.ends_with(plan_.unit.name) &&
           context_.files.status(Files::kAbsolute, directory.limits.c_str(), status) == 0;
  };
  for (milliseconds waited{0}; waited < kPatience; waited += kPause) {
    if (std::ranges::none_of(plan_.directories, is_there)) return true;
    pause_for(kPause);
  }
  const auto left = std::ranges::find_if(plan_.directories, is_there);
  if (left == plan_.directories.end()) return true;
  outcome_.errors.push_back(Error{"systemd does not remove the scope", left->limits, 0, 0});
  return false;
}

}  // namespace

RunOutcome run_plan(const RunSpec& spec, const Plan& plan, const RunContext& context) {
  return Run(spec, plan, context).run();
}

}  // namespace cgmon
