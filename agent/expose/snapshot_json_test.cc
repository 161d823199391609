#include "agent/expose/snapshot_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace cgmon {
namespace {

using nlohmann::json;

constexpr std::size_t kThreads = row("container_threads");
constexpr std::size_t kThreadsMax = row("container_threads_max");
constexpr std::size_t kCpu = row("container_cpu_usage_seconds_total", R"(cpu="total")");
constexpr std::size_t kPerCpu = row("container_cpu_usage_seconds_total");
constexpr std::size_t kFaults =
    row("container_memory_failures_total", R"(failure_type="pgfault",scope="container")");

Snapshot two_cgroups() {
  Snapshot snapshot;
  snapshot.order = {1, 0};
  snapshot.alive = {1, 1, 0};
  snapshot.parent = {1, kNoSlot, kNoSlot};
  snapshot.wall_ns = 1'700'000'000'123'456'789;
  CgroupLabels container{.id = "/docker/a\"b", .name = "web"};
  container.kind = CgroupKind::container;
  container.runtime = "docker";
  container.container_id = "aa";
  CgroupLabels root{.id = "/"};
  root.kind = CgroupKind::root;
  snapshot.labels = {std::make_shared<const CgroupLabels>(container),
                     std::make_shared<const CgroupLabels>(root), nullptr};
  return snapshot;
}

void set(Snapshot& snapshot, std::size_t row_index, Slot slot, Value value) {
  if (!snapshot.served[row_index]) snapshot.columns[row_index].reset(3);
  snapshot.served[row_index] = true;
  snapshot.columns[row_index].set(slot, value);
}

std::string text_of(const Snapshot& snapshot) {
  std::string text = "left over";
  render_snapshot_json(snapshot, {.version = "1.2", .cgroup_mode = "hybrid"}, text);
  return text;
}

TEST(SnapshotJson, SaysAllThatIsKnownOfWhoACgroupIs) {
  Snapshot snapshot = two_cgroups();
  CgroupLabels labels{.id = "/kubepods/pod1/web", .name = "k8s_web"};
  labels.kind = CgroupKind::sandbox;
  labels.image_id = "sha256:1";
  labels.slice = "a.slice";
  labels.pod_uid = "1";
  labels.qos = "burstable";
  labels.uid = "1000";
  labels.user = "ann";
  labels.job_id = "4";
  labels.step_id = "5";
  labels.task_id = "6";
  labels.network = "own";
  labels.outer = "/docker/node";
  labels.container_labels = {{"container_label_team", "a\"b"}};
  labels.life = {.state = ContainerState::paused,
                 .health = Health::healthy,
                 .restarts = 3,
                 .created_at_ns = 1'500'000'000,
                 .started_at_ns = 2'000'000'001};
  snapshot.labels[0] = std::make_shared<const CgroupLabels>(labels);
  snapshot.order = {0};
  json cgroup = json::parse(text_of(snapshot))["cgroups"][0];
  EXPECT_EQ(cgroup, json::parse(R"({"id":"/kubepods/pod1/web","path":"/kubepods/pod1/web",
      "kind":"sandbox","parent":"/","name":"k8s_web","image_id":"sha256:1","slice":"a.slice",
      "pod_uid":"1","qos":"burstable","uid":"1000","user":"ann","job_id":"4","step_id":"5",
      "task_id":"6","network":"own","inside":"/docker/node","state":"paused","health":"healthy",
      "restarts":3,"created":1.5,"started":2.000000001,"labels":{"container_label_team":"a\"b"},
      "values":{}})"));
}

TEST(SnapshotJson, TellsHowAContainerEnded) {
  Snapshot snapshot = two_cgroups();
  CgroupLabels labels = *snapshot.labels[0];
  labels.life = {.state = ContainerState::exited,
                 .oom_killed = true,
                 .exit_code = -1,
                 .finished_at_ns = 3'000'000'000};
  snapshot.labels[0] = std::make_shared<const CgroupLabels>(labels);
  const json ended = json::parse(text_of(snapshot))["cgroups"][1];
  EXPECT_EQ(ended["finished"], 3);
  EXPECT_EQ(ended["exit_code"], -1);
  EXPECT_EQ(ended["oom_killed"], true);
  labels.life.state = ContainerState::running;
  snapshot.labels[0] = std::make_shared<const CgroupLabels>(labels);
  const json runs = json::parse(text_of(snapshot))["cgroups"][1];
  for (const char* const member : {"finished", "exit_code", "oom_killed"}) {
    EXPECT_FALSE(runs.contains(member)) << member;
  }
}

TEST(SnapshotJson, TellsAbsentUnlimitedAndNumbersApart) {
  Snapshot snapshot = two_cgroups();
  set(snapshot, kThreads, 0, Value::of(UINT64_MAX));
  set(snapshot, kThreadsMax, 0, Value::unlimited());
  set(snapshot, kThreadsMax, 1, Value::of(0));
  const json parsed = json::parse(text_of(snapshot));
  ASSERT_EQ(parsed["cgroups"].size(), 2U);
  EXPECT_EQ(parsed["cgroups"][0]["values"], json::parse(R"({"container_threads_max":0})"));
  EXPECT_EQ(parsed["cgroups"][1]["values"],
            json::parse(R"({"container_threads":18446744073709551615,
                            "container_threads_max":"max"})"));
}

TEST(SnapshotJson, SaysWhoEachCgroupIs) {
  const json cgroups = json::parse(text_of(two_cgroups()))["cgroups"];
  EXPECT_EQ(cgroups[0], json::parse(R"({"id":"/","path":"/","kind":"root","values":{}})"));
  EXPECT_EQ(cgroups[1],
            json::parse(R"({"id":"/docker/a\"b","path":"/docker/a\"b","kind":"container",
                            "parent":"/","name":"web","runtime":"docker","container_id":"aa",
                            "values":{}})"));
}

TEST(SnapshotJson, ListsSamplesThatHaveLabelsOfTheirOwn) {
  Snapshot snapshot = two_cgroups();
  set(snapshot, kCpu, 0, Value::of(1'500'000'001));
  set(snapshot, kFaults, 1, Value::of(7));
  snapshot.served[kPerCpu] = true;
  snapshot.axes[kPerCpu] = {{1, 0, 5}, {2, 0, 6}, {0, 0, 1'000'000'000}, {0, 12, 0}};
  const std::string text = text_of(snapshot);
  EXPECT_THAT(text, testing::HasSubstr(R"([{"cpu":"total","value":1.500000001},)"
                                       R"({"cpu":"cpu00","value":1},{"cpu":"cpu12","value":0}])"));
  const json cgroups = json::parse(text)["cgroups"];
  EXPECT_EQ(cgroups[0]["values"],
            json::parse(R"({"container_cpu_usage_seconds_total":[{"cpu":"cpu00","value":5e-9}],
                            "container_memory_failures_total":
                                [{"failure_type":"pgfault","scope":"container","value":7}]})"));
}

TEST(SnapshotJson, HoldsHostTimeErrorsAndWhyValuesAreAbsent) {
  Snapshot snapshot = two_cgroups();
  GroupReport& pids = snapshot.report.groups[static_cast<std::size_t>(Group::pids)];
  pids.collected = true;
  pids.unavailable[static_cast<std::size_t>(Reason::controller_off)] = 3;
  snapshot.read_errors.push_back({.file = "cpu.stat", .reason = "EIO", .count = 2});
  snapshot.metadata_failures.push_back({.source = "docker", .reason = "EACCES", .count = 1});
  snapshot.report.dropped_bound = 4;
  const std::string text = text_of(snapshot);
  EXPECT_THAT(text, testing::HasSubstr(R"("time":1700000000.123456789,)"));
  const json parsed = json::parse(text);
  EXPECT_EQ(parsed["schema"], "cgmon.snapshot");
  EXPECT_EQ(parsed["version"], 1);
  EXPECT_EQ(parsed["host"]["cgroup_mode"], "hybrid");
  EXPECT_EQ(
      parsed["collectors"],
      json::parse(R"({"pids":{"success":false,"unavailable_cgroups":{"controller_off":3}}})"));
  EXPECT_EQ(parsed["errors"]["reads"],
            json::parse(R"([{"file":"cpu.stat","reason":"EIO","count":2}])"));
  EXPECT_EQ(parsed["errors"]["metadata"],
            json::parse(R"([{"source":"docker","reason":"EACCES","count":1}])"));
  EXPECT_EQ(parsed["errors"]["cgroups_dropped"]["bound"], 4);
}

TEST(SnapshotJson, NamesTheFamiliesThatAreServed) {
  Snapshot snapshot = two_cgroups();
  set(snapshot, kCpu, 0, Value::absent());
  EXPECT_EQ(json::parse(text_of(snapshot))["families"],
            json::parse(R"({"container_cpu_usage_seconds_total":
                            {"type":"counter","unit":"seconds"}})"));
}

}  // namespace
}  // namespace cgmon
