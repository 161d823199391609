#include "collectors/host/process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <map>

#include "tests/support/made_up_hosts.h"
#include "tests/support/tree_files.h"

namespace cgmon {
namespace {

using ::testing::SizeIs;

constexpr std::uint32_t kContainersInit = 289;

TEST(Namespaces, AreThoseOfTheProcess) {
  TreeFiles tree;
  made_up::load_captured(tree, made_up::kV2);
  const auto host = read_namespaces(tree, "/proc", 1);
  const auto inside = read_namespaces(tree, "/proc", kContainersInit);
  ASSERT_TRUE(host && inside);
  std::map<std::string_view, bool> same;
  for (std::size_t i = 0; i < kNamespaces.size(); ++i) {
    EXPECT_NE(host->at(i), 0U) << kNamespaces.at(i);
    same[kNamespaces.at(i)] = host->at(i) == inside->at(i);
  }
  // As docker sets containers up on cgroup v2.
  const std::map<std::string_view, bool> expected{{"mnt", false},    {"uts", false}, {"ipc", false},
                                                  {"pid", false},    {"net", false}, {"user", true},
                                                  {"cgroup", false}, {"time", true}};
  EXPECT_EQ(same, expected);
}

TEST(Namespaces, LackWhatTheKernelLacks) {
  TreeFiles tree;
  tree.add_link("/proc/7/ns/mnt", "mnt:[5]").add_link("/proc/7/ns/net", "net:broken");
  const auto namespaces = read_namespaces(tree, "/proc", 7);
  ASSERT_TRUE(namespaces);
  EXPECT_EQ(*namespaces, (Namespaces{5, 0, 0, 0, 0, 0, 0, 0}));
}

TEST(Namespaces, FailForWantOfARightAndForProcessesThatAreGone) {
  TreeFiles tree;
  tree.add_link("/proc/7/ns/mnt", "mnt:[5]").set_error("/proc/7/ns/mnt", EACCES);
  EXPECT_EQ(read_namespaces(tree, "/proc", 7).error().error, EACCES);
  EXPECT_EQ(read_namespaces(tree, "/proc", 8).error().error, ENOENT);
}

TEST(EachProcess, VisitsThoseOfTheHostWithTheirCgroups) {
  TreeFiles tree;
  made_up::load_captured(tree, made_up::kV2);
  std::multimap<std::string, std::uint32_t> by_path;
  const auto done =
      each_process(tree, "/proc", [&](std::uint32_t pid, std::span<const ProcCgroup> cgroups) {
        ASSERT_EQ(cgroups.size(), 1U);
        by_path.emplace(cgroups[0].path, pid);
      });
  ASSERT_TRUE(done);
  EXPECT_EQ(by_path.find("/init.scope")->second, 1U);
  const auto container = read_cgroups(tree, "/proc", kContainersInit);
  ASSERT_TRUE(container);
  EXPECT_EQ(by_path.count(container->at(0).path), 3U);
  EXPECT_FALSE(each_process(tree, "/nowhere", [](auto, auto) {}));
}

TEST(ReadProcess, TakesANameThatMayHoldAnything) {
  TreeFiles tree;
  const std::string stat = "7 (a) R 1 (b) S 0 1 1 0 -1 4 5 6 7 8 9 10 11 12 20 0 1 0 ";
  tree.set_file("/proc/7/stat", stat + "3002 1 2 3\n").set_file("/proc/8/stat", stat);
  const auto process = read_process(tree, "/proc", 7);
  ASSERT_TRUE(process);
  EXPECT_EQ(process->name, "a) R 1 (b");
  EXPECT_EQ(process->cpu_ticks, 19U);
  EXPECT_EQ(process->start_ticks, 3002U);
  EXPECT_EQ(process->resident_pages, 2U);
  EXPECT_EQ(read_process(tree, "/proc", 8).error().error, EBADMSG);
  EXPECT_EQ(read_process(tree, "/proc", 9).error().error, ENOENT);
}

TEST(HidesProcesses, WhereTheFirstOneIsNotToBeSeen) {
  TreeFiles tree;
  EXPECT_TRUE(hides_processes(tree, "/proc"));
  tree.set_file("/proc/1/cgroup", "0::/init.scope\n");
  EXPECT_FALSE(hides_processes(tree, "/proc"));
  tree.set_error("/proc/1/cgroup", EPERM);
  EXPECT_TRUE(hides_processes(tree, "/proc"));
}

TEST(RootMount, IsTheContainersOverlayWhichTheHostHasMountedElsewhere) {
  TreeFiles tree;
  made_up::load_captured(tree, made_up::kV2);
  const auto root = read_root_mount(tree, "/proc", kContainersInit);
  ASSERT_TRUE(root);
  const auto overlay = parse_overlay(*root);
  ASSERT_TRUE(overlay);
  EXPECT_THAT(overlay->lower, SizeIs(2));
  const std::string layer = overlay->upper.substr(0, overlay->upper.rfind('/'));
  EXPECT_EQ(find_mount_point(tree, "/proc", "1", *root), layer + "/merged");
  EXPECT_EQ(find_mount_point(tree, "/proc", "self", *root), layer + "/merged");
  EXPECT_EQ(find_mount_point(tree, "/proc", std::to_string(kContainersInit), *root), "");
  EXPECT_EQ(find_mount_point(tree, "/proc", "999999", *root), "");
}

TEST(RootMount, IsTheLastOneWhereSeveralLieOnEachOther) {
  TreeFiles tree;
  tree.set_file("/proc/7/mountinfo",
                "1 1 0:1 / / rw - rootfs rootfs rw\n"
                "2 1 254:0 / / rw - ext4 /dev/vda rw\n"
                "3 2 0:5 / /proc rw - proc proc rw\n");
  EXPECT_EQ(read_root_mount(tree, "/proc", 7)->type, "ext4");
  tree.set_file("/proc/8/mountinfo", "3 2 0:5 / /proc rw - proc proc rw\n");
  EXPECT_EQ(read_root_mount(tree, "/proc", 8).error().error, EBADMSG);
}

}  // namespace
}  // namespace cgmon
