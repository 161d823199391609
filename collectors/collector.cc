#include "collectors/collector.h"

#include <algorithm>
#include <cerrno>
#include <optional>

#include "collectors/identity/cgroup_path.h"
#include "collectors/lifecycle.h"
#include "collectors/parse/cpu_list.h"
#include "collectors/parse/number.h"
#include "collectors/unavailable.h"

namespace cgmon {
namespace {

constexpr std::size_t kOomEvents = row("container_oom_events_total");

/// When the machine booted, in nanoseconds since the epoch ("btime N" in /proc/stat); 0 if it does
/// not say, or a negative errno.
std::int64_t boot_time_ns(Files& files, const Roots& roots) {
  std::string text;
  const std::string path = roots.procfs + "/stat";
  const int error = read_file(files, Files::kAbsolute, path.c_str(), 1U << 20U, text);
  if (error != 0) return error;
  std::string_view rest = text;
  while (!rest.empty()) {
    std::string_view line = take_until(rest, '\n');
    if (take_word(line) != "btime") continue;
    const auto seconds = parse_number(line);
    return seconds && *seconds < 1ULL << 33U ? static_cast<std::int64_t>(*seconds) * 1'000'000'000
                                             : 0;
  }
  return 0;
}

/// The walked hierarchy that has a row's file.
std::size_t hierarchy_of(std::size_t row_index, const ReadPlan& plan, const CgroupTree& tree) {
  const auto file = std::ranges::find_if(plan.files, [&](const FileKind& kind) {
    return std::ranges::find(kind.bindings, row_index, &Binding::row) != kind.bindings.end();
  });
  const auto walked = std::ranges::find(tree.walked(), file->hierarchy);
  return static_cast<std::size_t>(walked - tree.walked().begin());
}

}  // namespace

Collector::Collector(Files& files, const Clock& clock, const Roots& roots, Layout layout,
                     const CollectorOptions& options, MetadataQueue* metadata, DiskQueue* disks)
    : files_(files),
      clock_(clock),
      layout_(std::move(layout)),
      options_(options),
      plan_(make_read_plan(layout_, options.groups)),
      tree_(files, layout_, plan_.hierarchies, options.bounds,
            [](std::string_view path) { return is_container(identify_path(path).kind); }),
      written_(files, tree_, roots.procfs),
      identifier_(metadata),
      selection_(options.only, options.filters),
      oom_(files, clock, layout_, tree_, identifier_),
      host_(files, clock, roots, tree_, identifier_, disks),
      roots_(roots),
      online_path_(roots.sysfs + "/devices/system/cpu/online") {
  follow_plan();
}

/// Makes what goes by the plan's files.
void Collector::follow_plan() {
  std::optional<CgroupReader> before = std::move(reader_);
  kept_.emplace(files_, plan_, options_.descriptors);
  reader_.emplace(files_, plan_,
                  ReaderOptions{.ticks_per_second = options_.ticks_per_second,
                                .page_bytes = options_.page_bytes,
                                .procfs = roots_.procfs});
  if (before) reader_->count_on(*before);
  written_.follow_plan(plan_);
  whole_ = part_of(plan_, kAllGroups);
  walked_of_file_.clear();
  has_fallback_.clear();
  part_of_file_.clear();
  short_.clear();
  ahead_.assign(plan_.files.size() * kBatch, {});
  root_lacks_.assign(plan_.files.size(), 0);
  served_.assign(plan_.files.size(), kNoSlot);
  blkio_ = kProcFile;
  absent_.assign(plan_.files.size(), std::vector<std::uint8_t>(tree_.slots()));
  for (const std::size_t row_index : plan_.subtree_sums) {
    if (std::ranges::find(sums_, row_index, &SubtreeSums::row) == sums_.end()) {
      sums_.emplace_back(row_index, hierarchy_of(row_index, plan_, tree_));
    }
  }
  oom_.follow_plan(plan_, sums_);
  for (std::size_t file = 0; file < plan_.files.size(); ++file) {
    const FileKind& kind = plan_.files[file];
    const auto found = std::ranges::find(tree_.walked(), kind.hierarchy);
    walked_of_file_.push_back(kind.hierarchy == FileKind::kProc
                                  ? kProcFile
                                  : static_cast<std::size_t>(found - tree_.walked().begin()));
    has_fallback_.push_back(plan_.has_fallback(file) ? 1 : 0);
    part_of_file_.push_back(part_bit(kind));
    const bool replaced =
        std::ranges::find(plan_.files, file, &FileKind::replaces) != plan_.files.end();
    const auto limited =
        std::ranges::find(kLimitedResources, kind.controller, &LimitedResource::controller);
    const bool always = kind.hierarchy != FileKind::kProc && !reader_->is_fallback(file) &&
                        reader_->is_unconditional(file);
    short_.push_back({.plain = always && !replaced && kind.replaces == FileKind::kNoFile &&
                               !kind.root_tells && has_fallback_[file] == 0,
                      .written = kind.written,
                      .ahead = always && !kind.written,
                      .limited = static_cast<std::uint8_t>(limited - kLimitedResources.begin())});
    if (kind.counting != CountingRole::none) blkio_ = walked_of_file_.back();
  }
}

Collector::~Collector() {
  if (proc_ >= 0) files_.close(proc_);
}

void Collector::reconfigure(const CollectorOptions& options) {
  options_ = options;
  selection_.reconfigure(options.only, options.filters);
  kept_.reset();  // before the plan that it goes by
  plan_ = make_read_plan(layout_, options_.groups);
  tree_.reconfigure(layout_, plan_.hierarchies, options_.bounds);
  follow_plan();
  for (const Cgroup* const cgroup : tree_.in_order()) {
    oom_.choose(*cgroup, judge(*cgroup).verdict == Selection::Verdict::shown);
  }
}

void Collector::collect(Snapshot& snapshot, std::int64_t deadline_ns, GroupSet groups) {
  const std::int64_t cpu_started = clock_.thread_cpu_ns();
  // What could not be had is tried again: one failure must not last as long as the agent.
  if (proc_ < 0) proc_ = files_.open_directory(Files::kAbsolute, roots_.procfs.c_str());
  if (boot_ns_ <= 0) boot_ns_ = boot_time_ns(files_, roots_);
  snapshot.monotonic_ns = clock_.monotonic_ns();
  snapshot.wall_ns = clock_.wall_ns();
  oom_.begin(proc_, snapshot.wall_ns);
  oom_.look();
  tree_.refresh();
  identifier_.ask_again();
  if ((options_.groups & bit(Group::lifecycle)) != 0) identifier_.refresh(snapshot.wall_ns);
  follow_tree();
  written_.begin_pass(snapshot.monotonic_ns);
  oom_.ask(OomKills::Asking::again);
  choose();
  totals_.discovery_ns = clock_.monotonic_ns() - snapshot.monotonic_ns;
  part_ = &whole_;
  if ((groups & plan_.groups) != plan_.groups) {
    narrow_ = part_of(plan_, groups);
    part_ = &narrow_;
  }
  prepare(snapshot);
  cpu_mark_ns_ = clock_.thread_cpu_ns();
  for (std::size_t group = 0; group < kGroups.size(); ++group) {
    if (kHasRows[group] && (part_->groups & bit(static_cast<Group>(group))) != 0) {
      read_group(static_cast<Group>(group), deadline_ns, snapshot);
    }
  }
  finish(snapshot, deadline_ns);
  snapshot.report.cpu_ns = clock_.thread_cpu_ns() - cpu_started;
}

void Collector::look() {
  identifier_.take_answers();  // a name that has come, before its cgroup goes
  oom_.look();
  tree_.follow_events();
  follow_tree();
  written_.take_events();
  oom_.ask(OomKills::Asking::first_time);
  oom_.look();  // the end of a file's watch is an event, too, and no reason to wake again
}

/// Lets go of what belonged to cgroups that went away, and meets the new ones.
void Collector::follow_tree() {
  for (const Slot slot : tree_.removed()) {
    kept_->drop_cgroup(slot);
    written_.remove(slot);
    for (auto& absent : absent_) {
      if (slot < absent.size()) absent[slot] = 0;
    }
    if (slot < pins_.size()) pins_[slot] = Pin::none;
    if (slot < known_.size() && known_[slot] != 0) {
      oom_.remove(slot);
      identifier_.remove(slot);
      selection_.remove(slot);
      known_[slot] = 0;
    }
  }
  for (const auto& [slot, h] : tree_.replaced()) {
    kept_->drop_cgroup(slot, tree_.walked()[h]);
    written_.remove(slot, h);
  }
  for (SubtreeSums& sums : sums_) sums.remove(tree_.removed());
  host_.remove(tree_.removed());
  reader_->forget(tree_.removed());
  known_.resize(tree_.slots());
  for (auto& absent : absent_) absent.resize(tree_.slots());
  for (const Cgroup* const cgroup : tree_.in_order()) {
    if (known_[cgroup->slot] != 0) continue;
    known_[cgroup->slot] = 1;
    identifier_.add(cgroup->slot, cgroup->path);
    oom_.add(*cgroup, judge(*cgroup).verdict == Selection::Verdict::shown);
  }
  oom_.complete();
  oom_.take_brief();
  pins_.resize(tree_.slots());
}

void Collector::prepare(Snapshot& snapshot) {
  for (std::size_t row_index = 0; row_index < kRowCount; ++row_index) {
    snapshot.axes[row_index].clear();
    if (plan_.read[row_index]) {
      snapshot.columns[row_index].reset(tree_.slots());
    } else if (snapshot.columns[row_index].in_use()) {
      snapshot.columns[row_index].drop();
    }
  }
  snapshot.groups = part_->groups;
  snapshot.served = part_->served;
  snapshot.alive.assign(tree_.slots(), 0);
  snapshot.parent.assign(tree_.slots(), kNoSlot);
  slots_.clear();
  root_slot_ = kNoSlot;
  for (const Cgroup* const cgroup : chosen_) {
    slots_.push_back(cgroup->slot);
    if (tree_.is_host_root(*cgroup)) root_slot_ = cgroup->slot;
    snapshot.alive[cgroup->slot] = 1;
  }
  for (const Cgroup* const cgroup : tree_.in_order()) {
    if (cgroup->parent != nullptr) snapshot.parent[cgroup->slot] = cgroup->parent->slot;
  }
  seen_.assign(tree_.slots(), 0);
  lacks_.assign(plan_.files.size(), 0);
  snapshot.report = {};
  reader_->begin_pass(tree_.slots());
  limits_.begin(tree_.slots());
  if (reader_->devices_changed()) written_.forget_devices();
  host_.begin();
  blkio_read_ = disk_lines_ = false;
  host_rows_ = layout_.restricted() ? HostRows::out_of_sight : HostRows::read;
}

void Collector::read_group(Group group, std::int64_t deadline_ns, Snapshot& snapshot) {
  GroupReport& report = snapshot.report.groups[static_cast<std::size_t>(group)];
  const std::int64_t started = clock_.monotonic_ns(), cpu_started = cpu_mark_ns_;
  report.collected = true;
  report.success = group != Group::spec || boot_ns_ >= 0;  // the root's start time
  const auto& files = part_->files[static_cast<std::size_t>(group)];
  const Controller controller = main_controller(group, layout_);
  if (!is_served(group, layout_)) {
    // Pressure of the host alone (pure v1): every cgroup lacks it but the root.
    const bool host_only = controller == Controller::psi && layout_.psi == PsiState::host_only;
    const Reason why = host_only                       ? Reason::kernel_lacks
                       : controller == Controller::psi ? Reason::psi_off
                                                       : Reason::controller_off;
    const bool root_has_it = host_only && !chosen_.empty() && tree_.is_host_root(*chosen_[0]);
    report.unavailable[static_cast<std::size_t>(why)] =
        static_cast<std::uint32_t>(chosen_.size()) - (root_has_it ? 1 : 0);
  }
  for (const std::size_t file : files) {
    const std::size_t h = walked_of_file_[file];
    if (h == kProcFile ? proc_ < 0 : !tree_.is_whole(h)) report.success = false;
  }
  if (HostPass::reads_group(group)) {
    host_.read(group, chosen_, deadline_ns, snapshot);
    snapshot.report.deadline_exceeded |=
        report.unavailable[static_cast<std::size_t>(Reason::deadline)] != 0;
  }
  std::uint32_t late = 0;
  for (std::size_t i = 0; i < slots_.size() && !files.empty(); ++i) {
    const Slot slot = slots_[i];
    in_batch_ = i % kBatch;
    if (in_batch_ == 0 && late == 0) {
      read_ahead(files, std::span(slots_).subspan(i).first(std::min(kBatch, slots_.size() - i)),
                 snapshot);
    }
    if (snapshot.alive[slot] == 0) continue;
    if (clock_.coarse_monotonic_ns() > deadline_ns) {
      ++late;
      for (const std::size_t file : files) limits_.late(plan_.files[file], slot);
      continue;
    }
    if (!read_cgroup(*chosen_[i], slot, group, report, snapshot)) {
      snapshot.alive[slot] = 0;
      ++totals_.vanished_reading;
      tree_.distrust();
    }
  }
  read_for_sums(files, deadline_ns, snapshot);
  if (late != 0) {
    report.success = false;
    report.unavailable[static_cast<std::size_t>(Reason::deadline)] = late;
    snapshot.report.deadline_exceeded = true;
  }
  report.duration_ns = clock_.monotonic_ns() - started;
  cpu_mark_ns_ = clock_.thread_cpu_ns();
  report.cpu_ns = cpu_mark_ns_ - cpu_started;
}

/// What is summed over subtrees, explains what is above it or counts for what is below it is read
/// of cgroups that are not shown, too: what is shown does not depend on what else is chosen.
void Collector::read_for_sums(std::span<const std::size_t> files, std::int64_t deadline_ns,
                              Snapshot& snapshot) {
  if (others_.empty()) return;
  for (const std::size_t file : files) {
    const bool summed =
        std::ranges::any_of(plan_.files[file].bindings, [&](const Binding& binding) {
          return binding.row == kOomEvents || plan_.inherited[binding.row] ||
                 std::ranges::find(plan_.subtree_sums, binding.row) != plan_.subtree_sums.end();
        });
    const bool limits = EffectiveLimits::needs(plan_.files[file]);
    if ((!summed && !limits) || walked_of_file_[file] == kProcFile) continue;
    for (const Cgroup* const cgroup : summed ? others_ : above_) {
      if (clock_.coarse_monotonic_ns() > deadline_ns) {  // their last counts stand in for them
        limits_.late(plan_.files[file], cgroup->slot);
        continue;
      }
      if (!cgroup->is_in(walked_of_file_[file])) {
        note_missing(file, *cgroup);
        continue;
      }
      const CgroupReader::Place place{tree_.directory(walked_of_file_[file]),
                                      tree_.relative(*cgroup, walked_of_file_[file]), -1};
      limits_.note(plan_.files[file], cgroup->slot,
                   reader_->read(file, place, cgroup->slot, false, snapshot));
    }
  }
}

/// Reads a group's files of one cgroup; false when the cgroup turned out to be gone.
bool Collector::read_cgroup(const Cgroup& cgroup, Slot slot, Group group, GroupReport& report,
                            Snapshot& snapshot) {
  const bool is_root = slot == root_slot_;
  std::optional<Reason> lacking;
  bool failed = false;
  for (const std::size_t file : part_->files[static_cast<std::size_t>(group)]) {
    const auto at_once = is_root ? std::nullopt : read_at_once(file, cgroup, slot, snapshot);
    if (at_once == ReadOutcome::ok) continue;
    if (!at_once && !reader_->wanted(file, slot, is_root, snapshot)) {
      const std::size_t needed = is_root ? kNoRow : reader_->lacks(file, slot, snapshot);
      if (needed != kNoRow && !lacking) lacking = reason_without(needed, host_rows_);
      continue;
    }
    if (!at_once && !may_read(file, cgroup, failed)) continue;
    const FileKind& kind = plan_.files[file];
    const std::size_t h = walked_of_file_[file];
    const bool is_in = h == kProcFile || kept_->get(file, slot) >= 0 || cgroup.is_in(h);
    if (!at_once && !is_in) {
      note_missing(file, cgroup);
      failed |= !tree_.is_whole(h);
      if (kind.only_inputs()) continue;
      if (!lacking) lacking = failed ? Reason::failed : Reason::not_delegated;
      continue;
    }
    const ReadOutcome outcome = at_once ? *at_once : read_file(file, cgroup, is_root, snapshot);
    if (outcome == ReadOutcome::gone) return false;
    note_outcome(file, cgroup, is_root, outcome);
    if (is_root && kind.file == "meminfo" && outcome != ReadOutcome::ok) {
      host_rows_ = HostRows::failed;
    }
    if (outcome == ReadOutcome::ok) {
      seen_[slot] |= part_of_file_[file];
      continue;
    }
    if (outcome == ReadOutcome::denied || outcome == ReadOutcome::failed) {
      failed = true;
      report.success = false;
    }
    // Of v1's block I/O no kernel has all the files.
    if (outcome == ReadOutcome::absent && (kind.root_tells || kind.only_inputs())) continue;
    if (!lacking) lacking = reason_of(kind, outcome, seen_[slot]);
  }
  if (lacking && is_served(group, layout_)) {
    ++report.unavailable[static_cast<std::size_t>(*lacking)];
  }
  return true;
}

/// Takes out what v1's block I/O does not count. Where no disk has a line at all, nothing is.
void Collector::judge_block_io(Snapshot& snapshot) {
  if (blkio_ != kProcFile && !tree_.is_whole(blkio_)) {  // any may have a child with a rule
    for (const Cgroup* const cgroup : tree_.in_order()) reader_->rules_unknown(cgroup->slot);
  }
  std::uint32_t without = reader_->end_pass(tree_.in_order(), blkio_, snapshot);
  if ((part_->groups & bit(Group::disk_io)) == 0 || blkio_ == kProcFile) return;
  if (blkio_read_ && !disk_lines_) {
    without = static_cast<std::uint32_t>(std::ranges::count_if(
        chosen_, [&](const Cgroup* cgroup) { return cgroup->is_in(blkio_); }));
  }
  auto& report = snapshot.report.groups[static_cast<std::size_t>(Group::disk_io)];
  report.unavailable[static_cast<std::size_t>(Reason::not_counted)] = without;
}

void Collector::finish(Snapshot& snapshot, std::int64_t deadline_ns) {
  judge_block_io(snapshot);
  for (SubtreeSums& sums : sums_) sums.apply(tree_.in_order(), snapshot);
  const std::int64_t left = deadline_ns - clock_.monotonic_ns();
  identifier_.settle(std::clamp<std::int64_t>(left, 0, options_.names_wait_ns));
  hide_unnamed(snapshot);
  host_.settle(chosen_, std::clamp<std::int64_t>(left, 0, options_.disk_wait_ns),
               reader_->elements(), snapshot);
  snapshot.order.clear();
  snapshot.labels.resize(tree_.slots());
  for (const Cgroup* const cgroup : chosen_) {
    const Slot slot = cgroup->slot;
    if (snapshot.alive[slot] == 0) continue;
    snapshot.order.push_back(slot);
    const auto& labels = identifier_.labels(slot);
    if (snapshot.labels[slot] != labels) snapshot.labels[slot] = labels;
    set_agent_rows(*cgroup, snapshot);
    reader_->derive(slot, tree_.is_host_root(*cgroup), snapshot);
  }
  for (const Cgroup* const cgroup : above_) reader_->derive(cgroup->slot, false, snapshot);
  set_limits(snapshot);
  for (Slot slot = 0; slot < snapshot.labels.size(); ++slot) {
    if (snapshot.alive[slot] == 0) snapshot.labels[slot].reset();
  }
  oom_.settle(snapshot);
  if ((snapshot.groups & bit(Group::lifecycle)) != 0) {
    add_ended(identifier_.ended(), selection_, snapshot);
  }
  ++totals_.passes;
  totals_.reads = reader_->reads() + host_.reads();
  totals_.cgroups_added = tree_.counters().added;
  totals_.cgroups_removed = tree_.counters().removed;
  totals_.watch_failures = tree_.counters().watch_failures + written_.failures();
  totals_.dropped_bound = tree_.counters().dropped_bound;
  totals_.dropped_depth = tree_.counters().dropped_depth;
  totals_.dropped_filter = static_cast<std::uint32_t>(tree_.in_order().size() - chosen_.size());
  totals_.devices_dropped = reader_->devices_dropped();
  host_.report(totals_);
  totals_.descriptors_kept = static_cast<std::uint32_t>(kept_->open_files());
  totals_.descriptors_limit = static_cast<std::uint32_t>(kept_->budget());
  totals_.owners = static_cast<std::uint32_t>(oom_.kills().owners());
  totals_.owners_dropped = oom_.kills().owners_dropped();
  totals_.ended_dropped = oom_.kills().ended_dropped();
  totals_.oom_kills_unattributed = oom_.kills().unattributed();
  totals_.groups = snapshot.report.groups;
  totals_.deadline_exceeded = snapshot.report.deadline_exceeded;
  totals_.duration_ns = clock_.monotonic_ns() - snapshot.monotonic_ns;
  snapshot.report = totals_;
  snapshot.read_errors = reader_->errors();
  const auto& tree_errors = tree_.errors();
  snapshot.read_errors.insert(snapshot.read_errors.end(), tree_errors.begin(), tree_errors.end());
  snapshot.read_errors.insert(snapshot.read_errors.end(), host_.errors().begin(),
                              host_.errors().end());
  snapshot.label_bounds = identifier_.bounds();
  snapshot.containers_ended_dropped = identifier_.ended_dropped();
  snapshot.metadata_failures = identifier_.failures();
  snapshot.metadata_unresolved = identifier_.unresolved();
}

/// How many CPUs are online, 0 if the host's sysfs does not say.
std::uint64_t Collector::online_cpus() {
  if (cgmon::read_file(files_, Files::kAbsolute, online_path_.c_str(), 1U << 16U, online_text_) !=
      0) {
    return 0;
  }
  return count_cpu_list(online_text_).value_or(0);
}

void Collector::set_limits(Snapshot& snapshot) {
  constexpr const LimitedResource& kCpu = kLimitedResources[0];
  static_assert(kCpu.controller == Controller::cpu);
  const std::uint64_t cpus = EffectiveLimits::computes(kCpu, snapshot) ? online_cpus() : 0;
  limits_.apply(tree_.in_order(), tree_, layout_, cpus, snapshot);
  limiter_of_slot_.assign(tree_.slots(), 0);
  for (const LimitedResource& resource : kLimitedResources) {
    for (AxisSample& sample : snapshot.axes[resource.info]) {
      std::uint32_t& index = limiter_of_slot_[sample.element];
      if (index == 0) {
        snapshot.limiters.push_back(identifier_.labels(sample.element));
        index = static_cast<std::uint32_t>(snapshot.limiters.size());
      }
      sample.element = index - 1;
    }
  }
}

void Collector::set_agent_rows(const Cgroup& cgroup, Snapshot& snapshot) const {
  constexpr std::int64_t kSecond = 1'000'000'000;
  constexpr std::size_t kLastSeen = row("container_last_seen");
  constexpr std::size_t kStart = row("container_start_time_seconds");
  const auto seconds = [](std::int64_t ns) {
    return Value::of(static_cast<std::uint64_t>(ns / kSecond));
  };
  snapshot.columns[kLastSeen].set(cgroup.slot, seconds(snapshot.wall_ns));
  std::int64_t start = identifier_.labels(cgroup.slot)->life.started_at_ns;
  if (start == 0) start = tree_.is_host_root(cgroup) ? boot_ns_ : cgroup.created_ns;
  if (start > 0) snapshot.columns[kStart].set(cgroup.slot, seconds(start));
  const std::int64_t made = tree_.is_host_root(cgroup) ? boot_ns_ : cgroup.created_ns;
  set_lifecycle(cgroup.slot, *identifier_.labels(cgroup.slot), made, snapshot);
}

}  // namespace cgmon
