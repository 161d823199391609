#include "agent/top_processes.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <functional>
#include <string>

#include "tests/support/fixture_host.h"

namespace cgmon {
namespace {

class TopProcessesTest : public testing::Test {
 protected:
  void put(int pid, const std::string& name, const std::string& path, int ticks, int start) {
    const std::string process = "/proc/" + std::to_string(pid);
    host_.files.set_file(process + "/cgroup", "0::" + path + "\n");
    host_.files.set_file(process + "/stat", "1 (" + name + ") S 0 1 1 0 -1 4 5 6 7 8 " +
                                                std::to_string(ticks) + " 0 11 12 20 0 1 0 " +
                                                std::to_string(start) + " 1 2 3\n");
  }
  ProcessNames between(const std::function<void()>& change) {
    TopProcesses top(host_.files, host_.roots.procfs, layout_);
    top.begin();
    change();
    return top.busiest();
  }

  FixtureHost host_{"debian-6.1-v2-systemd"};
  Layout layout_ = host_.layout();
};

TEST_F(TopProcessesTest, AreThoseThatUsedMostBetweenTwoLooks) {
  put(9010, "old", "/docker/a", 9000, 1);
  put(9011, "worker", "/docker/a/in", 5, 1);
  put(9012, "worker", "/docker/a/in", 5, 1);
  put(9013, "fourth", "/docker/a", 5, 1);
  put(9014, "idle", "/docker/b", 5, 1);
  put(9015, "away", "/../c", 5, 1);
  const ProcessNames names = between([&] {
    put(9011, "worker", "/docker/a/in", 8, 1);
    put(9012, "worker", "/docker/a/in", 8, 1);
    put(9010, "new", "/docker/a", 5, 77);  // the number of one that has ended
    put(9013, "fourth", "/docker/a", 4, 1);
    put(9016, "b) S (", "/docker/a", 4, 80);
  });
  EXPECT_EQ(names.at("/docker/a"), "worker, new, b) S (");
  EXPECT_EQ(names.at("/docker/a/in"), "worker");
  EXPECT_EQ(names.at("/docker/b"), "idle");
  EXPECT_EQ(names.at("/"), "worker, new, b) S (");
  EXPECT_EQ(names.count("/../c"), 0U);
}

TEST_F(TopProcessesTest, AreUnknownWhereProcessesAreHidden) {
  put(9014, "idle", "/docker/b", 5, 1);
  EXPECT_TRUE(between([&] { host_.files.set_error("/proc/1/cgroup", EPERM); }).empty());
}

}  // namespace
}  // namespace cgmon
