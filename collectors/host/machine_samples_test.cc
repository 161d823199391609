#include "collectors/host/machine_samples.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "tests/support/made_up_machine.h"
#include "tests/support/tree_files.h"

namespace cgmon {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// The samples of a family: their labels but for the machine's names, and values.
std::vector<std::string> of(const std::vector<MachineSample>& samples, std::string_view family) {
  std::vector<std::string> found;
  for (const MachineSample& sample : samples) {
    if (kFamilies[sample.family].name != family) continue;
    std::string text;
    for (const auto& [name, value] : sample.labels) {
      const bool is_machine = name == "machine_id" || name == "system_uuid" || name == "boot_id";
      if (!is_machine) text.append(name).append("=").append(value).append(" ");
    }
    found.push_back(text + std::to_string(sample.value));
  }
  return found;
}

Machine two_sockets() {
  TreeFiles tree;
  made_up::make_two_sockets(tree);
  return read_machine(tree, Roots(), true);
}

TEST(MachineSamples, StandInTheFamiliesOrderAndNoTwoAreTheSame) {
  const auto samples = machine_samples(two_sockets(), {{"memory", "none", ""}}, {"1", "r"});
  std::set<std::pair<std::size_t, MachineSample::Labels>> seen;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    EXPECT_EQ(kFamilies[samples[i].family].reporter, Reporter::machine);
    EXPECT_TRUE(i == 0 || samples[i - 1].family <= samples[i].family);
    EXPECT_TRUE(seen.emplace(samples[i].family, samples[i].labels).second);
  }
}

TEST(MachineSamples, AreOfEveryFamilyThatIsOfTheMachine) {
  const auto samples = machine_samples(two_sockets(), {{"memory", "none", ""}}, {"1", "r"});
  for (std::size_t i = 0; i < kFamilies.size(); ++i) {
    if (kFamilies[i].reporter != Reporter::machine) continue;
    EXPECT_THAT(samples, Contains(testing::Field(&MachineSample::family, i))) << kFamilies[i].name;
  }
}

TEST(MachineSamples, CarryTheNamesThatAreKnown) {
  Machine machine;
  machine.cpus = 2;
  machine.boot_id = "b";
  const auto samples = machine_samples(machine, {}, {});
  EXPECT_THAT(samples.front().labels, ElementsAre(testing::Pair("boot_id", "b")));
}

TEST(MachineSamples, AreAbsentWhereTheMachineDoesNotSay) {
  const auto samples = machine_samples(Machine(), {}, {"1", "r"});
  EXPECT_THAT(of(samples, "machine_cpu_cores"), IsEmpty());
  EXPECT_THAT(of(samples, "machine_memory_bytes"), IsEmpty());
  EXPECT_THAT(of(samples, "machine_dimm_count"), IsEmpty());
  EXPECT_THAT(of(samples, "machine_scrape_error"), ElementsAre("1"));
  EXPECT_THAT(of(samples, "cadvisor_version_info"),
              ElementsAre("cadvisorVersion=1 cadvisorRevision=r 1"));
}

TEST(MachineSamples, PutACacheOfTheWholeNodeOnTheNode) {
  const auto caches =
      of(machine_samples(two_sockets(), {}, {}), "machine_cpu_cache_capacity_bytes");
  EXPECT_THAT(caches, Contains("node_id=0 type=Unified level=3 34603008"));
  EXPECT_THAT(caches, Contains("node_id=1 core_id=0 type=Unified level=2 1048576"));
  EXPECT_EQ(caches.size(), 2U + 4 * 3);
}

TEST(MachineSamples, PutACacheOfSomeCoresOnEachOfThem) {
  Machine machine = two_sockets();
  machine.nodes.pop_back();  // all are of one node, and L3 is not
  machine.nodes[0].cpus = {0, 1, 2, 3, 4, 5, 6, 7};
  const auto caches = of(machine_samples(machine, {}, {}), "machine_cpu_cache_capacity_bytes");
  EXPECT_THAT(caches, Contains("node_id=0 core_id=0 type=Unified level=3 34603008").Times(1));
  EXPECT_THAT(caches, Contains("node_id=0 core_id=1 type=Unified level=3 34603008").Times(1));
}

TEST(MachineSamples, CountTheThreadsOfEachThreadsCore) {
  const auto threads = of(machine_samples(two_sockets(), {}, {}), "machine_thread_siblings_count");
  EXPECT_EQ(threads.size(), 8U);
  EXPECT_THAT(threads, Contains("node_id=1 core_id=1 thread_id=7 2"));
}

TEST(MachineSamples, LeaveTheMountPointOutWhereThereIsNone) {
  EXPECT_THAT(of(machine_samples(Machine(), {{"cpu", "v1", "/c"}, {"memory", "none", ""}}, {}),
                 "cgmon_controller_info"),
              ElementsAre("controller=cpu hierarchy=v1 mountpoint=/c 1",
                          "controller=memory hierarchy=none 1"));
}

}  // namespace
}  // namespace cgmon
