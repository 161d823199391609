#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "collectors/cgroup/cgroup_tree.h"
#include "collectors/metrics/snapshot.h"

namespace cgmon {

/// Makes a counter that the kernel keeps per cgroup alone (v1's oom_kill) count everything below
/// too, as v2's does. What a child had counted when it went away stays in its parent's sum: a sum
/// that fell would look like a restart, and the next rise like new kills. One that was let go and
/// is back (the bound on cgroups, a directory renamed) is not counted twice. One-thread.
class SubtreeSums {
 public:
  /// `hierarchy`: index of the walked one that has the row's file.
  SubtreeSums(std::size_t row_index, std::size_t hierarchy)
      : row_(row_index), hierarchy_(hierarchy) {}

  /// A cgroup's own count, read between passes. How much it rose since it was read last.
  std::uint64_t look(const Cgroup& cgroup, std::uint64_t own);
  /// Before a pass: cgroups that went away since the last one, children before parents.
  void remove(std::span<const Slot> removed);
  /// After reading: replaces the row's values by the sums over each subtree. `order` has parents
  /// first. A cgroup without a value of its own stays without one.
  void apply(std::span<const Cgroup* const> order, Snapshot& snapshot);

  [[nodiscard]] std::size_t row() const { return row_; }

 private:
  struct Entry {
    bool met = false;
    std::uint64_t own = 0;   ///< as last read
    std::uint64_t gone = 0;  ///< counted by children that are no more
    std::uint64_t inode = 0;
    Slot parent = kNoSlot;
  };
  /// What a directory that was let go has in its parent's sum.
  struct Remembered {
    std::uint64_t inode, own, gone;
  };
  Entry& meet(const Cgroup& cgroup);

  std::size_t row_, hierarchy_;
  std::vector<Entry> entries_;  // by slot
  std::vector<std::uint64_t> below_;
  std::vector<Remembered> remembered_;  // oldest first
};

}  // namespace cgmon
