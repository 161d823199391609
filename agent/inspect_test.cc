#include "agent/inspect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <set>

#include "agent/expose/inspect_json.h"
#include "agent/expose/inspect_text.h"
#include "agent/inspect_target.h"
#include "tests/support/faulty_files.h"
#include "tests/support/fixture_host.h"
#include "tests/support/golden.h"
#include "tests/support/made_up_hosts.h"

namespace cgmon {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

constexpr const char* kV1 = "debian-6.1-v1-systemd";
constexpr const char* kV2 = "debian-6.1-v2-systemd";
constexpr const char* kHybrid = "debian-6.1-hybrid-cgroupfs";

/// A captured host that is asked about one cgroup.
class InspectedHost {
 public:
  explicit InspectedHost(std::string_view name) : host(name) {}

  Result<InspectReport> inspect(const std::string& what) {
    RememberingFiles files(host.files);
    EngineNames names(host.files, host.roots);
    CollectorOptions options;
    options.groups = kAllGroups;
    const auto collector = host.collector(options, &files, &names);
    return cgmon::inspect({.files = files,
                           .roots = host.roots,
                           .collector = *collector,
                           .clock = host.clock,
                           .docker_roots = docker_roots},
                          what);
  }
  InspectReport report(const std::string& what) {
    auto found = inspect(what);
    EXPECT_TRUE(found) << (found ? "" : found.error().message());
    return found ? *std::move(found) : InspectReport();
  }
  std::string error(const std::string& what) {
    const auto found = inspect(what);
    return found ? "found " + found->labels.id : found.error().message();
  }

  FixtureHost host;
  std::vector<std::string> docker_roots;
};

const InspectReport::Figure* figure(const InspectReport& report, std::string_view family,
                                    std::string_view labels = {}) {
  for (const InspectReport::Figure& figure : report.figures) {
    if (figure.family == family && figure.labels == labels) return &figure;
  }
  return nullptr;
}

std::map<std::string_view, std::optional<bool>> is_host(const InspectReport& report) {
  std::map<std::string_view, std::optional<bool>> kinds;
  if (!report.processes) return kinds;
  for (const auto& use : report.processes->namespaces) kinds[use.kind] = use.is_host;
  return kinds;
}

TEST(Inspect, FindsAContainerByNameIdPrefixProcessAndPath) {
  for (const char* const layout : {kV1, kV2, kHybrid}) {
    InspectedHost host(layout);
    const InspectReport web = host.report("web");
    EXPECT_EQ(web.labels.name, "web");
    EXPECT_EQ(web.labels.image, "bb:1");
    EXPECT_EQ(web.manager, "docker");
    ASSERT_TRUE(web.processes);
    std::vector<std::string> others{web.labels.container_id,
                                    web.labels.container_id.substr(0, 4),
                                    std::to_string(web.processes->oldest),
                                    web.labels.id,
                                    web.labels.id + "/",
                                    web.labels.id.substr(1)};
    for (const auto& directory : web.directories) others.push_back(directory.path);
    for (const std::string& other : others) {
      EXPECT_EQ(host.report(other).labels.id, web.labels.id) << other;
    }
  }
}

TEST(Inspect, FindsUnitsSlicesAndTheRoot) {
  InspectedHost host(kV2);
  EXPECT_EQ(host.report("docker.service").labels.id, "/system.slice/docker.service");
  EXPECT_EQ(host.report("system.slice").labels.kind, CgroupKind::slice);
  EXPECT_EQ(host.report("1").labels.id, "/init.scope");
  const InspectReport root = host.report("/");
  EXPECT_EQ(root.labels.kind, CgroupKind::root);
  EXPECT_THAT(root.limits, SizeIs(0));
  ASSERT_NE(figure(root, "container_spec_memory_limit_bytes"), nullptr);
  EXPECT_EQ(figure(root, "container_spec_memory_limit_bytes")->file, "/proc/meminfo");
}

TEST(Inspect, SaysWhatIsNearAndWhatItCouldBe) {
  InspectedHost host(kV2);
  EXPECT_THAT(host.error("wbe"), HasSubstr("no cgroup is called \"wbe\""));
  EXPECT_THAT(host.error("wbe"), HasSubstr("did you mean web"));
  EXPECT_THAT(host.error("docker.servise"), HasSubstr("did you mean docker.service?"));
  EXPECT_THAT(host.error("ournal"), HasSubstr("systemd-journald.service"));
  EXPECT_THAT(host.error("/system.slice/none"), HasSubstr("no cgroup is called"));
  EXPECT_THAT(host.error("evil\x1b[2J\nname"), HasSubstr("\"evil\\x1b[2J\\x0aname\""));
  EXPECT_EQ(host.error(""), "nothing to look for");
  // Two containers whose ids begin alike.
  const std::string ids[] = {std::string(63, 'e') + '1', std::string(63, 'e') + '2'};
  for (const std::string& id : ids) {
    host.host.files.add_directory("/sys/fs/cgroup/system.slice/docker-" + id + ".scope");
  }
  EXPECT_THAT(host.error("eeee"),
              AllOf(HasSubstr("may be any of 2"), HasSubstr(ids[0]), HasSubstr(ids[1])));
  EXPECT_EQ(host.report(ids[1]).labels.container_id, ids[1]);
}

TEST(Inspect, TellsEveryFiguresFileAndTheTextItWasMadeOf) {
  for (const char* const layout : {kV1, kV2, kHybrid}) {
    InspectedHost host(layout);
    const InspectReport web = host.report("web");
    EXPECT_GT(web.figures.size(), 30U);
    std::set<std::pair<std::string_view, std::string_view>> seen;
    for (const auto& figure : web.figures) {
      EXPECT_TRUE(seen.emplace(figure.family, figure.labels).second) << figure.family;
      if (figure.file.empty()) continue;
      ASSERT_TRUE(host.host.files.exists(figure.file)) << figure.file;
      EXPECT_THAT(host.host.files.content(figure.file), HasSubstr(figure.raw)) << figure.family;
    }
    const auto* const pids = figure(web, "container_threads");
    ASSERT_NE(pids, nullptr);
    EXPECT_THAT(pids->file, HasSubstr(web.labels.container_id));
    EXPECT_TRUE(pids->file.ends_with("/pids.current")) << pids->file;
    EXPECT_EQ(pids->raw, std::to_string(pids->value.number));
    const auto* const derived = figure(web, "container_memory_working_set_bytes");
    ASSERT_NE(derived, nullptr);
    EXPECT_EQ(derived->file, "");
    EXPECT_THAT(derived->inputs, ElementsAre("container_memory_usage_bytes",
                                             "container_memory_total_inactive_file_bytes"));
  }
}

TEST(Inspect, HasTheNumbersOfThePage) {
  InspectedHost host(kV2);
  const InspectReport web = host.report("web");
  CollectorOptions options;
  EngineNames names(host.host.files, host.host.roots);
  const auto collector = host.host.collector(options, nullptr, &names);
  Snapshot snapshot;
  collector->collect(snapshot, kNoDeadline);
  std::size_t compared = 0;
  for (const Slot slot : snapshot.order) {
    if (snapshot.labels[slot]->id != web.labels.id) continue;
    for (std::size_t row = 0; row < kRowCount; ++row) {
      const Value value = snapshot.value(row, slot);
      if (value.is_absent() || family_of(row).reporter == Reporter::nobody) continue;
      const auto* const shown = figure(web, kRows[row].family, kRows[row].labels);
      ASSERT_NE(shown, nullptr) << kRows[row].family;
      EXPECT_EQ(shown->value, value) << kRows[row].family;
      ++compared;
    }
  }
  EXPECT_GT(compared, 30U);
}

TEST(Inspect, NamesTheAncestorWhoseLimitIsTheTightest) {
  InspectedHost host(kV2);
  const std::string slice = "/sys/fs/cgroup/system.slice/";
  host.host.files.set_file(slice + "memory.max", "1048576\n");
  host.host.files.set_file(slice + "cpu.max", "10000 100000\n");
  const InspectReport web = host.report("web");
  ASSERT_THAT(web.limits, SizeIs(3));
  EXPECT_EQ(web.limits[0].resource, "cpu");
  EXPECT_EQ(web.limits[0].own, Value::of(500'000));
  EXPECT_EQ(web.limits[0].effective, Value::of(100'000));
  EXPECT_EQ(web.limits[0].set_by, "/system.slice");
  EXPECT_EQ(web.limits[1].own, Value::of(100'663'296));
  EXPECT_EQ(web.limits[1].effective, Value::of(1'048'576));
  EXPECT_EQ(web.limits[2].resource, "pids");
  EXPECT_EQ(web.limits[2].effective, Value::of(60));
  EXPECT_EQ(web.limits[2].set_by, web.labels.id);
  const InspectReport docker = host.report("docker.service");
  EXPECT_EQ(docker.limits[1].own, Value::unlimited());
  EXPECT_EQ(docker.limits[1].set_by, "/system.slice");
}

TEST(Inspect, TellsWhichNamespacesAreTheHosts) {
  const std::map<std::string_view, std::optional<bool>> expected{
      {"mnt", false}, {"uts", false}, {"ipc", false},    {"pid", false},
      {"net", false}, {"user", true}, {"cgroup", false}, {"time", true}};
  InspectedHost v2(kV2);
  const InspectReport web = v2.report("web");
  EXPECT_EQ(is_host(web), expected);
  ASSERT_TRUE(web.processes);
  EXPECT_EQ(web.processes->here, 3U);
  EXPECT_EQ(web.processes->below, 0U);
  for (const auto& use : web.processes->namespaces) EXPECT_EQ(use.processes, 3U) << use.kind;
  // On v1 docker leaves containers in the host's cgroup namespace.
  InspectedHost v1(kV1);
  EXPECT_EQ(is_host(v1.report("web"))["cgroup"], true);
  for (const auto& [kind, same] : is_host(v1.report("docker.service"))) EXPECT_EQ(same, true);
}

TEST(Inspect, CountsTheProcessesBelow) {
  InspectedHost host(kV2);
  const InspectReport slice = host.report("system.slice");
  ASSERT_TRUE(slice.processes);
  EXPECT_EQ(slice.processes->here, 0U);
  EXPECT_GT(slice.processes->below, 10U);
}

TEST(Inspect, ListsTheDirectoriesOfTheOverlay) {
  for (const char* const layout : {kV1, kV2, kHybrid}) {
    InspectedHost host(layout);
    InspectReport web = host.report("web");
    ASSERT_TRUE(web.root) << layout;
    EXPECT_EQ(web.root->type, "overlay");
    const std::string layer = web.root->upper.substr(0, web.root->upper.rfind('/'));
    EXPECT_EQ(web.root->upper, layer + "/diff");
    EXPECT_EQ(web.root->work, layer + "/work");
    EXPECT_EQ(web.root->merged, layer + "/merged");
    ASSERT_THAT(web.root->lower, SizeIs(2));
    EXPECT_EQ(web.root->lower[0].target, "");
    host.host.files.add_link(web.root->lower[0].path, "../0123/diff");
    web = host.report("web");
    EXPECT_EQ(web.root->lower[0].target, "/var/lib/docker/overlay2/0123/diff");
  }
}

TEST(Inspect, TellsWhenTheEngineMadeAndStartedIt) {
  InspectedHost host(kV2);
  const InspectReport web = host.report("web");
  EXPECT_EQ(web.labels.life.created_at_ns, 1'795'474'170'860'996'080);
  EXPECT_EQ(web.labels.life.started_at_ns, 1'795'474'179'811'921'710);
  EXPECT_EQ(web.driver, "systemd");
}

TEST(Inspect, TellsWhoAContainerIsAndHowItEnded) {
  InspectReport report;
  report.labels.id = "/kubepods/pod1/web";
  report.labels.kind = CgroupKind::container;
  report.labels.pod_uid = "1";
  report.labels.qos = "burstable";
  report.labels.network = "pod";
  report.labels.life = {.state = ContainerState::exited,
                        .health = Health::unhealthy,
                        .oom_killed = true,
                        .exit_code = 137,
                        .restarts = 2,
                        .finished_at_ns = 1'795'474'170'000'000'000};
  EXPECT_EQ(inspect_text(report),
            "/kubepods/pod1/web\n"
            "  kind       container\n"
            "  pod uid    1\n"
            "  class      burstable\n"
            "  network    pod\n"
            "  state      exited\n"
            "  health     unhealthy\n"
            "  restarts   2\n"
            "  finished   2026-11-23 22:49:30 UTC\n"
            "  exit code  137\n"
            "  killed     out of memory\n");
  const std::string json = inspect_json(report);
  for (const char* const member :
       {R"("pod_uid": "1")", R"("qos": "burstable")", R"("network": "pod")", R"("state": "exited")",
        R"("health": "unhealthy")", R"("restarts": 2)", R"("finished": 1795474170,)",
        R"("exit_code": 137)", R"("oom_killed": true)"}) {
    EXPECT_THAT(json, HasSubstr(member));
  }
  report.labels.life.state = ContainerState::running;
  for (const std::string& text : {inspect_text(report), inspect_json(report)}) {
    EXPECT_THAT(text, Not(HasSubstr("137")));
    EXPECT_THAT(text, Not(HasSubstr("finished")));
  }
}

TEST(Inspect, SaysWhichRightWouldOpenWhatIsMissing) {
  InspectedHost host(kV2);
  const InspectReport before = host.report("web");
  for (const char* const name : {"mnt", "uts", "ipc", "pid", "net", "user", "cgroup", "time"}) {
    for (const char* const pid : {"289", "361", "791", "1"}) {
      host.host.files.set_error("/proc/" + std::string(pid) + "/ns/" + name, EACCES);
    }
  }
  host.host.files.set_error(
      "/var/lib/docker/containers/" + before.labels.container_id + "/config.v2.json", EACCES);
  const std::string memory = before.directories.front().path + "/memory.stat";
  host.host.files.set_error(memory, EACCES);
  const InspectReport web = host.report(before.labels.container_id);
  EXPECT_EQ(web.labels.name, "");
  ASSERT_TRUE(web.processes);
  EXPECT_EQ(web.processes->here, 3U);
  EXPECT_THAT(web.processes->namespaces, SizeIs(0));
  std::string missing;
  for (const auto& entry : web.missing) missing += entry.what + ": " + entry.remedy + '\n';
  EXPECT_THAT(missing, HasSubstr("name, image and times: "));
  EXPECT_THAT(missing, HasSubstr("CAP_DAC_READ_SEARCH"));
  EXPECT_THAT(missing, HasSubstr("namespaces of 3 of its processes"));
  EXPECT_THAT(missing, HasSubstr("CAP_SYS_PTRACE"));
  EXPECT_THAT(missing, HasSubstr("1 file of it cannot be read: " + memory));
}

TEST(Inspect, DoesNotSayNoneOfProcessesThatItCannotSee) {
  InspectedHost host(kV2);
  for (const char* const pid : {"289", "361", "791"}) {
    host.host.files.remove_directory("/proc/" + std::string(pid));
  }
  const InspectReport web = host.report("web");
  EXPECT_FALSE(web.processes);
  ASSERT_THAT(web.missing, SizeIs(1));
  EXPECT_THAT(web.missing[0].what, HasSubstr("tasks, and /proc shows none of them"));
  EXPECT_THAT(web.missing[0].remedy, HasSubstr("--pid=host"));
}

TEST(Inspect, SurvivesTheFailureOfAnyOneCall) {
  FixtureHost host(kV2);
  const std::vector<std::string> no_roots;
  std::size_t fewest = 1000, failed = 0;
  for (std::size_t n = 1;; n += 7) {
    FaultyFiles faulty(host.files, {.nth = n, .error = EACCES});
    RememberingFiles files(faulty);
    Snapshot snapshot;
    auto layout = host.layout();
    CollectorOptions options;
    options.groups = kAllGroups;
    Collector collector(files, host.clock, host.roots, std::move(layout), options, nullptr);
    const auto report = inspect({.files = files,
                                 .roots = host.roots,
                                 .collector = collector,
                                 .clock = host.clock,
                                 .docker_roots = no_roots},
                                "docker.service");
    if (report) fewest = std::min(fewest, report->figures.size());
    failed += report ? 0 : 1;
    if (!faulty.fired()) break;
  }
  EXPECT_GT(fewest, 5U);
  EXPECT_LT(failed, 20U);
}

/// A report with a few kinds of figures: each new row is not to change these files.
InspectReport short_report(const char* layout) {
  const std::set<std::string_view> kept{"container_threads",
                                        "container_cpu_user_seconds_total",
                                        "container_memory_working_set_bytes",
                                        "container_pressure_cpu_waiting_seconds_total",
                                        "container_spec_memory_swap_limit_bytes",
                                        "container_start_time_seconds"};
  InspectReport report = InspectedHost(layout).report("web");
  std::erase_if(report.figures, [&](const auto& entry) { return !kept.contains(entry.family); });
  return report;
}

TEST(InspectText, ExplainsAContainerOnEveryLayout) {
  for (const char* const layout : {kV1, kV2, kHybrid}) {
    expect_golden("inspect/" + std::string(layout) + ".txt", inspect_text(short_report(layout)));
  }
}

TEST(InspectJson, ExplainsAContainerOnEveryLayout) {
  for (const char* const layout : {kV1, kV2, kHybrid}) {
    expect_golden("inspect/" + std::string(layout) + ".json", inspect_json(short_report(layout)));
  }
}

TEST(InspectJson, HasNoMemberThatIsNotDocumented) {
  std::ifstream file("docs/inspect.md");
  const std::string document{std::istreambuf_iterator<char>(file), {}};
  const std::string json = inspect_json(InspectedHost(kV2).report("web"));
  std::size_t members = 0;
  for (std::size_t at = json.find("\":"); at != json.npos; at = json.find("\":", at + 1)) {
    const std::size_t begin = json.rfind('"', at - 1) + 1;
    const std::string member = json.substr(begin, at - begin);
    const bool documented = document.find('`' + member + '`') != document.npos ||
                            document.find('.' + member + '`') != document.npos ||
                            document.find('`' + member + "[]`") != document.npos ||
                            document.find('.' + member + "[]`") != document.npos;
    EXPECT_TRUE(documented) << member;
    ++members;
  }
  EXPECT_GT(members, 100U);
}

TEST(InspectText, SpellsOutWhatHostileHandsWrote) {
  InspectedHost host(kV2);
  const std::string name = "evil\x1b[2J\n\xffname";
  host.host.files.copy_directory("/sys/fs/cgroup/system.slice/docker.service",
                                 "/sys/fs/cgroup/" + name);
  const InspectReport report = host.report("/" + name);
  EXPECT_THAT(inspect_text(report), AllOf(HasSubstr("evil\\x1b[2J\\x0a"), Not(HasSubstr("\x1b"))));
  EXPECT_THAT(inspect_json(report), AllOf(HasSubstr("evil\\u001b[2J\\n"), Not(HasSubstr("\xff"))));
}

}  // namespace
}  // namespace cgmon
