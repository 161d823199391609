#include "collectors/cgroup/layout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>
#include <string>

#include "tests/support/faulty_files.h"
#include "tests/support/made_up_hosts.h"
#include "tests/support/tree_files.h"

namespace cgmon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class LayoutTest : public testing::Test {
 protected:
  Layout detect(const Roots& roots = {}) {
    Result<Layout> layout = detect_layout(tree_, roots);
    EXPECT_TRUE(layout);
    EXPECT_EQ(tree_.open_handles(), 0U);
    EXPECT_EQ(tree_.bad_handles(), 0U);
    return layout ? *layout : Layout{};
  }

  /// "v1 /sys/fs/cgroup/memory", "none".
  static std::string place(const Layout& layout, Controller controller) {
    const int at = layout.serving(controller);
    if (at < 0) return "none";
    const Hierarchy& hierarchy = layout.hierarchies.at(static_cast<std::size_t>(at));
    return (hierarchy.version == Version::v2 ? "v2 " : "v1 ") + hierarchy.mount_point;
  }

  static const Hierarchy& at(const Layout& layout, std::string_view mount_point) {
    const auto found = std::ranges::find(layout.hierarchies, mount_point, &Hierarchy::mount_point);
    if (found == layout.hierarchies.end()) throw std::out_of_range(std::string(mount_point));
    return *found;
  }

  static const ControllerState& state(const Layout& layout, Controller controller) {
    return layout.controllers.at(static_cast<std::size_t>(controller));
  }

  TreeFiles tree_;
};

struct Captured {
  std::string name;
  Mode mode;
  std::size_t hierarchies;
  PsiState psi;
  std::string memory, cpu, cpuacct, io, blkio, hugetlb, psi_at, master;
};

class CapturedHost : public LayoutTest, public testing::WithParamInterface<Captured> {};

TEST_P(CapturedHost, IsUnderstood) {
  const Captured& host = GetParam();
  made_up::load_captured(tree_, host.name);
  const Layout layout = detect();
  EXPECT_EQ(layout.mode, host.mode);
  EXPECT_EQ(layout.hierarchies.size(), host.hierarchies);
  EXPECT_EQ(layout.psi, host.psi);
  EXPECT_EQ(place(layout, Controller::memory), host.memory);
  EXPECT_EQ(place(layout, Controller::cpu), host.cpu);
  EXPECT_EQ(place(layout, Controller::cpuacct), host.cpuacct);
  EXPECT_EQ(place(layout, Controller::io), host.io);
  EXPECT_EQ(place(layout, Controller::blkio), host.blkio);
  EXPECT_EQ(place(layout, Controller::hugetlb), host.hugetlb);
  EXPECT_EQ(place(layout, Controller::psi), host.psi_at);
  EXPECT_EQ(layout.hierarchies.at(static_cast<std::size_t>(layout.master())).mount_point,
            host.master);
  EXPECT_FALSE(layout.restricted());
  EXPECT_THAT(layout.notes, IsEmpty());
  for (const Hierarchy& hierarchy : layout.hierarchies) {
    EXPECT_TRUE(hierarchy.real_root) << hierarchy.mount_point;
    EXPECT_EQ(hierarchy.prefix, "") << hierarchy.mount_point;
    EXPECT_FALSE(hierarchy.read_only) << hierarchy.mount_point;
  }
  EXPECT_TRUE(state(layout, Controller::memory).known);
  EXPECT_EQ(state(layout, Controller::memory).enabled, host.memory != "none");
}

constexpr const char* kR = "/sys/fs/cgroup";

Captured v1_like(const std::string& name, Mode mode, std::size_t hierarchies, PsiState psi,
                 const std::string& psi_at) {
  const std::string r = std::string("v1 ") + kR;
  return {name,
          mode,
          hierarchies,
          psi,
          r + "/memory",
          r + "/cpu,cpuacct",
          r + "/cpu,cpuacct",
          "none",
          r + "/blkio",
          r + "/hugetlb",
          psi_at,
          std::string(kR) + "/memory"};
}

Captured v2_like(const std::string& name) {
  const std::string r = std::string("v2 ") + kR;
  return {name, Mode::unified, 1, PsiState::per_cgroup, r, r, "none", r, "none", r, r, kR};
}

Captured without_psi() {
  Captured host = v2_like("debian-6.1-v2-nopsi");
  host.psi = PsiState::off;
  host.psi_at = "none";
  return host;
}

Captured without_memory() {
  Captured host = v1_like("debian-6.1-v1-nomemory", Mode::legacy, 12, PsiState::host_only, "none");
  host.memory = "none";
  host.master = std::string(kR) + "/cpu,cpuacct";
  return host;
}

Captured linux_6_18() {
  const std::string r = std::string("v1 ") + kR;
  return {"linux-6.18-hybrid",
          Mode::hybrid,
          10,
          PsiState::per_cgroup,
          r + "/memory",
          r + "/cpu",
          r + "/cpuacct",
          "none",
          r + "/blkio",
          "v2 /sys/fs/cgroup/unified",
          "v2 /sys/fs/cgroup/unified",
          std::string(kR) + "/memory"};
}

INSTANTIATE_TEST_SUITE_P(
    Layouts, CapturedHost,
    testing::Values(v1_like("debian-6.1-v1-cgroupfs", Mode::legacy, 13, PsiState::host_only,
                            "none"),
                    v1_like("debian-6.1-v1-systemd", Mode::legacy, 13, PsiState::host_only, "none"),
                    v1_like("debian-6.1-hybrid-cgroupfs", Mode::hybrid, 14, PsiState::per_cgroup,
                            "v2 /sys/fs/cgroup/unified"),
                    v1_like("debian-6.1-hybrid-systemd", Mode::hybrid, 14, PsiState::per_cgroup,
                            "v2 /sys/fs/cgroup/unified"),
                    v2_like("debian-6.1-v2-cgroupfs"), v2_like("debian-6.1-v2-systemd"),
                    without_psi(), without_memory(), linux_6_18()),
    [](const auto& host) {
      std::string name = host.param.name;
      std::ranges::replace_if(
          name, [](char c) { return c == '-' || c == '.'; }, '_');
      return name;
    });

TEST_F(LayoutTest, DoesNotTakeAnEmptyDirectoryForADisabledController) {
  made_up::disable_memory_v1(tree_);
  const Layout layout = detect();
  EXPECT_EQ(place(layout, Controller::memory), "none");
  EXPECT_TRUE(state(layout, Controller::memory).known);
  EXPECT_FALSE(state(layout, Controller::memory).enabled);
  EXPECT_EQ(place(layout, Controller::pids), "v1 /sys/fs/cgroup/pids");
  EXPECT_EQ(layout.mode, Mode::legacy);
  // Nor when the tree has to be told by its files.
  tree_.remove(made_up::kMountinfo);
  EXPECT_EQ(place(detect(), Controller::memory), "none");
}

TEST_F(LayoutTest, SeesADisabledControllerOnV2) {
  made_up::disable_memory_v2(tree_);
  const Layout layout = detect();
  EXPECT_EQ(place(layout, Controller::memory), "none");
  EXPECT_FALSE(state(layout, Controller::memory).enabled);
  EXPECT_EQ(place(layout, Controller::pids), "v2 /sys/fs/cgroup");
}

TEST_F(LayoutTest, KnowsAServedControllerThatProcCgroupsDoesNotList) {
  made_up::load_captured(tree_, made_up::kV2);
  tree_.set_file("/proc/cgroups", "#subsys_name\thierarchy\tnum_cgroups\tenabled\n");
  EXPECT_TRUE(state(detect(), Controller::memory).known);
  EXPECT_FALSE(state(detect(), Controller::perf_event).known);
}

TEST_F(LayoutTest, KnowsIoByItsV1NameInProcCgroups) {
  made_up::load_captured(tree_, made_up::kV2);
  made_up::edit(tree_, "/sys/fs/cgroup/cgroup.controllers", " io", "");
  const Layout layout = detect();
  EXPECT_EQ(place(layout, Controller::io), "none");
  EXPECT_TRUE(state(layout, Controller::io).known);
}

TEST_F(LayoutTest, CallsAPrivateV2NamespaceRestricted) {
  made_up::enter_v2_container(tree_);
  const Layout layout = detect();
  EXPECT_EQ(layout.mode, Mode::unified);
  ASSERT_EQ(layout.hierarchies.size(), 1U);
  EXPECT_TRUE(layout.restricted());
  EXPECT_FALSE(layout.hierarchies[0].real_root);
  EXPECT_EQ(layout.hierarchies[0].prefix, "");
  EXPECT_TRUE(layout.hierarchies[0].read_only);
  EXPECT_EQ(place(layout, Controller::memory), "v2 /sys/fs/cgroup");
}

TEST_F(LayoutTest, TellsAContainersV2TopOnKernelsWithoutCgroupType) {
  made_up::enter_v2_container(tree_);
  tree_.remove("/sys/fs/cgroup/cgroup.type");  // before 4.14
  EXPECT_TRUE(detect().restricted());
}

TEST_F(LayoutTest, ReadsTheHostsTreeThroughABindMountThatBeginsAboveTheNamespace) {
  made_up::mount_host_in_v2_container(tree_);
  const Layout layout = detect(made_up::host_roots());
  EXPECT_EQ(layout.mode, Mode::unified);
  ASSERT_EQ(layout.hierarchies.size(), 1U);
  EXPECT_EQ(layout.hierarchies[0].mount_point, "/host/sys/fs/cgroup");
  EXPECT_EQ(layout.hierarchies[0].mount_root, "/../..");
  EXPECT_EQ(layout.hierarchies[0].prefix, "");
  EXPECT_FALSE(layout.restricted());
  EXPECT_EQ(layout.psi, PsiState::per_cgroup);
  EXPECT_THAT(layout.notes, IsEmpty());
}

TEST_F(LayoutTest, AcceptsRootsThatEndInASlash) {
  made_up::mount_host_in_v2_container(tree_);
  const Layout layout = detect({"/host/", "/host/proc/", "/host/sys/", "/host/sys/fs/cgroup/"});
  EXPECT_EQ(layout.mode, Mode::unified);
  EXPECT_EQ(place(layout, Controller::memory), "v2 /host/sys/fs/cgroup");
}

TEST_F(LayoutTest, StaysInItsOwnPlaceWhenTheHostsIsMountedTooButNotAskedFor) {
  made_up::mount_host_in_v2_container(tree_);
  const Layout layout = detect();
  EXPECT_EQ(place(layout, Controller::memory), "v2 /sys/fs/cgroup");
  EXPECT_TRUE(layout.restricted());
}

TEST_F(LayoutTest, NamesAV1ContainersCgroupsByTheMountsRoot) {
  const std::string own = made_up::enter_v1_container(tree_);
  const Layout layout = detect();
  EXPECT_EQ(layout.mode, Mode::legacy);
  EXPECT_TRUE(layout.restricted());
  EXPECT_EQ(layout.hierarchies.size(), 13U);
  for (const Hierarchy& hierarchy : layout.hierarchies) {
    const bool unused = hierarchy.mount_point == "/sys/fs/cgroup/misc";
    EXPECT_EQ(hierarchy.mount_root, unused ? "/" : own) << hierarchy.mount_point;
    EXPECT_EQ(hierarchy.prefix, unused ? "" : own) << hierarchy.mount_point;
    EXPECT_EQ(hierarchy.real_root, unused) << hierarchy.mount_point;
    EXPECT_TRUE(hierarchy.read_only) << hierarchy.mount_point;
  }
}

TEST_F(LayoutTest, CountsCoMountedControllersOnceThoughLinksLeadThere) {
  made_up::load_captured(tree_, made_up::kV1);
  ASSERT_TRUE(tree_.exists("/sys/fs/cgroup/cpuacct"));
  for (const bool with_mountinfo : {true, false}) {
    if (!with_mountinfo) tree_.remove(made_up::kMountinfo);
    const Layout layout = detect();
    EXPECT_EQ(layout.hierarchies.size(), 13U);
    EXPECT_EQ(place(layout, Controller::cpuacct), "v1 /sys/fs/cgroup/cpu,cpuacct");
    EXPECT_THAT(at(layout, "/sys/fs/cgroup/cpu,cpuacct").controllers,
                ElementsAre(Controller::cpu, Controller::cpuacct));
  }
}

TEST_F(LayoutTest, CountsAHierarchyOnceThatIsMountedTwice) {
  made_up::load_captured(tree_, made_up::kV1);
  tree_.copy_directory("/sys/fs/cgroup/memory", "/mnt/memory");
  tree_.set_filesystem("/mnt/memory", kCgroupMagic);
  const std::string mounts = tree_.content(made_up::kMountinfo);
  const std::string second = "99 22 0:37 / /mnt/memory rw - cgroup cgroup rw,memory\n";
  for (const std::string& text : {mounts + second, second + mounts}) {
    tree_.set_file(made_up::kMountinfo, text);
    const Layout layout = detect();
    EXPECT_EQ(layout.hierarchies.size(), 13U);
    EXPECT_EQ(place(layout, Controller::memory), "v1 /sys/fs/cgroup/memory");
  }
}

TEST_F(LayoutTest, TakesTheMountThatShowsMostOfAHierarchy) {
  made_up::enter_v2_container(tree_);
  tree_.copy_directory("/sys/fs/cgroup", "/sys/fs/cgroup2");
  tree_.set_filesystem("/sys/fs/cgroup2", kCgroup2Magic);
  const auto mounted = [&](const std::string& first, const std::string& second) {
    tree_.set_file(made_up::kMountinfo, "1 2 0:26 " + first +
                                            " /sys/fs/cgroup rw - cgroup2 c rw\n1 2 0:26 " +
                                            second + " /sys/fs/cgroup2 rw - cgroup2 c rw\n");
    const Layout layout = detect({"/", "/proc", "/sys", "/sys/fs"});
    EXPECT_EQ(layout.hierarchies.size(), 1U);
    return layout.hierarchies.at(0).mount_root;
  };
  EXPECT_EQ(mounted("/", "/.."), "/..");
  EXPECT_EQ(mounted("/../..", "/.."), "/../..");
  EXPECT_EQ(mounted("/docker/x", "/docker"), "/docker");
  tree_.remove("/sys/fs/cgroup2/cgroup.type").remove("/sys/fs/cgroup2/cgroup.events");
  EXPECT_EQ(mounted("/../..", "/"), "/");
}

TEST_F(LayoutTest, LeavesOutWhatALaterMountHides) {
  made_up::load_captured(tree_, made_up::kV1);
  tree_.remove_directory("/sys/fs/cgroup/memory").add_directory("/sys/fs/cgroup/memory");
  made_up::append(tree_, made_up::kMountinfo,
                  "98 31 0:99 / /sys/fs/cgroup/memory rw - tmpfs tmpfs rw\n");
  EXPECT_EQ(place(detect(), Controller::memory), "none");
  tree_.set_filesystem("/sys/fs/cgroup/pids", kCgroup2Magic);  // v1 in mountinfo, v2 on top of it
  EXPECT_EQ(place(detect(), Controller::pids), "none");
}

TEST_F(LayoutTest, FindsTheSameWithoutMountinfo) {
  for (const std::string_view name : {made_up::kV1, made_up::kV2, made_up::kHybrid}) {
    TreeFiles tree;
    made_up::load_captured(tree, name);
    const auto with = detect_layout(tree, {});
    tree.remove(made_up::kMountinfo);
    const auto without = detect_layout(tree, {});
    ASSERT_TRUE(with && without) << name;
    EXPECT_EQ(without->mode, with->mode) << name;
    EXPECT_EQ(without->psi, with->psi) << name;
    EXPECT_EQ(without->hierarchies.size(), with->hierarchies.size()) << name;
    for (std::size_t i = 0; i < kControllers; ++i) {
      const auto controller = static_cast<Controller>(i);
      EXPECT_EQ(place(*without, controller), place(*with, controller)) << name << ' ' << i;
    }
    EXPECT_TRUE(std::ranges::is_sorted(without->hierarchies, {}, &Hierarchy::mount_point)) << name;
    EXPECT_EQ(without->named_systemd() >= 0, with->named_systemd() >= 0) << name;
    EXPECT_THAT(without->notes, ElementsAre(HasSubstr("mountinfo cannot be read (ENOENT)"),
                                            HasSubstr("told by their files")))
        << name;
  }
}

TEST_F(LayoutTest, ReadsATreeThatLiesInAPlainDirectoryAndNotTheLiveOne) {
  made_up::load_captured(tree_, made_up::kV2);
  tree_.copy_directory("/sys/fs/cgroup", "/tmp/copy");
  tree_.remove("/tmp/copy/cgroup.controllers").set_file("/tmp/copy/cgroup.controllers", "pids\n");
  const Layout layout = detect({"/", "/proc", "/sys", "/tmp/copy"});
  EXPECT_EQ(place(layout, Controller::pids), "v2 /tmp/copy");
  EXPECT_EQ(place(layout, Controller::memory), "none");
  EXPECT_THAT(layout.notes, ElementsAre(HasSubstr("No cgroup mount is listed at /tmp/copy")));
}

TEST_F(LayoutTest, TakesPlacesFromMountinfoWhereTheUsualOneIsEmpty) {
  made_up::load_captured(tree_, made_up::kV2);
  tree_.rename_directory("/sys/fs/cgroup", "/cgroup2").add_directory("/sys/fs/cgroup");
  made_up::edit(tree_, made_up::kMountinfo, " /sys/fs/cgroup ", " /cgroup2 ");
  const Layout layout = detect();
  EXPECT_EQ(layout.mode, Mode::unified);
  EXPECT_EQ(place(layout, Controller::memory), "v2 /cgroup2");
}

TEST_F(LayoutTest, UsesAV2TreeThatIsMountedElsewhereOnALegacyHost) {
  made_up::load_captured(tree_, made_up::kV1);
  tree_.set_file("/mnt/v2/cgroup.controllers", "").set_filesystem("/mnt/v2", kCgroup2Magic);
  made_up::append(tree_, made_up::kMountinfo, "99 22 0:88 / /mnt/v2 rw - cgroup2 none rw\n");
  const Layout layout = detect();
  EXPECT_EQ(layout.mode, Mode::hybrid);
  EXPECT_EQ(place(layout, Controller::core), "v2 /mnt/v2");
  EXPECT_EQ(place(layout, Controller::memory), "v1 /sys/fs/cgroup/memory");
}

TEST_F(LayoutTest, CallsAHostUnifiedThatHasAV1HierarchyBesideV2) {
  made_up::load_captured(tree_, made_up::kV2);
  tree_.set_file("/sys/fs/cgroup/systemd/cgroup.sane_behavior", "0\n");
  tree_.set_filesystem("/sys/fs/cgroup/systemd", kCgroupMagic);
  made_up::append(tree_, made_up::kMountinfo,
                  "99 31 0:88 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n");
  const Layout layout = detect();
  EXPECT_EQ(layout.mode, Mode::unified);
  EXPECT_EQ(at(layout, "/sys/fs/cgroup/systemd").name, "systemd");
  EXPECT_EQ(layout.hierarchies.at(static_cast<std::size_t>(layout.master())).mount_point,
            "/sys/fs/cgroup");
}

TEST_F(LayoutTest, SaysThatPsiIsOffWhenItsFilesAreNotThere) {
  made_up::load_captured(tree_, made_up::kV2);
  made_up::remove_pressure_files(tree_);
  const Layout layout = detect();
  EXPECT_EQ(layout.psi, PsiState::off);
  EXPECT_EQ(place(layout, Controller::psi), "none");
  EXPECT_EQ(place(layout, Controller::core), "v2 /sys/fs/cgroup");
}

TEST_F(LayoutTest, SaysThatPsiIsOffWhenItsFilesCannotBeRead) {
  made_up::load_captured(tree_, made_up::kV2);
  made_up::make_pressure_files_fail(tree_);
  EXPECT_EQ(detect().psi, PsiState::off);
}

TEST_F(LayoutTest, FindsPsiOfCgroupsWhereTheHostsOwnFilesAreHidden) {
  made_up::load_captured(tree_, made_up::kV2);
  tree_.remove_directory("/proc/pressure");
  EXPECT_EQ(detect().psi, PsiState::per_cgroup);
}

TEST_F(LayoutTest, IsEmptyWhereNothingIsMounted) {
  const Layout layout = detect();
  EXPECT_EQ(layout.mode, Mode::none);
  EXPECT_EQ(layout.master(), -1);
  EXPECT_EQ(layout.named_systemd(), -1);
  EXPECT_FALSE(layout.restricted());
}

TEST_F(LayoutTest, BoundsTheNumberOfHierarchies) {
  std::string mounts;
  for (int i = 0; i < 40; ++i) {
    const std::string point = "/sys/fs/cgroup/h" + std::to_string(i);
    tree_.set_filesystem(point, kCgroupMagic);
    mounts += "1 2 0:" + std::to_string(100 + i) + " / " + point + " rw - cgroup c rw,name=h" +
              std::to_string(i) + "\n";
  }
  tree_.set_file(made_up::kMountinfo, mounts);
  const Layout layout = detect();
  EXPECT_EQ(layout.hierarchies.size(), kMaxHierarchies);
  EXPECT_THAT(layout.notes, ElementsAre(HasSubstr("the rest is not read")));
}

TEST_F(LayoutTest, SurvivesTheFailureOfAnyCallAndKeepsNoHandle) {
  made_up::load_captured(tree_, made_up::kHybrid);
  for (std::size_t n = 1;; ++n) {
    FaultyFiles faulty(tree_, {.nth = n, .error = EIO});
    const auto layout = detect_layout(faulty, {});
    ASSERT_TRUE(layout) << n;
    EXPECT_GE(layout->hierarchies.size(), 12U) << n;
    EXPECT_EQ(tree_.open_handles(), 0U) << n;
    if (!faulty.fired()) break;
    ASSERT_LT(n, 1000U);
  }
}

}  // namespace
}  // namespace cgmon
