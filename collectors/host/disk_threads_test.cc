#include "collectors/host/disk_threads.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace cgmon {
namespace {

namespace fs = std::filesystem;
constexpr std::int64_t kPatience = 20'000'000'000;

class DiskThreadsTest : public testing::Test {
 protected:
  DiskThreadsTest() {
    std::string path = testing::TempDir() + "cgmon-disk-XXXXXX";
    top_ = ::mkdtemp(path.data()) != nullptr ? path : std::string();
    fs::create_directories(top_ + "/layer/etc");
    std::ofstream(top_ + "/layer/etc/data") << std::string(100'000, 'x');
    std::ofstream(top_ + "/x-json.log") << std::string(9'000, 'x');
  }
  ~DiskThreadsTest() override { fs::remove_all(top_); }

  std::string top_;
  std::vector<LayerAnswer> layers_;
  std::optional<HostDisks> host_;
};

TEST_F(DiskThreadsTest, MeasureALayerWithItsLogAndItsFileSystem) {
  DiskThreads threads({});
  threads.ask({.key = 7, .directory = top_ + "/layer", .log = top_ + "/x-json.log"});
  threads.wait(kPatience);
  threads.take(layers_, host_);
  ASSERT_EQ(layers_.size(), 1U);
  const LayerAnswer& answer = layers_[0];
  EXPECT_EQ(answer.key, 7U);
  EXPECT_TRUE(answer.usage.complete);
  EXPECT_EQ(answer.usage.files, 2U);
  EXPECT_GE(answer.usage.bytes, 100'000U);
  ASSERT_TRUE(answer.log.has_value());
  EXPECT_GE(answer.log->bytes, 9'000U);
  ASSERT_TRUE(answer.space.has_value());
  EXPECT_GT(answer.space->bytes, 100'000U);
  EXPECT_GT(answer.ended_ns, 1'700'000'000'000'000'000);
  EXPECT_EQ(threads.counters().files, 2U);
  EXPECT_EQ(threads.counters().incomplete, 0U);
}

TEST_F(DiskThreadsTest, LookBelowTheRootAlone) {
  fs::create_symlink("/layer", top_ + "/link");
  DiskThreads threads({.roots = {.rootfs = top_}});
  threads.ask({.key = 1, .directory = "/link"});
  threads.wait(kPatience);
  threads.take(layers_, host_);
  ASSERT_EQ(layers_.size(), 1U);
  EXPECT_TRUE(layers_[0].usage.complete);
  EXPECT_EQ(layers_[0].usage.files, 2U);
}

TEST_F(DiskThreadsTest, SayWhyALayerCannotBeMeasured) {
  DiskThreads threads({});
  threads.ask({.key = 1, .directory = top_ + "/nothing"});
  threads.wait(kPatience);
  threads.take(layers_, host_);
  ASSERT_EQ(layers_.size(), 1U);
  EXPECT_EQ(layers_[0].usage.error, -ENOENT);
  EXPECT_EQ(threads.counters().incomplete, 1U);
}

TEST_F(DiskThreadsTest, RestSoThatTheyLookAtSoManyFilesASecond) {
  for (int i = 0; i < 1500; ++i) std::ofstream(top_ + "/layer/" + std::to_string(i));
  const auto before = std::chrono::steady_clock::now();
  DiskThreads threads({.files_per_second = 2000});
  threads.ask({.key = 1, .directory = top_ + "/layer"});
  threads.wait(kPatience);
  // 1,502 files take 750 ms, less the first 100 ms that are not rested for.
  EXPECT_GT(std::chrono::steady_clock::now() - before, std::chrono::milliseconds(500));
  threads.take(layers_, host_);
  ASSERT_EQ(layers_.size(), 1U);
  EXPECT_TRUE(layers_[0].usage.complete);
}

TEST_F(DiskThreadsTest, EndInTheMidstOfAWalk) {
  for (int i = 0; i < 1500; ++i) std::ofstream(top_ + "/layer/" + std::to_string(i));
  const auto before = std::chrono::steady_clock::now();
  {
    DiskThreads threads({.files_per_second = 10});
    threads.ask({.key = 1, .directory = top_ + "/layer"});
  }
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(5));
}

TEST_F(DiskThreadsTest, AskTheHostsFileSystems) {
  DiskThreads threads({});
  threads.ask_host();
  threads.wait(kPatience);
  threads.take(layers_, host_);
  ASSERT_TRUE(host_.has_value());
  EXPECT_EQ(host_->error, 0);
  for (const HostDisk& disk : host_->disks) EXPECT_GE(disk.space.bytes, disk.space.bytes_free);
}

}  // namespace
}  // namespace cgmon
