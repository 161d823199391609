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
  DetectFacts facts_{{"/var/lib/docker"}, {"/home/ann"}, 1048576, 4096};
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
  EXPECT_THAT(report(), AllOf(HasSubstr("/var/lib/docker  NOT READABLE (EACCES)"),
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
  EXPECT_THAT(report(), HasSubstr("/var/lib/docker  NOT READABLE (EACCES)"));
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

/// A v2 host without docker, for engines that the test puts there.
class DetectEngines : public DetectReport {
 protected:
  DetectEngines() {
    made_up::load_captured(tree_, made_up::kV2);
    tree_.remove_directory("/var/lib/docker");
  }
  /// The table of engines, its columns one space apart.
  std::string engines() {
    const std::string text = report();
    const std::size_t at = text.find("ENGINE ");
    if (at == text.npos) return {};
    std::string table;
    for (const char byte : text.substr(at, text.find("\n\n", at) + 1 - at)) {
      if (byte == ' ' && table.ends_with(' ')) continue;
      table += byte;
    }
    return table;
  }
  void add_pod(const std::string& top) {
    tree_.add_directory("/sys/fs/cgroup" + top);
    tree_.add_directory("/sys/fs/cgroup" + top + "/pod1");
  }

  const std::string tasks_ = "/run/containerd/io.containerd.runtime.v2.task";
};

TEST_F(DetectEngines, AreThoseWhoseFilesAreThere) {
  EXPECT_EQ(engines(), "");
  tree_.add_directory(tasks_ + "/moby/" + std::string(64, 'a'));
  EXPECT_EQ(engines(), "") << "docker's own";
  tree_.add_directory(tasks_ + "/k8s.io/" + std::string(64, 'a'));
  tree_.add_directory(tasks_ + "/lab/web");
  tree_.add_directory("/var/lib/containers/storage/overlay-containers/" + std::string(64, 'b'));
  tree_.add_directory("/home/ann/.local/share/containers/storage/vfs-containers");
  tree_.add_directory("/var/lib/lxc/web");
  tree_.add_directory("/var/lib/kubelet");
  tree_.add_directory("/var/log/pods/prod_web_1");
  EXPECT_EQ(engines(),
            "ENGINE FILES READ CGROUP DRIVER\n"
            "containerd /run/containerd 1 in k8s.io, 1 in lab cgroupfs (its default)\n"
            "podman /var/lib/containers/storage 1 container systemd (its default)\n"
            "podman /home/ann/.local/share/containers/storage 0 containers systemd (its default)\n"
            "lxc /var/lib/lxc 1 container\n"
            "kubelet /var/log/pods 1 pod cgroupfs (its default)\n");
}

TEST_F(DetectEngines, OfPodman5SayWhatItsDatabaseKeeps) {
  const std::string store = "/var/lib/containers/storage";
  tree_.add_directory(store + "/overlay-containers/" + std::string(64, 'b'));
  EXPECT_THAT(engines(), HasSubstr(store + " 1 container systemd"));
  tree_.set_file(store + "/db.sql", "SQLite format 3");
  EXPECT_THAT(engines(), HasSubstr("1 container: name and image, no labels, state, pod (db.sql"));
  tree_.set_file(store + "/libpod/bolt_state.db", "");
  EXPECT_THAT(engines(), HasSubstr(store + " 1 container systemd")) << "the one that is in use";
}

TEST_F(DetectEngines, HaveTheDriverOfTheirFilesElseOfTheirCgroups) {
  tree_.add_directory(tasks_ + "/k8s.io/web");
  tree_.add_directory("/var/lib/kubelet");
  add_pod("/kubepods.slice");
  EXPECT_THAT(engines(), AllOf(HasSubstr("in k8s.io systemd (its cgroups)\n"),
                               HasSubstr("0 pods systemd (its cgroups)\n")));
  add_pod("/kubepods");
  EXPECT_THAT(engines(), HasSubstr("in k8s.io both (its cgroups)\n"));
  tree_.set_file("/etc/containerd/config.toml",
                 "# SystemdCgroup = false\n[a.runc.options]\n  SystemdCgroup = true\n");
  tree_.set_file("/var/lib/kubelet/config.yaml", "kind: x\ncgroupDriver: cgroupfs # old\n");
  EXPECT_THAT(engines(),
              AllOf(HasSubstr("systemd (config.toml)\n"), HasSubstr("cgroupfs (config.yaml)\n")));
  tree_.set_file("/etc/containerd/config.toml", "SystemdCgroup = true\nSystemdCgroup=false\n");
  tree_.set_file("/var/lib/kubelet/config.yaml", "{\n \"cgroupDriver\": \"systemd\",\n}\n");
  EXPECT_THAT(engines(),
              AllOf(HasSubstr("both (config.toml)\n"), HasSubstr("systemd (config.yaml)\n")));
  tree_.set_file("/var/lib/kubelet/kubeadm-flags.env", "ARGS=\"--cgroup-driver=cgroupfs --a\"\n");
  EXPECT_THAT(engines(), HasSubstr("cgroupfs (kubeadm-flags.env)\n"));
}

TEST_F(DetectEngines, OfTwoManagersOfOneTreeANoteSaysHowToSettle) {
  tree_.add_directory(tasks_ + "/k8s.io/web");
  tree_.add_directory("/var/lib/kubelet");
  tree_.set_file("/etc/containerd/config.toml", "SystemdCgroup = true\n");
  tree_.set_file("/var/lib/kubelet/config.yaml", "cgroupDriver: cgroupfs\n");
  EXPECT_THAT(report(),
              AllOf(HasSubstr("systemd owns it, and kubelet makes cgroups"),
                    HasSubstr("cgroupDriver: systemd"),
                    HasSubstr("the kubelet's driver is cgroupfs, containerd's is systemd"),
                    Not(HasSubstr("and containerd makes"))));
  // Where systemd does not own it, there is one manager.
  tree_.remove_directory("/sys/fs/cgroup/init.scope");
  EXPECT_THAT(report(), Not(HasSubstr("two managers")));
}

TEST_F(DetectEngines, ThatCannotBeReadNameTheRight) {
  tree_.add_directory(tasks_ + "/k8s.io/web");
  tree_.set_error(tasks_, EACCES);
  tree_.add_directory("/var/lib/containers/storage");
  tree_.set_error("/var/lib/containers/storage", EACCES);
  EXPECT_THAT(engines(), AllOf(HasSubstr("containerd /run/containerd NOT READABLE (EACCES)"),
                               HasSubstr("podman /var/lib/containers/storage NOT READABLE")));
  EXPECT_THAT(report(), AllOf(HasSubstr("names and images of containerd's containers"),
                              HasSubstr("names and images of podman's containers"),
                              HasSubstr("CAP_DAC_READ_SEARCH")));
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
