#include "collectors/subtree_sums.h"

#include <algorithm>

namespace cgmon {

void SubtreeSums::remove(std::span<const Slot> removed) {
  for (const Slot slot : removed) {
    if (slot >= entries_.size()) continue;
    const Entry entry = entries_[slot];
    entries_[slot] = {};
    if (entry.parent != kNoSlot) entries_[entry.parent].gone += entry.total;
  }
}

void SubtreeSums::apply(std::span<const Cgroup* const> order, Snapshot& snapshot) {
  entries_.resize(std::max(entries_.size(), snapshot.alive.size()));
  below_.assign(entries_.size(), 0);
  Column& column = snapshot.columns[row_];
  for (auto at = order.rbegin(); at != order.rend(); ++at) {  // children before parents
    const Slot slot = (*at)->slot;
    const Value own = column.get(slot);
    Entry& entry = entries_[slot];
    // Not read this time (it died meanwhile, or an error): its last count stands in its ancestors'.
    if (own.is_number()) entry.own = own.number;
    entry.total = entry.own + entry.gone + below_[slot];
    if (own.is_number()) column.set(slot, Value::of(entry.total));
    const Cgroup* const parent = (*at)->parent;
    entry.parent = parent != nullptr ? parent->slot : kNoSlot;
    if (entry.parent != kNoSlot) below_[entry.parent] += entry.total;
  }
}

}  // namespace cgmon
