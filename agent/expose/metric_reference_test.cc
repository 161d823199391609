#include "agent/expose/metric_reference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collectors/metrics/tables.h"

namespace cgmon {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string explained(std::string_view name) {
  const Result<std::string> text = explain_metric(name);
  EXPECT_TRUE(text.has_value()) << name;
  return text.value_or("");
}

TEST(MetricList, NamesEveryFamilyThatIsServedWithItsHelp) {
  const std::string list = metric_list();
  for (const Family& family : kFamilies) {
    const std::string name = "  " + std::string(family.name) + " ";
    if (family.reporter == Reporter::nobody) {
      EXPECT_THAT(list, Not(HasSubstr(name)));
    } else {
      EXPECT_THAT(list, HasSubstr(name));
      EXPECT_THAT(list, HasSubstr(family.help));
    }
  }
}

TEST(MetricList, SaysWhichCollectorsAreOnAndHowToSwitchThem) {
  const std::string list = metric_list();
  EXPECT_THAT(list, HasSubstr("\nmemory (on by default, off with --no-collector.memory): "));
  EXPECT_THAT(
      list, HasSubstr("\npercpu (off by default, on with --collector.percpu): CPU time of each CPU "
                      "in place of the total (v1 only).\n"
                      "  container_cpu_usage_seconds_total  counter  seconds  "));
  EXPECT_TRUE(list.starts_with("spec: "));
}

TEST(ExplainMetric, ShowsTheKernelFilesOfBothVersionsInOrder) {
  EXPECT_EQ(explained("container_memory_rss"), R"(container_memory_rss
  Anonymous memory, huge pages included.

  type       gauge
  unit       bytes
  collector  memory, on by default, off with --no-collector.memory
  reported   for every cgroup

Sources, in order of preference:
  v1  memory  memory.stat  total_rss  bytes
  v2  memory  memory.stat  anon       bytes
)");
}

TEST(ExplainMetric, ShowsEachRowOfAFamilyByItsLabels) {
  EXPECT_THAT(explained("container_cpu_usage_seconds_total"), HasSubstr(R"(
container_cpu_usage_seconds_total{cpu="total"}
  v1  cpuacct  cpuacct.usage              nanoseconds
  v2  core     cpu.stat       usage_usec  microseconds

container_cpu_usage_seconds_total{cpu="…"}
  v1  cpuacct  cpuacct.usage_percpu  each field  nanoseconds
  samples    one a CPU
  collector  percpu, off by default, on with --collector.percpu
)"));
}

TEST(ExplainMetric, SaysWhatNoLimitPrintsAndWhatHoldsAtTheRoot) {
  EXPECT_THAT(explained("container_spec_memory_limit_bytes"), HasSubstr(R"(
  any  proc    /proc/meminfo          MemTotal  kibibytes  (at the root only)
  v1   memory  memory.limit_in_bytes            bytes      (not at the root)
  v2   memory  memory.max                       bytes      (not at the root)
  no limit  printed as 0
)"));
  EXPECT_THAT(explained("container_spec_cpu_quota"), HasSubstr(R"(
  v1  cpu  cpu.cfs_quota_us           microseconds
  v2  cpu  cpu.max           field 1  microseconds  (not at the root)
  no limit  no sample
)"));
}

TEST(ExplainMetric, ShowsFormulasAndConditions) {
  EXPECT_THAT(explained("container_memory_working_set_bytes"),
              HasSubstr("  computed  container_memory_usage_bytes - "
                        "container_memory_total_inactive_file_bytes, at least 0\n"));
  EXPECT_THAT(
      explained("container_memory_usage_bytes"),
      HasSubstr(
          "  computed  container_memory_rss + container_memory_cache, where no file has it\n"));
  EXPECT_THAT(explained("container_cpu_cfs_periods_total"),
              HasSubstr("  only with  container_spec_cpu_quota\n"));
}

TEST(ExplainMetric, SaysWhatCadvisorPrintsWhereNothingIsPrintedHere) {
  constexpr std::string_view kZero = "no sample (cAdvisor prints 0)\n";
  EXPECT_THAT(explained("container_pressure_io_waiting_seconds_total"), HasSubstr(kZero));
  EXPECT_THAT(explained("container_memory_rss"), Not(HasSubstr("cAdvisor")));
}

TEST(ExplainMetric, MentionsEverySourceAndInputOfEveryRow) {
  for (const Row& row : kRows) {
    const std::string text = explained(row.family);
    EXPECT_THAT(text, HasSubstr(row.labels));
    for (const Source& source : row.sources) {
      EXPECT_THAT(text, HasSubstr(source.file));
      EXPECT_THAT(text, HasSubstr(name_of(source.controller)));
      if (format_of(source) != FileFormat::fields) {
        EXPECT_THAT(text, HasSubstr(source.key));
      }
    }
    for (const RowName& input : row.inputs) EXPECT_THAT(text, HasSubstr(input.family));
  }
}

TEST(ExplainMetric, SuggestsTheNearestNamesForAnUnknownOne) {
  const auto says = [](std::string_view name) { return explain_metric(name).error().what; };
  EXPECT_EQ(says("container_treads"),
            "no metric is named \"container_treads\"; did you mean container_threads?");
  EXPECT_EQ(says("cpu_cfs"),
            "no metric is named \"cpu_cfs\"; did you mean container_cpu_cfs_periods_total, "
            "container_cpu_cfs_throttled_periods_total, container_cpu_cfs_throttled_seconds_total, "
            "container_cpu_cfs_burst_periods_total or container_cpu_cfs_burst_seconds_total?");
  EXPECT_EQ(says("nonsense"), "no metric is named \"nonsense\"; `agent metrics` lists them all");
}

TEST(ExplainMetric, RepeatsAHostileNameSafelyAndShortened) {
  const std::string name = "\x1b[2J" + std::string(100'000, 'x');
  const std::string what = explain_metric(name).error().what;
  EXPECT_TRUE(what.starts_with("no metric is named \"\\x1b[2Jxxx")) << what;
  EXPECT_LT(what.size(), 200U);
}

}  // namespace
}  // namespace cgmon
