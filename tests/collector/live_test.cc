// The collector on this host's kernel, with cgroups of the test's own.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>

#include "collectors/kernel/clock.h"
#include "collectors/kernel/system_files.h"
#include "tests/collector/own_cgroups.h"
#include "tests/support/fixture_host.h"

namespace cgmon {
namespace {

using testing::Contains;
using testing::Each;
using testing::HasSubstr;
using testing::Not;

class LiveKernel : public testing::Test {
 protected:
  void SetUp() override {
    auto layout = detect_layout(files_, roots_);
    ASSERT_TRUE(layout) << layout.error().message();
    layout_ = *std::move(layout);
    own_ = std::make_unique<OwnCgroups>(layout_);
    if (!own_->refused().empty()) GTEST_SKIP() << own_->refused();
    collector_ =
        std::make_unique<Collector>(files_, clock_, roots_, layout_, CollectorOptions{}, nullptr);
  }
  /// Samples of one of the own cgroups now.
  std::vector<std::string> samples(const std::string& path) {
    collector_->collect(snapshot_, clock_.monotonic_ns() + 10'000'000'000);
    std::vector<std::string> found;
    for (std::string& sample : samples_of(page_of(snapshot_))) {
      if (sample.find("id=\"" + own_->top() + path + '"') != sample.npos) {
        found.push_back(std::move(sample));
      }
    }
    return found;
  }
  std::string id(const std::string& path) const { return "id=\"" + own_->top() + path + '"'; }

  SystemFiles files_;
  SystemClock clock_;
  Roots roots_;
  Layout layout_;
  std::unique_ptr<OwnCgroups> own_;
  std::unique_ptr<Collector> collector_;
  Snapshot snapshot_;
};

TEST_F(LiveKernel, ShowsACgroupFromItsMakingToItsRemoval) {
  EXPECT_THAT(samples(""), Not(testing::IsEmpty()));
  for (int round = 0; round < 20; ++round) {
    ASSERT_TRUE(own_->make("/a"));
    ASSERT_TRUE(own_->make("/a/b"));
    EXPECT_THAT(samples("/a"), Contains(HasSubstr("container_cpu_usage_seconds_total{")));
    EXPECT_THAT(samples("/a/b"), Contains(HasSubstr("container_last_seen{")));
    ASSERT_TRUE(own_->remove("/a/b"));
    EXPECT_THAT(samples("/a/b"), testing::IsEmpty());
    ASSERT_TRUE(own_->remove("/a"));
    EXPECT_THAT(samples("/a"), testing::IsEmpty());
  }
  EXPECT_EQ(snapshot_.report.watch_failures, 0U);
}

TEST_F(LiveKernel, ShowsTheLimitsThatWereSet) {
  ASSERT_TRUE(own_->make("/limited"));
  struct Limit {
    const char* file;
    const char* text;
    std::string sample;
  };
  const std::string in = '{' + id("/limited") + "} ";
  const std::vector<Limit> limits = {
      {"memory.limit_in_bytes", "67108864", "container_spec_memory_limit_bytes" + in + "67108864"},
      {"memory.max", "67108864", "container_spec_memory_limit_bytes" + in + "67108864"},
      {"pids.max", "7", "container_threads_max" + in + "7"},
      {"cpu.cfs_quota_us", "50000", "container_spec_cpu_quota_cores" + in + "0.5"},
      {"cpu.max", "50000 100000", "container_spec_cpu_quota_cores" + in + "0.5"},
      {"cpu.shares", "512", "container_spec_cpu_shares" + in + "512"},
      {"cpu.weight", "20", "container_spec_cpu_shares" + in + "500"},
  };
  std::vector<std::string> wanted;
  for (const Limit& limit : limits) {
    const auto file = own_->file("/limited", limit.file);
    if (!file) continue;
    std::ofstream out(*file);
    out << limit.text << std::flush;
    if (out) wanted.push_back(limit.sample);
  }
  if (wanted.empty()) GTEST_SKIP() << "no controller is delegated to the test's cgroup";
  const auto shown = samples("/limited");
  for (const std::string& sample : wanted) EXPECT_THAT(shown, Contains(sample));
}

TEST_F(LiveKernel, TellsACgroupMadeAnewFromTheOneBefore) {
  ASSERT_TRUE(own_->make("/again"));
  EXPECT_FALSE(samples("/again").empty());
  const auto removed = snapshot_.report.cgroups_removed;
  ASSERT_TRUE(own_->remove("/again"));
  ASSERT_TRUE(own_->make("/again"));
  EXPECT_FALSE(samples("/again").empty());
  EXPECT_GT(snapshot_.report.cgroups_removed, removed);
}

TEST_F(LiveKernel, FollowsARenameWhereTheKernelAllowsIt) {
  ASSERT_TRUE(own_->make("/old"));
  ASSERT_TRUE(own_->make("/old/in"));
  EXPECT_FALSE(samples("/old").empty());
  std::size_t renamed = 0;
  for (const std::string& mount : own_->mounts()) {
    const std::string at = mount + own_->top();
    renamed += std::rename((at + "/old").c_str(), (at + "/new").c_str()) == 0 ? 1U : 0U;
  }
  if (renamed == 0) GTEST_SKIP() << "no v1 hierarchy, and v2 renames nothing";
  EXPECT_FALSE(samples("/new").empty());
  EXPECT_FALSE(samples("/new/in").empty());
  if (renamed == own_->mounts().size()) {
    EXPECT_TRUE(samples("/old").empty());
  }
}

TEST_F(LiveKernel, SaysOfTheWholeHostWhatItCouldNotRead) {
  static_cast<void>(samples(""));
  EXPECT_FALSE(snapshot_.report.deadline_exceeded);
  EXPECT_THAT(samples_of(page_of(snapshot_), "container_start_time_seconds{id=\"/\"}"),
              testing::SizeIs(1));
  for (const ReadError& error : snapshot_.read_errors) {
    ADD_FAILURE() << error.example << ": " << error.reason;
  }
}

}  // namespace
}  // namespace cgmon
