#pragma once

#include <cstddef>
#include <cstdint>

#include "collectors/metrics/snapshot.h"

namespace cgmon {

/// The time between two snapshots of one collector: what counters rose by. Both must outlive it.
class Interval {
 public:
  Interval(const Snapshot& older, const Snapshot& newer) : older_(older), newer_(newer) {}

  /// Length in nanoseconds, 0 if the snapshots are not in order.
  [[nodiscard]] std::int64_t ns() const {
    const std::int64_t ns = newer_.monotonic_ns - older_.monotonic_ns;
    return ns > 0 ? ns : 0;
  }

  /// Whether a slot holds the same cgroup in both: slots, and even paths, are used again, so the
  /// start counts too.
  [[nodiscard]] bool is_same_cgroup(Slot slot) const {
    constexpr std::size_t kStart = row("container_start_time_seconds");
    if (slot >= older_.labels.size() || slot >= newer_.labels.size()) return false;
    const auto& before = older_.labels[slot];
    const auto& now = newer_.labels[slot];
    return before != nullptr && now != nullptr && before->id == now->id &&
           older_.value(kStart, slot) == newer_.value(kStart, slot);
  }

  /// What a counter rose by. Absent unless both snapshots have a number of the same cgroup, and
  /// where it fell: then it was reset, and nobody knows by how much it rose.
  [[nodiscard]] Value rise(std::size_t row_index, Slot slot) const {
    const Value before = older_.value(row_index, slot), now = newer_.value(row_index, slot);
    if (!before.is_number() || !now.is_number() || now.number < before.number) {
      return Value::absent();
    }
    if (ns() == 0 || !is_same_cgroup(slot)) return Value::absent();
    return Value::of(now.number - before.number);
  }

 private:
  const Snapshot& older_;
  const Snapshot& newer_;
};

}  // namespace cgmon
