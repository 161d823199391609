#include "collectors/collector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>

#include "tests/support/faulty_files.h"
#include "tests/support/fixture_host.h"

namespace cgmon {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

constexpr const char* kV1 = "debian-6.1-v1-systemd";
constexpr const char* kV2 = "debian-6.1-v2-systemd";
constexpr const char* kHybrid = "debian-6.1-hybrid-cgroupfs";

/// A clock on which every look costs a millisecond.
class TickingClock final : public Clock {
 public:
  [[nodiscard]] std::int64_t wall_ns() const override { return 1'795'480'000'000'000'000; }
  [[nodiscard]] std::int64_t monotonic_ns() const override { return now_ += 1'000'000; }
  [[nodiscard]] std::int64_t thread_cpu_ns() const override { return now_; }

 private:
  mutable std::int64_t now_ = 0;
};

std::uint32_t unavailable(const Snapshot& snapshot, Group group, Reason reason) {
  return snapshot.report.groups[static_cast<std::size_t>(group)]
      .unavailable[static_cast<std::size_t>(reason)];
}

const GroupReport& report(const Snapshot& snapshot, Group group) {
  return snapshot.report.groups[static_cast<std::size_t>(group)];
}

Snapshot collect(FixtureHost& host, const CollectorOptions& options = {}) {
  const auto collector = host.collector(options);
  Snapshot snapshot;
  collector->collect(snapshot, kNoDeadline);
  return snapshot;
}

std::string a_docker_cgroup(FixtureHost& host) {
  const Snapshot snapshot = collect(host);
  for (const Slot slot : snapshot.order) {
    if (!snapshot.labels[slot]->container_id.empty()) return snapshot.labels[slot]->id;
  }
  return {};
}

TEST(Collector, LeavesOutWhatTheDeadlineCutsOffAndServesTheRest) {
  FixtureHost host(kV2);
  const TickingClock clock;
  Collector collector(host.files, clock, host.roots, host.layout(), {}, nullptr);
  Snapshot snapshot;
  collector.collect(snapshot, clock.monotonic_ns() + 60'000'000);  // 60 looks
  const std::size_t cgroups = snapshot.order.size();
  EXPECT_TRUE(snapshot.report.deadline_exceeded);
  EXPECT_TRUE(report(snapshot, Group::spec).success);
  EXPECT_FALSE(report(snapshot, Group::pressure).success);
  EXPECT_EQ(unavailable(snapshot, Group::pressure, Reason::deadline), cgroups);
  const auto page = page_of(snapshot);
  EXPECT_THAT(samples_of(page, "container_last_seen{"), SizeIs(cgroups));
  EXPECT_THAT(samples_of(page, "container_spec_cpu_weight{"), Not(IsEmpty()));
  EXPECT_THAT(samples_of(page, "container_pressure_"), IsEmpty());
  const std::size_t with_cpu = samples_of(page, "container_cpu_user_seconds_total{").size();
  EXPECT_EQ(with_cpu + unavailable(snapshot, Group::cpu, Reason::deadline), cgroups);
  EXPECT_GT(with_cpu, 0U);
  EXPECT_LT(with_cpu, cgroups);
  // Nothing of the cut pass is left over in the next.
  Snapshot next;
  collector.collect(next, kNoDeadline);
  EXPECT_FALSE(next.report.deadline_exceeded);
  EXPECT_TRUE(report(next, Group::pressure).success);
}

TEST(Collector, ReadsOnlyTheKindsOfCgroupsThatAreAskedForAndTheRoot) {
  FixtureHost host(kV2);
  const Snapshot snapshot = collect(host, {.only = {.all = false, .containers = true}});
  ASSERT_THAT(snapshot.order, SizeIs(testing::Gt(2U)));
  for (const Slot slot : snapshot.order) {
    const CgroupKind kind = snapshot.labels[slot]->kind;
    EXPECT_TRUE(kind == CgroupKind::root || kind == CgroupKind::container)
        << snapshot.labels[slot]->id;
  }
  EXPECT_EQ(snapshot.report.dropped_filter + snapshot.order.size(), collect(host).order.size());
  const Snapshot units = collect(host, {.only = {.all = false, .units = true}});
  EXPECT_THAT(samples_of(page_of(units), "container_last_seen"),
              Each(Not(HasSubstr("id=\"/system.slice/docker-"))));
  EXPECT_THAT(samples_of(page_of(units), "container_last_seen"),
              Contains(HasSubstr("id=\"/system.slice/docker.service\"")));
}

TEST(Collector, ReadsNothingOfWhatFiltersKeepOutAndCountsIt) {
  FixtureHost host(kV2);
  const Snapshot all = collect(host);
  const Snapshot some = collect(host, {.filters = {.paths = {{}, {"*.mount", "/init.scope"}}}});
  EXPECT_GT(some.report.dropped_filter, 1U);
  EXPECT_EQ(some.report.dropped_filter + some.order.size(), all.order.size());
  EXPECT_LT(some.report.reads, all.report.reads);
  EXPECT_THAT(samples_of(page_of(some), "container_last_seen"), Each(Not(HasSubstr(".mount"))));
  const Snapshot docker = collect(host, {.filters = {.runtimes = {{"docker"}, {}}}});
  ASSERT_THAT(docker.order, SizeIs(testing::Gt(2U)));
  for (const Slot slot : docker.order) {
    const CgroupLabels& labels = *docker.labels[slot];
    EXPECT_TRUE(labels.kind == CgroupKind::root || labels.runtime == "docker" ||
                labels.outer.find("docker") != std::string::npos)
        << labels.id;
  }
  const Snapshot none = collect(host, {.filters = {.runtimes = {{}, {"docker"}}}});
  EXPECT_EQ(none.order.size() + docker.order.size(), all.order.size() + 1) << "the root is in both";
}

TEST(Collector, ShowsAContainerOnlyWhenItsNamespaceIsKnownToBeWanted) {
  FixtureHost host(kV2);
  const Snapshot before = collect(host);
  const auto container = std::ranges::find_if(
      before.order, [&](Slot slot) { return before.labels[slot]->kind == CgroupKind::container; });
  ASSERT_NE(container, before.order.end());
  const std::string file =
      "/var/lib/docker/containers/" + before.labels[*container]->container_id + "/config.v2.json";
  const std::string config = host.files.content(file);
  const Filters no_kube{.paths = {}, .runtimes = {}, .namespaces = {{}, {"kube-*"}}};
  const auto in = [&](const std::string& name_space) {
    host.files.set_file(
        file, R"({"Name":"/k8s","Config":{"Labels":{"io.kubernetes.pod.namespace":")" + name_space +
                  R"("}},"State":{"Running":true,"StartedAt":"2026-11-23T00:00:00Z"}})");
    EngineNames names(host.files, host.roots);
    const auto collector = host.collector({.filters = no_kube}, nullptr, &names);
    Snapshot seen;
    collector->collect(seen, kNoDeadline);
    return samples_of(page_of(seen), R"(container_last_seen{)").size();
  };
  const std::size_t all = before.order.size();
  // The fixture has containers that no engine's file is left of.
  const std::size_t named = in("prod");
  EXPECT_LE(named, all);
  EXPECT_EQ(in("kube-system"), named - 1) << "though nothing was known of it when it was read";
  host.files.set_file(file, config).set_error(file, EIO);
  EngineNames names(host.files, host.roots);
  const auto collector = host.collector({.filters = no_kube}, nullptr, &names);
  Snapshot snapshot;
  collector->collect(snapshot, kNoDeadline);
  EXPECT_EQ(snapshot.order.size(), named - 1) << "it may be of such a namespace";
  EXPECT_EQ(snapshot.report.dropped_filter, all - named + 1);
  for (int pass = 0; pass < 20; ++pass) collector->collect(snapshot, kNoDeadline);
  EXPECT_EQ(snapshot.order.size(), all) << "nobody will ever say";
  collector->reconfigure({.filters = {.paths = {{"/none/*"}, {}}}});
  collector->collect(snapshot, kNoDeadline);
  EXPECT_EQ(snapshot.order.size(), 1U);
  collector->reconfigure({});
  collector->collect(snapshot, kNoDeadline);
  EXPECT_EQ(snapshot.order.size(), all);
}

TEST(Collector, ShowsCpusOrTheirTotalButNeverBoth) {
  FixtureHost host(kV1);
  const std::string total = page_of(collect(host, {.groups = default_groups()}));
  EXPECT_THAT(samples_of(total, "container_cpu_usage_seconds_total{"),
              AllOf(SizeIs(testing::Gt(10U)), Each(HasSubstr("cpu=\"total\""))));
  const std::string each =
      page_of(collect(host, {.groups = default_groups() | bit(Group::percpu)}));
  EXPECT_THAT(samples_of(each, "container_cpu_usage_seconds_total{"),
              AllOf(SizeIs(testing::Gt(10U)), Each(Not(HasSubstr("cpu=\"total\"")))));
  // v2 has no figure per CPU: the total stays.
  FixtureHost v2(kV2);
  EXPECT_THAT(samples_of(page_of(collect(v2, {.groups = default_groups() | bit(Group::percpu)})),
                         "container_cpu_usage_seconds_total{"),
              AllOf(SizeIs(testing::Gt(10U)), Each(HasSubstr("cpu=\"total\""))));
}

/// The group of a sample: a family's, but for rows of the root cgroup that have one of their own.
Group group_of_sample(const std::string& sample, const Family& family) {
  const bool is_root = sample.find("id=\"/\"") != sample.npos;
  const auto own = std::ranges::find_if(kRows, [&](const Row& row) {
    return row.has_group && row.family == family.name && row.sources.items[0].when == When::root;
  });
  return is_root && own != kRows.end() ? own->group : family.group;
}

/// Of a page, the samples of a group.
std::vector<std::string> of_group(const std::vector<std::string>& samples, Group group) {
  std::vector<std::string> found;
  for (const std::string& sample : samples) {
    const std::string_view name(sample.data(), sample.find('{'));
    const auto family = std::ranges::find(kFamilies, name, &Family::name);
    if (family != kFamilies.end() && group_of_sample(sample, *family) == group) {
      found.push_back(sample);
    }
  }
  return found;
}

TEST(Collector, ReadsAndShowsOfTheGroupsAskedForWhatAWholePassShows) {
  for (const char* fixture : {kV1, kV2, kHybrid}) {
    FixtureHost host(fixture);
    const auto collector = host.collector();
    Snapshot snapshot;
    collector->collect(snapshot, kNoDeadline);
    const std::uint64_t whole_reads = snapshot.report.reads;
    const std::vector<std::string> whole = samples_of(page_of(snapshot));
    std::uint64_t before = whole_reads;
    for (std::size_t i = 0; i < kGroups.size(); ++i) {
      const auto group = static_cast<Group>(i);
      if (!kGroups[i].on_by_default) continue;
      collector->collect(snapshot, kNoDeadline, bit(group));
      EXPECT_EQ(samples_of(page_of(snapshot)), of_group(whole, group)) << kGroups[i].name;
      EXPECT_EQ(snapshot.groups, bit(group));
      EXPECT_LT(snapshot.report.reads - before, whole_reads) << kGroups[i].name;
      before = snapshot.report.reads;
      for (std::size_t other = 0; other < kGroups.size(); ++other) {
        EXPECT_TRUE(other == i || !snapshot.report.groups[other].collected);
      }
    }
    collector->collect(snapshot, kNoDeadline);
    EXPECT_EQ(samples_of(page_of(snapshot)), whole) << "nothing of the narrow passes is left";
  }
}

TEST(Collector, FollowsNewOptionsAndKeepsItsCounters) {
  for (const char* fixture : {kV1, kV2, kHybrid}) {
    FixtureHost host(fixture);
    const CollectorOptions pids_only{.groups = bit(Group::pids), .descriptors = 0};
    const auto collector = host.collector(pids_only);
    Snapshot snapshot;
    collector->collect(snapshot, kNoDeadline);
    const std::uint64_t reads = snapshot.report.reads, added = snapshot.report.cgroups_added;
    collector->reconfigure({});
    collector->collect(snapshot, kNoDeadline);
    EXPECT_EQ(samples_of(page_of(snapshot)), samples_of(page_of(collect(host)))) << fixture;
    EXPECT_GT(snapshot.report.reads, reads);
    EXPECT_EQ(snapshot.report.cgroups_added, added) << "the same cgroups in the same slots";
    EXPECT_EQ(snapshot.report.passes, 2U);
    collector->reconfigure(pids_only);
    collector->collect(snapshot, kNoDeadline);
    EXPECT_EQ(samples_of(page_of(snapshot)), samples_of(page_of(collect(host, pids_only))));
    EXPECT_EQ(snapshot.report.descriptors_kept, 0U);
  }
}

TEST(Collector, SaysOfAllButTheRootThatV1HasNoPressureOfCgroups) {
  FixtureHost host(kV1);
  const Snapshot snapshot = collect(host);
  EXPECT_EQ(unavailable(snapshot, Group::pressure, Reason::kernel_lacks),
            snapshot.order.size() - 1);
  EXPECT_TRUE(report(snapshot, Group::pressure).success) << "absence is no failure";
  EXPECT_TRUE(snapshot.read_errors.empty());
}

TEST(Collector, SaysThatPressureIsOffWhereTheFilesRefuse) {
  FixtureHost host(kV2);
  const std::string id = a_docker_cgroup(host);
  for (const char* file : {"cpu.pressure", "memory.pressure", "io.pressure"}) {
    host.files.set_error("/sys/fs/cgroup" + id + '/' + file, EOPNOTSUPP);
  }
  const Snapshot snapshot = collect(host);
  EXPECT_EQ(unavailable(snapshot, Group::pressure, Reason::psi_off), 1U);
  EXPECT_THAT(samples_of(page_of(snapshot), "container_pressure_"),
              Each(Not(HasSubstr("id=\"" + id + '"'))));
}

TEST(Collector, SaysThatTheMemoryControllerIsOff) {
  FixtureHost host(kV1);
  Layout layout = host.layout();
  layout.controllers[static_cast<std::size_t>(Controller::memory)] = {.known = true,
                                                                      .enabled = false};
  Collector collector(host.files, host.clock, host.roots, layout, {}, nullptr);
  Snapshot snapshot;
  collector.collect(snapshot, kNoDeadline);
  EXPECT_EQ(unavailable(snapshot, Group::memory, Reason::controller_off), snapshot.order.size());
  EXPECT_EQ(unavailable(snapshot, Group::oom_event, Reason::controller_off), snapshot.order.size());
  EXPECT_THAT(samples_of(page_of(snapshot), "container_memory_"),
              testing::ElementsAre("container_memory_swap{id=\"/\"} 0"))
      << "the machine's own swap is in /proc/meminfo";
  EXPECT_THAT(samples_of(page_of(snapshot), "container_threads{"), Not(IsEmpty()));
}

TEST(Collector, SaysThatSwapAccountingIsOff) {
  FixtureHost host(kV1);
  const std::string id = a_docker_cgroup(host);
  for (const char* file : {"limit_in_bytes", "usage_in_bytes", "max_usage_in_bytes", "failcnt"}) {
    const std::string path = "/sys/fs/cgroup/memory" + id + "/memory.memsw." + file;
    if (host.files.exists(path)) host.files.remove(path);
  }
  const Snapshot snapshot = collect(host);
  EXPECT_EQ(unavailable(snapshot, Group::spec, Reason::swap_accounting_off), 1U);
  EXPECT_THAT(samples_of(page_of(snapshot), "container_spec_memory_swap_limit_bytes{"),
              AllOf(Not(IsEmpty()), Each(Not(HasSubstr("id=\"" + id + '"')))));
}

TEST(Collector, CountsWhatItMayNotReadAndGoesOn) {
  FixtureHost host(kHybrid);
  const std::string id = a_docker_cgroup(host);
  host.files.set_error("/sys/fs/cgroup/memory" + id + "/memory.stat", EACCES);
  const Snapshot snapshot = collect(host);
  EXPECT_FALSE(report(snapshot, Group::memory).success);
  EXPECT_EQ(unavailable(snapshot, Group::memory, Reason::permission), 1U);
  ASSERT_THAT(snapshot.read_errors, SizeIs(1));
  EXPECT_EQ(snapshot.read_errors[0].file, "memory.stat");
  EXPECT_EQ(snapshot.read_errors[0].reason, "EACCES");
  EXPECT_THAT(snapshot.read_errors[0].example, testing::EndsWith(id.substr(1) + "/memory.stat"));
  const auto page = page_of(snapshot);
  EXPECT_THAT(samples_of(page, "container_memory_usage_bytes{"), Contains(HasSubstr(id)));
  EXPECT_THAT(samples_of(page, "container_memory_working_set_bytes{"), Each(Not(HasSubstr(id))))
      << "usage alone is another number";
}

/// What a page has of a cgroup itself: an owner's kills outlive it.
std::vector<std::string> samples_of_cgroups(const Snapshot& snapshot) {
  std::vector<std::string> samples = samples_of(page_of(snapshot));
  std::erase_if(samples, [](const std::string& sample) {
    return sample.starts_with("container_oom_kills_total{");
  });
  return samples;
}

TEST(Collector, LeavesACgroupThatDiesWhileItIsReadOutWhole) {
  FixtureHost host(kV2);
  const std::string id = a_docker_cgroup(host);
  const auto collector = host.collector();
  Snapshot before;
  collector->collect(before, kNoDeadline);
  host.files.mute_watches(true).set_error("/sys/fs/cgroup" + id + "/pids.current", ENODEV);
  Snapshot during;
  collector->collect(during, kNoDeadline);
  EXPECT_THAT(samples_of_cgroups(during), Each(Not(HasSubstr("id=\"" + id + '"'))));
  EXPECT_EQ(during.report.vanished_reading, 1U);
  EXPECT_EQ(during.order.size(), before.order.size() - 1);
  EXPECT_TRUE(during.read_errors.empty());
  host.files.remove_directory("/sys/fs/cgroup" + id);
  Snapshot after;
  collector->collect(after, kNoDeadline);
  EXPECT_EQ(after.report.vanished_reading, 1U);
  EXPECT_THAT(samples_of_cgroups(after), Each(Not(HasSubstr("id=\"" + id))));
}

TEST(Collector, ReadsTheNewFilesOfAControllerThatWasTakenAwayAndHandedDownAgain) {
  FixtureHost host(kV2);
  const auto collector = host.collector();
  Snapshot before;
  collector->collect(before, kNoDeadline);
  const std::string path = "/sys/fs/cgroup" + a_docker_cgroup(host) + "/pids.current";
  host.files.remove(path).set_file(path, "4321\n");  // whose handle is kept
  Snapshot after;
  collector->collect(after, kNoDeadline);
  EXPECT_EQ(after.order.size(), before.order.size());
  EXPECT_EQ(after.report.vanished_reading, 0U);
  EXPECT_THAT(samples_of(page_of(after), "container_threads{"),
              Contains(testing::EndsWith(" 4321")));
}

TEST(Collector, AsksOneCgroupAloneForAFileThatTheKernelLacksAndAllOnceItIsThere) {
  FixtureHost host(kV2);
  FaultyFiles files(host.files);
  const FaultyFiles::Fault counted{.nth = 0,
                                   .error = EIO,
                                   .lasting = false,
                                   .call = FaultyFiles::Call::open,
                                   .path_suffix = "irq.pressure"};
  const auto collector = host.collector({}, &files);
  Snapshot snapshot;
  const auto times_asked = [&] {
    files.set_fault(counted);
    collector->collect(snapshot, kNoDeadline);
    return files.calls();
  };
  const std::size_t others = collect(host).order.size() - 1;
  EXPECT_EQ(times_asked(), others) << "nothing is known yet";
  const std::uint32_t lacking = unavailable(snapshot, Group::pressure, Reason::kernel_lacks);
  EXPECT_EQ(lacking, others + 1) << "the root has another source, which is not there either";
  EXPECT_EQ(times_asked(), 1U);
  EXPECT_EQ(times_asked(), 1U);
  EXPECT_EQ(unavailable(snapshot, Group::pressure, Reason::kernel_lacks), lacking);
  constexpr const char* kText = "full avg10=0.00 avg60=0.00 avg300=0.00 total=1500000\n";
  for (const Slot slot : snapshot.order) {
    host.files.set_file("/sys/fs/cgroup" + snapshot.labels[slot]->id + "/irq.pressure", kText);
  }
  EXPECT_EQ(times_asked(), others);
  EXPECT_THAT(samples_of(page_of(snapshot), "container_pressure_irq_stalled_seconds_total{"),
              AllOf(SizeIs(others), Each(testing::EndsWith(" 1.5"))));
}

TEST(Collector, MixesNothingOfACgroupWithTheOneMadeAnewUnderItsName) {
  FixtureHost host(kV1);
  const auto collector = host.collector();
  Snapshot before;
  collector->collect(before, kNoDeadline);
  const std::string id = a_docker_cgroup(host);
  for (const char* mount : {"memory", "pids", "cpu,cpuacct", "cpuset", "freezer", "blkio"}) {
    const std::string path = "/sys/fs/cgroup/" + std::string(mount) + id;
    host.files.remove_directory(path).add_directory(path);
  }
  host.files.set_file("/sys/fs/cgroup/memory" + id + "/memory.usage_in_bytes", "4096\n");
  Snapshot after;
  collector->collect(after, kNoDeadline);
  std::vector<std::string> of_new;
  for (const std::string& sample : samples_of_cgroups(after)) {
    if (sample.find("id=\"" + id + '"') != sample.npos) of_new.push_back(sample);
  }
  EXPECT_THAT(of_new,
              testing::UnorderedElementsAre(
                  StartsWith("container_last_seen{"), StartsWith("container_start_time_seconds{"),
                  StartsWith("container_info{"), StartsWith("container_creation_time_seconds{"),
                  "container_memory_usage_bytes{id=\"" + id + "\"} 4096"));
}

TEST(Collector, KeepsNoMoreDescriptorsThanItsBudgetAndGivesAllBack) {
  for (const std::size_t budget : {std::size_t{0}, std::size_t{60}, std::size_t{4096}}) {
    FixtureHost host(kHybrid);
    {
      const auto collector = host.collector({.descriptors = budget});
      Snapshot snapshot;
      for (int pass = 0; pass < 3; ++pass) collector->collect(snapshot, kNoDeadline);
      EXPECT_LE(collector->kept_files().open_handles(), 2 * budget) << "and directories";
      EXPECT_EQ(snapshot.report.descriptors_kept, collector->kept_files().open_files());
      // Beside the kept ones: a directory and a watch for each hierarchy, one for cgroup.events,
      // one for limits, and /proc.
      EXPECT_EQ(host.files.open_handles(),
                collector->kept_files().open_handles() + 2 * collector->tree().walked().size() + 3);
    }
    EXPECT_THAT(host.files.open_paths(), IsEmpty()) << budget;
    EXPECT_EQ(host.files.bad_handles(), 0U) << budget;
  }
}

TEST(Collector, CountsOomKillsOfCgroupsThatAreNotShown) {
  FixtureHost host(kV1);
  constexpr const char* kControl =
      "/sys/fs/cgroup/memory/system.slice/dbus.service/memory.oom_control";
  host.files.set_file(kControl, "oom_kill_disable 0\nunder_oom 0\noom_kill 5\n");
  const std::string root_of_all = "container_oom_events_total{id=\"/\"} ";
  std::vector<std::string> roots;
  for (const Only only : {Only{}, Only{.all = false, .containers = true}}) {
    for (const std::string& sample :
         samples_of(page_of(collect(host, {.only = only})), root_of_all)) {
      roots.push_back(sample);
    }
  }
  ASSERT_THAT(roots, SizeIs(2));
  EXPECT_EQ(roots[0], roots[1]);
  EXPECT_THAT(roots[0], Not(StartsWith(root_of_all + "0")));
}

/// One line of a cgroup's CPU usage; empty when it has none.
std::string usage_of(const Snapshot& snapshot, const std::string& id) {
  for (const std::string& sample :
       samples_of(page_of(snapshot), "container_cpu_usage_seconds_total{")) {
    if (sample.find("id=\"" + id + '"') != sample.npos) return sample;
  }
  return {};
}

// systemd makes and removes a unit's cpuacct directory while the unit runs; its v2 one stays.
TEST(Collector, StaysWithTheSourceThatACgroupsCpuTimeFirstCameFrom) {
  FixtureHost host(kHybrid);
  const std::string id = a_docker_cgroup(host);
  const std::string v1 = "/sys/fs/cgroup/cpu,cpuacct" + id, v2 = "/sys/fs/cgroup/unified" + id;
  const auto collector = host.collector();
  Snapshot snapshot;
  collector->collect(snapshot, kNoDeadline);
  const std::string by_v1 = usage_of(snapshot, id);
  ASSERT_NE(by_v1, "");
  host.files.set_file(v2 + "/cpu.stat", "usage_usec 1\nuser_usec 1\nsystem_usec 0\n");
  host.files.remove(v1 + "/cpuacct.usage");
  collector->collect(snapshot, kNoDeadline);
  EXPECT_EQ(usage_of(snapshot, id), "") << "another source's count in its place";

  FixtureHost other(kHybrid);
  other.files.remove(v1 + "/cpuacct.usage");
  other.files.remove(v1 + "/cpuacct.stat");
  const auto second = other.collector();
  second->collect(snapshot, kNoDeadline);
  const std::string by_v2 = usage_of(snapshot, id);
  ASSERT_NE(by_v2, "");
  other.files.set_file(v1 + "/cpuacct.usage", "0\n");
  second->collect(snapshot, kNoDeadline);
  EXPECT_EQ(usage_of(snapshot, id), by_v2);
}

}  // namespace
}  // namespace cgmon
