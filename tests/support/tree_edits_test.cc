// What a test may do to a TreeFiles, and what product code sees of it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cerrno>

#include "tests/support/tree_files.h"

namespace cgmon {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

FileStatus status_of(Files& files, const char* path) {
  FileStatus status;
  EXPECT_EQ(files.status(Files::kAbsolute, path, status), 0) << path;
  return status;
}

/// A tree with one watch on "/cg", whose number is `number_`.
class WatchedTree : public testing::Test {
 protected:
  WatchedTree() {
    files_.add_directory("/cg/docker");
    watch_ = files_.open_watch();
    number_ = files_.watch_directory(watch_, Files::kAbsolute, "/cg");
  }
  WatchEvents events() {
    WatchEvents seen;
    EXPECT_EQ(files_.read_watch(watch_, seen), 0);
    return seen;
  }
  TreeFiles files_;
  int watch_ = -1, number_ = -1;
};

TEST_F(WatchedTree, ReportsDirectoriesThatComeAndGoOnce) {
  EXPECT_THAT(events().directories, IsEmpty());
  files_.add_directory("/cg/a").add_directory("/cg/b");
  EXPECT_THAT(events().directories, ElementsAre(number_));
  EXPECT_THAT(events().directories, IsEmpty());
  files_.remove_directory("/cg/a");
  EXPECT_THAT(events().directories, ElementsAre(number_));
}

TEST_F(WatchedTree, SaysNothingOfFilesNorOfWhatLiesDeeper) {
  files_.set_file("/cg/cpu.stat", "x").remove("/cg/cpu.stat").add_directory("/cg/docker/deeper");
  EXPECT_THAT(events().directories, IsEmpty());
}

TEST_F(WatchedTree, ForgetsADirectoryThatGoes) {
  const int child = files_.watch_directory(watch_, Files::kAbsolute, "/cg/docker");
  EXPECT_NE(child, number_);
  EXPECT_EQ(files_.watched(), 2U);
  files_.remove_directory("/cg/docker").add_directory("/cg/docker").add_directory("/cg/docker/x");
  EXPECT_EQ(files_.watched(), 1U);
  EXPECT_THAT(events().directories, ElementsAre(number_));
  EXPECT_GT(files_.watch_directory(watch_, Files::kAbsolute, "/cg/docker"), child)
      << "numbers are not used again";
}

TEST_F(WatchedTree, LosesEventsWhenItOverflows) {
  files_.add_directory("/cg/a").overflow_watches();
  const WatchEvents seen = events();
  EXPECT_TRUE(seen.overflow);
  EXPECT_THAT(seen.directories, IsEmpty());
  EXPECT_FALSE(events().overflow);
}

TEST_F(WatchedTree, IsSilentWhileMuted) {
  files_.mute_watches(true).add_directory("/cg/a").mute_watches(false);
  EXPECT_THAT(events().directories, IsEmpty());
  files_.add_directory("/cg/b");
  EXPECT_THAT(events().directories, ElementsAre(number_));
}

TEST_F(WatchedTree, FailsToWatchWhenTold) {
  files_.fail_watches(ENOSPC).fail_open_watch(EMFILE);
  EXPECT_EQ(files_.watch_directory(watch_, Files::kAbsolute, "/cg/docker"), -ENOSPC);
  EXPECT_EQ(files_.watch_directory(watch_, Files::kAbsolute, "/cg"), number_)
      << "is watched already";
  EXPECT_EQ(files_.open_watch(), -EMFILE);
  EXPECT_EQ(files_.watched(), 1U);
  files_.fail_watches(0).fail_open_watch(0);
  EXPECT_GT(files_.watch_directory(watch_, Files::kAbsolute, "/cg/docker"), number_);
}

TEST(TreeEdits, KeepLinksInodesAndTimesRight) {
  TreeFiles files;
  files.add_directory("/cg").add_directory("/cg/a");
  const FileStatus before = status_of(files, "/cg");
  files.set_now(5'000).add_directory("/cg/b").set_file("/cg/b/pids.current", "1\n");
  EXPECT_EQ(status_of(files, "/cg").links, before.links + 1);
  EXPECT_EQ(status_of(files, "/cg").mtime_ns, 5'000);
  EXPECT_EQ(status_of(files, "/cg").inode, before.inode);
  EXPECT_EQ(status_of(files, "/cg/b").links, 2U);
  EXPECT_EQ(status_of(files, "/cg/b/pids.current").links, 1U);

  const std::uint64_t old_inode = status_of(files, "/cg/b").inode;
  files.remove_directory("/cg/b");
  EXPECT_EQ(status_of(files, "/cg").links, before.links);
  files.add_directory("/cg/b");
  EXPECT_NE(status_of(files, "/cg/b").inode, old_inode);
}

TEST(TreeEdits, LetOpenFilesOfARemovedDirectoryAnswerAsTheirFileSystemDoes) {
  TreeFiles files;
  files.set_filesystem("/cg", kCgroup2Magic).set_filesystem("/proc", kProcMagic);
  std::array<char, 8> buffer{};
  for (const auto& [place, answer] :
       {std::pair("/cg/a", -ENODEV), std::pair("/proc/7", -ESRCH), std::pair("/tmp/a", 1)}) {
    const std::string path = std::string(place) + "/stat";
    files.set_file(path, "x");
    const int dir = files.open_directory(Files::kAbsolute, place);
    const int file = files.open(Files::kAbsolute, path.c_str());
    files.remove_directory(place).set_file(path, "another");
    EXPECT_EQ(files.read(file, buffer, 0), answer) << place;
    EXPECT_EQ(files.open(dir, "stat"), -ENOENT) << place;
    DirectoryListing listing;
    EXPECT_EQ(files.list_directories(dir, ".", listing), -ENOENT) << place;
    files.close(file);
    files.close(dir);
  }
  EXPECT_EQ(files.open_handles(), 0U);
}

TEST(TreeEdits, RemoveTheDeepestFirst) {
  TreeFiles files;
  files.set_file("/cg/a/b/f", "x");
  const int watch = files.open_watch();
  const int outer = files.watch_directory(watch, Files::kAbsolute, "/cg");
  const int inner = files.watch_directory(watch, Files::kAbsolute, "/cg/a");
  files.remove_directory("/cg/a");
  WatchEvents events;
  ASSERT_EQ(files.read_watch(watch, events), 0);
  EXPECT_THAT(events.directories, ElementsAre(inner, outer));
}

TEST(TreeEdits, MoveADirectoryWithItsInodeAndItsWatch) {
  TreeFiles files;
  files.set_file("/cg/a/f", "x").add_directory("/cg/to");
  const std::uint64_t inode = status_of(files, "/cg/a").inode;
  const int watch = files.open_watch();
  const int number = files.watch_directory(watch, Files::kAbsolute, "/cg/a");
  files.rename_directory("/cg/a", "/cg/to/b").add_directory("/cg/to/b/new");
  EXPECT_FALSE(files.exists("/cg/a"));
  EXPECT_EQ(status_of(files, "/cg/to/b").inode, inode);
  EXPECT_EQ(files.content("/cg/to/b/f"), "x");
  EXPECT_EQ(status_of(files, "/cg").links, 3U);
  EXPECT_EQ(status_of(files, "/cg/to").links, 3U);
  WatchEvents events;
  ASSERT_EQ(files.read_watch(watch, events), 0);
  EXPECT_THAT(events.directories, ElementsAre(number));
}

TEST(TreeEdits, CopyADirectoryWithInodesOfItsOwn) {
  TreeFiles files;
  files.set_file("/cg/a/b/f", "x").set_error("/cg/a/b/f", EINVAL).set_file("/cg/a/g", "y");
  files.copy_directory("/cg/a", "/cg/c");
  EXPECT_EQ(files.content("/cg/c/g"), "y");
  EXPECT_EQ(status_of(files, "/cg/c").links, 3U);
  EXPECT_NE(status_of(files, "/cg/c/g").inode, status_of(files, "/cg/a/g").inode);
  files.set_file("/cg/c/g", "changed");
  EXPECT_EQ(files.content("/cg/a/g"), "y");
  const int file = files.open(Files::kAbsolute, "/cg/c/b/f");
  std::array<char, 1> buffer{};
  EXPECT_EQ(files.read(file, buffer, 0), -EINVAL);
  files.close(file);
}

TEST(TreeEditsDeathTest, StopATestThatAsksForWhatCannotBe) {
  TreeFiles files;
  files.set_file("/f", "x").add_directory("/d");
  EXPECT_DEATH(files.remove("/missing"), "ENOENT");
  EXPECT_DEATH(files.remove("/d"), "is a directory");
  EXPECT_DEATH(files.remove_directory("/f"), "no directory");
  EXPECT_DEATH(files.add_directory("/d"), "exists");
  EXPECT_DEATH(files.set_file("/f/g", "x"), "ENOTDIR|no directory");
  EXPECT_DEATH(files.set_file("relative", "x"), "absolute");
  EXPECT_DEATH(files.rename_directory("/d", "/d/d"), "lies in");
}

}  // namespace
}  // namespace cgmon
