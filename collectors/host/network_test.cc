#include "collectors/host/network.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/tree_files.h"

namespace cgmon {
namespace {

std::string line(const std::string& name, std::uint64_t bytes) {
  return name + ": " + std::to_string(bytes) + " 2 3 4 0 0 0 0 5 6 7 8 0 0 0 0\n";
}

class NetworkTest : public testing::Test {
 protected:
  void set(const std::string& process, std::uint64_t inode, const std::string& text) {
    const std::string path = "/proc/" + process + "/net/dev";
    files_.set_file(path, text).set_inode(path, inode);
  }

  TreeFiles files_;
  Network network_{files_, "/proc"};
};

TEST_F(NetworkTest, ReadsANamespaceOnceForAllItsProcesses) {
  set("10", 4026532001, line("eth0", 7));
  set("11", 4026532001, line("eth0", 7));
  set("12", 4026532002, line("eth0", 9));
  network_.begin_pass();
  const int first = network_.namespace_of(10);
  EXPECT_EQ(network_.namespace_of(11), first);
  const int other = network_.namespace_of(12);
  ASSERT_GE(other, 0);
  EXPECT_NE(other, first);
  EXPECT_EQ(network_.reads(), 2U);
  EXPECT_EQ(network_.interfaces(first)[0].counts.receive[0], 7U);
  EXPECT_EQ(network_.interfaces(other)[0].counts.receive[0], 9U);
  EXPECT_EQ(network_.inode(other), 4026532002U);
  EXPECT_EQ(files_.open_handles(), 0U);
}

TEST_F(NetworkTest, ReadsAgainInTheNextPass) {
  set("10", 1, line("eth0", 7) + line("eth1", 8));
  network_.begin_pass();
  ASSERT_EQ(network_.interfaces(network_.namespace_of(10)).size(), 2U);
  files_.set_file("/proc/10/net/dev", line("eth0", 70));
  network_.begin_pass();
  const int space = network_.namespace_of(10);
  ASSERT_EQ(network_.interfaces(space).size(), 1U);
  EXPECT_EQ(network_.interfaces(space)[0].counts.receive[0], 70U);
}

TEST_F(NetworkTest, TakesTheHostsFromPid1AndFromItselfWherePid1IsHidden) {
  set("self", 5, line("eth0", 1));
  network_.begin_pass();
  EXPECT_EQ(network_.inode(network_.namespace_of_host()), 5U);
  set("1", 6, line("eth0", 1));
  network_.begin_pass();
  EXPECT_EQ(network_.inode(network_.namespace_of_host()), 6U);
}

TEST_F(NetworkTest, LeavesOutWhatIsBeyondTheBoundAndCountsIt) {
  std::string text;
  for (int i = 0; i < 20; ++i) text += line("eth" + std::to_string(i), 1);
  set("10", 1, line("lo", 1) + line("veth0", 1) + text);
  set("1", 2, text);
  network_.begin_pass();
  EXPECT_EQ(network_.interfaces(network_.namespace_of(10)).size(), Network::kMaxInterfaces);
  EXPECT_EQ(network_.dropped(), 4U);
  EXPECT_EQ(network_.interfaces(network_.namespace_of_host()).size(), 20U);
  EXPECT_EQ(network_.dropped(), 4U);
}

TEST_F(NetworkTest, ReadsWhatANamespaceCountsAsAWhole) {
  set("10", 1, line("eth0", 7));
  files_.set_file("/proc/10/net/snmp", "Tcp: ActiveOpens OutRsts\nTcp: 12 7\n");
  files_.set_file("/proc/10/net/netstat", "TcpExt: ListenDrops\nTcpExt: 3\n");
  network_.begin_pass();
  const int space = network_.namespace_of(10);
  EXPECT_EQ(network_.read_counts(space), 0);
  EXPECT_EQ(network_.counts(space)[3], Value::of(3));
  EXPECT_EQ(network_.counts(space)[4], Value::of(12));
  EXPECT_TRUE(network_.counts(space)[0].is_absent());
  files_.set_file("/proc/10/net/netstat", "TcpExt: ListenDrops\nTcpExt: x\n");
  network_.begin_pass();
  EXPECT_EQ(network_.read_counts(network_.namespace_of(10)), -EBADMSG);
  EXPECT_TRUE(network_.counts(0)[3].is_absent());
  files_.remove("/proc/10/net/snmp");
  EXPECT_EQ(network_.read_counts(0), -ENOENT);
}

TEST_F(NetworkTest, SaysWhyThereIsNone) {
  network_.begin_pass();
  EXPECT_EQ(network_.namespace_of(10), -ENOENT);
  set("10", 1, line("eth0", 1));
  files_.set_error("/proc/10/net/dev", EACCES);
  EXPECT_EQ(network_.namespace_of(10), -EACCES);
  files_.set_error("/proc/10/net/dev", 0);
  const int space = network_.namespace_of(10);
  ASSERT_GE(space, 0);
  EXPECT_FALSE(network_.malformed(space));
}

TEST_F(NetworkTest, ServesTheOtherInterfacesOfAMalformedFile) {
  set("10", 1, "eth0: 1 2\n" + line("eth1", 3));
  network_.begin_pass();
  const int space = network_.namespace_of(10);
  EXPECT_TRUE(network_.malformed(space));
  ASSERT_EQ(network_.interfaces(space).size(), 1U);
  EXPECT_EQ(network_.interfaces(space)[0].name, "eth1");
}

}  // namespace
}  // namespace cgmon
