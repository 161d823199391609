#include "agent/expose/resource_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collectors/metrics/tables.h"

namespace cgmon {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::size_t kStart = row("container_start_time_seconds");
constexpr std::size_t kCpu = row("container_cpu_usage_seconds_total", R"(cpu="total")");
constexpr std::size_t kWorkingSet = row("container_memory_working_set_bytes");

class ResourcePage : public testing::Test {
 protected:
  ResourcePage() { snapshot_.wall_ns = 1'700'000'000'123'456'789; }

  void add(CgroupKind kind, CgroupLabels labels, std::uint64_t number) {
    labels.kind = kind;
    const auto slot = static_cast<Slot>(snapshot_.order.size());
    snapshot_.order.push_back(slot);
    snapshot_.alive.push_back(1);
    snapshot_.labels.push_back(std::make_shared<const CgroupLabels>(std::move(labels)));
    for (const std::size_t row_index : {kStart, kCpu, kWorkingSet}) {
      if (slot == 0) snapshot_.columns[row_index].reset(64);
      snapshot_.served[row_index] = true;
      const std::uint64_t scale = row_index == kCpu ? 1'000'000'000 : 1;
      snapshot_.columns[row_index].set(slot, Value::of(number * scale));
    }
  }
  std::string page(TextFormat format = TextFormat::prometheus) {
    std::string text = "left over";
    render_resource_page(&snapshot_, format, text);
    return text;
  }
  static CgroupLabels pod(std::string container) {
    return {.container = std::move(container), .pod = "p", .namespace_name = "ns"};
  }

  Snapshot snapshot_;
};

TEST_F(ResourcePage, HasTheKubeletsFamiliesLabelsAndTimes) {
  add(CgroupKind::root, {.id = "/"}, 9);
  add(CgroupKind::pod, pod(""), 8);
  add(CgroupKind::container, pod("app"), 7);
  EXPECT_EQ(page(), R"(# HELP container_cpu_usage_seconds_total CPU time consumed by the container.
# TYPE container_cpu_usage_seconds_total counter
container_cpu_usage_seconds_total{container="app",namespace="ns",pod="p"} 7 1700000000123
# HELP container_memory_working_set_bytes Working set of the container.
# TYPE container_memory_working_set_bytes gauge
container_memory_working_set_bytes{container="app",namespace="ns",pod="p"} 7 1700000000123
# HELP container_start_time_seconds Start of the container, in Unix time.
# TYPE container_start_time_seconds gauge
container_start_time_seconds{container="app",namespace="ns",pod="p"} 7
# HELP node_cpu_usage_seconds_total CPU time consumed by the node.
# TYPE node_cpu_usage_seconds_total counter
node_cpu_usage_seconds_total 9 1700000000123
# HELP node_memory_working_set_bytes Working set of the node.
# TYPE node_memory_working_set_bytes gauge
node_memory_working_set_bytes 9 1700000000123
# HELP pod_cpu_usage_seconds_total CPU time consumed by the pod.
# TYPE pod_cpu_usage_seconds_total counter
pod_cpu_usage_seconds_total{namespace="ns",pod="p"} 8 1700000000123
# HELP pod_memory_working_set_bytes Working set of the pod.
# TYPE pod_memory_working_set_bytes gauge
pod_memory_working_set_bytes{namespace="ns",pod="p"} 8 1700000000123
# HELP resource_scrape_error 1 if not all of the figures could be read, else 0.
# TYPE resource_scrape_error gauge
resource_scrape_error 0
# HELP scrape_error 1 if not all of the figures could be read, else 0.
# TYPE scrape_error gauge
scrape_error 0
)");
}

TEST_F(ResourcePage, HasTimesInSecondsInOpenMetrics) {
  add(CgroupKind::root, {.id = "/"}, 9);
  const std::string text = page(TextFormat::openmetrics);
  EXPECT_THAT(text, HasSubstr("# TYPE node_cpu_usage_seconds counter\n"));
  EXPECT_THAT(text, HasSubstr("\nnode_cpu_usage_seconds_total 9 1700000000.123\n"));
  EXPECT_TRUE(text.ends_with("scrape_error 0\n# EOF\n")) << text;
}

TEST_F(ResourcePage, LeavesOutSandboxesAndWhatIsNoContainer) {
  add(CgroupKind::container, pod("POD"), 1);
  add(CgroupKind::container, pod(""), 2);
  add(CgroupKind::slice, {.id = "/system.slice"}, 3);
  add(CgroupKind::unit, {.id = "/system.slice/a.service"}, 4);
  EXPECT_THAT(page(), Not(HasSubstr("container_")));
}

TEST_F(ResourcePage, NamesAnEnginesContainerByItsNameElseItsId) {
  add(CgroupKind::container, {.id = "/docker/aa", .name = "we\"b"}, 1);
  CgroupLabels nameless{.id = "/docker/bb"};
  nameless.container_id = "bb";
  add(CgroupKind::container, nameless, 2);
  EXPECT_THAT(page(), HasSubstr(R"(working_set_bytes{container="we\"b"} 1 )"));
  EXPECT_THAT(page(), HasSubstr(R"(working_set_bytes{container="bb"} 2 )"));
}

TEST_F(ResourcePage, ShowsTheYoungestOfContainersWithTheSameLabels) {
  add(CgroupKind::container, pod("app"), 5);
  add(CgroupKind::container, pod("app"), 6);
  add(CgroupKind::container, pod("app"), 4);
  EXPECT_THAT(page(),
              HasSubstr("start_time_seconds{container=\"app\",namespace=\"ns\",pod=\"p\"} 6\n"));
  EXPECT_THAT(page(), Not(HasSubstr("} 5")));
  EXPECT_THAT(page(), Not(HasSubstr("} 4")));
}

TEST_F(ResourcePage, TellsAnErrorWhenTheDeadlinePassedOrNothingCouldBeCollected) {
  snapshot_.report.deadline_exceeded = true;
  EXPECT_THAT(page(), HasSubstr("\nresource_scrape_error 1\n"));
  std::string text;
  render_resource_page(nullptr, TextFormat::prometheus, text);
  EXPECT_THAT(text, HasSubstr("\nresource_scrape_error 1\n"));
  EXPECT_THAT(text, Not(HasSubstr("node_")));
}

}  // namespace
}  // namespace cgmon
