#include "collectors/subtree_sums.h"

#include <algorithm>

namespace cgmon {
namespace {

constexpr std::size_t kMaxRemembered = 2000;

}  // namespace

SubtreeSums::Entry& SubtreeSums::meet(const Cgroup& cgroup) {
  if (cgroup.slot >= entries_.size()) entries_.resize(cgroup.slot + 1);
  const Slot parent = cgroup.parent != nullptr ? cgroup.parent->slot : kNoSlot;
  Entry& entry = entries_[cgroup.slot];
  entry.parent = parent;
  if (entry.met) return entry;
  entry.met = true;
  entry.inode = cgroup.places ? cgroup.places[hierarchy_].inode : 0;
  const auto back = std::ranges::find(remembered_, entry.inode, &Remembered::inode);
  if (entry.inode != 0 && back != remembered_.end()) {
    entry.gone = back->gone;  // its children's; those that are back, too, are taken off in turn
    if (parent < entries_.size()) {
      std::uint64_t& gone = entries_[parent].gone;
      gone -= std::min(gone, back->own + back->gone);
    }
    remembered_.erase(back);
  }
  return entry;
}

std::uint64_t SubtreeSums::look(const Cgroup& cgroup, std::uint64_t own) {
  Entry& entry = meet(cgroup);
  const std::uint64_t rise = own > entry.own ? own - entry.own : 0;
  entry.own += rise;
  return rise;
}

void SubtreeSums::remove(std::span<const Slot> removed) {
  for (const Slot slot : removed) {
    if (slot >= entries_.size()) continue;
    const Entry entry = entries_[slot];
    entries_[slot] = {};
    const std::uint64_t total = entry.own + entry.gone;  // children went before it
    if (total == 0) continue;
    if (entry.parent != kNoSlot) entries_[entry.parent].gone += total;
    if (entry.inode == 0) continue;
    if (remembered_.size() >= kMaxRemembered) remembered_.erase(remembered_.begin());
    remembered_.push_back({entry.inode, entry.own, entry.gone});
  }
}

void SubtreeSums::apply(std::span<const Cgroup* const> order, Snapshot& snapshot) {
  entries_.resize(std::max(entries_.size(), snapshot.alive.size()));
  for (const Cgroup* const cgroup : order) meet(*cgroup);
  below_.assign(entries_.size(), 0);
  Column& column = snapshot.columns[row_];
  for (auto at = order.rbegin(); at != order.rend(); ++at) {  // children before parents
    const Slot slot = (*at)->slot;
    const Value own = column.get(slot);
    Entry& entry = entries_[slot];
    // Not read this time (it died meanwhile, or an error): its last count stands in its ancestors'.
    if (own.is_number()) entry.own = own.number;
    const std::uint64_t total = entry.own + entry.gone + below_[slot];
    if (own.is_number()) column.set(slot, Value::of(total));
    if (entry.parent != kNoSlot) below_[entry.parent] += total;
  }
}

}  // namespace cgmon
