#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "collectors/cgroup/cgroup_tree.h"
#include "collectors/metrics/snapshot.h"
#include "collectors/parse/device_number.h"

namespace cgmon {

enum class IoDirection : std::uint8_t { read, write };

/// Tells which zeros of v1's blkio.throttle.io_service_bytes_recursive and io_serviced_recursive
/// are numbers and which only say that the kernel does not count. By observation, never by the
/// kernel's version:
///
/// - Linux 5.18 to 6.4 counts a cgroup's I/O only where the cgroup itself has a throttle rule for
///   the device and direction; a rule of its parent does not make it count, and a rule that is
///   taken away stops it (seen on 6.1: a child without a rule wrote 4 MiB below a parent with one,
///   and neither its own number nor the parent's sum moved). Others have lines of zeros.
/// - From 6.10 nothing is counted on a disk, and no line is there, until the first rule for it is
///   written anywhere; from then on every cgroup is counted, rule or not.
/// - Others count always.
///
/// So a number holds for a device and direction if a cgroup that has no rule, nor any below it, was
/// seen to count there, in this pass or an earlier one: then the kernel counts without rules, until
/// it is booted again. Else it holds of a cgroup with a rule, unless something below it has I/O of
/// its own but no rule (the sum lacks that); and where no rule is involved, if it is not zero.
///
/// One-thread; allocates only when cgroups or devices come.
class BlockIoCounting {
 public:
  /// Forgets cgroups that went away: their slots are given to others.
  void forget(std::span<const Slot> removed);

  void begin_pass(std::size_t slots);
  /// The file of a cgroup was read; what it has no line of had no I/O.
  void read(Slot slot) { reads_[slot] = pass_; }
  /// A cgroup's number of a device, descendants included.
  void observe(Slot slot, DeviceNumber device, IoDirection direction, std::uint64_t bytes);
  /// A cgroup has a throttle rule.
  void rule(Slot slot, DeviceNumber device, IoDirection direction);
  /// Its rules could not be read: there may be any.
  void rules_unknown(Slot slot) { unknown_rules_[slot] = pass_; }
  /// Draws the conclusions, after everything was read. `order` has parents first; `in_hierarchy`
  /// tells by position in it who has a directory in blkio's hierarchy: of those, one that was not
  /// read may count or not.
  void judge(std::span<const Cgroup* const> order, std::size_t walked_hierarchy);

  /// Whether a number of this pass holds. After judge().
  [[nodiscard]] bool holds(Slot slot, DeviceNumber device, IoDirection direction) const;

 private:
  struct State {
    std::uint64_t bytes = 0, before = 0;
    bool rule = false, had_rule = false;              // of this cgroup: now, in the pass before
    bool rule_below = false, had_rule_below = false;  // of a descendant
    bool uncounted_below = false;                     // a descendant has a line but no rule
  };
  struct Entry {
    DeviceNumber device;
    std::uint64_t pass = 0, observed = 0, observed_before = 0;  // passes
    std::array<State, 2> directions;
  };
  struct Proof {
    DeviceNumber device;
    IoDirection direction;
  };

  Entry& entry(Slot slot, DeviceNumber device);
  [[nodiscard]] bool proven(DeviceNumber device, IoDirection direction) const;
  void look_for_proof(const Entry& entry, Slot slot);
  void add_to_parent(const Entry& entry, Slot parent);

  std::vector<std::vector<Entry>> entries_;   // by slot
  std::vector<std::uint64_t> reads_;          // by slot: the pass
  std::vector<std::uint64_t> unknown_rules_;  // by slot: the last pass in which they were
  std::vector<std::uint64_t> unknown_below_;  // by slot: the last pass in which some below were
  std::vector<Proof> proofs_;
  std::uint64_t pass_ = 1;  // so that no entry was observed in the pass before the first
};

}  // namespace cgmon
