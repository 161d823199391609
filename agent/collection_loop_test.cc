#include "agent/collection_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace cgmon {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kPatience = 20 * kSecond;  // bound of a wait that is to end early
constexpr std::int64_t kHour = 3600 * kSecond;

/// A monotonic clock that tests move while threads read it. Each look is a nanosecond later, so
/// that no two moments are the same.
class TestClock final : public Clock {
 public:
  [[nodiscard]] std::int64_t wall_ns() const override { return now_.load(); }
  [[nodiscard]] std::int64_t monotonic_ns() const override { return ++now_; }
  [[nodiscard]] std::int64_t thread_cpu_ns() const override { return 0; }
  void advance(std::int64_t ns) { now_ += ns; }

 private:
  mutable std::atomic<std::int64_t> now_{1000 * kSecond};
};

/// A collector whose passes wait at a gate while it is closed.
class GatedCollector {
 public:
  explicit GatedCollector(const Clock& clock) : clock_(clock) {}

  void collect(Snapshot& snapshot, std::int64_t deadline_ns, GroupSet groups) {
    std::unique_lock lock(mutex_);
    groups_ = groups;
    snapshot.monotonic_ns = clock_.monotonic_ns();
    snapshot.report = {};
    snapshot.report.passes = ++begun_;
    deadline_ns_ = deadline_ns;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
    snapshot.report.deadline_exceeded = cut_off_;
    ++ended_;
    changed_.notify_all();
  }
  CollectionLoop::Collect function() {
    return [this](Snapshot& snapshot, std::int64_t deadline, GroupSet groups) {
      collect(snapshot, deadline, groups);
    };
  }

  void close() { set(open_, false); }
  void open() { set(open_, true); }
  void cut_off(bool cut) { set(cut_off_, cut); }
  /// Whether so many passes have begun, soon.
  bool wait_for_begun(std::uint64_t passes) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return begun_ >= passes; });
  }
  std::uint64_t begun() { return get(begun_); }
  std::int64_t deadline_ns() { return get(deadline_ns_); }
  GroupSet groups() { return get(groups_); }

 private:
  template <class T>
  void set(T& member, T value) {
    const std::lock_guard lock(mutex_);
    member = value;
    changed_.notify_all();
  }
  template <class T>
  T get(const T& member) {
    const std::lock_guard lock(mutex_);
    return member;
  }

  const Clock& clock_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = true, cut_off_ = false;
  std::uint64_t begun_ = 0, ended_ = 0;
  std::int64_t deadline_ns_ = 0;
  GroupSet groups_ = 0;
};

struct Seen {
  std::uint64_t pass = 0;
  CollectionOutcome outcome = CollectionOutcome::stuck;
};

class Loop : public testing::Test {
 public:
  Loop() = default;
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

 protected:
  void make(std::int64_t min_interval_ns) {
    loop_.emplace(clock_, min_interval_ns, collector_.function());
  }
  ~Loop() override { collector_.open(); }

  CollectionLoop::Lease lease() { return loop_->get(clock_.monotonic_ns() + kPatience); }
  Seen get(std::int64_t patience_ns = kPatience, GroupSet groups = kAllGroups) {
    const CollectionLoop::Lease lease = loop_->get(clock_.monotonic_ns() + patience_ns, groups);
    return {lease ? lease->report.passes : 0, lease.outcome()};
  }
  std::future<Seen> ask(std::int64_t patience_ns = kPatience, GroupSet groups = kAllGroups) {
    return std::async(std::launch::async,
                      [this, patience_ns, groups] { return get(patience_ns, groups); });
  }
  /// As ask(), and returns when so many requests wait while a pass stands at the gate.
  std::vector<std::future<Seen>> waiting(int requests, std::int64_t patience_ns = kPatience,
                                         GroupSet groups = kAllGroups) {
    // Each reads the clock twice, the second time under the loop's mutex, which stuck() takes too.
    const std::int64_t before = clock_.wall_ns();
    std::vector<std::future<Seen>> futures;
    futures.reserve(static_cast<std::size_t>(requests));
    for (int i = 0; i < requests; ++i) futures.push_back(ask(patience_ns, groups));
    const auto bound = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (clock_.wall_ns() < before + std::int64_t{2} * requests &&
           std::chrono::steady_clock::now() < bound) {
      std::this_thread::yield();
    }
    EXPECT_FALSE(loop_->stuck());
    return futures;
  }
  /// A first pass that stands at the gate, and nobody waits for it.
  void begin_and_leave() {
    collector_.close();
    const auto bound = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (collector_.begun() == 0 && std::chrono::steady_clock::now() < bound) {
      EXPECT_EQ(get(0).outcome, CollectionOutcome::stuck);
    }
    ASSERT_EQ(collector_.begun(), 1U);
  }

  TestClock clock_;
  GatedCollector collector_{clock_};
  std::optional<CollectionLoop> loop_;
};

TEST_F(Loop, CollectsWhenAskedAndNotBefore) {
  make(kSecond);
  EXPECT_EQ(collector_.begun(), 0U);
  EXPECT_FALSE(loop_->stuck());
  const Seen seen = get();
  EXPECT_EQ(seen.pass, 1U);
  EXPECT_EQ(seen.outcome, CollectionOutcome::fresh);
  EXPECT_EQ(collector_.begun(), 1U);
}

TEST_F(Loop, ReusesASnapshotWithinTheMinimumInterval) {
  make(kSecond);
  get();
  clock_.advance(kSecond / 2);
  const Seen again = get();
  EXPECT_EQ(again.pass, 1U);
  EXPECT_EQ(again.outcome, CollectionOutcome::reused);
  clock_.advance(kSecond / 2);
  const Seen later = get();
  EXPECT_EQ(later.pass, 2U);
  EXPECT_EQ(later.outcome, CollectionOutcome::fresh);
}

TEST_F(Loop, CountsTheIntervalFromTheBeginOfACollection) {
  make(kSecond);
  collector_.close();
  auto slow = ask(kHour);
  ASSERT_TRUE(collector_.wait_for_begun(1));
  clock_.advance(2 * kSecond);
  collector_.open();
  EXPECT_EQ(slow.get().pass, 1U);
  EXPECT_EQ(get().pass, 2U) << "what was read two seconds ago is not fresh";
}

TEST_F(Loop, JoinsACollectionUnderWay) {
  make(kSecond);
  collector_.close();
  auto first = ask();
  ASSERT_TRUE(collector_.wait_for_begun(1));
  auto second = waiting(1);
  collector_.open();
  const Seen one = first.get(), two = second[0].get();
  EXPECT_EQ(one.outcome, CollectionOutcome::fresh);
  EXPECT_EQ(one.pass, 1U);
  EXPECT_EQ(two.pass, 1U);
  EXPECT_EQ(two.outcome, CollectionOutcome::shared);
  EXPECT_EQ(collector_.begun(), 1U);
}

TEST_F(Loop, JoinsNoOlderCollectionWhenTheIntervalIsZero) {
  make(0);
  collector_.close();
  auto older = ask();
  ASSERT_TRUE(collector_.wait_for_begun(1));
  auto newer = waiting(1);
  collector_.open();
  EXPECT_NE(older.get().pass, 0U);
  EXPECT_EQ(newer[0].get().pass, 2U);
  EXPECT_EQ(get().pass, 3U);
}

TEST_F(Loop, ServesAllWhoWaitByOneCollection) {
  make(0);
  collector_.close();
  auto older = ask();
  ASSERT_TRUE(collector_.wait_for_begun(1));
  auto requests = waiting(8);
  collector_.open();
  EXPECT_NE(older.get().pass, 0U);
  int fresh = 0;
  for (std::future<Seen>& request : requests) {
    const Seen seen = request.get();
    EXPECT_EQ(seen.pass, 2U);
    fresh += seen.outcome == CollectionOutcome::fresh ? 1 : 0;
  }
  EXPECT_EQ(fresh, 1) << "one made the collection, the others shared it";
  EXPECT_EQ(collector_.begun(), 2U);
}

TEST_F(Loop, HandsTheCollectionTheDeadlineOfTheOneWhoAsked) {
  make(0);
  const std::int64_t deadline = clock_.monotonic_ns() + kPatience;
  EXPECT_TRUE(loop_->get(deadline));
  EXPECT_EQ(collector_.deadline_ns(), deadline);
  EXPECT_TRUE(loop_->get(deadline - kSecond));
  EXPECT_EQ(collector_.deadline_ns(), deadline - kSecond) << "not the one before's";
}

TEST_F(Loop, LendsNothingWhenTheCollectionIsStuckAndRecovers) {
  make(0);
  begin_and_leave();
  EXPECT_FALSE(loop_->stuck()) << "by the clock it is within its deadline and the grace time";
  clock_.advance(kSecond);
  EXPECT_TRUE(loop_->stuck());
  EXPECT_EQ(get(0).outcome, CollectionOutcome::stuck);
  EXPECT_EQ(collector_.begun(), 1U) << "no second one beside it";
  collector_.open();
  const auto bound = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (loop_->stuck() && std::chrono::steady_clock::now() < bound) std::this_thread::yield();
  const Seen seen = get();
  EXPECT_EQ(seen.pass, 2U) << "the late one is not fresh";
  EXPECT_EQ(seen.outcome, CollectionOutcome::fresh);
}

TEST_F(Loop, BeginsNoCollectionForOneWhoHasGivenUp) {
  make(0);
  collector_.close();
  auto patient = ask();
  ASSERT_TRUE(collector_.wait_for_begun(1));
  EXPECT_EQ(get(0).outcome, CollectionOutcome::stuck);  // wants another one, in vain
  collector_.open();
  EXPECT_EQ(patient.get().pass, 1U);
  // A pass for the impatient one would have begun by now, with a deadline that has passed.
  const Seen seen = get();
  EXPECT_EQ(seen.pass, 2U);
  EXPECT_GT(collector_.deadline_ns(), clock_.monotonic_ns());
}

TEST_F(Loop, ReusesNothingThatAnothersDeadlineCutOff) {
  make(kHour);
  collector_.cut_off(true);
  EXPECT_EQ(get().pass, 1U);
  collector_.cut_off(false);
  const Seen seen = get();
  EXPECT_EQ(seen.pass, 2U);
  EXPECT_EQ(seen.outcome, CollectionOutcome::fresh);
  EXPECT_EQ(get().pass, 2U);
}

TEST_F(Loop, JoinsNoCollectionThatMustEndLongBeforeItsOwnDeadline) {
  make(kHour);
  collector_.close();
  auto hasty = ask(kSecond);
  ASSERT_TRUE(collector_.wait_for_begun(1));
  auto patient = waiting(1);
  collector_.cut_off(true);
  collector_.open();
  EXPECT_NE(hasty.get().pass, 0U);
  collector_.cut_off(false);
  EXPECT_EQ(patient[0].get().pass, 2U);
}

TEST_F(Loop, ReusesWhatHoldsEveryGroupAskedFor) {
  make(kHour);
  constexpr GroupSet kCpu = bit(Group::cpu), kBoth = kCpu | bit(Group::memory);
  EXPECT_EQ(get(kPatience, kCpu).pass, 1U);
  EXPECT_EQ(collector_.groups(), kCpu);
  EXPECT_EQ(get(kPatience, kCpu).outcome, CollectionOutcome::reused);
  EXPECT_EQ(get(kPatience, kBoth).pass, 2U) << "the first lacks memory";
  EXPECT_EQ(get(kPatience, kCpu).pass, 2U);
  EXPECT_EQ(get(kPatience, bit(Group::memory)).outcome, CollectionOutcome::reused);
  EXPECT_EQ(get().pass, 3U);
  EXPECT_EQ(collector_.groups(), kAllGroups);
}

TEST_F(Loop, JoinsWhatHoldsEveryGroupAskedForAndCollectsForTheRestTogether) {
  make(kHour);
  constexpr GroupSet kCpu = bit(Group::cpu), kMemory = bit(Group::memory);
  collector_.close();
  auto first = ask(kPatience, kCpu);
  ASSERT_TRUE(collector_.wait_for_begun(1));
  auto same = waiting(1, kPatience, kCpu);
  auto other = waiting(1, kPatience, kMemory);
  auto more = waiting(1, kPatience, kCpu | bit(Group::pids));
  collector_.open();
  // One that joined the first may wake up after the second, which then holds its groups, too.
  EXPECT_NE(same[0].get().pass, 0U);
  EXPECT_NE(first.get().pass, 0U);
  EXPECT_EQ(other[0].get().pass, 2U);
  EXPECT_EQ(more[0].get().pass, 2U);
  EXPECT_EQ(collector_.groups(), kCpu | kMemory | bit(Group::pids));
}

TEST_F(Loop, ReusesAndJoinsNothingThatBeganBeforeTheIntervalWasSet) {
  make(kHour);
  EXPECT_EQ(get().pass, 1U);
  loop_->set_min_interval(kHour);
  EXPECT_EQ(get().pass, 2U);
  EXPECT_EQ(get().pass, 2U);
  loop_->set_min_interval(0);
  collector_.close();
  auto older = ask();
  ASSERT_TRUE(collector_.wait_for_begun(3));
  loop_->set_min_interval(kHour);
  auto newer = waiting(1);
  collector_.open();
  EXPECT_NE(older.get().pass, 0U);
  EXPECT_EQ(newer[0].get().pass, 4U);
}

TEST_F(Loop, CollectsWhileASnapshotIsLent) {
  make(0);
  const auto first = lease();
  const auto second = lease();
  EXPECT_EQ(first->report.passes, 1U);
  EXPECT_EQ(second->report.passes, 2U);
  {
    const auto third = lease();
    EXPECT_EQ(third->report.passes, 3U);
    EXPECT_EQ(third.number(), 3U);
  }
  EXPECT_EQ(first->report.passes, 1U) << "what is lent does not change";
  EXPECT_EQ(second->report.passes, 2U);
}

TEST_F(Loop, LendsTheSameSnapshotToMany) {
  make(kHour);
  std::vector<CollectionLoop::Lease> leases;
  leases.reserve(10);
  for (int i = 0; i < 10; ++i) leases.push_back(lease());
  for (const auto& one : leases) EXPECT_EQ(&*one, &*leases[0]);
  EXPECT_EQ(collector_.begun(), 1U);
}

TEST_F(Loop, WaitsForALeaseToEndWhenAllSnapshotsAreLent) {
  make(0);
  const auto first = lease();
  std::optional<CollectionLoop::Lease> second(lease());
  {
    const auto third = lease();
    EXPECT_FALSE(loop_->get(clock_.monotonic_ns())) << "none is free";
  }
  auto waiting = ask();
  second.reset();
  EXPECT_NE(waiting.get().pass, 0U);
}

TEST_F(Loop, EndsWithoutACollectionAndAfterOneThatNobodyWaitsFor) {
  make(0);
  loop_.reset();
  make(0);
  begin_and_leave();
  auto opener = std::async(std::launch::async, [this] { collector_.open(); });
  loop_.reset();
  EXPECT_EQ(collector_.begun(), 1U);
}

TEST_F(Loop, KeepsManyThreadsApart) {
  make(0);
  std::vector<std::future<bool>> readers;
  readers.reserve(6);
  for (int i = 0; i < 6; ++i) {
    readers.push_back(std::async(std::launch::async, [this] {
      std::uint64_t last = 0;
      bool good = true;
      for (int round = 0; round < 200; ++round) {
        const std::int64_t asked = clock_.monotonic_ns();
        const auto one = lease();
        const std::uint64_t pass = one ? one->report.passes : 0;
        good = good && pass > last && one->monotonic_ns > asked && one->report.passes == pass;
        last = pass;
      }
      return good;
    }));
  }
  for (auto& reader : readers) EXPECT_TRUE(reader.get());
}

TEST(CollectionOutcomeName, IsAWordForEach) {
  EXPECT_STREQ(name_of(CollectionOutcome::fresh), "fresh");
  EXPECT_STREQ(name_of(CollectionOutcome::shared), "shared");
  EXPECT_STREQ(name_of(CollectionOutcome::reused), "reused");
  EXPECT_STREQ(name_of(CollectionOutcome::stuck), "stuck");
}

}  // namespace
}  // namespace cgmon
