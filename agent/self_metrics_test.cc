#include "agent/self_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <charconv>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>

#include "collectors/cgroup/read_plan.h"

namespace cgmon {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Key;
using testing::Not;
using testing::Pair;

/// Samples by series, as a strict reader of the format 0.0.4 understands them. Adds a failure for
/// each line that it does not.
std::map<std::string, double> parse(const std::string& text) {
  std::map<std::string, double> samples;
  std::set<std::string> families;
  std::string family, type;
  EXPECT_TRUE(text.empty() || text.ends_with('\n'));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# HELP ")) {
      family = line.substr(7, line.find(' ', 7) - 7);
      EXPECT_TRUE(families.insert(family).second) << "not contiguous: " << family;
      type.clear();
      continue;
    }
    if (line.starts_with("# TYPE ")) {
      EXPECT_THAT(line, HasSubstr("# TYPE " + family + ' '));
      type = line.substr(line.rfind(' ') + 1);
      EXPECT_THAT(type, testing::AnyOf("counter", "gauge", "histogram"));
      continue;
    }
    const std::size_t space = line.rfind(' ');
    const std::string series = line.substr(0, space), value = line.substr(space + 1);
    const std::string name = series.substr(0, series.find('{'));
    EXPECT_EQ(name.find(family), 0U) << line;
    EXPECT_TRUE(name == family || type == "histogram") << line;
    EXPECT_EQ(series.find('{') == series.npos, series.back() != '}') << line;
    double number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    EXPECT_TRUE(error == std::errc{} && end == value.data() + value.size()) << line;
    EXPECT_TRUE(samples.emplace(series, number).second) << "twice: " << line;
  }
  return samples;
}

std::string text_of(const SelfMetrics& self, const Snapshot* snapshot) {
  std::string text;
  self.append_text(snapshot, text);
  return text;
}

constexpr HostView kHost{"hybrid", false};

GroupReport& report_of(Snapshot& snapshot, Group group) {
  return snapshot.report.groups[static_cast<std::size_t>(group)];
}

/// A pass of two collectors over a root and a container.
Snapshot make_snapshot() {
  Snapshot snapshot;
  snapshot.order = {0, 1};
  snapshot.alive = {1, 1};
  for (const CgroupKind kind : {CgroupKind::root, CgroupKind::container}) {
    snapshot.labels.push_back(std::make_shared<const CgroupLabels>(CgroupLabels{.kind = kind}));
  }
  snapshot.labels[1] = std::make_shared<const CgroupLabels>(CgroupLabels{
      .kind = CgroupKind::container, .runtime = "podman", .container_id = std::string(64, 'a')});
  snapshot.label_bounds = {.container_labels = 9, .label_length = 8, .label_collision = 7};
  snapshot.containers_ended_dropped = 6;
  GroupReport& cpu = report_of(snapshot, Group::cpu);
  cpu.collected = cpu.success = true;
  cpu.duration_ns = 2'500'000;
  cpu.cpu_ns = 500'000'000;
  GroupReport& memory = report_of(snapshot, Group::memory);
  memory.collected = true;
  memory.unavailable[static_cast<std::size_t>(Reason::swap_accounting_off)] = 2;
  snapshot.report.duration_ns = 3'000'000;
  snapshot.report.discovery_ns = 1'000'000;
  snapshot.report.reads = 12;
  snapshot.report.passes = 1;
  snapshot.report.dropped_bound = 3;
  snapshot.report.descriptors_kept = 7;
  snapshot.read_errors.push_back({.file = "memory.stat", .reason = "EIO", .count = 4});
  snapshot.metadata_failures.push_back({.source = "docker", .reason = "ENOENT", .count = 5});
  snapshot.metadata_unresolved = 1;
  return snapshot;
}

TEST(SelfMetrics, WritesTextThatAStrictReaderUnderstands) {
  SelfMetrics self({.version = "0.1.0",
                    .revision = "abc",
                    .compiler = "g++",
                    .start_time_seconds = 1'700'000'000.5},
                   true);
  const Snapshot snapshot = make_snapshot();
  self.set_groups(default_groups());
  self.observe_pass(snapshot, kHost);
  const auto samples = parse(text_of(self, &snapshot));
  const auto expect = [&](const std::string& series, double value) {
    EXPECT_THAT(samples, Contains(Pair(series, value)));
  };
  expect(R"(cgmon_build_info{version="0.1.0",revision="abc",compiler="g++"})", 1);
  expect(R"(cgmon_cgroup_mode_info{mode="hybrid"})", 1);
  expect("cgmon_view_restricted", 0);
  expect(R"(cgmon_unavailable_cgroups{collector="memory",reason="swap_accounting_off"})", 2);
  expect(R"(cgmon_scrape_collector_duration_seconds{collector="cpu"})", 0.0025);
  expect(R"(cgmon_scrape_collector_duration_seconds{collector="discovery"})", 0.001);
  expect(R"(cgmon_scrape_collector_success{collector="cpu"})", 1);
  expect(R"(cgmon_scrape_collector_success{collector="memory"})", 0);
  expect("cgmon_reads_total", 12);
  expect(R"(cgmon_read_errors_total{file="memory.stat",reason="EIO"})", 4);
  expect(R"(cgmon_metadata_failures_total{source="docker",reason="ENOENT"})", 5);
  expect(R"(cgmon_metadata_unresolved{runtime="podman"})", 1);
  expect(R"(cgmon_series_dropped_total{bound="labels"})", 9);
  expect(R"(cgmon_series_dropped_total{bound="label_length"})", 8);
  expect(R"(cgmon_series_dropped_total{bound="label_collision"})", 7);
  expect(R"(cgmon_series_dropped_total{bound="ended_containers"})", 6);
  expect(R"(cgmon_cgroups{kind="root"})", 1);
  expect(R"(cgmon_cgroups{kind="container"})", 1);
  expect(R"(cgmon_cgroups{kind="unit"})", 0);
  expect(R"(cgmon_cgroups_dropped{reason="bound"})", 3);
  expect("cgmon_descriptors_kept", 7);
  expect("process_start_time_seconds", 1'700'000'000.5);
  EXPECT_GT(samples.at("process_resident_memory_bytes"), 1e5);
  EXPECT_GE(samples.at("process_open_fds"), 3);
  EXPECT_GT(samples.at("process_max_fds"), 3);
  EXPECT_GT(samples.at("process_cpu_seconds_total"), 0);
  EXPECT_THAT(samples, Not(Contains(Key(R"(cgmon_scrape_collector_success{collector="percpu"})"))));
}

TEST(SelfMetrics, StartsEveryOutcomeAtZero) {
  SelfMetrics self({}, true);
  self.count_collection("shared");
  const auto samples = parse(text_of(self, nullptr));
  EXPECT_EQ(samples.at(R"(cgmon_collections_total{outcome="fresh"})"), 0);
  EXPECT_EQ(samples.at(R"(cgmon_collections_total{outcome="shared"})"), 1);
  EXPECT_EQ(samples.at(R"(cgmon_collections_total{outcome="reused"})"), 0);
  EXPECT_EQ(samples.at(R"(cgmon_collections_total{outcome="stuck"})"), 0);
}

TEST(SelfMetrics, FillsTheHistogramWithTheDurationOfEachPass) {
  SelfMetrics self({}, true);
  Snapshot snapshot = make_snapshot();
  self.observe_pass(snapshot, kHost);  // 3 ms
  snapshot.report.duration_ns = 20'000'000'000;
  snapshot.report.deadline_exceeded = true;
  self.observe_pass(snapshot, kHost);
  const auto samples = parse(text_of(self, &snapshot));
  const auto bucket = [&](const std::string& le) {
    return samples.at("cgmon_collection_duration_seconds_bucket{le=\"" + le + "\"}");
  };
  EXPECT_EQ(bucket("0.001"), 0);
  EXPECT_EQ(bucket("0.0025"), 0);
  EXPECT_EQ(bucket("0.005"), 1);
  EXPECT_EQ(bucket("10.0"), 1);
  EXPECT_EQ(bucket("+Inf"), 2);
  EXPECT_EQ(samples.at("cgmon_collection_duration_seconds_count"), 2);
  EXPECT_NEAR(samples.at("cgmon_collection_duration_seconds_sum"), 20.003, 1e-9);
  EXPECT_EQ(samples.at("cgmon_deadline_exceeded_total"), 1);
  EXPECT_EQ(samples.at(R"(cgmon_collector_cpu_seconds_total{collector="cpu"})"), 1);
}

TEST(SelfMetrics, CountsRequestsAndPages) {
  SelfMetrics self({}, true);
  self.count_request("/metrics", 200);
  self.count_request("/metrics", 200);
  self.count_request("/metrics", 503);
  self.page_written("identity", 1000, {.samples = 20, .beyond_samples = 5});
  self.page_written("identity", 900, {.samples = 10, .beyond_samples = 2, .beyond_bytes = 3});
  const auto samples = parse(text_of(self, nullptr));
  EXPECT_EQ(samples.at(R"(cgmon_http_requests_total{code="200",handler="/metrics"})"), 2);
  EXPECT_EQ(samples.at(R"(cgmon_http_requests_total{code="503",handler="/metrics"})"), 1);
  EXPECT_EQ(samples.at(R"(cgmon_page_bytes{encoding="identity"})"), 900);
  EXPECT_EQ(samples.at("cgmon_page_samples"), 10);
  EXPECT_EQ(samples.at(R"(cgmon_series_dropped_total{bound="samples_per_page"})"), 7);
  EXPECT_EQ(samples.at(R"(cgmon_series_dropped_total{bound="page_bytes"})"), 3);
}

TEST(SelfMetrics, EscapesLabelValues) {
  const SelfMetrics self({.version = "a\\b\"c\nd"}, true);
  EXPECT_THAT(text_of(self, nullptr), HasSubstr(R"(version="a\\b\"c\nd")"));
  parse(text_of(self, nullptr));
}

TEST(SelfMetrics, SaysThatEveryChosenCollectorFailedWhenThePassIsStuck) {
  SelfMetrics self({}, true);
  const auto failed = [&] {
    std::set<std::string> names;
    for (const auto& [series, value] : parse(text_of(self, nullptr))) {
      if (!series.starts_with("cgmon_scrape_collector_success{")) continue;
      EXPECT_EQ(value, 0) << series;
      names.insert(series.substr(series.find('"') + 1, series.rfind('"') - series.find('"') - 1));
    }
    return names;
  };
  EXPECT_THAT(failed(), testing::IsEmpty());
  self.set_groups(bit(Group::cpu) | bit(Group::memory));
  EXPECT_THAT(failed(), ElementsAre("cpu", "memory"));
}

TEST(SelfMetrics, ShowOfCollectorsThoseAskedFor) {
  SelfMetrics self({}, true);
  self.set_groups(default_groups());
  const Snapshot snapshot = make_snapshot();
  std::string text;
  self.append_text(&snapshot, text, TextFormat::prometheus, bit(Group::cpu));
  EXPECT_THAT(text, HasSubstr("cgmon_scrape_collector_success{collector=\"cpu\"} 1\n"));
  EXPECT_THAT(text, Not(HasSubstr("collector=\"memory\"")));
}

TEST(SelfMetrics, SayWhereTheCpuTimeGoes) {
  SelfMetrics self({}, true);
  Snapshot snapshot = make_snapshot();
  snapshot.report.cpu_ns = 600'000'000;
  self.observe_pass(snapshot, kHost);
  self.add_cpu("render", 250'000'000);
  self.add_cpu("render", 250'000'000);
  const auto samples = parse(text_of(self, nullptr));
  const auto of = [](const std::string& part) {
    return "cgmon_collector_cpu_seconds_total{collector=\"" + part + "\"}";
  };
  EXPECT_EQ(samples.at(of("cpu")), 0.5);
  EXPECT_NEAR(samples.at(of("discovery")), 0.1, 1e-9) << "the rest of the pass";
  EXPECT_EQ(samples.at(of("render")), 0.5);
  EXPECT_FALSE(samples.contains(of("percpu"))) << "it is off";
}

TEST(SelfMetrics, FollowTheHostWhenItsMountsChange) {
  SelfMetrics self({}, true);
  const Snapshot snapshot = make_snapshot();
  self.observe_pass(snapshot, {"hybrid", false});
  self.observe_pass(snapshot, {"unified", true});
  const auto samples = parse(text_of(self, nullptr));
  EXPECT_TRUE(samples.contains(R"(cgmon_cgroup_mode_info{mode="unified"})"));
  EXPECT_FALSE(samples.contains(R"(cgmon_cgroup_mode_info{mode="hybrid"})"));
  EXPECT_EQ(samples.at("cgmon_view_restricted"), 1);
}

TEST(SelfMetrics, CountReloadsAndRememberTheLastRightOne) {
  SelfMetrics self(AgentFacts{.start_time_seconds = 5}, true);
  auto samples = parse(text_of(self, nullptr));
  EXPECT_EQ(samples.at("cgmon_config_last_reload_successful"), 1);
  EXPECT_EQ(samples.at("cgmon_config_last_reload_success_timestamp_seconds"), 5);
  self.count_reload(true, 7'000'000'000);
  self.count_reload(false, 9'000'000'000);
  samples = parse(text_of(self, nullptr));
  EXPECT_EQ(samples.at(R"(cgmon_config_reloads_total{outcome="success"})"), 1);
  EXPECT_EQ(samples.at(R"(cgmon_config_reloads_total{outcome="failure"})"), 1);
  EXPECT_EQ(samples.at("cgmon_config_last_reload_successful"), 0);
  EXPECT_EQ(samples.at("cgmon_config_last_reload_success_timestamp_seconds"), 7);
}

TEST(SelfMetrics, ExplainsAbsentValuesAloneWhenTheExportersMetricsAreOff) {
  SelfMetrics self({.version = "1"}, false);
  self.count_collection("fresh");
  Snapshot snapshot = make_snapshot();
  EXPECT_THAT(
      parse(text_of(self, &snapshot)),
      ElementsAre(Pair(
          R"(cgmon_unavailable_cgroups{collector="memory",reason="swap_accounting_off"})", 2)));
  report_of(snapshot, Group::memory).unavailable = {};
  EXPECT_EQ(text_of(self, &snapshot), "") << "no header without a sample";
  EXPECT_EQ(text_of(self, nullptr), "");
}

TEST(SelfMetrics, WritesTheSameSeriesForOpenMetrics) {
  SelfMetrics self({.version = "1"}, true);
  const Snapshot snapshot = make_snapshot();
  self.observe_pass(snapshot, kHost);
  std::string text;
  self.append_text(&snapshot, text, TextFormat::openmetrics);
  EXPECT_THAT(text, HasSubstr("# TYPE cgmon_build info\ncgmon_build_info{"));
  EXPECT_THAT(text, HasSubstr("# TYPE process_cpu_seconds counter\n"
                              "# UNIT process_cpu_seconds seconds\nprocess_cpu_seconds_total "));
  EXPECT_THAT(text, HasSubstr("cgmon_collection_duration_seconds_bucket{le=\"10.0\"} 1\n"));
  EXPECT_THAT(text, Not(HasSubstr("_total counter")));
  const auto series = [](const std::string& page) {
    std::set<std::string> found;
    std::istringstream lines(page);
    for (std::string line; std::getline(lines, line);) {
      if (!line.starts_with('#')) found.insert(line.substr(0, line.rfind(' ')));
    }
    return found;
  };
  EXPECT_EQ(series(text), series(text_of(self, &snapshot)));
}

TEST(SelfMetrics, AppendsToWhatIsThere) {
  const SelfMetrics self({}, true);
  std::string page = "before 1\n";
  self.append_text(nullptr, page);
  EXPECT_THAT(page, testing::StartsWith("before 1\n# HELP "));
}

}  // namespace
}  // namespace cgmon
