#include "collectors/parse/proc_cgroup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace cgmon {
namespace {

using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;

constexpr std::string_view kProcCgroup =
    "11:memory:/docker/58466c15c98a\n"
    "7:cpu,cpuacct:/docker/58466c15c98a\n"
    "1:name=systemd:/docker/58466c15c98a\n"
    "0::/system.slice/containerd.service\n";

constexpr std::string_view kProcCgroups =
    "#subsys_name\thierarchy\tnum_cgroups\tenabled\n"
    "cpuset\t5\t4\t1\n"
    "memory\t0\t39\t0\n"
    "perf_event\t12\t4\t1\n";

auto entry(std::uint32_t hierarchy, std::string_view controllers, std::string_view path) {
  return testing::AllOf(Field("hierarchy", &ProcCgroup::hierarchy, hierarchy),
                        Field("controllers", &ProcCgroup::controllers, controllers),
                        Field("path", &ProcCgroup::path, path));
}

auto controller(std::string_view name, std::uint32_t hierarchy, bool enabled) {
  return testing::AllOf(Field("name", &KernelController::name, name),
                        Field("hierarchy", &KernelController::hierarchy, hierarchy),
                        Field("enabled", &KernelController::enabled, enabled));
}

TEST(ParseProcCgroup, ReadsV1LinesNamedOnesAndTheV2Line) {
  EXPECT_THAT(parse_proc_cgroup(kProcCgroup),
              ElementsAre(entry(11, "memory", "/docker/58466c15c98a"),
                          entry(7, "cpu,cpuacct", "/docker/58466c15c98a"),
                          entry(1, "name=systemd", "/docker/58466c15c98a"),
                          entry(0, "", "/system.slice/containerd.service")));
}

TEST(ParseProcCgroup, SplitsAtTheFirstTwoColonsOnly) {
  EXPECT_THAT(parse_proc_cgroup("0::/a:b::c (x)/\xff\x01 d\n"),
              ElementsAre(entry(0, "", "/a:b::c (x)/\xff\x01 d")));
}

TEST(ParseProcCgroup, TakesTheMarkOfADeletedCgroupOff) {
  EXPECT_THAT(parse_proc_cgroup("0::/gone (deleted)\n"), ElementsAre(entry(0, "", "/gone")));
}

TEST(ParseProcCgroup, ReadsPathsAboveTheNamespace) {
  EXPECT_THAT(parse_proc_cgroup("0::/../../x.scope\n"),
              ElementsAre(entry(0, "", "/../../x.scope")));
}

TEST(ParseProcCgroup, LeavesMalformedLinesOut) {
  for (const std::string bad : {"", "0", "0:", "0::", "0::x", ":memory:/x", "x:memory:/x",
                                "-1:memory:/x", "4294967296:memory:/x", "0:/x"}) {
    EXPECT_THAT(parse_proc_cgroup(bad + "\n0::/ok\n"), ElementsAre(entry(0, "", "/ok")))
        << '"' << bad << '"';
  }
}

TEST(ParseProcCgroup, NeverReportsALineThatWasCutAtAnyByte) {
  const auto whole = parse_proc_cgroup(kProcCgroup);
  for (std::size_t size = 0; size < kProcCgroup.size(); ++size) {
    const auto entries = parse_proc_cgroup(kProcCgroup.substr(0, size));
    ASSERT_LT(entries.size(), whole.size()) << size;
    for (std::size_t i = 0; i < entries.size(); ++i) EXPECT_EQ(entries[i].path, whole[i].path);
  }
}

TEST(ParseProcCgroups, ReadsTheKernelsControllers) {
  EXPECT_THAT(parse_proc_cgroups(kProcCgroups),
              ElementsAre(controller("cpuset", 5, true), controller("memory", 0, false),
                          controller("perf_event", 12, true)));
  EXPECT_THAT(parse_proc_cgroups(""), IsEmpty());
}

TEST(ParseProcCgroups, LeavesMalformedLinesOut) {
  for (const std::string bad :
       {"", "memory", "memory\t1", "memory\t1\t2", "memory\t1\t2\t", "memory\t1\t2\t2",
        "memory\tx\t2\t1", "\t1\t2\t1", "memory 1 2 1", "memory\t4294967296\t2\t1"}) {
    EXPECT_THAT(parse_proc_cgroups(bad + "\npids\t1\t2\t1\n"),
                ElementsAre(controller("pids", 1, true)))
        << '"' << bad << '"';
  }
}

TEST(ParseProcCgroups, NeverReportsALineThatWasCutAtAnyByte) {
  const auto whole = parse_proc_cgroups(kProcCgroups);
  for (std::size_t size = 0; size < kProcCgroups.size(); ++size) {
    const auto controllers = parse_proc_cgroups(kProcCgroups.substr(0, size));
    ASSERT_LT(controllers.size(), whole.size()) << size;
    for (std::size_t i = 0; i < controllers.size(); ++i) {
      EXPECT_EQ(controllers[i].enabled, whole[i].enabled) << size;
    }
  }
}

}  // namespace
}  // namespace cgmon
