#include "collectors/parse/mountinfo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace cgmon {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Debian 12, hybrid layout, shortened.
constexpr std::string_view kMountinfo =
    "22 1 254:0 / / rw,noatime shared:1 - ext4 /dev/vda rw\n"
    "31 23 0:26 / /sys/fs/cgroup ro,nosuid,nodev,noexec shared:6 - tmpfs tmpfs ro,size=4096k\n"
    "32 31 0:27 / /sys/fs/cgroup/unified rw,nosuid shared:7 - cgroup2 cgroup2 rw,nsdelegate\n"
    "33 31 0:28 / /sys/fs/cgroup/systemd rw shared:8 - cgroup cgroup rw,xattr,name=systemd\n"
    "41 31 0:36 / /sys/fs/cgroup/cpu,cpuacct rw shared:21 - cgroup cgroup rw,cpu,cpuacct\n";

std::vector<std::string> points(const std::vector<Mount>& mounts) {
  std::vector<std::string> found;
  for (const Mount& mount : mounts) found.push_back(mount.point);
  return found;
}

TEST(ParseMount, ReadsAllFieldsOfAContainersMount) {
  const auto mount = parse_mount(
      "512 500 0:36 /docker/4f /sys/fs/cgroup/cpu,cpuacct ro,nosuid master:21 - cgroup cgroup "
      "rw,cpu,cpuacct");
  ASSERT_TRUE(mount);
  EXPECT_EQ(mount->device, "0:36");
  EXPECT_EQ(mount->root, "/docker/4f");
  EXPECT_EQ(mount->point, "/sys/fs/cgroup/cpu,cpuacct");
  EXPECT_EQ(mount->type, "cgroup");
  EXPECT_THAT(mount->super_options, ElementsAre("rw", "cpu", "cpuacct"));
  EXPECT_TRUE(mount->read_only);
}

TEST(ParseMount, AcceptsAnyNumberOfOptionalFields) {
  for (const std::string optional :
       {"", "shared:7 ", "shared:7 master:2 propagate_from:1 new:x "}) {
    const auto mount = parse_mount("1 2 0:27 /../.. /host/cg rw " + optional + "- cgroup2 none rw");
    ASSERT_TRUE(mount) << optional;
    EXPECT_EQ(mount->root, "/../..");
    EXPECT_EQ(mount->type, "cgroup2");
    EXPECT_FALSE(mount->read_only);
  }
}

TEST(ParseMount, UndoesOctalEscapesAndLeavesOtherBackslashesAlone) {
  const auto mount =
      parse_mount("1 2 0:1 /a\\134b /mnt/x\\040y\\011z\\012\\04\\9 rw - cgroup c rw,name=n\\040m");
  ASSERT_TRUE(mount);
  EXPECT_EQ(mount->root, "/a\\b");
  EXPECT_EQ(mount->point, "/mnt/x y\tz\n\\04\\9");
  EXPECT_THAT(mount->super_options, ElementsAre("rw", "name=n m"));
}

TEST(ParseMount, AcceptsAnEmptySource) {
  const auto mount = parse_mount("1 2 0:1 / /mnt rw - cgroup  rw,memory");
  ASSERT_TRUE(mount);
  EXPECT_THAT(mount->super_options, ElementsAre("rw", "memory"));
}

TEST(ParseMount, CallsReadOnlyWhatTheMountOrItsFileSystemMakesSo) {
  EXPECT_TRUE(parse_mount("1 2 0:1 / /m ro,nosuid - cgroup c rw,cpu")->read_only);
  EXPECT_TRUE(parse_mount("1 2 0:1 / /m rw,nosuid - cgroup c ro,cpu")->read_only);
  EXPECT_FALSE(parse_mount("1 2 0:1 / /m rw,errors=remount-ro - cgroup c rw,cpu")->read_only);
}

TEST(ParseMount, RefusesMalformedLines) {
  for (const std::string bad :
       {"", " ", "1 2 0:1", "1 2 0:1 / /m rw", "1 2 0:1 / /m rw shared:1", "1 2 0:1 / /m rw -",
        "1 2 0:1 / /m rw - cgroup", "1 2 0:1 / /m rw - cgroup c", "1 2 0:1 / m rw - cgroup c rw",
        "1 2 0:1 m /m rw - cgroup c rw", "1 2 0:1 / /m rw cgroup c rw"}) {
    EXPECT_FALSE(parse_mount(bad)) << '"' << bad << '"';
  }
}

Overlay overlay_of(const std::string& options) {
  const auto mount = parse_mount("149 120 0:39 / / rw - overlay overlay " + options);
  EXPECT_TRUE(mount) << options;
  const auto overlay = mount ? parse_overlay(*mount) : std::nullopt;
  EXPECT_TRUE(overlay) << options;
  return overlay.value_or(Overlay{});
}

TEST(ParseOverlay, ReadsWhatDockerMounted) {
  const Overlay overlay = overlay_of(
      "rw,lowerdir=/var/lib/docker/overlay2/l/CX33:/var/lib/docker/overlay2/l/DOZ2,"
      "upperdir=/var/lib/docker/overlay2/69a6/diff,workdir=/var/lib/docker/overlay2/69a6/work");
  EXPECT_THAT(overlay.lower,
              ElementsAre("/var/lib/docker/overlay2/l/CX33", "/var/lib/docker/overlay2/l/DOZ2"));
  EXPECT_EQ(overlay.upper, "/var/lib/docker/overlay2/69a6/diff");
  EXPECT_EQ(overlay.work, "/var/lib/docker/overlay2/69a6/work");
}

TEST(ParseOverlay, ReadsADirectoryAnOptionAsNewerKernelsWriteThem) {
  EXPECT_THAT(overlay_of("ro,lowerdir+=/a:b,lowerdir+=/c,datadir+=/d").lower,
              ElementsAre("/a:b", "/c", "/d"));
}

TEST(ParseOverlay, TellsColonsInNamesFromThoseBetweenThem) {
  // The kernel writes a backslash as \134 and a comma as \054.
  const Overlay overlay = overlay_of(
      R"(rw,lowerdir=/a\134:b\054c:/d\134\134e::/data,upperdir=/u\134:v,workdir=/w\040x)");
  EXPECT_THAT(overlay.lower, ElementsAre("/a:b,c", R"(/d\e)", "/data"));
  EXPECT_EQ(overlay.upper, "/u:v");
  EXPECT_EQ(overlay.work, "/w x");
}

TEST(ParseOverlay, FindsNothingToReadInOtherFileSystems) {
  EXPECT_FALSE(parse_overlay(*parse_mount("1 0 254:0 / / rw - ext4 /dev/vda rw,lowerdir=/a")));
  EXPECT_THAT(overlay_of("rw").lower, IsEmpty());
}

TEST(ParseCgroupMounts, GivesTheCgroupFileSystemsInOrder) {
  EXPECT_THAT(points(parse_cgroup_mounts(kMountinfo)),
              ElementsAre("/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd",
                          "/sys/fs/cgroup/cpu,cpuacct"));
  EXPECT_THAT(parse_cgroup_mounts(""), IsEmpty());
}

TEST(ParseCgroupMounts, ReadsOnPastMalformedLines) {
  const std::string text = "\nrubbish\n1 2 0:9 / /x rw - cgroup\n" + std::string(kMountinfo);
  EXPECT_EQ(points(parse_cgroup_mounts(text)), points(parse_cgroup_mounts(kMountinfo)));
}

TEST(ParseCgroupMounts, NeverReportsALineThatWasCutAtAnyByte) {
  const std::vector<Mount> whole = parse_cgroup_mounts(kMountinfo);
  for (std::size_t size = 0; size < kMountinfo.size(); ++size) {
    const std::vector<Mount> mounts = parse_cgroup_mounts(kMountinfo.substr(0, size));
    ASSERT_LT(mounts.size(), whole.size()) << size;
    for (std::size_t i = 0; i < mounts.size(); ++i) {
      EXPECT_EQ(mounts[i].point, whole[i].point) << size;
      EXPECT_EQ(mounts[i].super_options, whole[i].super_options) << size;
    }
  }
}

}  // namespace
}  // namespace cgmon
