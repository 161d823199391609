#include "agent/host_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>

#include "collectors/metrics/tables.h"

namespace cgmon {
namespace {

using testing::HasSubstr;

constexpr std::int64_t kSecond = 1'000'000'000;

/// One container that uses half a core, as time is told to pass.
class HostTables : public testing::Test {
 protected:
  void collect(Snapshot& snapshot) {
    constexpr std::size_t kCpu = row("container_cpu_usage_seconds_total", R"(cpu="total")");
    snapshot.monotonic_ns = now_ns_;
    snapshot.order = {0};
    snapshot.alive = {1};
    snapshot.parent = {kNoSlot};
    snapshot.labels = {labels_};
    for (const auto& [row_index, value] :
         {std::pair{kCpu, static_cast<std::uint64_t>(now_ns_.load() / 2)},
          std::pair{row("container_threads"), std::uint64_t{1}}}) {
      snapshot.columns[row_index].reset(1);
      snapshot.columns[row_index].set(0, Value::of(value));
    }
  }
  std::string page() { return *table_.get(clock_.monotonic_ns() + 20 * kSecond, {}); }

  std::shared_ptr<const CgroupLabels> labels_ = std::make_shared<const CgroupLabels>(
      CgroupLabels{.id = "/a", .name = "web", .kind = CgroupKind::container});
  std::atomic<std::int64_t> now_ns_ = 100 * kSecond;
  SystemClock clock_;
  SelfMetrics self_{{.version = "1"}, true};
  CollectionLoop loop_{clock_, 0,
                       [this](Snapshot& snapshot, std::int64_t, GroupSet) { collect(snapshot); }};
  HostTable table_{loop_, self_, {.version = "1"}};
};

TEST_F(HostTables, HaveRatesFromTheSecondLookOn) {
  EXPECT_THAT(page(), HasSubstr(">web</th><td>-</td>"));
  now_ns_ += 4 * kSecond;
  EXPECT_THAT(page(), HasSubstr(">web</th><td>50.00%</td>"));
  EXPECT_THAT(page(), HasSubstr("over the last 4 s"));
  now_ns_ += 2 * kSecond;
  EXPECT_THAT(page(), HasSubstr("over the last 2 s"));
}

TEST_F(HostTables, ShowTwoWhoLookAtOnceTheSameInterval) {
  (void)page();
  now_ns_ += 4 * kSecond;
  (void)page();
  now_ns_ += kSecond / 10;
  EXPECT_THAT(page(), HasSubstr("over the last 4 s"));
}

TEST_F(HostTables, HaveNoRatesOverMoreThanAMinute) {
  (void)page();
  now_ns_ += 300 * kSecond;
  EXPECT_THAT(page(), HasSubstr("follow in two seconds"));
  now_ns_ += 2 * kSecond;
  EXPECT_THAT(page(), HasSubstr("over the last 2 s"));
}

}  // namespace
}  // namespace cgmon
