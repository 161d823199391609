#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "collectors/cgroup/cgroup_tree.h"
#include "collectors/cgroup/element_table.h"
#include "collectors/first_processes.h"
#include "collectors/identity/identifier.h"
#include "collectors/kernel/clock.h"
#include "collectors/kernel/files.h"
#include "collectors/kernel/roots.h"
#include "collectors/metrics/snapshot.h"
#include "collectors/network_pass.h"

namespace cgmon {

/// The part of a pass that no file of a cgroup tells: network, by /proc. One-thread.
class HostPass {
 public:
  /// All must outlive it.
  HostPass(Files& files, const Clock& clock, const Roots& roots, const CgroupTree& tree,
           const Identifier& identifier);

  /// Whether a group is read here.
  [[nodiscard]] static bool reads_group(Group group) { return group == Group::network; }

  void begin();
  /// Slots whose cgroup went away.
  void remove(std::span<const Slot> slots);
  void read(Group group, std::span<const Cgroup* const> chosen, std::int64_t deadline_ns,
            GroupReport& report);
  /// Once names are settled.
  void settle(ElementTable& elements, Snapshot& snapshot);

  [[nodiscard]] std::uint64_t reads() const { return network_.reads(); }
  [[nodiscard]] std::uint64_t interfaces_dropped() const { return network_.dropped(); }
  [[nodiscard]] const std::vector<ReadError>& errors() const { return errors_; }

 private:
  FirstProcesses processes_;
  NetworkPass network_;
  std::vector<ReadError> errors_;
};

}  // namespace cgmon
