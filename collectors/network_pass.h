#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "collectors/cgroup/cgroup_tree.h"
#include "collectors/cgroup/element_table.h"
#include "collectors/first_processes.h"
#include "collectors/host/network.h"
#include "collectors/identity/identifier.h"
#include "collectors/kernel/clock.h"
#include "collectors/metrics/snapshot.h"

namespace cgmon {

/// Network interfaces of a pass: each namespace once, on the one cgroup that it belongs to. That is
/// the pod's sandbox where it is known; else the container or machine that had it in the pass
/// before, else the oldest one in it. Who lives in the host's namespace has none: it is the root's.
/// One-thread.
class NetworkPass {
 public:
  /// All must outlive it.
  NetworkPass(Files& files, const Clock& clock, const std::string& procfs, const CgroupTree& tree,
              const Identifier& identifier, FirstProcesses& processes)
      : clock_(clock),
        tree_(tree),
        identifier_(identifier),
        processes_(processes),
        network_(files, procfs) {}

  void begin();
  /// Slots whose cgroup went away.
  void remove(std::span<const Slot> slots);
  /// Reads the interfaces of the namespaces of the root and of the containers in `chosen`.
  void read(std::span<const Cgroup* const> chosen, std::int64_t deadline_ns, GroupReport& report,
            std::vector<ReadError>& errors);
  /// Reads what they count as a whole, having found them if that is still to be done.
  void read_counts(std::span<const Cgroup* const> chosen, std::int64_t deadline_ns,
                   GroupReport& report, std::vector<ReadError>& errors);
  /// Once names are settled: decides whose each namespace is and hands its numbers on.
  void settle(ElementTable& elements, Snapshot& snapshot);

  /// Samples of interfaces beyond the bound in this pass.
  [[nodiscard]] std::uint64_t dropped() const;
  [[nodiscard]] std::uint64_t reads() const { return network_.reads(); }

 private:
  /// A cgroup in a namespace, in path order.
  struct Member {
    const Cgroup* cgroup;
    int space;
  };
  /// What is remembered of a namespace.
  struct Owner {
    std::uint64_t inode = 0;
    Slot slot = kNoSlot;
  };

  void find_all(std::span<const Cgroup* const> chosen, std::int64_t deadline_ns,
                GroupReport& report, std::vector<ReadError>& errors);
  void show_interfaces(const Member& member, ElementTable& elements, Snapshot& snapshot) const;
  void read_host(const Cgroup& root, int host, GroupReport& report, std::vector<ReadError>& errors);
  int find(const Cgroup& cgroup, GroupReport& report, std::vector<ReadError>& errors);
  [[nodiscard]] bool comes_first(const Cgroup& a, const Cgroup& b, std::uint64_t inode) const;
  void choose_owners();

  const Clock& clock_;
  const CgroupTree& tree_;
  const Identifier& identifier_;
  FirstProcesses& processes_;
  Network network_;
  bool found_ = false, shows_interfaces_ = false, shows_counts_ = false;  // in this pass
  std::vector<Member> members_;
  std::vector<bool> counted_;   // by namespace: its counts were read
  std::vector<Member> owning_;  // by namespace while they are chosen, then in path order
  std::vector<Owner> owners_, owners_before_;
};

}  // namespace cgmon
