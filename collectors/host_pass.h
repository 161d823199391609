#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "collectors/cgroup/cgroup_tree.h"
#include "collectors/cgroup/element_table.h"
#include "collectors/disk_pass.h"
#include "collectors/first_processes.h"
#include "collectors/identity/identifier.h"
#include "collectors/kernel/clock.h"
#include "collectors/kernel/files.h"
#include "collectors/kernel/roots.h"
#include "collectors/metrics/snapshot.h"
#include "collectors/network_pass.h"
#include "collectors/process_pass.h"

namespace cgmon {

/// The part of a pass that no file of a cgroup tells: network, disks and processes, by /proc and by
/// file systems. One-thread.
class HostPass {
 public:
  /// All must outlive it; `disks` may be nullptr.
  HostPass(Files& files, const Clock& clock, const Roots& roots, const CgroupTree& tree,
           const Identifier& identifier, DiskQueue* disks);

  /// Whether a group is read here.
  [[nodiscard]] static bool reads_group(Group group) {
    return group == Group::network || group == Group::netstat || group == Group::disk ||
           group == Group::process || group == Group::cpu_load;
  }

  void begin();
  /// Slots whose cgroup went away.
  void remove(std::span<const Slot> slots);
  void read(Group group, std::span<const Cgroup* const> chosen, std::int64_t deadline_ns,
            Snapshot& snapshot);
  /// Once names are settled. Waits for disks at most `disk_wait_ns`.
  void settle(std::span<const Cgroup* const> chosen, std::int64_t disk_wait_ns,
              ElementTable& elements, Snapshot& snapshot);
  /// What is counted here.
  void report(PassReport& totals) const;

  [[nodiscard]] std::uint64_t reads() const { return network_.reads() + process_.reads(); }
  [[nodiscard]] const std::vector<ReadError>& errors() const { return errors_; }

 private:
  FirstProcesses processes_;
  NetworkPass network_;
  DiskPass disk_;
  ProcessPass process_;
  std::vector<ReadError> errors_;
};

}  // namespace cgmon
