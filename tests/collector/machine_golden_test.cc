// The machine's part of a page, committed: of a made-up machine that has all there is.

#include <gtest/gtest.h>

#include "agent/expose/machine_text.h"
#include "collectors/host/machine_samples.h"
#include "tests/support/golden.h"
#include "tests/support/made_up_machine.h"

namespace cgmon {
namespace {

Snapshot two_sockets() {
  TreeFiles tree;
  made_up::make_two_sockets(tree);
  Snapshot snapshot;
  snapshot.groups = kAllGroups;
  snapshot.machine = std::make_shared<const std::vector<MachineSample>>(
      machine_samples(read_machine(tree, Roots(), true),
                      {{"cpu", "v1", "/sys/fs/cgroup/cpu"}, {"memory", "none", ""}},
                      {.version = "1.2.3", .revision = "abc\"def"}));
  return snapshot;
}

TEST(MachineText, IsAsCommitted) {
  std::string page;
  append_machine_text(two_sockets(), page);
  expect_golden("page/machine.txt", page);
}

TEST(MachineText, HasWhatWasAskedForAlone) {
  std::string page;
  append_machine_text(two_sockets(), page, TextFormat::prometheus, bit(Group::host));
  EXPECT_NE(page.find("machine_cpu_cores{"), page.npos);
  EXPECT_EQ(page.find("machine_node_"), page.npos);
  page.clear();
  append_machine_text(two_sockets(), page, TextFormat::prometheus, bit(Group::memory));
  EXPECT_EQ(page, "");
}

TEST(MachineText, ShowsNoCollectorThatIsOff) {
  Snapshot snapshot = two_sockets();
  snapshot.groups = bit(Group::cpu_topology);
  std::string page;
  append_machine_text(snapshot, page);
  EXPECT_NE(page.find("machine_node_distance{"), page.npos);
  EXPECT_EQ(page.find("machine_cpu_cores"), page.npos);
}

TEST(MachineText, NamesInfosInOpenMetricsWithoutTheirSuffix) {
  std::string page;
  append_machine_text(two_sockets(), page, TextFormat::openmetrics);
  EXPECT_NE(page.find("# TYPE cadvisor_version info\n"), page.npos);
  EXPECT_NE(page.find("\ncadvisor_version_info{kernelVersion="), page.npos);
}

TEST(MachineText, IsEmptyUntilTheMachineWasRead) {
  std::string page;
  append_machine_text(Snapshot(), page);
  EXPECT_EQ(page, "");
}

}  // namespace
}  // namespace cgmon
