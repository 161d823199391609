#include "agent/expose/prometheus_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace cgmon {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::size_t kThreads = row("container_threads");
constexpr std::size_t kThreadsMax = row("container_threads_max");
constexpr std::size_t kQuota = row("container_spec_cpu_quota");
constexpr std::size_t kCpu = row("container_cpu_usage_seconds_total", R"(cpu="total")");
constexpr std::size_t kPerCpu = row("container_cpu_usage_seconds_total");
constexpr std::size_t kFaults =
    row("container_memory_failures_total", R"(failure_type="pgfault",scope="container")");
constexpr std::size_t kMajorFaults =
    row("container_memory_failures_total", R"(failure_type="pgmajfault",scope="hierarchy")");

/// A snapshot in the making.
class Host {
 public:
  /// The next in path order.
  Host& add(Slot slot, CgroupLabels labels) {
    snapshot.order.push_back(slot);
    if (slot >= snapshot.labels.size()) snapshot.labels.resize(slot + 1);
    if (slot >= snapshot.alive.size()) snapshot.alive.resize(slot + 1);
    snapshot.labels[slot] = std::make_shared<const CgroupLabels>(std::move(labels));
    snapshot.alive[slot] = 1;
    for (std::size_t i = 0; i < kRowCount; ++i) {
      if (snapshot.served[i] && kRows[i].axis == Axis::none) snapshot.columns[i].reset(64);
    }
    return *this;
  }
  Host& set(std::size_t row_index, Slot slot, Value value) {
    snapshot.served[row_index] = true;
    if (!snapshot.columns[row_index].in_use()) snapshot.columns[row_index].reset(64);
    snapshot.columns[row_index].set(slot, value);
    return *this;
  }
  Host& set(std::size_t row_index, Slot slot, std::uint64_t number) {
    return set(row_index, slot, Value::of(number));
  }
  [[nodiscard]] std::string page() const {
    std::string text;
    PrometheusText().render(snapshot, text);
    return text;
  }

  Snapshot snapshot;
};

std::string number(std::uint64_t value, unsigned decimals, bool is_signed = false) {
  std::array<char, 64> buffer{};
  return {buffer.data(), write_number(buffer.data(), value, decimals, is_signed)};
}

/// The lines of a page that are no comments.
std::vector<std::string> samples(const std::string& page) {
  std::vector<std::string> found;
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with('#')) found.push_back(line);
  }
  return found;
}

TEST(WriteNumber, PrintsWholeNumbersExactly) {
  EXPECT_EQ(number(0, 0), "0");
  EXPECT_EQ(number(1024, 0), "1024");
  EXPECT_EQ(number(UINT64_MAX, 0), "18446744073709551615");
}

TEST(WriteNumber, PutsThePointWithoutFloatingPoint) {
  EXPECT_EQ(number(0, 9), "0");
  EXPECT_EQ(number(1, 9), "0.000000001");
  EXPECT_EQ(number(1'500'000'000, 9), "1.5");
  EXPECT_EQ(number(2'000'000'000, 9), "2");
  EXPECT_EQ(number(100'000'000, 9), "0.1");
  EXPECT_EQ(number(1'050'000'000, 9), "1.05");
  EXPECT_EQ(number(999'999'999, 9), "0.999999999");
  EXPECT_EQ(number(UINT64_MAX, 9), "18446744073.709551615");
  EXPECT_EQ(number(500'000, 6), "0.5");
  EXPECT_EQ(number(UINT64_MAX, 6), "18446744073709.551615");
}

TEST(WriteNumber, PrintsASignWhereTheFamilyHasOne) {
  const auto negative = [](std::int64_t value) { return static_cast<std::uint64_t>(value); };
  EXPECT_EQ(number(negative(-1), 0, true), "-1");
  EXPECT_EQ(number(negative(-1000), 0, true), "-1000");
  EXPECT_EQ(number(negative(INT64_MIN), 0, true), "-9223372036854775808");
  EXPECT_EQ(number(negative(-1'500'000'000), 9, true), "-1.5");
  EXPECT_EQ(number(negative(-1), 9, true), "-0.000000001");
  EXPECT_EQ(number(INT64_MAX, 0, true), "9223372036854775807");
  EXPECT_EQ(number(0, 0, true), "0");
}

TEST(AppendEscaped, EscapesWhatTheFormatWants) {
  std::string text = "x";
  append_escaped(text, "a\\b\"c\nd\te\r\xC3\xA9");
  EXPECT_EQ(text, "xa\\\\b\\\"c\\nd\te\r\xC3\xA9");
}

TEST(PrometheusText, WritesASmallHostAsThis) {
  Host host;
  host.add(3, {.id = "/"})
      .add(1, {.id = "/docker/aa", .name = "web", .image = "bb:1"})
      .add(2, {.id = "/we\"ird\\"});
  host.set(kQuota, 1, 50'000).set(kQuota, 3, Value::unlimited());
  host.set(kCpu, 3, 2'000'000'000).set(kCpu, 1, 1'234'567'890).set(kCpu, 2, 0);
  host.set(kFaults, 1, 7).set(kMajorFaults, 1, 8);
  host.set(kThreadsMax, 1, 50).set(kThreadsMax, 2, Value::unlimited());
  EXPECT_EQ(
      host.page(),
      R"(# HELP container_spec_cpu_quota CPU quota per period in microseconds; absent without a quota.
# TYPE container_spec_cpu_quota gauge
container_spec_cpu_quota{id="/docker/aa",image="bb:1",name="web"} 50000
# HELP container_cpu_usage_seconds_total CPU time consumed, descendants included.
# TYPE container_cpu_usage_seconds_total counter
container_cpu_usage_seconds_total{cpu="total",id="/"} 2
container_cpu_usage_seconds_total{cpu="total",id="/docker/aa",image="bb:1",name="web"} 1.23456789
container_cpu_usage_seconds_total{cpu="total",id="/we\"ird\\"} 0
# HELP container_memory_failures_total Page faults, by kind and by whether descendants are counted.
# TYPE container_memory_failures_total counter
container_memory_failures_total{failure_type="pgfault",scope="container",id="/docker/aa",image="bb:1",name="web"} 7
container_memory_failures_total{failure_type="pgmajfault",scope="hierarchy",id="/docker/aa",image="bb:1",name="web"} 8
# HELP container_threads_max Limit of tasks; 0 is no limit.
# TYPE container_threads_max gauge
container_threads_max{id="/docker/aa",image="bb:1",name="web"} 50
container_threads_max{id="/we\"ird\\"} 0
)");
}

TEST(PrometheusText, WritesAllLabelsInOneOrderAndLeavesEmptyOnesOut) {
  Host host;
  host.add(
      0,
      {.id = "/a", .name = "n", .image = "i", .container = "c", .pod = "p", .namespace_name = "s"});
  host.add(1, {.id = "/b", .pod = "p"});
  host.set(kThreads, 0, 1).set(kThreads, 1, 2);
  EXPECT_THAT(
      samples(host.page()),
      testing::ElementsAre(
          R"(container_threads{container="c",id="/a",image="i",name="n",namespace="s",pod="p"} 1)",
          R"(container_threads{id="/b",pod="p"} 2)"));
}

TEST(PrometheusText, NeverPrintsAnAbsentValue) {
  Host host;
  host.add(0, {.id = "/a"}).add(1, {.id = "/b"});
  host.set(kThreads, 1, 0);
  host.set(kThreadsMax, 0, Value::absent());
  const std::string page = host.page();
  EXPECT_THAT(samples(page), testing::ElementsAre(R"(container_threads{id="/b"} 0)"));
  EXPECT_THAT(page, Not(HasSubstr("container_threads_max"))) << "nor a header without a sample";
}

TEST(PrometheusText, PrintsNoRowThatIsNotServed) {
  Host host;
  host.add(0, {.id = "/a"});
  host.set(kThreads, 0, 1).set(kThreadsMax, 0, 2);
  host.snapshot.served[kThreads] = false;
  EXPECT_THAT(samples(host.page()), testing::ElementsAre(R"(container_threads_max{id="/a"} 2)"));
}

TEST(PrometheusText, WritesAnEmptyPageOfAnEmptyHost) {
  std::string page = "left over";
  const PrometheusText::Stats stats = PrometheusText().render(Snapshot(), page);
  EXPECT_EQ(page, "");
  EXPECT_EQ(stats.samples, 0U);
  EXPECT_EQ(stats.beyond_samples + stats.beyond_bytes, 0U);
}

TEST(PrometheusText, PrintsForUnlimitedWhatTheRowSays) {
  for (std::size_t i = 0; i < kRowCount; ++i) {
    if (kRows[i].axis != Axis::none) continue;
    Host host;
    host.add(0, {.id = "/a"}).set(i, 0, Value::unlimited());
    const auto lines = samples(host.page());
    if (kRows[i].unlimited == Unlimited::print_nothing) {
      EXPECT_THAT(lines, testing::IsEmpty()) << kRows[i].family;
    } else {
      ASSERT_THAT(lines, testing::SizeIs(1)) << kRows[i].family;
      EXPECT_TRUE(lines[0].ends_with("} 0")) << lines[0];
    }
  }
}

TEST(PrometheusText, KeepsEachFamilyTogetherUnderOneHelpAndOneType) {
  Host host;
  for (Slot slot = 0; slot < 3; ++slot) {
    host.add(slot, {.id = "/" + std::to_string(slot),
                    .kind = CgroupKind::container,
                    .container_id = std::to_string(slot)});
  }
  const auto has = [](const Row& row, bool is_root) {
    return row.sources.empty() || std::ranges::any_of(row.sources, [&](const Source& source) {
             return applies(source.when, is_root);
           });
  };
  std::size_t filled = 0;
  for (std::size_t i = 0; i < kRowCount; ++i) {
    host.snapshot.served[i] = true;
    for (Slot slot = 0; slot < 3; ++slot) {
      if (!has(kRows[i], slot == 0)) continue;
      ++filled;
      if (kRows[i].axis == Axis::none) host.set(i, slot, i);
      if (kRows[i].axis != Axis::none) host.snapshot.axes[i].push_back({slot, 0, 5});
    }
  }
  host.snapshot.elements = std::make_shared<const AxisElements>(AxisElements{{{"a", "1", "2"}}});
  std::istringstream lines(host.page());
  std::set<std::string> families, series;
  std::string family;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# HELP ")) {
      family = line.substr(7, line.find(' ', 7) - 7);
      EXPECT_TRUE(families.insert(family).second) << family << " comes twice";
      ASSERT_TRUE(std::getline(lines, line));
      EXPECT_EQ(line.substr(0, line.rfind(' ')), "# TYPE " + family);
      const std::string type = line.substr(line.rfind(' ') + 1);
      const Family& entry = kFamilies[find_family(family)];
      EXPECT_EQ(type, entry.kind == Kind::counter ? "counter" : "gauge") << family;
    } else {
      EXPECT_EQ(line.substr(0, line.find('{')), family);
      EXPECT_TRUE(series.insert(line.substr(0, line.rfind(' '))).second) << line << " comes twice";
    }
  }
  const auto has_rows = [](const Family& entry) { return entry.reporter != Reporter::machine; };
  EXPECT_EQ(families.size(), static_cast<std::size_t>(std::ranges::count_if(kFamilies, has_rows)));
  EXPECT_EQ(series.size(), filled);
}

TEST(PrometheusText, KeepsTheSnapshotsOrderOfCgroups) {
  Host host;
  host.add(9, {.id = "/"}).add(0, {.id = "/a"}).add(5, {.id = "/a/b"}).add(1, {.id = "/c"});
  for (const Slot slot : {0U, 1U, 5U, 9U}) host.set(kThreads, slot, slot);
  EXPECT_THAT(
      samples(host.page()),
      testing::ElementsAre(R"(container_threads{id="/"} 9)", R"(container_threads{id="/a"} 0)",
                           R"(container_threads{id="/a/b"} 5)", R"(container_threads{id="/c"} 1)"));
}

TEST(PrometheusText, WritesASampleForEachCpu) {
  Host host;
  host.add(0, {.id = "/a"}).add(1, {.id = "/b"});
  host.snapshot.served[kPerCpu] = true;
  host.snapshot.alive.push_back(0);
  host.snapshot.labels.emplace_back();
  host.snapshot.axes[kPerCpu] = {{0, 0, 1'500'000'000}, {0, 9, 0}, {0, 10, 1},
                                 {1, 128, UINT64_MAX},  {2, 0, 7}, {1, UINT32_MAX, 2}};
  EXPECT_THAT(
      samples(host.page()),
      testing::ElementsAre(
          R"(container_cpu_usage_seconds_total{cpu="cpu00",id="/a"} 1.5)",
          R"(container_cpu_usage_seconds_total{cpu="cpu09",id="/a"} 0)",
          R"(container_cpu_usage_seconds_total{cpu="cpu10",id="/a"} 0.000000001)",
          R"(container_cpu_usage_seconds_total{cpu="cpu128",id="/b"} 18446744073.709551615)",
          R"(container_cpu_usage_seconds_total{cpu="cpu4294967295",id="/b"} 0.000000002)"))
      << "and none of a cgroup that did not survive the pass";
}

TEST(PrometheusText, DropsAndCountsWhatIsBeyondTheBound) {
  Host host;
  for (Slot slot = 0; slot < 4; ++slot) {
    host.add(slot, {.id = "/" + std::to_string(slot)});
  }
  for (Slot slot = 0; slot < 4; ++slot) host.set(kThreads, slot, 1).set(kThreadsMax, slot, 2);
  host.set(kQuota, 0, Value::unlimited());  // prints nothing, so it is not dropped either
  PrometheusText text({.samples = 3});
  std::string page;
  for (int round = 0; round < 2; ++round) {
    const PrometheusText::Stats stats = text.render(host.snapshot, page);
    EXPECT_EQ(stats.samples, 3U);
    EXPECT_EQ(stats.beyond_samples, 5U);
    EXPECT_THAT(samples(page), testing::SizeIs(3));
    EXPECT_THAT(page, Not(HasSubstr("container_threads_max")));
  }
}

TEST(PrometheusText, KeepsToTheBoundOfBytesWhateverIsOnThePage) {
  Host host;
  for (Slot slot = 0; slot < 4; ++slot) {
    host.add(slot, {.id = "/" + std::to_string(slot)});
  }
  for (Slot slot = 0; slot < 4; ++slot) host.set(kThreads, slot, 1).set(kThreadsMax, slot, 2);
  std::string whole;
  PrometheusText().render(host.snapshot, whole);
  for (std::size_t bytes = 0; bytes <= whole.size() + 100; bytes += 7) {
    std::string page;
    const PrometheusText::Stats stats =
        PrometheusText({.bytes = bytes}).render(host.snapshot, page);
    EXPECT_LE(page.size(), bytes);
    EXPECT_EQ(stats.samples + stats.beyond_bytes, 8U);
    EXPECT_EQ(samples(page).size(), stats.samples);
    EXPECT_EQ(page.empty(), stats.samples == 0) << "no header without a sample";
  }
}

TEST(PrometheusText, LeavesOutFamiliesOfOtherGroups) {
  Host host;
  host.add(0, {.id = "/a"});
  host.set(kThreads, 0, 1).set(kQuota, 0, 5);
  std::string page;
  PrometheusText().render(host.snapshot, page, TextFormat::prometheus, nullptr, bit(Group::pids));
  EXPECT_THAT(samples(page), testing::ElementsAre(R"(container_threads{id="/a"} 1)"));
}

TEST(PrometheusText, FollowsLabelsThatChange) {
  Host host;
  host.add(0, {.id = "/a"}).set(kThreads, 0, 1);
  PrometheusText text;
  std::string page;
  text.render(host.snapshot, page);
  EXPECT_THAT(page, HasSubstr(R"({id="/a"} 1)"));
  host.snapshot.labels[0] =
      std::make_shared<const CgroupLabels>(CgroupLabels{.id = "/a", .name = "n"});
  text.render(host.snapshot, page);
  EXPECT_THAT(page, HasSubstr(R"({id="/a",name="n"} 1)"));
  host.snapshot.labels[0].reset();
  host.snapshot.order.clear();
  text.render(host.snapshot, page);
  EXPECT_EQ(page, "");
  host.snapshot.labels[0] = std::make_shared<const CgroupLabels>(CgroupLabels{.id = "/b"});
  host.snapshot.order = {0};
  text.render(host.snapshot, page);
  EXPECT_THAT(page, HasSubstr(R"({id="/b"} 1)"));
}

TEST(PrometheusText, WritesSnapshotsOfAllSizesByTurns) {
  std::vector<Host> hosts(3);
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    const Slot count = i == 0 ? 1 : i == 1 ? 60 : 3;
    for (Slot slot = 0; slot < count; ++slot) {
      hosts[i].add(slot, {.id = "/" + std::string(200, 'x') + std::to_string(i * 100 + slot)});
    }
    for (Slot slot = 0; slot < count; ++slot) hosts[i].set(kThreads, slot, slot);
  }
  PrometheusText text;
  std::string page;
  for (int round = 0; round < 3; ++round) {
    for (const Host& host : hosts) {
      text.render(host.snapshot, page);
      EXPECT_EQ(page, host.page()) << "as a new writer into a new buffer";
      page += "what the agent puts behind\n";
    }
  }
}

TEST(PrometheusText, WritesTheSameSamplesForOpenMetricsUnderItsOwnHeaders) {
  Host host;
  host.add(0, {.id = "/"}).add(1, {.id = "/a", .name = "n"});
  for (std::size_t i = 0; i < kRowCount; ++i) {
    host.snapshot.served[i] = true;
    if (kRows[i].axis == Axis::none) host.set(i, 0, i).set(i, 1, i * i);
  }
  PrometheusText text;
  std::string page;
  const auto stats = text.render(host.snapshot, page, TextFormat::openmetrics);
  EXPECT_EQ(stats.samples, samples(page).size());
  EXPECT_EQ(samples(page), samples(host.page()));
  EXPECT_THAT(page, HasSubstr("# TYPE container_cpu_usage_seconds counter\n"
                              "# UNIT container_cpu_usage_seconds seconds\n"
                              "container_cpu_usage_seconds_total{cpu=\"total\",id=\"/\"} "));
  EXPECT_THAT(page, HasSubstr("# TYPE container_memory_failcnt unknown\n"
                              "container_memory_failcnt{id=\"/\"} "));
  text.render(host.snapshot, page);
  EXPECT_EQ(page, host.page()) << "and the other format again";
}

TEST(PrometheusText, HasRoomForTheLongestLabels) {
  Host host;
  const std::string quotes(20'000, '"');
  host.add(0, {.id = "/" + quotes, .name = quotes}).set(kCpu, 0, UINT64_MAX);
  const auto lines = samples(host.page());
  ASSERT_THAT(lines, testing::SizeIs(1));
  EXPECT_GT(lines[0].size(), 80'000U);
  EXPECT_TRUE(lines[0].ends_with("\"} 18446744073.709551615"));
}

TEST(PrometheusText, PutsSamplesWithoutACgroupBehindThoseOfTheirFamily) {
  constexpr std::size_t kOomEvents = row("container_oom_events_total");
  Host host;
  host.add(0, {.id = "/living"}).set(kOomEvents, 0, 3).set(kThreads, 0, 1);
  const auto ended =
      std::make_shared<const CgroupLabels>(CgroupLabels{.id = "/ended", .name = "a\"b"});
  const auto owner =
      std::make_shared<const CgroupLabels>(CgroupLabels{.container = "c", .pod = "p"});
  host.snapshot.loose = {{kOomEvents, ended, 7}, {kOomEvents, owner, 0}};
  std::ranges::stable_sort(host.snapshot.loose, {}, &LooseSample::row);
  EXPECT_THAT(samples(host.page()),
              testing::ElementsAre(R"(container_oom_events_total{id="/living"} 3)",
                                   R"(container_oom_events_total{id="/ended",name="a\"b"} 7)",
                                   R"(container_oom_events_total{container="c",pod="p"} 0)",
                                   R"(container_threads{id="/living"} 1)"));
}

}  // namespace
}  // namespace cgmon
