#include "collectors/oom_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "collectors/collector.h"
#include "tests/support/fixture_host.h"

namespace cgmon {
namespace {

using testing::Contains;
using testing::Each;
using testing::HasSubstr;
using testing::Not;

/// A hybrid host on which an engine makes a container's directories one by one: v1's memory
/// controller counts, the v2 tree tells of the end. /proc/vmstat never moves, so that nothing but
/// the cgroup itself can have told of a kill.
class OomWatchHybrid : public testing::Test {
 protected:
  void SetUp() override {
    collector_ = host_.collector();
    pass();
  }
  std::vector<std::string> pass() {
    collector_->collect(snapshot_, kNoDeadline);
    return samples_of(page_of(snapshot_), "container_oom_kills_total{");
  }
  void make(const std::string& hierarchy) {
    const std::string top = "/sys/fs/cgroup/" + hierarchy + "/docker/";
    host_.files.copy_directory(top + kModel, top + kBrief);
  }
  void kill() {
    host_.files.set_file("/sys/fs/cgroup/memory/docker/" + kBrief + "/memory.oom_control",
                         "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n");
  }
  void set_populated(const std::string& populated) {
    host_.files.set_file("/sys/fs/cgroup/unified/docker/" + kBrief + "/cgroup.events",
                         "populated " + populated + "\nfrozen 0\n");
  }
  void remove_all() {
    for (const char* const hierarchy : {"cpu,cpuacct", "memory", "unified"}) {
      host_.files.remove_directory("/sys/fs/cgroup/" + std::string(hierarchy) + "/docker/" +
                                   kBrief);
    }
  }

  const std::string kModel = "6bca4f656c1c3a454d197e337f16b38ecedbdb4fb2df4cb1de4a3444df53960b";
  const std::string kBrief = std::string(64, 'b');
  FixtureHost host_{"debian-6.1-hybrid-cgroupfs"};
  std::unique_ptr<Collector> collector_;
  Snapshot snapshot_;
};

TEST_F(OomWatchHybrid, MeetsAContainerWhoseDirectoriesComeOneByOne) {
  make("cpu,cpuacct");
  collector_->look();  // the first directory has woken it
  const auto half = collector_->watches();
  make("memory");
  collector_->look();
  make("unified");
  collector_->look();
  const auto whole = collector_->watches();
  EXPECT_EQ(half.urgent.size(), 3U) << "what is still to come is waited for without patience";
  EXPECT_EQ(whole.urgent.size(), 1U);
  set_populated("1");
  kill();
  set_populated("0");
  collector_->look();
  remove_all();
  collector_->look();
  EXPECT_THAT(pass(), Contains(testing::AllOf(HasSubstr(kBrief), testing::EndsWith("} 1"))));
}

TEST_F(OomWatchHybrid, KnowsTheLastCountOfOneThatHadDiedWhenItWasMet) {
  make("cpu,cpuacct");
  collector_->look();
  make("memory");
  make("unified");
  kill();
  set_populated("0");
  collector_->look();
  remove_all();
  EXPECT_THAT(pass(), Contains(testing::AllOf(HasSubstr(kBrief), testing::EndsWith("} 1"))));
}

TEST_F(OomWatchHybrid, ForgetsHalfAContainerThatGoes) {
  make("cpu,cpuacct");
  collector_->look();
  host_.files.remove_directory("/sys/fs/cgroup/cpu,cpuacct/docker/" + kBrief);
  collector_->look();
  EXPECT_EQ(collector_->watches().urgent.size(), 1U);
  EXPECT_THAT(pass(), Each(Not(HasSubstr(kBrief))));
}

}  // namespace
}  // namespace cgmon
