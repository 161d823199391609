#include "agent/collection_loop.h"

#include <algorithm>
#include <chrono>

namespace cgmon {
namespace {

/// Between the deadline, which is checked between cgroups, and giving up on a collection.
constexpr std::int64_t kGraceNs = 300'000'000;

/// A look reads a few files; one that takes so long hangs.
constexpr std::int64_t kLookNs = 2'000'000'000;

/// What a collection under way is given once the agent is to end.
constexpr std::chrono::seconds kEndPatience{2};

}  // namespace

const char* name_of(CollectionOutcome outcome) {
  switch (outcome) {
    case CollectionOutcome::fresh:
      return "fresh";
    case CollectionOutcome::shared:
      return "shared";
    case CollectionOutcome::reused:
      return "reused";
    case CollectionOutcome::stuck:
      break;
  }
  return "stuck";
}

CollectionLoop::CollectionLoop(const Clock& clock, std::int64_t min_interval_ns, Collect collect,
                               Between between)
    : clock_(clock),
      min_interval_ns_(min_interval_ns),
      collect_(std::move(collect)),
      between_(std::move(between)),
      thread_([this] { run(); }) {}

CollectionLoop::~CollectionLoop() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  sleeper_.wake();
  thread_.join();
}

bool CollectionLoop::can_reuse(std::int64_t need_ns, GroupSet groups) const {
  if (latest_ == kNone || (groups & ~pool_[latest_].groups) != 0) return false;
  const Snapshot& snapshot = *pool_[latest_].snapshot;
  return snapshot.monotonic_ns >= need_ns && !snapshot.report.deadline_exceeded;
}

bool CollectionLoop::can_join(std::int64_t need_ns, std::int64_t now_ns, std::int64_t deadline_ns,
                              GroupSet groups) const {
  // Of the time that the request has, the collection has half at least.
  return running_ && began_ns_ >= need_ns && (groups & ~running_groups_) == 0 &&
         running_deadline_ns_ - now_ns >= (deadline_ns - now_ns) / 2;
}

CollectionLoop::Lease CollectionLoop::get(std::int64_t deadline_ns, GroupSet groups) {
  std::unique_lock lock(mutex_);
  const std::int64_t now = clock_.monotonic_ns();
  const std::int64_t need = now - min_interval_ns_;
  CollectionOutcome outcome = CollectionOutcome::reused;
  if (!can_reuse(need, groups)) {
    if (is_stuck(now)) return {};  // it would not begin another one
    const bool joins = can_join(need, now, deadline_ns, groups);
    outcome = joins || askers_ != 0 ? CollectionOutcome::shared : CollectionOutcome::fresh;
    const std::uint64_t awaited = joins ? begun_ : begun_ + 1;
    waiting_.push_back(&groups);
    if (!joins) {
      ++askers_;
      asked_deadline_ns_ = std::max(asked_deadline_ns_, deadline_ns);
      sleeper_.wake();
    }
    const auto patience =
        std::chrono::nanoseconds(std::max<std::int64_t>(deadline_ns - now, 0) + kGraceNs);
    const auto published = [&] { return published_ >= awaited; };
    changed_.wait_for(lock, patience, [&] { return published() || ending_; });
    if (!published() && ending_) changed_.wait_for(lock, kEndPatience, published);
    std::erase(waiting_, &groups);
    if (!published()) {
      // One that nobody waits for any more must not begin: its deadline has passed, and what it
      // could not read would be published as absent.
      if (begun_ < awaited && --askers_ == 0) asked_deadline_ns_ = 0;
      return {};
    }
  }
  ++pool_[latest_].readers;
  return {this, latest_, published_, outcome};
}

void CollectionLoop::set_min_interval(std::int64_t min_interval_ns) {
  const std::lock_guard lock(mutex_);
  min_interval_ns_ = min_interval_ns;
  running_groups_ = 0;
  if (latest_ != kNone) pool_[latest_].groups = 0;
}

bool CollectionLoop::stuck() const {
  const std::lock_guard lock(mutex_);
  return is_stuck(clock_.monotonic_ns());
}

bool CollectionLoop::is_stuck(std::int64_t now_ns) const {
  return (running_ && now_ns > running_deadline_ns_ + kGraceNs) ||
         (look_deadline_ns_ != 0 && now_ns > look_deadline_ns_);
}

void CollectionLoop::begin_to_end() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
}

bool CollectionLoop::comes_to_rest() {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kEndPatience,
                           [this] { return !running_ && look_deadline_ns_ == 0; });
}

void CollectionLoop::give_back(std::size_t index) {
  {
    const std::lock_guard lock(mutex_);
    --pool_[index].readers;
    if (askers_ == 0) return;
  }
  sleeper_.wake();  // somebody may have waited for this one
}

std::size_t CollectionLoop::free_entry() const {
  for (std::size_t i = 0; i < pool_.size(); ++i) {
    if (i != latest_ && pool_[i].readers == 0) return i;
  }
  return kNone;
}

/// One sleep, and a look if that is why it ended. Without the lock but for its book-keeping.
void CollectionLoop::doze(std::unique_lock<std::mutex>& lock) {
  lock.unlock();
  const Watches watches = between_.watches ? between_.watches() : Watches();
  const std::int64_t before = clock_.monotonic_ns();
  const bool none = watches.urgent.empty() && watches.patient.empty();
  const std::int64_t wait = none ? -1 : wakes_.wait_ns(before);
  const std::int64_t patient_wait = wakes_.patient_wait_ns(before);
  using enum Sleeper::Woken;
  Sleeper::Woken woken = by_time;
  if (wait != 0) {
    woken = sleeper_.sleep({}, wait);
  } else if (patient_wait != 0) {
    woken = sleeper_.sleep(watches.urgent, patient_wait);
  } else {
    std::vector<int> all = watches.urgent;
    all.insert(all.end(), watches.patient.begin(), watches.patient.end());
    woken = sleeper_.sleep(all, -1);
  }
  const bool looks = woken == by_watch;
  const std::int64_t now = clock_.monotonic_ns();
  lock.lock();
  if (!looks) return;
  wakes_.spend(now);
  look_deadline_ns_ = now + kLookNs;
  lock.unlock();
  between_.look();
  lock.lock();
  look_deadline_ns_ = 0;
  changed_.notify_all();
}

void CollectionLoop::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    while (!stop_ && (askers_ == 0 || free_entry() == kNone)) doze(lock);
    if (stop_) return;
    const std::size_t index = free_entry();
    Snapshot& snapshot = *pool_[index].snapshot;
    running_deadline_ns_ = std::exchange(asked_deadline_ns_, 0);
    // Of all who wait: one whose collection has just ended may be lent this one when it wakes up.
    GroupSet groups = 0;
    for (const GroupSet* const wanted : waiting_) groups |= *wanted;
    running_groups_ = groups;
    askers_ = 0;
    ++begun_;
    running_ = true;
    began_ns_ = clock_.monotonic_ns();
    lock.unlock();
    collect_(snapshot, running_deadline_ns_, groups);
    lock.lock();
    running_ = false;
    latest_ = index;
    pool_[index].groups = running_groups_;
    published_ = begun_;
    changed_.notify_all();
  }
}

}  // namespace cgmon
