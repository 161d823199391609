#include "collectors/host/disk_walker.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace cgmon {
namespace {

namespace fs = std::filesystem;

/// A directory of the test's own, and what `du` says of it.
class DiskWalkerTest : public testing::Test {
 protected:
  DiskWalkerTest() {
    std::string path = testing::TempDir() + "cgmon-walk-XXXXXX";
    top_ = ::mkdtemp(path.data()) != nullptr ? path : std::string();
  }
  ~DiskWalkerTest() override { fs::remove_all(top_); }

  void write(const std::string& name, std::size_t bytes) const {
    std::ofstream(top_ + '/' + name) << std::string(bytes, 'x');
  }
  [[nodiscard]] DiskUsage walk(const DiskWalker::Pace& pace = [](std::size_t) { return true; }) {
    DiskWalker walker(files_, pace);
    const int directory = files_.open_directory("/", top_.c_str());
    EXPECT_GE(directory, 0);
    const DiskUsage usage = walker.walk(directory);
    files_.close(directory);
    return usage;
  }
  [[nodiscard]] std::uint64_t du() const {
    std::FILE* const pipe = ::popen(("du -x -s -B1 '" + top_ + "'").c_str(), "r");
    unsigned long long bytes = 0;
    EXPECT_EQ(std::fscanf(pipe, "%llu", &bytes), 1);
    ::pclose(pipe);
    return bytes;
  }

  SystemDiskFiles files_;
  std::string top_;
};

TEST_F(DiskWalkerTest, AddsUpWhatDuAddsUp) {
  fs::create_directories(top_ + "/a/b/c");
  write("small", 1);
  write("a/large", 5'000'000);
  write("a/b/c/deep", 70'000);
  fs::create_symlink("/", top_ + "/a/link");
  fs::create_hard_link(top_ + "/a/large", top_ + "/a/b/again");
  ::mkfifo((top_ + "/fifo").c_str(), 0600);
  const DiskUsage usage = walk();
  EXPECT_TRUE(usage.complete);
  EXPECT_EQ(usage.bytes, du());
  EXPECT_GE(usage.bytes, 5'000'000U);
  EXPECT_LT(usage.bytes, 6'000'000U);  // the file with two links once
  EXPECT_EQ(usage.files, 9U);
}

TEST_F(DiskWalkerTest, CountsAnEmptyDirectoryWithItsOwnBlocks) {
  const DiskUsage usage = walk();
  EXPECT_TRUE(usage.complete);
  EXPECT_EQ(usage.files, 0U);
  EXPECT_EQ(usage.bytes, du());
}

TEST_F(DiskWalkerTest, ReadsADirectoryOfManyFiles) {
  for (int i = 0; i < 3000; ++i) write("a-name-of-some-length-" + std::to_string(i), 0);
  std::size_t looked_at = 0;
  const DiskUsage usage = walk([&](std::size_t entries) {
    looked_at += entries;
    return true;
  });
  EXPECT_EQ(usage.files, 3000U);
  EXPECT_EQ(looked_at, 3000U);
}

TEST_F(DiskWalkerTest, StopsWhenItIsTold) {
  for (int i = 0; i < 300; ++i) write(std::to_string(i), 0);
  const DiskUsage usage = walk([](std::size_t) { return false; });
  EXPECT_FALSE(usage.complete);
  EXPECT_EQ(usage.error, 0);
  EXPECT_LT(usage.files, 100U);
}

TEST_F(DiskWalkerTest, GoesNoDeeperThanItsBoundAndLeavesNothingOpen) {
  std::string path = top_;
  for (std::size_t i = 0; i < DiskWalker::kMaxDepth + 10; ++i) path += "/d";
  fs::create_directories(path);
  const auto open = [] {
    return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator());
  };
  const auto before = open();
  const DiskUsage usage = walk();
  EXPECT_FALSE(usage.complete);
  EXPECT_EQ(usage.error, -ELOOP);
  EXPECT_EQ(usage.files, DiskWalker::kMaxDepth);
  EXPECT_EQ(open(), before);
}

TEST_F(DiskWalkerTest, AddsUpALogWithWhatItWasBefore) {
  write("x-json.log", 10'000);
  write("x-json.log.1", 20'000);
  write("x-json.logs", 30'000);
  write("config.json", 30'000);
  DiskWalker walker(files_, [](std::size_t) { return true; });
  const int directory = files_.open_directory("/", top_.c_str());
  const DiskUsage log = walker.add_up_log(directory, "x-json.log");
  files_.close(directory);
  EXPECT_TRUE(log.complete);
  EXPECT_EQ(log.files, 2U);
  EXPECT_GE(log.bytes, 30'000U);
  EXPECT_LT(log.bytes, 60'000U);
}

/// A disk in memory: entries by path, errors on purpose.
class FakeDisk final : public DiskFiles {
 public:
  int open_directory(const char*, const char*) override { return 0; }
  int open_point(const char*, const char*) override { return 0; }
  int open_child(int, const char* name) override {
    ++opened_;
    return std::string_view(name) == "swapped" ? -ELOOP : child_error_ != 0 ? child_error_ : 1;
  }
  int next_names(int directory, std::string& names) override {
    names.clear();
    if (directory == 1) return 0;
    if (given_ >= names_.size()) return 0;
    names = names_[given_++] + '\0';
    return 1;
  }
  int entry(int, const char* name, DiskEntry& entry) override {
    entry = {.device = 5, .inode = 1, .blocks = 8, .links = 1, .is_directory = true};
    if (std::string_view(name) == "gone") return -ENOENT;
    if (std::string_view(name) == "broken") return -EIO;
    if (std::string_view(name) == "mounted") entry.device = 6;
    return 0;
  }
  int space(int, DiskSpace&) override { return -ENOSYS; }
  void close(int) override {}

  std::vector<std::string> names_;
  std::size_t given_ = 0, opened_ = 0;
  int child_error_ = 0;
};

DiskUsage walk_fake(FakeDisk& disk) {
  return DiskWalker(disk, [](std::size_t) { return true; }).walk(0);
}

TEST(DiskWalker, LeavesOtherDevicesOut) {
  FakeDisk disk;
  disk.names_ = {"mounted", "own"};
  const DiskUsage usage = walk_fake(disk);
  EXPECT_TRUE(usage.complete);
  EXPECT_EQ(usage.files, 1U);
  EXPECT_EQ(usage.bytes, 2 * 8 * 512U);
  EXPECT_EQ(disk.opened_, 1U);
}

TEST(DiskWalker, TakesWhatGoesMeanwhileAsNotThere) {
  FakeDisk disk;
  disk.names_ = {"gone", "swapped"};  // for a link
  const DiskUsage usage = walk_fake(disk);
  EXPECT_TRUE(usage.complete);
  EXPECT_EQ(usage.files, 1U);
}

TEST(DiskWalker, IsNotCompleteWhereSomethingCannotBeRead) {
  FakeDisk disk;
  disk.names_ = {"broken", "own"};
  EXPECT_FALSE(walk_fake(disk).complete);
  EXPECT_EQ(walk_fake(disk).error, 0);  // nothing given any more
  FakeDisk denied;
  denied.names_ = {"own"};
  denied.child_error_ = -EACCES;
  const DiskUsage usage = walk_fake(denied);
  EXPECT_FALSE(usage.complete);
  EXPECT_EQ(usage.error, -EACCES);
}

}  // namespace
}  // namespace cgmon
