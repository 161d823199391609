// Rows that hang on others, and what is said where those are not known.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <string>

#include "tests/collector/passes.h"
#include "tests/support/made_up_hosts.h"

namespace cgmon {
namespace {

using testing::IsEmpty;
using testing::Not;

constexpr const char* kV1 = "debian-6.1-v1-systemd";
constexpr const char* kV2 = "debian-6.1-v2-systemd";

std::uint32_t unavailable(const Snapshot& snapshot, Reason reason) {
  return snapshot.report.groups[static_cast<std::size_t>(Group::swap)]
      .unavailable[static_cast<std::size_t>(reason)];
}

/// A captured host, read with all collectors on, whose first container's files are changed.
class Conditions : public testing::Test {
 protected:
  void use(const char* fixture) {
    on_ = std::make_unique<Passes>(fixture, CollectorOptions{.groups = kAllGroups});
    on_->pass();
  }
  void set(Controller controller, const std::string& name, const std::string& text) {
    on_->host.files.set_file(on_->file(controller, name), text);
  }
  /// The container's, after a new pass of a collector that has kept no text.
  Value value(std::size_t row_index) {
    on_->collector = on_->host.collector({.groups = kAllGroups}, &on_->read);
    on_->pass();
    return on_->value(row_index, on_->container);
  }
  std::unique_ptr<Passes> on_;
};

class Swap : public testing::Test {
 protected:
  void give_swap() {
    made_up::edit(host_.files, "/proc/meminfo", "SwapTotal:             0 kB",
                  "SwapTotal:       1048576 kB");
  }
  std::vector<std::string> events() {
    snapshot_ = {};
    host_.collector({.groups = kAllGroups})->collect(snapshot_, kNoDeadline);
    return samples_of(page_of(snapshot_), "container_memory_swap_events_total{");
  }
  FixtureHost host_{kV2};
  Snapshot snapshot_;
};

TEST_F(Swap, IsShownOfEachCgroupWhereTheHostHasSome) {
  give_swap();
  EXPECT_THAT(events(), Not(IsEmpty()));
  EXPECT_EQ(unavailable(snapshot_, Reason::no_swap), 0U);
}

TEST_F(Swap, IsAbsentWithThatReasonWhereTheHostHasNone) {
  EXPECT_THAT(events(), IsEmpty());
  EXPECT_GT(unavailable(snapshot_, Reason::no_swap), 10U);
}

TEST(SwapInAContainer, IsNotSaidToBeMissingWhereTheHostIsNotSeen) {
  TreeFiles files;
  made_up::enter_v2_container(files);
  const ManualClock clock{1'795'480'000'000'000'000};
  const Roots roots;
  Layout layout = *detect_layout(files, roots);
  ASSERT_TRUE(layout.restricted());
  Collector collector(files, clock, roots, layout, {.groups = kAllGroups}, nullptr);
  Snapshot snapshot;
  collector.collect(snapshot, kNoDeadline);
  EXPECT_EQ(unavailable(snapshot, Reason::no_swap), 0U);
  EXPECT_GT(unavailable(snapshot, Reason::namespace_hidden), 0U);
}

TEST_F(Swap, IsNotSaidToBeMissingWhereTheHostCouldNotBeRead) {
  host_.files.set_error("/proc/meminfo", EIO);
  EXPECT_THAT(events(), IsEmpty());
  EXPECT_EQ(unavailable(snapshot_, Reason::no_swap), 0U);
  EXPECT_GT(unavailable(snapshot_, Reason::failed), 10U);
}

TEST_F(Conditions, TakeAZeroThatMeansNotSetForNone) {
  use(kV2);
  constexpr std::size_t kLow = row("container_spec_memory_low_bytes");
  set(Controller::memory, "memory.low", "0\n");
  EXPECT_TRUE(value(kLow).is_absent());
  set(Controller::memory, "memory.low", "4096\n");
  EXPECT_EQ(value(kLow), Value::of(4096));
  set(Controller::memory, "memory.low", "max\n");
  EXPECT_EQ(value(kLow), Value::unlimited());
}

TEST_F(Conditions, ShowEventsOfAProtectionWhereThereIsOne) {
  use(kV2);
  constexpr std::size_t kLow = row("container_memory_events_low_total");
  set(Controller::memory, "memory.events", "low 3\nhigh 0\nmax 0\noom 0\noom_kill 0\n");
  set(Controller::memory, "memory.low", "0\n");
  set(Controller::memory, "memory.min", "0\n");
  EXPECT_TRUE(value(kLow).is_absent());
  set(Controller::memory, "memory.min", "max\n");
  EXPECT_EQ(value(kLow), Value::of(3)) << "of no bound is a protection, too";
  on_->host.files.remove(on_->file(Controller::memory, "memory.min"));
  set(Controller::memory, "memory.low", "4096\n");
  EXPECT_EQ(value(kLow), Value::of(3));
}

TEST_F(Conditions, ComputeWithoutAnInputThatIsOptionalAndNotWithoutAnother) {
  use(kV2);
  constexpr std::size_t kRest = row("container_memory_unreclaimable_bytes");
  set(Controller::memory, "memory.current", "1000\n");
  set(Controller::memory, "memory.stat", "active_file 100\ninactive_file 10\nslab_reclaimable 1\n");
  EXPECT_EQ(value(kRest), Value::of(889));
  set(Controller::memory, "memory.stat", "active_file 100\ninactive_file 10\n");
  EXPECT_EQ(value(kRest), Value::of(890));
  on_->host.files.remove(on_->file(Controller::memory, "memory.current"));
  EXPECT_TRUE(value(kRest).is_absent());
}

TEST_F(Conditions, TakeAWordForOneAndAnyOtherForZero) {
  use(kV1);
  constexpr std::size_t kFrozen = row("container_frozen");
  set(Controller::freezer, "freezer.state", "FROZEN\n");
  EXPECT_EQ(value(kFrozen), Value::of(1));
  for (const char* const word : {"THAWED\n", "FREEZING\n"}) {
    set(Controller::freezer, "freezer.state", word);
    EXPECT_EQ(value(kFrozen), Value::of(0)) << word;
  }
}

TEST_F(Conditions, LookUpwardsForTheNearestThatHasTheOther) {
  use(kV2);
  constexpr std::size_t kThrottled = row("container_cpu_throttled_seconds_total");
  const std::string above = "/sys/fs/cgroup/system.slice/cpu.max";
  set(Controller::cpu, "cpu.stat.local", "throttled_usec 7\n");
  set(Controller::cpu, "cpu.max", "max 100000\n");
  on_->host.files.set_file(above, "max 100000\n");
  EXPECT_TRUE(value(kThrottled).is_absent());
  on_->host.files.set_file(above, "50000 100000\n");
  EXPECT_EQ(value(kThrottled), Value::of(7000));
  on_->host.files.set_file(above, "max 100000\n");
  set(Controller::cpu, "cpu.max", "50000 100000\n");
  EXPECT_EQ(value(kThrottled), Value::of(7000));
}

TEST_F(Conditions, BoundTasksByAllThreadsThatTheKernelTakes) {
  use(kV2);
  constexpr std::size_t kLimit = row("container_pids_effective_limit");
  set(Controller::pids, "pids.max", "max\n");
  on_->host.files.set_file("/sys/fs/cgroup/system.slice/pids.max", "max\n");
  on_->host.files.set_file("/proc/sys/kernel/threads-max", "77\n");
  EXPECT_EQ(value(kLimit), Value::of(77));
  set(Controller::pids, "pids.max", "76\n");
  EXPECT_EQ(value(kLimit), Value::of(76));
}

}  // namespace
}  // namespace cgmon
