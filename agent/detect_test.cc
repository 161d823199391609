#include "agent/detect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <string>

#include "tests/support/faulty_files.h"
#include "tests/support/made_up_hosts.h"
#include "tests/support/tree_files.h"

namespace cgmon {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class DetectReport : public testing::Test {
 protected:
  std::string report(const Roots& roots = {}) {
    const Result<Layout> layout = detect_layout(tree_, roots);
    EXPECT_TRUE(layout);
    return text_of(detect(tree_, roots, *layout, facts_));
  }

  TreeFiles tree_;
  DetectFacts facts_{{"/var/lib/docker"}, 1048576, 4096};
};

TEST_F(DetectReport, SaysTheSameEachTimeAndKeepsNoHandle) {
  made_up::load_captured(tree_, made_up::kHybrid);
  const std::string first = report();
  EXPECT_EQ(report(), first);
  EXPECT_EQ(tree_.open_handles(), 0U);
  EXPECT_THAT(first, HasSubstr("Nothing is missing."));
}

TEST_F(DetectReport, NamesTheRightThatReadingDockersFilesTakes) {
  made_up::load_captured(tree_, made_up::kV2);
  tree_.set_error("/var/lib/docker/containers", EACCES);
  EXPECT_THAT(report(), AllOf(HasSubstr("NOT READABLE: /var/lib/docker\n"),
                              HasSubstr("/var/lib/docker cannot be read (EACCES)"),
                              HasSubstr("CAP_DAC_READ_SEARCH")));
}

TEST_F(DetectReport, NoticesThatDockersFilesAreClosedThoughTheirDirectoryIsNot) {
  made_up::load_captured(tree_, made_up::kV2);
  DirectoryListing listing;
  ASSERT_EQ(tree_.list_directories(Files::kAbsolute, "/var/lib/docker/containers", listing), 0);
  for (const auto& entry : listing.entries()) {
    const std::string id(listing.name(entry));
    tree_.set_error("/var/lib/docker/containers/" + id + "/config.v2.json", EACCES);
  }
  EXPECT_THAT(report(), HasSubstr("NOT READABLE: /var/lib/docker\n"));
}

TEST_F(DetectReport, DoesNotCallAHostWithoutDockerIncomplete) {
  made_up::load_captured(tree_, made_up::kV2);
  tree_.remove_directory("/var/lib/docker");
  EXPECT_THAT(report(), AllOf(HasSubstr("no data in /var/lib/docker"), HasSubstr("--docker.root"),
                              HasSubstr("Nothing is missing.")));
}

TEST_F(DetectReport, NoticesThatProcessesAreHidden) {
  made_up::load_captured(tree_, made_up::kV2);
  tree_.set_error("/proc/1/cgroup", EPERM);  // hidepid=1
  EXPECT_THAT(report(), AllOf(HasSubstr("HIDDEN in part: /proc/1"), HasSubstr("hidepid")));
  tree_.remove_directory("/proc/1");  // hidepid=2
  EXPECT_THAT(report(), AllOf(HasSubstr("HIDDEN in part: /proc/1"), HasSubstr("hidepid")));
}

TEST_F(DetectReport, NoticesAPidNamespaceByTheProcessesThatHaveNoNumberInIt) {
  made_up::load_captured(tree_, made_up::kV2);
  tree_.set_file("/sys/fs/cgroup/cgroup.procs", "10\n20\n");
  EXPECT_THAT(report(), HasSubstr("readable in /proc"));
  for (const char* const pids : {"0\n0\n", "1\n0\n", "10\n0\n2\n"}) {
    tree_.set_file("/sys/fs/cgroup/cgroup.procs", pids);
    EXPECT_THAT(report(), AllOf(HasSubstr("HIDDEN"), HasSubstr("--pid=host"))) << pids;
  }
}

TEST_F(DetectReport, AsksForProcfsWhereItCannotBeRead) {
  made_up::load_captured(tree_, made_up::kV2);
  tree_.remove("/proc/meminfo");
  EXPECT_THAT(report(), AllOf(HasSubstr("NOT READABLE: /proc/meminfo"), HasSubstr("(ENOENT)"),
                              HasSubstr("--path.procfs=DIR")));
}

TEST_F(DetectReport, SaysHowToCountSwap) {
  made_up::load_captured(tree_, made_up::kV1);
  tree_.remove("/sys/fs/cgroup/memory/memory.memsw.usage_in_bytes");
  EXPECT_THAT(report(), AllOf(HasSubstr("Swap accounting  off"), HasSubstr("swapaccount=1")));
}

TEST_F(DetectReport, LooksForSwapAccountingBelowTheV2Root) {
  made_up::load_captured(tree_, made_up::kV2);
  EXPECT_THAT(report(), HasSubstr("Swap accounting  on"));
  for (const char* const slice : {"init.scope", "system.slice", "user.slice"}) {
    const std::string file = "/sys/fs/cgroup/" + std::string(slice) + "/memory.swap.current";
    if (tree_.exists(file)) tree_.remove(file);
  }
  for (const std::string name : {"/dev-hugepages.mount", "/dev-mqueue.mount"}) {
    const std::string file = "/sys/fs/cgroup" + name + "/memory.swap.current";
    if (tree_.exists(file)) tree_.remove(file);
  }
  EXPECT_THAT(report(), HasSubstr("Swap accounting  off"));
}

TEST_F(DetectReport, TellsAHostThatHasNoSwap) {
  made_up::load_captured(tree_, made_up::kV2);
  EXPECT_THAT(report(), HasSubstr("on (the host has no swap)"));
  tree_.set_file("/proc/meminfo", "SwapTotal: 1024 kB\n");
  EXPECT_THAT(report(), AllOf(HasSubstr("Swap accounting  on\n")));
}

TEST_F(DetectReport, SaysThatTheDescriptorLimitCostsSpeed) {
  made_up::load_captured(tree_, made_up::kV2);
  facts_.descriptor_limit = 1024;
  EXPECT_THAT(report(), AllOf(HasSubstr("up to 256 kept open, the limit is 1024"),
                              HasSubstr("ulimit -n 16384"), HasSubstr("LimitNOFILE=16384")));
  facts_.descriptor_limit = 16384;
  EXPECT_THAT(report(), HasSubstr("Nothing is missing."));
}

TEST_F(DetectReport, ReadsTheKernelsCommandLineForControllersThatProcCgroupsLeavesOut) {
  made_up::disable_memory_v2(tree_);
  tree_.set_file("/proc/cgroups", "#subsys_name\thierarchy\tnum_cgroups\tenabled\n");
  tree_.set_file("/proc/cmdline", "quiet cgroup_disable=hugetlb,memory\n");
  EXPECT_THAT(report(), HasSubstr("cgroup_enable=memory swapaccount=1"));
  tree_.set_file("/proc/cmdline", "quiet cgroup_disable=memory cgroup_enable=memory\n");
  EXPECT_THAT(report(), Not(HasSubstr("cgroup_enable=memory swapaccount=1")));
}

TEST_F(DetectReport, NoticesAControllerThatIsNotEnabledBelowTheV2Root) {
  made_up::load_captured(tree_, made_up::kV2);
  made_up::edit(tree_, "/sys/fs/cgroup/cgroup.subtree_control", " memory", "");
  EXPECT_THAT(report(), AllOf(HasSubstr("/sys/fs/cgroup, not enabled below its root"),
                              HasSubstr("echo +memory > /sys/fs/cgroup/cgroup.subtree_control")));
}

TEST_F(DetectReport, SaysHowToMountAControllerThatIsNot) {
  made_up::load_captured(tree_, made_up::kV1);
  made_up::remove_line(tree_, made_up::kMountinfo, " /sys/fs/cgroup/pids ");
  EXPECT_THAT(report(), AllOf(HasSubstr("not mounted"),
                              HasSubstr("mount -t cgroup -o pids cgroup /sys/fs/cgroup/pids")));
}

TEST_F(DetectReport, SaysThatAHierarchyCannotBeListed) {
  made_up::load_captured(tree_, made_up::kV1);
  tree_.set_error("/sys/fs/cgroup/memory", EACCES);
  EXPECT_THAT(report(), HasSubstr("/sys/fs/cgroup/memory: they cannot be listed (EACCES)"));
}

TEST_F(DetectReport, SaysWhatToDoWhereThereAreNoCgroups) {
  EXPECT_THAT(report(), AllOf(HasSubstr("No cgroups found."), HasSubstr("--path.cgroupfs=DIR"),
                              HasSubstr("mountinfo cannot be read (ENOENT)")));
}

TEST_F(DetectReport, LetsNoControlByteOfAPathReachTheTerminal) {
  made_up::load_captured(tree_, made_up::kV2);
  tree_.copy_directory("/sys/fs/cgroup", "/sys/fs/\x1b[2J");
  tree_.set_filesystem("/sys/fs/\x1b[2J", kCgroup2Magic);
  made_up::append(tree_, made_up::kMountinfo,
                  "99 1 0:99 /\\033x\\012 /sys/fs/\\033[2J rw - cgroup2 c rw\n");
  const std::string text = report();
  EXPECT_EQ(text.find('\x1b'), text.npos);
  EXPECT_THAT(text, AllOf(HasSubstr("/sys/fs/\\033[2J"), HasSubstr("root /\\033x\\012")));
}

TEST_F(DetectReport, SurvivesTheFailureOfAnyCall) {
  made_up::load_captured(tree_, made_up::kV2);
  const Roots roots;
  const auto layout = detect_layout(tree_, roots);
  ASSERT_TRUE(layout);
  for (std::size_t n = 1;; ++n) {
    FaultyFiles faulty(tree_, {.nth = n, .error = EACCES});
    EXPECT_THAT(text_of(detect(faulty, roots, *layout, facts_)), HasSubstr("Unified")) << n;
    EXPECT_EQ(tree_.open_handles(), 0U) << n;
    if (!faulty.fired()) break;
    ASSERT_LT(n, 1000U);
  }
}

}  // namespace
}  // namespace cgmon
