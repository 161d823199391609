#pragma once

#include <array>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "agent/wake_budget.h"
#include "collectors/kernel/clock.h"
#include "collectors/kernel/sleeper.h"
#include "collectors/metrics/snapshot.h"

namespace cgmon {

/// How a request came by its snapshot.
enum class CollectionOutcome : std::uint8_t { fresh, shared, reused, stuck };
[[nodiscard]] const char* name_of(CollectionOutcome outcome);

/// The thread that collects when somebody asks, and publishes. A snapshot is good for a request
/// when its collection began no longer than `min_interval` before the request: such a one is
/// reused, or joined while it is under way; else a new collection serves everybody who waits. With
/// an interval of 0 every request sees what existed before it. Nobody gets what another's short
/// deadline cut off: such a snapshot is not reused, and a collection that must end long before a
/// request's own deadline is not joined. Nor does a snapshot do that lacks a group of those asked
/// for; one that is collected for several requests holds the groups of all. Thread-safe.
///
/// Snapshots are kept in a pool of three and lent out, rather than shared by reference count:
/// giving one back under the mutex is what makes it safe to write into again.
class CollectionLoop {
 public:
  /// Fills a snapshot with these groups; called on the loop's thread only. The deadline is
  /// monotonic.
  using Collect = std::function<void(Snapshot&, std::int64_t deadline_ns, GroupSet)>;

  /// What happens between collections, on the loop's thread too. It sleeps until somebody asks or
  /// one of `watches` reports something; then it takes a look, at most 20 times a second.
  struct Between {
    std::function<Watches()> watches;  ///< asked for before each sleep
    std::function<void()> look;
  };

  CollectionLoop(const Clock& clock, std::int64_t min_interval_ns, Collect collect,
                 Between between = {});
  CollectionLoop(const CollectionLoop&) = delete;
  CollectionLoop& operator=(const CollectionLoop&) = delete;
  ~CollectionLoop();

  /// A published snapshot, lent until the lease ends. Empty when the collection is stuck.
  class Lease {
   public:
    Lease() = default;
    Lease(CollectionLoop* loop, std::size_t index, std::uint64_t number, CollectionOutcome outcome)
        : loop_(loop), index_(index), number_(number), outcome_(outcome) {}
    Lease(Lease&& other) noexcept
        : loop_(std::exchange(other.loop_, nullptr)),
          index_(other.index_),
          number_(other.number_),
          outcome_(other.outcome_) {}
    Lease& operator=(Lease&&) = delete;
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease() {
      if (loop_ != nullptr) loop_->give_back(index_);
    }
    explicit operator bool() const { return loop_ != nullptr; }
    [[nodiscard]] const Snapshot& operator*() const { return *loop_->pool_[index_].snapshot; }
    [[nodiscard]] const Snapshot* operator->() const { return loop_->pool_[index_].snapshot.get(); }
    /// Number of the collection, from 1 on.
    [[nodiscard]] std::uint64_t number() const { return number_; }
    [[nodiscard]] CollectionOutcome outcome() const { return outcome_; }

   private:
    CollectionLoop* loop_ = nullptr;
    std::size_t index_ = 0;
    std::uint64_t number_ = 0;
    CollectionOutcome outcome_ = CollectionOutcome::stuck;
  };

  /// Waits for a snapshot that is good for a request made now, with `groups` at least. A collection
  /// that does not end in time leaves the lease empty; what it could not read before `deadline_ns`
  /// is absent otherwise.
  [[nodiscard]] Lease get(std::int64_t deadline_ns, GroupSet groups = kAllGroups);

  /// From now on; and nothing that was collected before is reused.
  void set_min_interval(std::int64_t min_interval_ns);

  /// Whether a collection has outlived its deadline by more than the grace time, or a look does not
  /// end.
  [[nodiscard]] bool stuck() const;

  /// The agent is to end: who waits now waits two seconds more at most.
  void begin_to_end();
  /// Whether no collection is under way, having waited two seconds for it. Where this is false the
  /// loop cannot be destroyed: its thread hangs in the kernel.
  [[nodiscard]] bool comes_to_rest();

 private:
  struct Entry {
    std::unique_ptr<Snapshot> snapshot = std::make_unique<Snapshot>();
    std::size_t readers = 0;
    GroupSet groups = 0;  // that it can be reused for
  };
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  void run();
  void doze(std::unique_lock<std::mutex>& lock);
  [[nodiscard]] bool is_stuck(std::int64_t now_ns) const;
  [[nodiscard]] bool can_reuse(std::int64_t need_ns, GroupSet groups) const;
  [[nodiscard]] bool can_join(std::int64_t need_ns, std::int64_t now_ns, std::int64_t deadline_ns,
                              GroupSet groups) const;
  [[nodiscard]] std::size_t free_entry() const;
  void give_back(std::size_t index);

  const Clock& clock_;
  std::int64_t min_interval_ns_;
  Collect collect_;
  Between between_;
  WakeBudget wakes_;  // of the thread
  Sleeper sleeper_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::array<Entry, 3> pool_;
  std::size_t latest_ = kNone;
  bool running_ = false, stop_ = false, ending_ = false;
  GroupSet running_groups_ = 0;  // that the collection under way can be joined for
  std::int64_t began_ns_ = 0;    // of the collection under way
  std::int64_t running_deadline_ns_ = 0;
  std::int64_t look_deadline_ns_ = 0;        // of the look under way, 0: none
  std::uint64_t begun_ = 0, published_ = 0;  // numbers of the last collection begun and published
  std::size_t askers_ = 0;                   // who wait for a collection that has not begun
  std::int64_t asked_deadline_ns_ = 0;       // the latest of theirs
  std::vector<const GroupSet*> waiting_;     // what each request that waits wants
  std::thread thread_;
};

}  // namespace cgmon
