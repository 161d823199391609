#include "collectors/host/machine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <string>

#include "tests/support/faulty_files.h"
#include "tests/support/made_up_hosts.h"
#include "tests/support/made_up_machine.h"
#include "tests/support/tree_files.h"

namespace cgmon {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

constexpr std::uint64_t kGiB = 1ULL << 30U;
const std::string kCpu = "/sys/devices/system/cpu";
const std::string kNode = "/sys/devices/system/node";

class ReadMachine : public testing::Test {
 protected:
  ReadMachine() { made_up::make_two_sockets(tree_); }
  Machine read(bool topology = false) { return read_machine(tree_, Roots(), topology); }

  TreeFiles tree_;
};

TEST_F(ReadMachine, CountsCpusCoresAndSocketsThatAreOnline) {
  const Machine machine = read();
  EXPECT_EQ(machine.cpus, 8U);
  EXPECT_EQ(machine.cores, 4U) << "core numbers repeat in the second socket";
  EXPECT_EQ(machine.sockets, 2U);
}

TEST_F(ReadMachine, TakesMemoryAndSwapInBytes) {
  const Machine machine = read();
  EXPECT_EQ(machine.memory_bytes, 16 * kGiB);
  EXPECT_EQ(machine.swap_bytes, 2 * kGiB);
  EXPECT_TRUE(machine.is_whole());
}

TEST_F(ReadMachine, KnowsItsNames) {
  const Machine machine = read();
  EXPECT_EQ(machine.machine_id, "0123456789abcdef0123456789abcdef");
  EXPECT_EQ(machine.system_uuid, "4c4c4544-0000-1000-8000-000000000002");
  EXPECT_EQ(machine.boot_id, "9b2a7f6e-0000-4000-8000-000000000001");
  EXPECT_EQ(machine.kernel_version, "6.1.0-28-amd64");
  EXPECT_EQ(machine.os_version, "Debian GNU/Linux 12 (bookworm)") << "through a link";
}

TEST_F(ReadMachine, FindsTheFilesOfAHostThatIsMountedElsewhere) {
  TreeFiles here;
  made_up::make_two_sockets(here);
  here.add_directory("/host")
      .rename_directory("/etc", "/host/etc")
      .rename_directory("/usr", "/host/usr");
  here.rename_directory("/proc", "/host/proc").rename_directory("/sys", "/host/sys");
  const Machine machine = read_machine(here, made_up::host_roots(), true);
  EXPECT_EQ(machine.machine_id, "0123456789abcdef0123456789abcdef");
  EXPECT_EQ(machine.os_version, "Debian GNU/Linux 12 (bookworm)");
  EXPECT_EQ(machine.cpus, 8U);
  EXPECT_THAT(machine.nodes, SizeIs(2));
}

TEST_F(ReadMachine, LeavesANameOutThatIsNone) {
  tree_.set_file("/etc/machine-id", "two\nlines\n");
  tree_.set_file("/sys/class/dmi/id/product_uuid", std::string(1000, 'x'));
  tree_.set_file("/proc/sys/kernel/random/boot_id", "\xff\n");
  tree_.set_file("/usr/lib/os-release", "PRETTY_NAME=\"a \\\"quoted\\\" one\"\n");
  const Machine machine = read();
  EXPECT_EQ(machine.machine_id, "");
  EXPECT_EQ(machine.system_uuid, "");
  EXPECT_EQ(machine.boot_id, "");
  EXPECT_EQ(machine.os_version, "a \"quoted\" one");
}

TEST_F(ReadMachine, AddsUpModulesByTypeWithoutEmptySlots) {
  const Machine machine = read();
  ASSERT_THAT(machine.modules, SizeIs(1));
  EXPECT_EQ(machine.modules.begin()->first, "Registered-DDR4");
  EXPECT_EQ(machine.modules.begin()->second.count, 4U);
  EXPECT_EQ(machine.modules.begin()->second.bytes, 16 * kGiB);
}

TEST_F(ReadMachine, HasNoModulesWithoutEdac) {
  tree_.remove_directory("/sys/devices/system/edac");
  EXPECT_THAT(read().modules, IsEmpty());
}

TEST_F(ReadMachine, ReadsNodesAndCoresOnlyWhenAskedFor) {
  const Machine machine = read();
  EXPECT_THAT(machine.nodes, IsEmpty());
  EXPECT_THAT(machine.topology, IsEmpty());
}

TEST_F(ReadMachine, ReadsNodes) {
  const Machine machine = read(true);
  ASSERT_THAT(machine.nodes, SizeIs(2));
  EXPECT_EQ(machine.nodes[1].number, 1U);
  EXPECT_EQ(machine.nodes[1].memory_bytes, 8 * kGiB);
  EXPECT_THAT(machine.nodes[0].huge_pages, ElementsAre(Pair(2048, 512), Pair(1048576, 0)));
  EXPECT_THAT(machine.nodes[1].distances, ElementsAre(Pair(0, 21), Pair(1, 10)));
  EXPECT_THAT(machine.nodes[1].cpus, ElementsAre(2, 3, 6, 7));
}

TEST_F(ReadMachine, NamesTheTargetsOfDistancesByTheNodesThatAreOnline) {
  tree_.set_file(kNode + "/online", "0,2\n");
  tree_.rename_directory(kNode + "/node1", kNode + "/node2");
  EXPECT_THAT(read(true).nodes[0].distances, ElementsAre(Pair(0, 10), Pair(2, 21)));
}

TEST_F(ReadMachine, HasNoDistancesWhereTheyAreNotOneANode) {
  for (const char* const text : {"", "10", "10\n", "10 x\n", "10 21 31\n"}) {
    tree_.set_file(kNode + "/node0/distance", text);
    EXPECT_THAT(read(true).nodes[0].distances, IsEmpty()) << text;
  }
}

TEST_F(ReadMachine, ReadsEachCoreOnceWithItsCaches) {
  const Machine machine = read(true);
  ASSERT_THAT(machine.topology, SizeIs(4));
  const MachineCore& core = machine.topology[3];
  EXPECT_EQ(core.number, 1U);
  EXPECT_THAT(core.cpus, ElementsAre(3, 7));
  ASSERT_THAT(core.caches, SizeIs(4));
  EXPECT_EQ(core.caches[3].type, "Unified");
  EXPECT_EQ(core.caches[3].level, 3U);
  EXPECT_EQ(core.caches[3].bytes, 33792U * 1024);
  EXPECT_THAT(core.caches[3].cpus, ElementsAre(2, 3, 6, 7));
}

TEST_F(ReadMachine, LeavesACacheOutThatLacksAFile) {
  tree_.set_file(kCpu + "/cpu0/cache/index0/size", "32\n");
  tree_.remove(kCpu + "/cpu0/cache/index1/type");
  EXPECT_THAT(read(true).topology[0].caches, SizeIs(2));
}

TEST_F(ReadMachine, AsksCpuinfoWhereSysfsDoesNotSay) {
  tree_.remove_directory("/sys");
  tree_.set_file("/proc/cpuinfo",
                 "processor\t: 0\nphysical id\t: 0\ncore id\t\t: 0\n\n"
                 "processor\t: 1\nphysical id\t: 0\ncore id\t\t: 0\n\n");
  const Machine machine = read(true);
  EXPECT_EQ(machine.cpus, 2U);
  EXPECT_EQ(machine.cores, 1U);
  EXPECT_EQ(machine.sockets, 1U);
  EXPECT_THAT(machine.nodes, IsEmpty());
  EXPECT_THAT(machine.topology, IsEmpty());
}

TEST_F(ReadMachine, LeavesOutWhatNobodySays) {
  TreeFiles nothing;
  const Machine machine = read_machine(nothing, Roots(), true);
  EXPECT_FALSE(machine.cpus || machine.cores || machine.sockets);
  EXPECT_FALSE(machine.memory_bytes || machine.swap_bytes);
  EXPECT_FALSE(machine.is_whole());
}

TEST_F(ReadMachine, IsNotWholeWithoutMemory) {
  for (const char* const text : {"", "MemTotal: 1 kB", "MemTotal: x kB\nSwapTotal: 1 kB\n",
                                 "MemTotal: 99999999999999999999 kB\nSwapTotal: 1 kB\n",
                                 "MemTotal: 18014398509481984 kB\nSwapTotal: 1 kB\n"}) {
    tree_.set_file("/proc/meminfo", text);
    EXPECT_FALSE(read().is_whole()) << text;
  }
}

TEST_F(ReadMachine, SaysTheTruthOrNothingWhicheverCallFails) {
  const Machine whole = read(true);
  const auto truth_or_nothing = [](auto value, auto truth) { return !value || value == truth; };
  for (std::size_t n = 1;; ++n) {
    FaultyFiles faulty(tree_, {.nth = n, .error = EIO});
    const Machine machine = read_machine(faulty, Roots(), true);
    if (!faulty.fired()) break;
    EXPECT_TRUE(truth_or_nothing(machine.cpus, whole.cpus)) << n;
    EXPECT_TRUE(truth_or_nothing(machine.cores, whole.cores)) << n;
    EXPECT_TRUE(truth_or_nothing(machine.sockets, whole.sockets)) << n;
    EXPECT_TRUE(truth_or_nothing(machine.memory_bytes, whole.memory_bytes)) << n;
    EXPECT_TRUE(machine.machine_id.empty() || machine.machine_id == whole.machine_id) << n;
    if (!machine.modules.empty()) {
      EXPECT_EQ(machine.modules.begin()->second.count, 4U) << n;
      EXPECT_EQ(machine.modules.begin()->second.bytes, 16 * kGiB) << n;
    }
    for (const MachineCore& core : machine.topology) EXPECT_THAT(core.cpus, SizeIs(2)) << n;
  }
}

}  // namespace
}  // namespace cgmon
