#include "collectors/effective_limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <optional>
#include <string>

#include "tests/support/fixture_host.h"
#include "tests/support/made_up_hosts.h"

namespace cgmon {
namespace {

using testing::Contains;
using testing::IsEmpty;

constexpr const char* kV1 = "debian-6.1-v1-systemd";
constexpr const char* kV2 = "debian-6.1-v2-systemd";
const std::string kTop = "/sys/fs/cgroup";

Snapshot collect(FixtureHost& host, const CollectorOptions& options = {}) {
  const auto collector = host.collector(options);
  Snapshot snapshot;
  collector->collect(snapshot, kNoDeadline);
  return snapshot;
}

std::optional<std::uint64_t> limit(const Snapshot& snapshot, std::size_t index,
                                   std::string_view id) {
  for (const Slot slot : snapshot.order) {
    if (snapshot.labels[slot]->id != id) continue;
    const Value value = snapshot.value(kLimitedResources.at(index).effective, slot);
    return value.is_number() ? std::optional(value.number) : std::nullopt;
  }
  ADD_FAILURE() << "no cgroup " << id;
  return std::nullopt;
}

/// Who limits a cgroup's resource, empty for none.
std::string by(const Snapshot& snapshot, std::size_t index, std::string_view id) {
  for (const AxisSample& sample : snapshot.axes[kLimitedResources.at(index).info]) {
    if (snapshot.labels[sample.slot]->id == id) return snapshot.limiters[sample.element]->id;
  }
  return {};
}

enum : std::size_t { kCpu, kMemory, kPids };

void make(FixtureHost& host, const std::string& path, const std::string& memory,
          const std::string& cpu, const std::string& pids) {
  host.files.set_file(kTop + path + "/memory.max", memory + "\n");
  host.files.set_file(kTop + path + "/cpu.max", cpu + " 100000\n");
  host.files.set_file(kTop + path + "/pids.max", pids + "\n");
}

TEST(EffectiveLimits, AreTheTightestOfOwnAndAncestors) {
  FixtureHost host(kV2);
  make(host, "/a", "1000", "max", "50");
  make(host, "/a/b", "max", "10000", "max");
  make(host, "/a/b/c", "500", "20000", "60");
  make(host, "/a/b/c/d", "max", "max", "max");
  const Snapshot snapshot = collect(host);
  EXPECT_EQ(limit(snapshot, kMemory, "/a/b"), 1000U);
  EXPECT_EQ(by(snapshot, kMemory, "/a/b"), "/a");
  EXPECT_EQ(limit(snapshot, kMemory, "/a/b/c"), 500U);
  EXPECT_EQ(by(snapshot, kMemory, "/a/b/c"), "");
  EXPECT_EQ(by(snapshot, kMemory, "/a/b/c/d"), "/a/b/c");
  EXPECT_EQ(limit(snapshot, kCpu, "/a/b/c/d"), 100'000U);
  EXPECT_EQ(by(snapshot, kCpu, "/a/b/c"), "/a/b");
  EXPECT_EQ(limit(snapshot, kPids, "/a/b/c"), 50U);
  EXPECT_EQ(by(snapshot, kPids, "/a/b/c/d"), "/a");
  EXPECT_THAT(samples_of(page_of(snapshot), "container_effective_limit_info"),
              Contains(R"(container_effective_limit_info{resource="pids",limited_by="/a",)"
                       R"(id="/a/b"} 1)"));
}

TEST(EffectiveLimits, AreTheMachinesWhereNoCgroupHasAny) {
  FixtureHost host(kV2);
  make(host, "/a", "max", "max", "max");
  host.files.set_file("/proc/sys/kernel/pid_max", "32768\n");
  host.files.set_file("/proc/sys/kernel/threads-max", "3000\n");
  const Snapshot snapshot = collect(host);
  const Value memory = snapshot.value(kLimitedResources[kMemory].own, snapshot.order.front());
  ASSERT_TRUE(memory.is_number());
  for (const char* const id : {"/", "/a"}) {
    EXPECT_EQ(limit(snapshot, kMemory, id), memory.number);
    EXPECT_EQ(limit(snapshot, kCpu, id), 2'000'000U);
    EXPECT_EQ(limit(snapshot, kPids, id), 3000U);
  }
  EXPECT_EQ(by(snapshot, kMemory, "/a") + by(snapshot, kCpu, "/a") + by(snapshot, kPids, "/a"), "");
}

TEST(EffectiveLimits, BelongToTheCgroupItselfOnATieAndElseToTheNearest) {
  FixtureHost host(kV2);
  for (const char* const path : {"/a", "/a/b", "/a/b/c"}) make(host, path, "1000", "10000", "5");
  make(host, "/a/b/c/d", "max", "max", "max");
  const Snapshot snapshot = collect(host);
  EXPECT_EQ(by(snapshot, kMemory, "/a/b/c"), "");
  EXPECT_EQ(by(snapshot, kMemory, "/a/b/c/d"), "/a/b/c");
}

TEST(EffectiveLimits, CountTheCpusOfASetAndNameWhoSetIt) {
  FixtureHost host(kV2);
  make(host, "/a", "max", "max", "max");
  make(host, "/a/b", "max", "max", "max");
  host.files.set_file(kTop + "/a/cpuset.cpus.effective", "1\n");
  host.files.set_file(kTop + "/a/b/cpuset.cpus.effective", "1\n");
  const Snapshot snapshot = collect(host);
  EXPECT_EQ(limit(snapshot, kCpu, "/a/b"), 1'000'000U);
  EXPECT_EQ(by(snapshot, kCpu, "/a/b"), "/a");
}

TEST(EffectiveLimits, AreRightWhenTheAncestorsAreNotShown) {
  FixtureHost host(kV2);
  const std::string slice = kTop + "/system.slice";
  host.files.set_file(slice + "/memory.max", "4096\n").set_file(slice + "/pids.max", "7\n");
  const Snapshot snapshot = collect(host, {.only = {.all = false, .containers = true}});
  std::size_t containers = 0;
  for (const Slot slot : snapshot.order) {
    if (snapshot.labels[slot]->kind != CgroupKind::container) continue;
    ++containers;
    const std::string& id = snapshot.labels[slot]->id;
    EXPECT_EQ(limit(snapshot, kMemory, id), 4096U);
    EXPECT_EQ(by(snapshot, kMemory, id), "/system.slice");
    EXPECT_EQ(limit(snapshot, kPids, id), 7U);
  }
  EXPECT_GT(containers, 0U);
}

TEST(EffectiveLimits, AreAbsentBelowALimitThatCouldNotBeRead) {
  FixtureHost host(kV2);
  make(host, "/a", "1000", "max", "max");
  make(host, "/a/b", "500", "max", "max");
  host.files.set_error(kTop + "/a/memory.max", EIO);
  const Snapshot snapshot = collect(host);
  EXPECT_EQ(limit(snapshot, kMemory, "/a"), std::nullopt);
  EXPECT_EQ(limit(snapshot, kMemory, "/a/b"), std::nullopt);
  EXPECT_NE(limit(snapshot, kPids, "/a/b"), std::nullopt);
}

TEST(EffectiveLimits, AreThoseAboveWhereTheControllerIsNotHandedDown) {
  FixtureHost host(kV2);
  make(host, "/a", "1000", "20000", "50");
  host.files.add_directory(kTop + "/a/b");
  const Snapshot snapshot = collect(host);
  EXPECT_EQ(limit(snapshot, kMemory, "/a/b"), 1000U);
  EXPECT_EQ(limit(snapshot, kCpu, "/a/b"), 200'000U);
  EXPECT_EQ(limit(snapshot, kPids, "/a/b"), 50U);
  EXPECT_EQ(by(snapshot, kPids, "/a/b"), "/a");
}

TEST(EffectiveLimits, AreAbsentWhereALimitIsMissingThoughItsControllerIsThere) {
  FixtureHost host(kV2);
  make(host, "/a", "1000", "max", "50");
  host.files.set_file(kTop + "/a/b/memory.current", "1\n");
  host.files.set_file(kTop + "/a/b/c/pids.max", "5\n");  // so /a/b has pids, too
  const Snapshot snapshot = collect(host);
  EXPECT_EQ(limit(snapshot, kMemory, "/a/b"), std::nullopt);
  EXPECT_EQ(limit(snapshot, kMemory, "/a/b/c"), std::nullopt);
  EXPECT_EQ(limit(snapshot, kPids, "/a/b"), std::nullopt);
  EXPECT_EQ(limit(snapshot, kPids, "/a/b/c"), std::nullopt);
  EXPECT_EQ(limit(snapshot, kCpu, "/a/b/c"), 2'000'000U);
}

TEST(EffectiveLimits, AreAbsentBelowAnAncestorThatIsNotShownAndCouldNotBeRead) {
  FixtureHost host(kV2);
  const std::string slice = kTop + "/system.slice";
  host.files.set_file(slice + "/memory.max", "4096\n").set_error(slice + "/memory.max", EIO);
  const Snapshot snapshot = collect(host, {.only = {.all = false, .containers = true}});
  std::size_t containers = 0;
  for (const Slot slot : snapshot.order) {
    if (snapshot.labels[slot]->kind != CgroupKind::container) continue;
    ++containers;
    EXPECT_EQ(limit(snapshot, kMemory, snapshot.labels[slot]->id), std::nullopt);
    EXPECT_NE(limit(snapshot, kPids, snapshot.labels[slot]->id), std::nullopt);
  }
  EXPECT_GT(containers, 0U);
}

TEST(EffectiveLimits, AreAbsentWhereTheDeadlineCameFirst) {
  FixtureHost host(kV2);
  make(host, "/a", "1000", "20000", "50");
  const auto collector = host.collector();
  Snapshot snapshot;
  collector->collect(snapshot, kNoDeadline);
  ASSERT_EQ(limit(snapshot, kMemory, "/a"), 1000U);
  host.clock.advance(1);
  collector->collect(snapshot, 0);
  ASSERT_TRUE(snapshot.report.deadline_exceeded);
  for (const LimitedResource& resource : kLimitedResources) {
    for (const Slot slot : snapshot.order) {
      if (snapshot.labels[slot]->kind == CgroupKind::root) continue;
      EXPECT_TRUE(snapshot.value(resource.effective, slot).is_absent());
    }
    EXPECT_THAT(snapshot.axes[resource.info], IsEmpty());
  }
}

TEST(EffectiveLimits, AreAbsentWhereTheMachinesAreUnknown) {
  FixtureHost host(kV2);
  make(host, "/a", "1000", "20000", "50");
  host.files.set_file("/proc/sys/kernel/pid_max", "1\n");
  host.files.set_error("/proc/sys/kernel/pid_max", EIO);
  const Snapshot snapshot = collect(host);
  EXPECT_EQ(limit(snapshot, kPids, "/a"), std::nullopt);
  EXPECT_EQ(limit(snapshot, kMemory, "/a"), 1000U);
}

TEST(EffectiveLimits, NameTheAncestorAlsoWhereNothingElseIsAskedFor) {
  FixtureHost host(kV2);
  make(host, "/a", "1000", "20000", "50");
  make(host, "/a/b", "max", "max", "max");
  const auto collector = host.collector();
  Snapshot snapshot;
  collector->collect(snapshot, kNoDeadline, bit(Group::limits));
  for (const std::size_t index : {kCpu, kMemory, kPids}) {
    EXPECT_EQ(by(snapshot, index, "/a/b"), "/a");
  }
  EXPECT_THAT(samples_of(page_of(snapshot), "container_memory_effective_limit_bytes"), IsEmpty());
}

TEST(EffectiveLimits, AreAbsentWhereAncestorsAreHidden) {
  TreeFiles files;
  made_up::enter_v2_container(files);
  const Roots roots;
  auto layout = detect_layout(files, roots);
  ASSERT_TRUE(layout);
  ASSERT_TRUE(layout->restricted());
  const ManualClock clock{1'795'480'000'000'000'000};
  Collector collector(files, clock, roots, *std::move(layout), {}, nullptr);
  Snapshot snapshot;
  collector.collect(snapshot, kNoDeadline);
  EXPECT_FALSE(snapshot.order.empty());
  const std::string page = page_of(snapshot);
  EXPECT_THAT(samples_of(page, "container_memory_effective_limit_bytes"), IsEmpty());
  EXPECT_THAT(samples_of(page, "container_pids_effective_limit"), IsEmpty());
  EXPECT_THAT(samples_of(page, "container_cpu_effective_limit_cores"), IsEmpty());
}

TEST(EffectiveLimits, OnV1AreWhatMemoryStatSays) {
  FixtureHost host(kV1);
  const std::string slice = kTop + "/memory/system.slice/";
  made_up::edit(host.files, slice + "docker.service/memory.stat",
                "hierarchical_memory_limit 9223372036854771712\n",
                "hierarchical_memory_limit 8192\n");
  host.files.set_file(slice + "memory.limit_in_bytes", "8192\n");
  const Snapshot snapshot = collect(host);
  EXPECT_EQ(limit(snapshot, kMemory, "/system.slice/docker.service"), 8192U);
}

}  // namespace
}  // namespace cgmon
