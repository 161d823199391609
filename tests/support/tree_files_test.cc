#include "tests/support/tree_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cerrno>

namespace cgmon {
namespace {

using testing::ElementsAre;

std::string read_all(Files& files, const char* path) {
  std::string content;
  const int error = read_file(files, Files::kAbsolute, path, 1 << 20, content);
  return error == 0 ? content : std::string(errno_name(-error));
}

std::vector<std::string> directories(Files& files, const char* path) {
  DirectoryListing listing;
  if (files.list_directories(Files::kAbsolute, path, listing) != 0) return {"(failed)"};
  std::vector<std::string> names;
  for (const auto& entry : listing.entries()) names.emplace_back(listing.name(entry));
  return names;
}

FileStatus status_of(Files& files, const char* path) {
  FileStatus status;
  EXPECT_EQ(files.status(Files::kAbsolute, path, status), 0) << path;
  return status;
}

TEST(TreeFiles, CountsTheLinksInADirectory) {
  TreeFiles files;
  files.add_link("/proc/7/fd/0", "/dev/null").add_link("/proc/7/fd/1", "socket:[4711]");
  files.set_file("/proc/7/fd/file", "").add_directory("/proc/7/fd/directory");
  LinkCounts counts;
  EXPECT_EQ(files.count_links(Files::kAbsolute, "/proc/7/fd", counts), 0);
  EXPECT_EQ(counts.links, 2U);
  EXPECT_EQ(counts.sockets, 1U);
  EXPECT_EQ(files.count_links(Files::kAbsolute, "/proc/8/fd", counts), -ENOENT);
  EXPECT_EQ(counts.links, 0U);
}

TEST(TreeFiles, ReadsWithAndAcrossTheEndOfABuffer) {
  TreeFiles files;
  files.set_file("/sys/fs/cgroup/pids.current", "12345\n");
  const int file = files.open(Files::kAbsolute, "/sys/fs/cgroup/pids.current");
  ASSERT_GE(file, 0);
  std::array<char, 4> buffer{};
  EXPECT_EQ(files.read(file, buffer, 0), 4);
  EXPECT_EQ(std::string_view(buffer.data(), 4), "1234");
  EXPECT_EQ(files.read(file, buffer, 4), 2);
  EXPECT_EQ(files.read(file, buffer, 6), 0);
  EXPECT_EQ(files.read(file, buffer, 600), 0);
  files.close(file);
}

TEST(TreeFiles, ShowsAnOpenFileItsNewContent) {
  TreeFiles files;
  files.set_file("/a", "old");
  const int file = files.open(Files::kAbsolute, "/a");
  files.set_file("/a", "newer");
  std::array<char, 8> buffer{};
  EXPECT_EQ(files.read(file, buffer, 0), 5);
  files.close(file);
}

TEST(TreeFiles, FollowsTheLinkBetweenControllers) {
  TreeFiles files;
  files.set_file("/sys/fs/cgroup/cpu,cpuacct/docker/cpu.shares", "1024\n")
      .add_link("/sys/fs/cgroup/cpu", "cpu,cpuacct");
  EXPECT_EQ(read_all(files, "/sys/fs/cgroup/cpu/docker/cpu.shares"), "1024\n");
  EXPECT_EQ(directories(files, "/sys/fs/cgroup"), std::vector<std::string>{"cpu,cpuacct"})
      << "a link is no directory of the listing";
}

TEST(TreeFiles, KeepsLinksInsideWhenOpeningBeneath) {
  TreeFiles files;
  files.set_file("/etc/passwd", "outside")
      .set_file("/rootfs/etc/passwd", "inside")
      .add_link("/rootfs/absolute", "/etc/passwd")
      .add_link("/rootfs/upwards", "../../../etc/passwd")
      .add_fifo("/rootfs/fifo");
  const int top = files.open_directory(Files::kAbsolute, "/rootfs");
  for (const char* path : {"absolute", "upwards", "../etc/passwd", "/etc/passwd"}) {
    const int file = files.open_beneath(top, path);
    ASSERT_GE(file, 0) << path;
    std::array<char, 16> buffer{};
    EXPECT_EQ(files.read(file, buffer, 0), 6) << path;
    files.close(file);
  }
  EXPECT_EQ(files.open_beneath(top, "fifo"), -EINVAL);
  EXPECT_EQ(files.open_beneath(top, "etc"), -EINVAL);
  files.close(top);
}

TEST(TreeFiles, KnowsTheFileSystemOfTheNearestMountPoint) {
  TreeFiles files;
  files.add_directory("/sys/fs/cgroup/memory/docker")
      .set_filesystem("/sys/fs/cgroup/memory", kCgroupMagic)
      .add_link("/m", "sys/fs/cgroup/memory");
  EXPECT_EQ(files.filesystem("/sys/fs/cgroup/memory/docker"), kCgroupMagic);
  EXPECT_EQ(files.filesystem("/m/docker"), kCgroupMagic);
  EXPECT_EQ(files.filesystem("/sys/fs/cgroup"), kTmpfsMagic);
  EXPECT_EQ(files.filesystem("/missing"), -ENOENT);
  EXPECT_NE(status_of(files, "/m/docker").device, status_of(files, "/sys").device);
}

TEST(TreeFiles, FailsWhereTheTreeSaysSo) {
  TreeFiles files;
  files.set_file("/closed", "x").set_error("/closed", EACCES);
  files.set_file("/cgroup.kill", "").set_error("/cgroup.kill", EINVAL);
  EXPECT_EQ(files.open(Files::kAbsolute, "/closed"), -EACCES);
  EXPECT_EQ(files.readable(Files::kAbsolute, "/closed"), -EACCES);
  EXPECT_EQ(read_all(files, "/cgroup.kill"), "EINVAL");
  EXPECT_EQ(files.readable(Files::kAbsolute, "/cgroup.kill"), 0);
  files.set_error("/closed", 0);
  EXPECT_EQ(read_all(files, "/closed"), "x");
}

TEST(TreeFiles, CountsHandlesAndWhoMisusesThem) {
  TreeFiles files;
  files.set_file("/d/f", "x");
  const int dir = files.open_directory(Files::kAbsolute, "/d");
  const int file = files.open(dir, "f");
  const int watch = files.open_watch();
  EXPECT_EQ(files.open_handles(), 3U);
  EXPECT_THAT(files.open_paths(), ElementsAre("/d", "/d/f", "(watch)"));
  files.close(file);
  EXPECT_THAT(files.open_paths(), ElementsAre("/d", "(watch)"));
  EXPECT_EQ(files.open(dir, "f"), file) << "the lowest free number, as the kernel gives";
  files.close(file);
  files.close(dir);
  files.close(watch);
  EXPECT_EQ(files.open_handles(), 0U);
  EXPECT_EQ(files.bad_handles(), 0U);

  files.close(file);
  std::array<char, 1> buffer{};
  EXPECT_EQ(files.read(file, buffer, 0), -EBADF);
  EXPECT_EQ(files.open(dir, "f"), -EBADF);
  EXPECT_EQ(files.bad_handles(), 3U);
}

TEST(TreeFiles, RunsOutOfHandlesWhenTold) {
  TreeFiles files;
  files.set_file("/f", "x").limit_handles(1);
  const int first = files.open(Files::kAbsolute, "/f");
  EXPECT_GE(first, 0);
  EXPECT_EQ(files.open(Files::kAbsolute, "/f"), -EMFILE);
  EXPECT_EQ(files.open_watch(), -EMFILE);
  DirectoryListing listing;
  EXPECT_EQ(files.list_directories(Files::kAbsolute, "/", listing), -EMFILE);
  files.close(first);
  EXPECT_EQ(read_all(files, "/f"), "x");
}

}  // namespace
}  // namespace cgmon
