// Network namespaces over a captured host: who shows which, and who none.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/fixture_host.h"

namespace cgmon {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

constexpr const char* kV2 = "debian-6.1-v2-systemd";
constexpr const char* kV1 = "debian-6.1-v1-cgroupfs";
constexpr std::uint64_t kHostInode = 4026531833;

/// A captured host whose containers get processes and namespaces.
class NetworkHost {
 public:
  explicit NetworkHost(std::string_view name, bool v2) : host_(name), v2_(v2) {
    set_namespace("1", kHostInode, "eth0", 1000);
    const auto collector = host_.collector();
    Snapshot snapshot;
    collector->collect(snapshot, kNoDeadline);
    for (const Slot slot : snapshot.order) {
      if (snapshot.labels[slot]->kind != CgroupKind::container) continue;
      ids_.push_back(snapshot.labels[slot]->id);
      set_processes(ids_.back(), "");
    }
  }

  void set_processes(const std::string& id, std::string_view text) {
    host_.files.set_file((v2_ ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory") + id + "/cgroup.procs",
                         text);
  }
  void set_namespace(const std::string& process, std::uint64_t inode, const std::string& interface,
                     std::uint64_t bytes) {
    const std::string path = "/proc/" + process + "/net/dev";
    host_.files.set_file(
        path, interface + ": " + std::to_string(bytes) + " 2 3 4 0 0 0 0 5 6 7 8 0 0 0 0\n");
    host_.files.set_inode(path, inode);
  }
  void begin(const CollectorOptions& options = {}) { collector_ = host_.collector(options); }
  std::vector<std::string> samples(const std::string& prefix) {
    if (!collector_) begin();
    collector_->collect(snapshot_, kNoDeadline);
    return samples_of(page_of(snapshot_), prefix);
  }
  [[nodiscard]] std::uint32_t lacking(Reason reason) const {
    return snapshot_.report.groups[static_cast<std::size_t>(Group::network)]
        .unavailable[static_cast<std::size_t>(reason)];
  }

  FixtureHost host_;
  bool v2_;
  std::vector<std::string> ids_;
  std::unique_ptr<Collector> collector_;
  Snapshot snapshot_;
};

constexpr const char* kReceived = "container_network_receive_bytes_total{";

std::string received(const std::string& id, const std::string& interface, std::uint64_t bytes) {
  return std::string(kReceived) + "interface=\"" + interface + "\",id=\"" + id + "\"} " +
         std::to_string(bytes);
}

TEST(CollectorNetwork, ShowsEachNamespaceOnceAndTheHostsOnTheRoot) {
  for (const bool v2 : {true, false}) {
    NetworkHost host(v2 ? kV2 : kV1, v2);
    ASSERT_GE(host.ids_.size(), 2U);
    host.set_processes(host.ids_[0], "701\n702\n");
    host.set_processes(host.ids_[1], "801\n");
    host.set_namespace("701", 11, "eth0", 70);
    host.set_namespace("801", 12, "eth0", 80);
    EXPECT_THAT(host.samples(kReceived),
                ElementsAre(received("/", "eth0", 1000), received(host.ids_[0], "eth0", 70),
                            received(host.ids_[1], "eth0", 80)));
    EXPECT_THAT(host.samples("container_network_"), SizeIs(24));
    EXPECT_THAT(host.samples("container_network_transmit_packets_dropped_total{"),
                Each(HasSubstr("} 8")));
    EXPECT_EQ(host.host_.files.bad_handles(), 0U);
  }
}

TEST(CollectorNetwork, LeavesTheHostsNamespaceToTheRoot) {
  NetworkHost host(kV2, true);
  host.set_processes(host.ids_[0], "701\n");
  host.set_namespace("701", kHostInode, "eth0", 1000);
  EXPECT_THAT(host.samples(kReceived), ElementsAre(received("/", "eth0", 1000)));
}

TEST(CollectorNetwork, ShowsASharedNamespaceOnTheOldestContainerAndStaysWithIt) {
  NetworkHost host(kV2, true);
  const std::string& young = host.ids_[0];
  const std::string& old = host.ids_[1];
  host.host_.files.set_mtime("/sys/fs/cgroup" + young, 1'700'000'000'000'000'000);
  host.host_.files.set_mtime("/sys/fs/cgroup" + young + "/cgroup.events",
                             1'700'000'000'000'000'000);
  host.host_.files.set_mtime("/sys/fs/cgroup" + old, 1'600'000'000'000'000'000);
  host.host_.files.set_mtime("/sys/fs/cgroup" + old + "/cgroup.events", 1'600'000'000'000'000'000);
  for (const std::string& id : host.ids_) {
    const std::string pid = id == old ? "801" : "701";
    host.set_processes(id, id == old || id == young ? pid + "\n" : "");
    host.set_namespace(pid, 11, "eth0", 70);
  }
  EXPECT_THAT(host.samples(kReceived),
              ElementsAre(received("/", "eth0", 1000), received(old, "eth0", 70)));
  // It moves on when the container that had it has gone.
  host.host_.files.remove_directory("/sys/fs/cgroup" + old);
  EXPECT_THAT(host.samples(kReceived),
              ElementsAre(received("/", "eth0", 1000), received(young, "eth0", 70)));
}

TEST(CollectorNetwork, ShowsAPodsNamespaceOnItsSandboxAndStaysWithIt) {
  NetworkHost host(kV2, true);
  const std::string& sandbox = host.ids_[1];
  for (const std::string& id : host.ids_) host.set_processes(id, "701\n");
  host.set_namespace("701", 11, "eth0", 70);
  const std::string container = sandbox.substr(sandbox.find("docker-") + 7, 64);
  host.host_.files.set_file(
      "/var/lib/docker/containers/" + container + "/config.v2.json",
      R"({"Name":"/k8s_POD","Config":{"Labels":{"io.kubernetes.docker.type":"podsandbox"}}})");
  EngineNames names(host.host_.files, host.host_.roots);
  host.collector_ = host.host_.collector({}, nullptr, &names);
  for (int pass = 0; pass < 3; ++pass) {
    EXPECT_THAT(host.samples(kReceived), ElementsAre(HasSubstr("id=\"/\""), HasSubstr(sandbox)))
        << pass;
  }
}

TEST(CollectorNetwork, ShowsTheNamespaceOfAMachine) {
  NetworkHost host(kV2, true);
  const std::string id = "/machine-box.scope";
  host.host_.files.copy_directory("/sys/fs/cgroup" + host.ids_[0], "/sys/fs/cgroup" + id);
  host.set_processes(id, "701\n");
  host.set_namespace("701", 11, "host0", 70);
  EXPECT_THAT(
      host.samples(kReceived),
      ElementsAre(received("/", "eth0", 1000), HasSubstr("id=\"" + id + "\",name=\"box\"} 70")));
}

TEST(CollectorNetwork, LooksForProcessesInCgroupsBelow) {
  NetworkHost host(kV2, true);
  host.host_.files.add_directory("/sys/fs/cgroup" + host.ids_[0] + "/container");
  host.set_processes(host.ids_[0] + "/container", "701\n");
  host.set_namespace("701", 11, "eth0", 70);
  EXPECT_THAT(host.samples(kReceived),
              ElementsAre(received("/", "eth0", 1000), received(host.ids_[0], "eth0", 70)));
}

TEST(CollectorNetwork, GoesOverToAnotherProcessWhenTheFirstHasEnded) {
  NetworkHost host(kV2, true);
  host.set_processes(host.ids_[0], "701\n");
  host.set_namespace("701", 11, "eth0", 70);
  EXPECT_THAT(host.samples(kReceived), SizeIs(2));
  host.host_.files.remove_directory("/proc/701");
  host.set_processes(host.ids_[0], "702\n");
  host.set_namespace("702", 11, "eth0", 71);
  EXPECT_THAT(host.samples(kReceived), Contains(received(host.ids_[0], "eth0", 71)));
  EXPECT_EQ(host.lacking(Reason::namespace_hidden), 0U);
}

TEST(CollectorNetwork, SaysThatProcessesAreHidden) {
  NetworkHost host(kV2, true);
  host.set_processes(host.ids_[0], "0\n");    // the agent is in a PID namespace of its own
  host.set_processes(host.ids_[1], "701\n");  // hidepid=2
  EXPECT_THAT(host.samples(kReceived), SizeIs(1));
  EXPECT_EQ(host.lacking(Reason::namespace_hidden), 2U);
  host.set_namespace("701", 11, "eth0", 70);
  host.host_.files.set_error("/proc/701/net/dev", EPERM);  // hidepid=1
  EXPECT_THAT(host.samples(kReceived), SizeIs(1));
  EXPECT_EQ(host.lacking(Reason::permission), 1U);
  EXPECT_THAT(host.snapshot_.read_errors, Contains(testing::Field(&ReadError::file, "net/dev")));
}

TEST(CollectorNetwork, NeverTakesAContainersNamespaceForTheHosts) {
  FixtureHost host(kV2);  // no /proc of any process
  const auto collector = host.collector();
  Snapshot snapshot;
  collector->collect(snapshot, kNoDeadline);
  EXPECT_THAT(samples_of(page_of(snapshot), "container_network_"), IsEmpty());
  EXPECT_GT(snapshot.report.groups[static_cast<std::size_t>(Group::network)]
                .unavailable[static_cast<std::size_t>(Reason::kernel_lacks)],
            0U);
}

TEST(CollectorNetwork, RepairsNamesAndKeepsThemApart) {
  NetworkHost host(kV2, true);
  host.set_processes(host.ids_[0], "701\n");
  host.set_namespace("701", 11, "e\"\\\xff", 70);
  EXPECT_THAT(host.samples(kReceived), Contains(HasSubstr("interface=\"e\\\"\\\\\xef\x9f\xbf\"")));
}

TEST(CollectorNetwork, CountsInterfacesBeyondTheBound) {
  NetworkHost host(kV2, true);
  host.set_processes(host.ids_[0], "701\n");
  std::string text;
  for (int i = 0; i < 20; ++i) {
    text += "eth" + std::to_string(i) + ": 1 2 3 4 0 0 0 0 5 6 7 8 0 0 0 0\n";
  }
  host.set_namespace("701", 11, "eth0", 1);
  host.host_.files.set_file("/proc/701/net/dev", text);
  EXPECT_THAT(host.samples(kReceived), SizeIs(1 + 16));
  EXPECT_EQ(host.snapshot_.report.interfaces_dropped, 4U * 8U);
}

TEST(CollectorNetwork, HasWhatANamespaceCountsWhereItIsAskedFor) {
  NetworkHost host(kV2, true);
  host.set_processes(host.ids_[0], "701\n");
  host.set_namespace("701", 11, "eth0", 70);
  for (const char* const pid : {"1", "701"}) {
    const std::string net = "/proc/" + std::string(pid) + "/net/";
    host.host_.files.set_file(net + "snmp", "Tcp: ActiveOpens RetransSegs\nTcp: 12 7\n");
    host.host_.files.set_file(net + "netstat", "TcpExt: ListenDrops\nTcpExt: 3\n");
  }
  constexpr const char* kOpens = "container_network_tcp_active_opens_total";
  EXPECT_THAT(host.samples(kOpens), IsEmpty());
  host.begin({.groups = bit(Group::netstat)});  // alone, too
  EXPECT_THAT(host.samples(kOpens),
              ElementsAre(std::string(kOpens) + "{id=\"/\"} 12",
                          std::string(kOpens) + "{id=\"" + host.ids_[0] + "\"} 12"));
  EXPECT_THAT(host.samples("container_network_tcp_listen_drops_total{"), SizeIs(2));
  EXPECT_THAT(host.samples(kReceived), IsEmpty());
  EXPECT_THAT(host.samples("container_network_udp_"), IsEmpty());
}

TEST(CollectorNetwork, IsNotReadWhereNobodyAsks) {
  NetworkHost host(kV2, true);
  host.set_processes(host.ids_[0], "701\n");
  host.set_namespace("701", 11, "eth0", 70);
  host.begin({.groups = default_groups() & ~bit(Group::network)});
  EXPECT_THAT(host.samples("container_network_"), IsEmpty());
}

}  // namespace
}  // namespace cgmon
