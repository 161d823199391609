// The types are proven by the rows that fit them worst.
#include "collectors/metrics/row.h"

#include <gtest/gtest.h>

#include <set>
#include <string_view>

#include "collectors/metrics/tables.h"

namespace cgmon {
namespace {

using enum Controller;
using enum Version;
using enum FileUnit;
using enum When;

// 1. One name, four rows, told apart by fixed labels.
static_assert(row("container_memory_failures_total",
                  R"(failure_type="pgfault",scope="hierarchy")") !=
              row("container_memory_failures_total",
                  R"(failure_type="pgfault",scope="container")"));

// 2. A scalar and a row over CPUs in one family, each in its own group.
static_assert(group_of(row("container_cpu_usage_seconds_total", R"(cpu="total")")) == Group::cpu);
static_assert(group_of(row("container_cpu_usage_seconds_total")) == Group::percpu);
static_assert(kRows[row("container_cpu_usage_seconds_total")].axis == Axis::cpu);

// 3. A device axis with a chain of fallbacks.
constexpr Row kReadBytes{
    .family = "container_fs_reads_bytes_total",
    .sources = {{io, v2, "io.stat", "rbytes", bytes},
                {blkio, v1, "blkio.bfq.io_service_bytes_recursive", "Read", bytes},
                {blkio, v1, "blkio.throttle.io_service_bytes_recursive", "Read", bytes},
                {blkio, v1, "blkio.throttle.io_service_bytes", "Read", bytes},
                {blkio, v1, "blkio.io_service_bytes", "Read", bytes}},
    .axis = Axis::device};
static_assert(kReadBytes.sources.size == 5);

// 4. A v2 source beside v1 controllers: decided per controller.
static_assert(
    kRows[row("container_pressure_cpu_waiting_seconds_total")].sources.items[1].controller == psi);

// 5. A root with a source of its own, and a printed zero for "no limit".
static_assert(kRows[row("container_spec_memory_limit_bytes")].sources.items[0].when == root);
static_assert(kRows[row("container_spec_memory_limit_bytes")].unlimited == Unlimited::print_zero);

// 6. Two fields of one file make a fraction.
TEST(Derived, MakesCoresOfQuotaAndPeriod) {
  const Row& cores = kRows[row("container_spec_cpu_quota_cores")];
  const std::array half{Value::of(50000), Value::of(100000)};
  const std::array no_quota{Value::unlimited(), Value::of(100000)};
  EXPECT_EQ(cores.derive(half), Value::of(500'000));
  EXPECT_EQ(decimals(family_of(row("container_spec_cpu_quota_cores")).unit), 6U);
  EXPECT_TRUE(cores.derive(no_quota).is_absent());
}

// 7. A negative number, in the family's sign.
constexpr Family kOomScore{"container_oom_score_adj",
                           "OOM score adjustment of the first process.",
                           Kind::gauge,
                           Unit::count,
                           Group::pids,
                           Reporter::containers,
                           true};
static_assert(kOomScore.is_signed);

// 8. One axis whose elements carry three labels, and a fixed label beside it.
constexpr Row kBlkioRead{.family = "container_blkio_device_usage_total",
                         .labels = R"(operation="Read")",
                         .sources = {{io, v2, "io.stat", "rbytes", bytes}},
                         .axis = Axis::device_number};
static_assert(kBlkioRead.axis == Axis::device_number && !kBlkioRead.labels.empty());

TEST(Derived, HasTheFirstWhereAnyOtherIsThereNoLimitIncluded) {
  const std::array none{Value::of(3), Value::absent(), Value::absent()};
  const std::array limited{Value::of(3), Value::absent(), Value::of(0)};
  const std::array unlimited{Value::of(3), Value::unlimited(), Value::absent()};
  const std::array no_first{Value::absent(), Value::of(1)};
  EXPECT_TRUE(first_if_any(none).is_absent());
  EXPECT_EQ(first_if_any(limited), Value::of(3));
  EXPECT_EQ(first_if_any(unlimited), Value::of(3));
  EXPECT_TRUE(first_if_any(no_first).is_absent());
}

TEST(Derived, KeepsTheWorkingSetAtZeroWhenInactiveCacheExceedsUsageAndGuessesNothing) {
  const std::array skewed{Value::of(4096), Value::of(8192)};
  const std::array no_key{Value::of(4096), Value::absent()};
  const std::array no_usage{Value::absent(), Value::of(1)};
  EXPECT_EQ(working_set(skewed), Value::of(0));
  EXPECT_TRUE(working_set(no_key).is_absent());
  EXPECT_TRUE(working_set(no_usage).is_absent());
}

TEST(Derived, ComputesSharesBackFromWeightsAsCadvisorDoes) {
  for (const auto& [weight, shares] :
       {std::pair{1U, 2U}, {20U, 500U}, {39U, 998U}, {100U, 2597U}, {10000U, 262144U}}) {
    const std::array in{Value::of(weight)};
    EXPECT_EQ(shares_from_weight(in), Value::of(shares)) << weight;
  }
}

TEST(FormatOf, FollowsFromFileAndKey) {
  EXPECT_EQ(format_of({cpu, v2, "cpu.max", "0"}), FileFormat::fields);
  EXPECT_EQ(format_of({cpu, v2, "cpu.weight"}), FileFormat::single);
  EXPECT_EQ(format_of({memory, v2, "memory.stat", "anon"}), FileFormat::flat_keyed);
  EXPECT_EQ(format_of({psi, v2, "cpu.pressure", "some"}), FileFormat::psi);
  EXPECT_EQ(format_of({proc, none, "pressure/cpu", "some"}), FileFormat::psi);
  EXPECT_EQ(format_of({proc, none, "meminfo", "MemTotal"}), FileFormat::meminfo);
  EXPECT_EQ(format_of({cpuacct, v1, "cpuacct.usage_percpu"}), FileFormat::per_cpu);
}

/// Whether a file's name says that it holds what was configured.
bool is_named_as_a_setting(std::string_view file) {
  for (const std::string_view word :
       {".max", ".high", ".low", ".min", ".weight", ".burst", ".idle", ".shares", "_device",
        "limit_in_bytes", "_quota_us", "_period_us", "_burst_us", ".latency"}) {
    if (file.ends_with(word)) return true;
  }
  return false;
}

TEST(Rows, SayOfEachSettingWhetherOnlyWritesChangeIt) {
  // What changes with a device, or with its scheduler: see only_writes_change().
  const std::set<std::string_view> others{"rdma.max", "dmem.max", "misc.max", "io.bfq.weight",
                                          "blkio.bfq.weight"};
  for (const Row& entry : kRows) {
    for (const Source& source : entry.sources) {
      EXPECT_EQ(only_writes_change(source.file),
                is_named_as_a_setting(source.file) && !others.contains(source.file))
          << source.file;
    }
  }
}

}  // namespace
}  // namespace cgmon
