#include "agent/enforce/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/enforce/leftovers.h"
#include "tests/support/tree_files.h"

namespace cgmon {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr const char* kId = "0123456789abcdef";

Result<Plan> plan_on(const std::string& fixture, const RunSpec& spec, bool by_systemd = false,
                     const std::string& into = {}) {
  TreeFiles tree;
  if (const auto loaded = tree.load("tests/fixtures/" + fixture + ".tree"); !loaded) {
    ADD_FAILURE() << loaded.error().message();
  }
  const Roots roots;
  const auto layout = detect_layout(tree, roots);
  const auto device = [](const std::string&) -> Result<BlockDevice> {
    return BlockDevice{{254, 0}};
  };
  const auto node = [](const std::string&) -> Result<DeviceRule> {
    return DeviceRule{.type = 'c', .major = 10, .minor = 237};
  };
  RunTarget target{.name = "web", .path = into};
  for (const Hierarchy& hierarchy : layout->hierarchies) {
    FileStatus status;
    const std::string directory = hierarchy.mount_point + into;
    const bool is_there = tree.status(Files::kAbsolute, directory.c_str(), status) == 0;
    target.directories.push_back(is_there ? directory : "");
  }
  return make_plan(
      spec,
      {tree, roots, *layout, kId, device, node, by_systemd, {}, into.empty() ? nullptr : &target});
}

std::vector<std::string> lines_on(const std::string& fixture, const RunSpec& spec,
                                  bool by_systemd = false) {
  const auto plan = plan_on(fixture, spec, by_systemd);
  if (!plan) ADD_FAILURE() << plan.error().message();
  std::vector<std::string> lines;
  for (const Step& step : plan->steps) lines.push_back(text_of(step));
  return lines;
}

RunSpec half_a_cpu() {
  RunSpec spec;
  spec.command = {"true"};
  spec.microcores = 500'000;
  spec.memory = std::uint64_t{64} << 20U;
  return spec;
}

TEST(MakePlan, WritesTheFilesOfV2) {
  const auto lines = lines_on("debian-6.1-v2-systemd", half_a_cpu());
  const std::string own = "/sys/fs/cgroup/cgmon-run/0123456789abcdef";
  EXPECT_THAT(lines, Contains("mkdir " + own));
  EXPECT_THAT(lines, Contains("write /sys/fs/cgroup/cgmon-run/cgroup.subtree_control: +memory"));
  EXPECT_THAT(lines, Contains("write " + own + "/cpu.max: 50000 100000  # --cpus"));
  EXPECT_THAT(lines, Contains("write " + own + "/memory.max: 67108864  # --memory"));
  EXPECT_THAT(lines, Contains("start a waiting process in " + own));
  EXPECT_THAT(lines, Not(Contains(HasSubstr("join"))));
}

TEST(MakePlan, WritesTheFilesOfV1AndJoinsEachHierarchy) {
  const auto lines = lines_on("debian-6.1-v1-cgroupfs", half_a_cpu());
  EXPECT_THAT(lines, Contains(HasSubstr("/cpu.cfs_quota_us: 50000")));
  EXPECT_THAT(lines, Contains(HasSubstr("/memory.limit_in_bytes: 67108864")));
  EXPECT_THAT(lines, Contains("start a waiting process"));
  EXPECT_THAT(lines, Contains(HasSubstr("join  ")));
}

TEST(MakePlan, RefusesWhatTheHostLacksAndWarnsWithBestEffort) {
  RunSpec spec = half_a_cpu();
  const auto refused = plan_on("debian-6.1-v1-nomemory", spec);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr("--memory"));
  spec.best_effort = true;
  const auto plan = plan_on("debian-6.1-v1-nomemory", spec);
  ASSERT_TRUE(plan);
  EXPECT_THAT(plan->warnings, SizeIs(1));
}

TEST(MakePlan, LimitsDevicesByAListOnV1AndAProgramOnV2) {
  RunSpec spec = half_a_cpu();
  spec.devices = {{.path = "/dev/loop-control", .read = true}};
  const auto v1 = lines_on("debian-6.1-v1-cgroupfs", spec);
  EXPECT_THAT(v1, Contains(HasSubstr("/devices.deny: a")));
  EXPECT_THAT(v1, Contains(HasSubstr("/devices.allow: c 10:237 r  # --device")));
  EXPECT_THAT(v1, Contains(HasSubstr("/devices.allow: c 1:3 rwm")));
  const auto v2 = lines_on("debian-6.1-v2-systemd", spec);
  EXPECT_THAT(v2, Contains(AllOf(HasSubstr("allow "), HasSubstr("; c 10:237 r  # --device"))));
}

TEST(MakePlan, HasOneRuleForADeviceAsTheKernelDoes) {
  RunSpec spec = half_a_cpu();
  spec.devices = {{.type = 'c', .major = 1, .minor = 3, .read = true, .write = true},
                  {.type = 'c', .major = 7, .minor = 1, .read = true},
                  {.type = 'c', .major = 7, .minor = 1, .write = true}};
  const auto v1 = lines_on("debian-6.1-v1-cgroupfs", spec);
  EXPECT_THAT(v1, Contains(HasSubstr("/devices.allow: c 1:3 rwm")));
  EXPECT_THAT(v1, Not(Contains(HasSubstr("/devices.allow: c 1:3 rw "))));
  EXPECT_THAT(v1, Contains(HasSubstr("/devices.allow: c 7:1 rw ")));
}

TEST(MakePlan, LimitsHugePagesOfASizeThatTheHostHas) {
  RunSpec spec = half_a_cpu();
  spec.hugetlb = {{std::uint64_t{2} << 20U, std::uint64_t{8} << 20U}};
  EXPECT_THAT(lines_on("debian-6.1-v2-systemd", spec),
              Contains(HasSubstr("/hugetlb.2MB.max: 8388608  # --hugetlb")));
  EXPECT_THAT(lines_on("debian-6.1-v1-cgroupfs", spec),
              Contains(HasSubstr("/hugetlb.2MB.limit_in_bytes: 8388608")));
  spec.hugetlb = {{std::uint64_t{16} << 30U, 0}};
  const auto refused = plan_on("debian-6.1-v2-systemd", spec);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr("no huge pages of 16GB"));
}

TEST(MakePlan, RefusesResourcesThatNoHierarchyCounts) {
  RunSpec spec = half_a_cpu();
  spec.resources = {{"misc", "sev", "5"}};
  const auto refused = plan_on("linux-6.18-hybrid", spec);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr("--misc: no cgroup hierarchy"));
}

TEST(MakePlan, LimitsTheWaitingProcess) {
  RunSpec spec = half_a_cpu();
  spec.rlimits = {{7, 64, std::nullopt}};
  spec.nice = 5;
  spec.oom_score_adj = 300;
  const auto lines = lines_on("debian-6.1-v2-systemd", spec);
  EXPECT_THAT(lines, Contains("set   rlimit nofile=64:unlimited  # --rlimit"));
  EXPECT_THAT(lines, Contains("set   nice 5  # --nice"));
  EXPECT_THAT(lines, Contains("set   oom_score_adj 300  # --oom-score-adj"));
}

TEST(MakePlan, AsksSystemdForAScopeOnV2) {
  RunSpec spec = half_a_cpu();
  spec.pids = 7;
  spec.cpuset = "0,9";
  spec.io = {{.device = "254:0", .write_bps = 5, .read_iops = 6}};
  const auto lines = lines_on("debian-6.1-v2-systemd", spec, true);
  const std::string scope = "/sys/fs/cgroup/system.slice/cgmon-run-0123456789abcdef.scope";
  EXPECT_EQ(lines.front(),
            "scope cgmon-run-0123456789abcdef.scope: Slice=system.slice Delegate=yes "
            "CollectMode=inactive-or-failed CPUQuotaPerSecUSec=500000 AllowedCPUs=0102 "
            "MemoryMax=67108864 TasksMax=8 IOWriteBandwidthMax=/dev/block/254:0:5 "
            "IOReadIOPSMax=/dev/block/254:0:6");
  EXPECT_THAT(lines, Contains("check " + scope + "/cpu.max: 50000 100000  # --cpus"));
  EXPECT_THAT(lines, Contains("check " + scope + "/memory.max: 67108864  # --memory"));
  EXPECT_THAT(lines, Contains("hold  " + scope + "/holder/cgroup.procs"));
  EXPECT_THAT(lines, Contains("write " + scope + "/command/pids.max: 7  # --pids"));
  EXPECT_THAT(lines, Contains("start a waiting process in " + scope + "/command"));
  EXPECT_THAT(lines, Not(Contains(HasSubstr("/cgmon-run/"))));
  spec.hugetlb = {{std::uint64_t{2} << 20U, 0}};
  const auto refused = plan_on("debian-6.1-v2-systemd", spec, true);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr("hands no unit the controller hugetlb"));
}

TEST(MakePlan, WritesOnV1WhatSystemdHasNoPropertyFor) {
  RunSpec spec = half_a_cpu();
  spec.swap = 0;
  spec.cpuset = "0";
  const auto lines = lines_on("debian-6.1-v1-systemd", spec, true);
  const std::string scope = "/system.slice/cgmon-run-0123456789abcdef.scope";
  EXPECT_THAT(lines.front(), HasSubstr("CPUQuotaPerSecUSec=500000 MemoryMax=67108864"));
  EXPECT_THAT(lines, Contains(AllOf(HasSubstr("check "),
                                    HasSubstr(scope + "/memory.limit_in_bytes: 67108864"))));
  EXPECT_THAT(lines, Contains(AllOf(HasSubstr("write "),
                                    HasSubstr(scope + "/memory.memsw.limit_in_bytes: 67108864"))));
  EXPECT_THAT(lines, Contains(HasSubstr("/cpuset/cgmon-run/0123456789abcdef/cpuset.cpus: 0  #")));
  EXPECT_THAT(lines, Contains(HasSubstr("/systemd" + scope + "/command/cgroup.procs")));
}

TEST(MakePlan, IsBelowTheTargetAndInItWhereLimitsDoNotHoldBelow) {
  RunSpec spec = half_a_cpu();
  const std::string web =
      "/docker/16d8e81823eb52b1d0e184a10813ab5fee9704f404626a7c83dcca47e6b877c2";
  const auto plan = plan_on("debian-6.1-v1-cgroupfs", spec, false, web);
  ASSERT_TRUE(plan) << plan.error().message();
  std::vector<std::string> lines;
  for (const Step& step : plan->steps) lines.push_back(text_of(step));
  const std::string memory = "/sys/fs/cgroup/memory" + web + "/cgmon-run";
  EXPECT_THAT(lines, Contains("mkdir " + memory));
  EXPECT_THAT(lines, Contains("write " + memory +
                              "/0123456789abcdef/memory.limit_in_bytes: 67108864  # --memory"));
  EXPECT_THAT(lines, Contains("join  " + memory + "/0123456789abcdef/cgroup.procs"));
  EXPECT_THAT(lines, Contains("join  /sys/fs/cgroup/blkio" + web + "/cgroup.procs"));
  EXPECT_THAT(lines, Not(Contains(HasSubstr("mkdir /sys/fs/cgroup/blkio"))));
  EXPECT_THAT(lines, Contains(HasSubstr("mkdir /sys/fs/cgroup/devices")));
}

TEST(MakePlan, HasNoLimitOfItsOwnBelowALeafOfV2) {
  RunSpec spec;
  spec.command = {"true"};
  const std::string web =
      "/system.slice/docker-186a4a85fb4b471de6b65c2e74894086e59e03bdf09cc4df9e2c44320b79c8f6.scope";
  const std::string own = "/sys/fs/cgroup" + web;
  const auto plan = plan_on("debian-6.1-v2-systemd", spec, false, web);
  ASSERT_TRUE(plan) << plan.error().message();
  EXPECT_EQ(plan->kills_above, own + "/memory.events");
  for (const Step& step : plan->steps) {
    EXPECT_NE(step.path, own + "/cgroup.subtree_control");
  }
  const auto refused = plan_on("debian-6.1-v2-systemd", half_a_cpu(), false, web);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr("web hands the controller cpu to none below"));
}

TEST(DirectoriesOfState, TakesOnlyThoseOfARunOfOurs) {
  const std::string good =
      R"({"id":"0123456789abcdef","directories":["/c/cgmon-run/0123456789abcdef"]})";
  EXPECT_THAT(directories_of_state(good), SizeIs(1));
  EXPECT_THAT(directories_of_state(
                  R"({"id":"0123456789abcdef","directories":[
                      "/c/system.slice/cgmon-run-0123456789abcdef.scope/command",
                      "/c/system.slice/cgmon-run-0123456789abcdef.scope",
                      "/c/system.slice", "/c/cgmon-run-0123456789abcdee.scope"]})"),
              SizeIs(2));
  for (std::size_t cut = 0; cut < good.size(); ++cut) {
    EXPECT_THAT(directories_of_state(good.substr(0, cut)), IsEmpty());
  }
  for (const char* bad :
       {"[]", R"({"id":1,"directories":[]})",
        R"({"id":"../..","directories":["/c/cgmon-run/../.."]})",
        R"({"id":"0123456789abcdef","directories":["/etc","c/cgmon-run/0123456789abcdef",7]})"}) {
    EXPECT_THAT(directories_of_state(bad), IsEmpty()) << bad;
  }
}

}  // namespace
}  // namespace cgmon
