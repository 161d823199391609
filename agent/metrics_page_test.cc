#include "agent/metrics_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <mutex>
#include <thread>
#include <vector>

namespace cgmon {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::int64_t kPatience = 20'000'000'000;
constexpr std::int64_t kHour = 3'600'000'000'000;

class MetricsPages : public testing::Test {
 protected:
  void make(std::int64_t min_interval_ns, std::size_t max_samples = 1000) {
    self_.set_groups(bit(Group::cpu) | bit(Group::pids));
    loop_ = std::make_unique<CollectionLoop>(
        clock_, min_interval_ns,
        [this](Snapshot& snapshot, std::int64_t, GroupSet groups) { collect(snapshot, groups); });
    page_ =
        std::make_unique<MetricsPage>(*loop_, clock_, self_, PageBounds{.samples = max_samples});
  }
  /// One cgroup, whose tasks are the number of the collection.
  void collect(Snapshot& snapshot, GroupSet groups) {
    const std::lock_guard gate(gate_);
    const auto number = ++collections_;
    snapshot.monotonic_ns = clock_.monotonic_ns();
    snapshot.report = {};
    snapshot.report.passes = passes_of_ ? passes_of_(number) : number;
    snapshot.report.groups[static_cast<std::size_t>(Group::pids)].cpu_ns = 1'000'000'000;
    snapshot.order = {0};
    snapshot.alive = {1};
    snapshot.parent = {kNoSlot};
    snapshot.labels.resize(1);
    snapshot.labels[0] = labels_;
    constexpr std::size_t kThreads = row("container_threads");
    snapshot.served[kThreads] = true;
    snapshot.columns[kThreads].reset(1);
    snapshot.columns[kThreads].set(0, Value::of(number));
    constexpr std::size_t kRss = row("container_memory_rss");
    snapshot.served[kRss] = true;
    snapshot.columns[kRss].reset(1);
    snapshot.columns[kRss].set(0, Value::of(number));
    groups_.push_back(groups);
    snapshot.report.groups[static_cast<std::size_t>(Group::pids)].collected = true;
    self_.observe_pass(snapshot, {"hybrid", false});
  }
  std::shared_ptr<const std::string> get() { return page_->get(clock_.monotonic_ns() + kPatience); }
  static std::string threads(std::uint64_t number) {
    return "container_threads{id=\"/a\"} " + std::to_string(number) + "\n";
  }

  SystemClock clock_;
  SelfMetrics self_{{.version = "1"}, true};
  std::shared_ptr<const CgroupLabels> labels_ =
      std::make_shared<const CgroupLabels>(CgroupLabels{.id = "/a"});
  std::atomic<std::uint64_t> collections_ = 0;
  std::vector<GroupSet> groups_;  // what each collection was to read
  std::function<std::uint64_t(std::uint64_t)> passes_of_;
  std::mutex gate_;  // held by a test: the collection is stuck
  std::unique_ptr<CollectionLoop> loop_;
  std::unique_ptr<MetricsPage> page_;
};

TEST_F(MetricsPages, HoldCgroupsFirstAndTheAgentsOwnMetricsAfter) {
  make(0);
  const auto page = get();
  EXPECT_THAT(*page, testing::StartsWith("# HELP container_"));
  EXPECT_THAT(*page, HasSubstr(threads(1)));
  EXPECT_LT(page->find("container_threads"), page->find("cgmon_build_info"));
}

TEST_F(MetricsPages, AreRenderedOnceForACollection) {
  make(kHour);
  const auto first = get();
  const auto second = get();
  EXPECT_EQ(first, second) << "the very same text";
  EXPECT_EQ(collections_, 1U);
}

TEST_F(MetricsPages, AreRenderedAnewForEachCollection) {
  make(0);
  EXPECT_THAT(*get(), HasSubstr(threads(1)));
  EXPECT_THAT(*get(), HasSubstr(threads(2)));
}

// A collector that begins anew, after the host's mounts changed, counts its passes from the start.
TEST_F(MetricsPages, AreRenderedAnewWhenTheCollectorsCountStartsOver) {
  passes_of_ = [](std::uint64_t) { return 1; };
  make(0);
  EXPECT_THAT(*get(), HasSubstr(threads(1)));
  EXPECT_THAT(*get(), HasSubstr(threads(2)));
}

TEST_F(MetricsPages, HaveTheGroupsAskedForAloneAndReadNoOthers) {
  make(kHour);
  const auto get_of = [this](GroupSet groups) {
    return page_->get(clock_.monotonic_ns() + kPatience, {.groups = groups});
  };
  const auto pids = get_of(bit(Group::pids));
  EXPECT_THAT(*pids, HasSubstr(threads(1)));
  EXPECT_THAT(*pids, Not(HasSubstr("container_memory_rss")));
  EXPECT_EQ(get_of(bit(Group::pids)), pids);
  const auto all = get_of(kAllGroups);  // the last collection lacks what this one wants
  EXPECT_THAT(*all, HasSubstr(threads(2)));
  EXPECT_THAT(*all, HasSubstr("container_memory_rss"));
  const auto memory = get_of(bit(Group::memory));  // which this one has
  EXPECT_THAT(*memory, HasSubstr("container_memory_rss{id=\"/a\"} 2\n"));
  EXPECT_THAT(*memory, Not(HasSubstr("container_threads")));
  EXPECT_THAT(groups_, testing::ElementsAre(bit(Group::pids), kAllGroups));
}

TEST_F(MetricsPages, CountAPassThatNobodyRenders) {
  make(kHour);
  EXPECT_TRUE(loop_->get(clock_.monotonic_ns() + kPatience));
  std::string text;
  self_.append_text(nullptr, text);
  EXPECT_THAT(text, HasSubstr("cgmon_collection_duration_seconds_count 1\n"));
}

TEST_F(MetricsPages, StayAsTheyWereWhileOthersAreMade) {
  make(0);
  std::vector<std::shared_ptr<const std::string>> held;
  for (int i = 0; i < 6; ++i) held.push_back(get());
  for (std::uint64_t i = 0; i < held.size(); ++i) {
    EXPECT_THAT(*held[i], HasSubstr(threads(i + 1)));
    EXPECT_THAT(*held[i], Not(HasSubstr(threads(i + 2))));
  }
}

TEST_F(MetricsPages, AreSharedByThoseWhoWantTheSameFormAlone) {
  make(kHour);
  constexpr PageForm kOpenMetrics{.format = TextFormat::openmetrics};
  const auto deadline = clock_.monotonic_ns() + kPatience;
  const auto text = page_->get(deadline);
  const auto openmetrics = page_->get(deadline, kOpenMetrics);
  const auto zipped = page_->get(deadline, {.gzip = true});
  const auto both = page_->get(deadline, {.format = TextFormat::openmetrics, .gzip = true});
  EXPECT_EQ(collections_, 1U);
  EXPECT_EQ(page_->get(deadline), text);
  EXPECT_EQ(page_->get(deadline, kOpenMetrics), openmetrics);
  EXPECT_EQ(page_->get(deadline, {.gzip = true}), zipped);
  EXPECT_THAT(*text, Not(HasSubstr("# EOF")));
  EXPECT_THAT(*openmetrics, testing::EndsWith("\n# EOF\n"));
  EXPECT_THAT(*openmetrics, HasSubstr(threads(1)));
  for (const auto& page : {zipped, both}) EXPECT_THAT(*page, testing::StartsWith("\x1f\x8b\x08"));
  EXPECT_LT(zipped->size(), text->size() / 2);
}

TEST_F(MetricsPages, HoldOtherViewsOfTheSameCollection) {
  make(kHour);
  const auto deadline = clock_.monotonic_ns() + kPatience;
  const auto metrics = page_->get(deadline);
  const auto resource = page_->get(deadline, {.view = PageView::resource});
  const auto json = page_->get(deadline, {.view = PageView::json});
  EXPECT_EQ(collections_, 1U);
  EXPECT_THAT(*resource, HasSubstr("\nresource_scrape_error 0\n"));
  EXPECT_THAT(*json, HasSubstr(R"("container_threads":1})"));
  EXPECT_EQ(page_->get(deadline, {.view = PageView::json}), json);
  EXPECT_EQ(page_->get(deadline), metrics);
  const auto zipped = page_->get(deadline, {.view = PageView::json, .gzip = true});
  EXPECT_THAT(*zipped, testing::StartsWith("\x1f\x8b\x08"));
}

TEST_F(MetricsPages, MayOutliveTheirMaker) {
  make(0);
  const auto held = get();
  page_.reset();
  EXPECT_THAT(*held, HasSubstr(threads(1)));
}

TEST_F(MetricsPages, CountEachCollectionOnce) {
  make(kHour);
  for (int i = 0; i < 3; ++i) get();
  std::string text;
  self_.append_text(nullptr, text);
  EXPECT_THAT(text, HasSubstr("cgmon_collection_duration_seconds_count 1\n"));
  EXPECT_THAT(text, HasSubstr("cgmon_collector_cpu_seconds_total{collector=\"pids\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("cgmon_collections_total{outcome=\"fresh\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("cgmon_collections_total{outcome=\"reused\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("cgmon_page_samples 2\n"));
}

TEST_F(MetricsPages, HoldNoMoreSamplesThanTheBoundAndSaySo) {
  make(0, 0);
  EXPECT_THAT(*get(), Not(HasSubstr("container_threads")));
  std::string text;
  self_.append_text(nullptr, text);
  EXPECT_THAT(text, HasSubstr("cgmon_series_dropped_total{bound=\"samples_per_page\"} 2\n"));
}

TEST_F(MetricsPages, ShowTheAgentsOwnMetricsAloneWhenTheCollectionIsStuck) {
  make(kHour);
  std::shared_ptr<const std::string> page, zipped, openmetrics;
  {
    const std::lock_guard stuck(gate_);
    page = page_->get(clock_.monotonic_ns());
    zipped = page_->get(clock_.monotonic_ns(), {.gzip = true});
    openmetrics = page_->get(clock_.monotonic_ns(), {.format = TextFormat::openmetrics});
    EXPECT_EQ(page_->get(clock_.monotonic_ns(), {.view = PageView::json}), nullptr);
    EXPECT_THAT(*page_->get(clock_.monotonic_ns(), {.view = PageView::resource}),
                HasSubstr("\nresource_scrape_error 1\n"));
  }
  EXPECT_THAT(*page, Not(HasSubstr("container_")));
  EXPECT_THAT(*zipped, testing::StartsWith("\x1f\x8b\x08"));
  EXPECT_THAT(*openmetrics, testing::EndsWith("# EOF\n"));
  EXPECT_THAT(*page, HasSubstr("cgmon_scrape_collector_success{collector=\"cpu\"} 0\n"));
  EXPECT_THAT(*page, HasSubstr("cgmon_collections_total{outcome=\"stuck\"} 1\n"));
  const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (loop_->stuck() && std::chrono::steady_clock::now() < patience) std::this_thread::yield();
  EXPECT_THAT(*get(), HasSubstr("container_threads"));
}

TEST_F(MetricsPages, AreWholeForManyThreads) {
  make(0);
  std::vector<std::future<bool>> readers;
  for (int i = 0; i < 4; ++i) {
    readers.push_back(std::async(std::launch::async, [this] {
      bool whole = true;
      for (int round = 0; round < 50; ++round) {
        const auto page = get();
        whole = whole && page->starts_with("# HELP container_") && page->ends_with('\n') &&
                page->find("process_start_time_seconds ") != page->npos;
      }
      return whole;
    }));
  }
  for (auto& reader : readers) EXPECT_TRUE(reader.get());
  std::string text;
  self_.append_text(nullptr, text);
  EXPECT_THAT(text, HasSubstr("cgmon_series_dropped_total{bound=\"samples_per_page\"} 0\n"));
}

}  // namespace
}  // namespace cgmon
