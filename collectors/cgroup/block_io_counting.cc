#include "collectors/cgroup/block_io_counting.h"

#include <algorithm>

namespace cgmon {
namespace {

constexpr std::array kDirections{IoDirection::read, IoDirection::write};

std::size_t index(IoDirection direction) { return static_cast<std::size_t>(direction); }

}  // namespace

void BlockIoCounting::forget(std::span<const Slot> removed) {
  for (const Slot slot : removed) {
    if (slot >= entries_.size()) continue;
    entries_[slot].clear();
    reads_[slot] = unknown_rules_[slot] = unknown_below_[slot] = 0;
  }
}

void BlockIoCounting::begin_pass(std::size_t slots) {
  ++pass_;
  if (entries_.size() >= slots) return;
  entries_.resize(slots);
  reads_.resize(slots);
  unknown_rules_.resize(slots);
  unknown_below_.resize(slots);
}

/// A cgroup's entry of a device, brought to this pass.
BlockIoCounting::Entry& BlockIoCounting::entry(Slot slot, DeviceNumber device) {
  auto& entries = entries_[slot];
  auto found = std::ranges::find(entries, device, &Entry::device);
  if (found == entries.end()) {
    entries.push_back({.device = device});
    found = entries.end() - 1;
  }
  if (found->pass != pass_) {
    found->observed_before = found->observed;
    for (State& state : found->directions) {
      state.before = state.bytes;
      state.had_rule = state.rule;
      state.had_rule_below = state.rule_below;
      state.rule = state.rule_below = state.uncounted_below = false;
    }
    found->pass = pass_;
  }
  return *found;
}

void BlockIoCounting::observe(Slot slot, DeviceNumber device, IoDirection direction,
                              std::uint64_t bytes) {
  Entry& at = entry(slot, device);
  at.observed = pass_;
  at.directions[index(direction)].bytes = bytes;
}

void BlockIoCounting::rule(Slot slot, DeviceNumber device, IoDirection direction) {
  entry(slot, device).directions[index(direction)].rule = true;
}

void BlockIoCounting::judge(std::span<const Cgroup* const> order, std::size_t walked_hierarchy) {
  for (auto at = order.rbegin(); at != order.rend(); ++at) {  // children before parents
    const Cgroup& cgroup = **at;
    const Slot parent = cgroup.parent != nullptr ? cgroup.parent->slot : kNoSlot;
    const bool unknown = (cgroup.is_in(walked_hierarchy) && reads_[cgroup.slot] != pass_) ||
                         unknown_rules_[cgroup.slot] == pass_;
    if ((unknown || unknown_below_[cgroup.slot] == pass_) && parent != kNoSlot) {
      unknown_below_[parent] = pass_;
    }
    for (std::size_t i = 0; i < entries_[cgroup.slot].size(); ++i) {
      const Entry& mine = entries_[cgroup.slot][i];
      if (mine.pass != pass_) continue;
      look_for_proof(mine, cgroup.slot);
      if (parent != kNoSlot) add_to_parent(mine, parent);
    }
  }
}

/// Growth between two passes that no rule can have caused. A rule that was there in the pass before
/// may have been taken away since.
void BlockIoCounting::look_for_proof(const Entry& entry, Slot slot) {
  if (entry.observed != pass_ || entry.observed_before != pass_ - 1) return;
  if (unknown_below_[slot] >= pass_ - 1 || unknown_rules_[slot] >= pass_ - 1) return;
  for (const IoDirection direction : kDirections) {
    const State& state = entry.directions[index(direction)];
    const bool ruled = state.rule || state.had_rule || state.rule_below || state.had_rule_below;
    if (!ruled && state.bytes > state.before && !proven(entry.device, direction)) {
      proofs_.push_back({entry.device, direction});
    }
  }
}

void BlockIoCounting::add_to_parent(const Entry& entry, Slot parent) {
  Entry& above = this->entry(parent, entry.device);
  for (const IoDirection direction : kDirections) {
    const State& state = entry.directions[index(direction)];
    State& sum = above.directions[index(direction)];
    sum.rule_below |= state.rule || state.rule_below;
    sum.uncounted_below |= state.uncounted_below || (entry.observed == pass_ && !state.rule);
  }
}

bool BlockIoCounting::proven(DeviceNumber device, IoDirection direction) const {
  return std::ranges::any_of(proofs_, [&](const Proof& proof) {
    return proof.device == device && proof.direction == direction;
  });
}

bool BlockIoCounting::holds(Slot slot, DeviceNumber device, IoDirection direction) const {
  const auto found = std::ranges::find(entries_[slot], device, &Entry::device);
  if (found == entries_[slot].end() || found->observed != pass_) return false;
  if (proven(device, direction)) return true;
  if (unknown_below_[slot] == pass_ || unknown_rules_[slot] == pass_) return false;
  const State& state = found->directions[index(direction)];
  if (state.rule) return !state.uncounted_below;
  return !state.rule_below && state.bytes != 0;
}

}  // namespace cgmon
