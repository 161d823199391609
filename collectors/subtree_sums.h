#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "collectors/cgroup/cgroup_tree.h"
#include "collectors/metrics/snapshot.h"

namespace cgmon {

/// Makes a counter that the kernel keeps per cgroup alone (v1's oom_kill) count everything below
/// too, as v2's does. What a child had counted when it went away stays in its parent's sum: a sum
/// that fell would look like a restart, and the next rise like new kills. One-thread.
class SubtreeSums {
 public:
  explicit SubtreeSums(std::size_t row_index) : row_(row_index) {}

  [[nodiscard]] std::size_t row() const { return row_; }
  /// Before a pass: cgroups that went away since the last one, children before parents.
  void remove(std::span<const Slot> removed);
  /// After reading: replaces the row's values by the sums over each subtree. `order` has parents
  /// first. A cgroup without a value of its own stays without one.
  void apply(std::span<const Cgroup* const> order, Snapshot& snapshot);

 private:
  struct Entry {
    std::uint64_t own = 0;    ///< as last read
    std::uint64_t gone = 0;   ///< counted by children that are no more
    std::uint64_t total = 0;  ///< of the last pass
    Slot parent = kNoSlot;
  };
  std::size_t row_;
  std::vector<Entry> entries_;
  std::vector<std::uint64_t> below_;
};

}  // namespace cgmon
