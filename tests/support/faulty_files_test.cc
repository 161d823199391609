#include "tests/support/faulty_files.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "tests/support/manual_clock.h"
#include "tests/support/tree_files.h"

namespace cgmon {
namespace {

using Call = FaultyFiles::Call;

/// open, read, read (the end).
int read_limit(Files& files, const char* path, std::string& content) {
  return read_file(files, Files::kAbsolute, path, 100, content);
}

TEST(FaultyFiles, FailsExactlyTheNthCallForEveryN) {
  TreeFiles tree;
  tree.set_file("/limit", "max\n");
  std::vector<int> errors;
  for (std::size_t n = 1;; ++n) {
    FaultyFiles files(tree, {.nth = n, .error = EIO});
    std::string content;
    const int error = read_limit(files, "/limit", content);
    if (!files.fired()) {
      EXPECT_EQ(content, "max\n");
      break;
    }
    errors.push_back(error);
  }
  EXPECT_EQ(errors, (std::vector<int>{-EIO, -EIO, -EIO})) << "open, read, read of the end";
  EXPECT_EQ(tree.open_handles(), 0U);
  EXPECT_EQ(tree.bad_handles(), 0U);
}

TEST(FaultyFiles, CountsOnlyTheKindAndPathAskedFor) {
  TreeFiles tree;
  tree.set_file("/a/cpu.stat", "1").set_file("/b/cpu.stat", "2").set_file("/b/cpu.max", "3");
  FaultyFiles files(tree,
                    {.nth = 2, .error = ENODEV, .call = Call::read, .path_suffix = "/cpu.stat"});
  std::string content;
  EXPECT_EQ(read_limit(files, "/b/cpu.max", content), 0);
  EXPECT_EQ(files.calls(), 0U);
  EXPECT_EQ(read_limit(files, "/b/cpu.stat", content), -ENODEV) << "read of the end";
  EXPECT_TRUE(files.fired());
  EXPECT_EQ(read_limit(files, "/a/cpu.stat", content), 0);
  EXPECT_EQ(files.calls(), 4U);
}

TEST(FaultyFiles, FailsOnAndOnWhenLasting) {
  TreeFiles tree;
  tree.add_directory("/cg");
  FaultyFiles files(tree,
                    {.nth = 2, .error = ENOSPC, .lasting = true, .call = Call::watch_directory});
  const int watch = files.open_watch();
  EXPECT_GT(files.watch_directory(watch, Files::kAbsolute, "/"), 0);
  EXPECT_EQ(files.watch_directory(watch, Files::kAbsolute, "/cg"), -ENOSPC);
  EXPECT_EQ(files.watch_directory(watch, Files::kAbsolute, "/cg"), -ENOSPC);
  files.set_fault({});
  EXPECT_GT(files.watch_directory(watch, Files::kAbsolute, "/cg"), 0);
  EXPECT_EQ(files.calls(), 1U);
  EXPECT_FALSE(files.fired());
  files.close(watch);
  EXPECT_EQ(tree.open_handles(), 0U);
}

TEST(FaultyFiles, LetsEveryKindOfCallFailAndSucceed) {
  TreeFiles tree;
  tree.set_file("/d/f", "x").add_link("/d/l", "f");
  const auto ask_all = [](Files& files) {
    const int dir = files.open_directory(Files::kAbsolute, "/d");
    const int file = files.open(Files::kAbsolute, "/d/f");
    const int beneath = files.open_beneath(Files::kAbsolute, "d/f");
    const int watch = files.open_watch();
    char byte = 0;
    FileStatus status;
    std::string target;
    DirectoryListing listing;
    LinkCounts links;
    WatchEvents events;
    std::vector<std::int64_t> answers{
        dir,
        file,
        beneath,
        files.read(file, std::span(&byte, 1), 0),
        files.status(Files::kAbsolute, "/d", status),
        files.read_link(Files::kAbsolute, "/d/l", target),
        files.filesystem("/d"),
        files.readable(Files::kAbsolute, "/d/f"),
        files.list_directories(Files::kAbsolute, "/", listing),
        files.list_beneath(Files::kAbsolute, "/", false, 9, listing),
        files.count_links(Files::kAbsolute, "/d", links),
        watch,
        files.watch_directory(watch, Files::kAbsolute, "/d"),
        files.watch_file(watch, Files::kAbsolute, "/d/f"),
        files.read_watch(watch, events),
    };
    for (const int handle : {dir, file, beneath, watch}) {
      if (handle >= 0) files.close(handle);
    }
    return answers;
  };
  for (int kind = 0; kind <= static_cast<int>(Call::read_watch); ++kind) {
    FaultyFiles files(tree, {.nth = 1, .error = EIO, .call = static_cast<Call>(kind)});
    EXPECT_EQ(ask_all(files).at(static_cast<std::size_t>(kind)), -EIO) << kind;
    EXPECT_EQ(tree.open_handles(), 0U) << kind;
    for (const std::int64_t answer : ask_all(files)) EXPECT_GE(answer, 0) << kind;
  }
}

TEST(ManualClock, MovesOnlyWhenToldAndOnlyTheWallClockSteps) {
  ManualClock clock(1'000);
  const std::int64_t start = clock.monotonic_ns();
  clock.advance(5);
  clock.work(7);
  EXPECT_EQ(clock.wall_ns(), 1'012);
  EXPECT_EQ(clock.monotonic_ns() - start, 12);
  EXPECT_EQ(clock.thread_cpu_ns(), 7);
  clock.set_wall(1);
  EXPECT_EQ(clock.wall_ns(), 1);
  EXPECT_EQ(clock.monotonic_ns() - start, 12);
}

}  // namespace
}  // namespace cgmon
