// The nodes of a CgroupTree: making and removing them, slots, bounds, order.

#include <algorithm>
#include <span>

#include "collectors/cgroup/cgroup_tree.h"

namespace cgmon {
namespace {

template <class Action>
void for_all(Cgroup& cgroup, const Action& action) {
  action(cgroup);
  for (const auto& [name, child] : cgroup.children) for_all(*child, action);
}

}  // namespace

/// Takes a cgroup without places and children out of the tree, and ancestors that stood there for
/// its path alone.
void CgroupTree::prune(Cgroup& cgroup) {
  Cgroup* at = &cgroup;
  while (at->parent != nullptr && at->slot == kNoSlot && at->children.empty()) {
    Cgroup* const parent = at->parent;
    const std::string_view path = at->path;
    parent->children.erase(parent->children.find(path.substr(path.rfind('/') + 1)));
    at = parent;
  }
}

/// Gives up the last leaf in path order that is no container, for the sake of a container or of a
/// cgroup that has others below it: containers may be among them.
bool CgroupTree::make_room(const Cgroup& newcomer, std::size_t h) {
  if (!newcomer.preferred) {
    FileStatus status;
    const int error = files_.status(hierarchies_[h].handle, relative(newcomer, h), status);
    if (error != 0 || status.links <= 2) return false;
  }
  if (nothing_expendable_) return false;
  Cgroup* const victim = last_expendable(root_, newcomer);
  nothing_expendable_ = victim == nullptr;
  if (victim == nullptr) return false;
  give_up(*victim);
  return true;
}

/// Takes a leaf out of the tree that lives on, counted as dropped.
void CgroupTree::give_up(Cgroup& victim) {
  Cgroup& parent = *victim.parent;
  const bool too_deep = is_deepest(parent);
  std::vector<std::size_t> places;
  for (std::size_t h = 0; h < hierarchies_.size(); ++h) {
    if (!victim.is_in(h)) continue;
    places.push_back(h);
    ++(too_deep ? parent.places[h].dropped_depth : parent.places[h].dropped_bound);
    ++(too_deep ? hierarchies_[h].dropped_depth : hierarchies_[h].dropped_bound);
  }
  for (const std::size_t h : places) leave(victim, h);  // the last one destroys it
}

void CgroupTree::reconfigure(const Layout& layout, const std::vector<int>& walked,
                             TreeBounds bounds) {
  std::vector<int> more;
  for (const int index : walked) {
    if (std::ranges::find(walked_, index) == walked_.end()) more.push_back(index);
  }
  if (!more.empty()) {
    const std::size_t before = walked_.size(), after = before + more.size();
    const auto widen = [&](Cgroup& cgroup) {
      auto places = std::make_unique<Cgroup::Place[]>(after);
      std::move(cgroup.places.get(), cgroup.places.get() + before, places.get());
      cgroup.places = std::move(places);
    };
    for_all(root_, widen);
    for (const int index : more) add_hierarchy(layout, index);
    check_all_ = true;
  }
  if (bounds.cgroups == bounds_.cgroups && bounds.depth == bounds_.depth) return;
  bounds_ = bounds;
  new_bounds_ = check_all_ = true;
}

/// Gives up what lies beyond new bounds, the last in path order first and containers last; and has
/// directories listed again in which something may have room now.
void CgroupTree::keep_bounds() {
  changed_ = true;
  bring_order();
  std::vector<Slot> slots;
  slots.reserve(order_.size());
  for (const Cgroup* const cgroup : order_) slots.push_back(cgroup->slot);
  for (const bool containers : {false, true}) {
    for (auto slot = slots.rbegin(); slot != slots.rend(); ++slot) {
      Cgroup* const cgroup = by_slot_[*slot];
      if (cgroup == nullptr || cgroup->parent == nullptr || !cgroup->children.empty()) continue;
      const bool expendable = living_ > bounds_.cgroups && cgroup->preferred == containers;
      if (expendable || depth_of(*cgroup) > bounds_.depth) give_up(*cgroup);
    }
  }
  for_all(root_, [&](Cgroup& cgroup) {
    for (std::size_t h = 0; h < hierarchies_.size(); ++h) {
      Cgroup::Place& place = cgroup.places[h];
      place.incomplete |= place.dropped_depth > 0 || place.dropped_bound > 0;
    }
  });
}

Cgroup* CgroupTree::last_expendable(Cgroup& below, const Cgroup& newcomer) {
  for (auto at = below.children.rbegin(); at != below.children.rend(); ++at) {
    Cgroup& child = *at->second;
    if (Cgroup* const deeper = last_expendable(child, newcomer)) return deeper;
    if (&child != &newcomer && child.children.empty() && !child.preferred &&
        child.slot != kNoSlot && is_leaf(child)) {
      return &child;
    }
  }
  return nullptr;
}

/// Without directories below it, those that were not followed included.
bool CgroupTree::is_leaf(const Cgroup& cgroup) const {
  const std::span places(cgroup.places.get(), hierarchies_.size());
  return std::ranges::all_of(places,
                             [](const Cgroup::Place& place) { return place.directories == 0; });
}

Cgroup& CgroupTree::make_child(Cgroup& parent, std::string_view name) {
  auto child = std::make_unique<Cgroup>();
  child->path = parent.path == "/" ? "/" : parent.path + '/';
  child->path += name;
  child->parent = &parent;
  child->places = std::make_unique<Cgroup::Place[]>(walked_.size());
  child->preferred = preferred_(child->path);
  return *parent.children.emplace(std::string(name), std::move(child)).first->second;
}

void CgroupTree::take_slot(Cgroup& cgroup) {
  if (free_.empty()) {
    cgroup.slot = static_cast<Slot>(by_slot_.size());
    by_slot_.push_back(nullptr);
    free_.reserve(by_slot_.capacity());  // so that letting go never asks for memory
  } else {
    cgroup.slot = free_.back();
    free_.pop_back();
  }
  by_slot_[cgroup.slot] = &cgroup;
  ++living_;
  ++counters_.added;
  changed_ = true;
  for (std::size_t h = 0; h < hierarchies_.size(); ++h) {
    const int number = cgroup.places[h].watch;
    if (number >= 0 && hierarchies_[h].watch >= 0) hierarchies_[h].by_watch[number] = cgroup.slot;
  }
}

void CgroupTree::free_slot(Cgroup& cgroup) {
  if (cgroup.slot == kNoSlot) return;
  by_slot_[cgroup.slot] = nullptr;
  free_.push_back(cgroup.slot);
  removed_.push_back(cgroup.slot);
  cgroup.slot = kNoSlot;
  --living_;
  ++counters_.removed;
  changed_ = true;
}

void CgroupTree::forget_dropped(Cgroup::Place& place, std::size_t h) {
  hierarchies_[h].dropped_bound -= place.dropped_bound;
  hierarchies_[h].dropped_depth -= place.dropped_depth;
  place.dropped_bound = place.dropped_depth = 0;
}

void CgroupTree::append_in_order(const Cgroup& cgroup) {
  if (cgroup.slot != kNoSlot) order_.push_back(&cgroup);
  for (const auto& [name, child] : cgroup.children) append_in_order(*child);
}

/// Children of such a cgroup are not followed: by the bound, or since their paths would be longer
/// than what the kernel takes (and an id that long is nobody's label).
bool CgroupTree::is_deepest(const Cgroup& cgroup) const {
  constexpr std::size_t kLongestPath = 2048, kLongestName = 255;
  return depth_of(cgroup) >= bounds_.depth || cgroup.path.size() + 1 + kLongestName > kLongestPath;
}

std::size_t CgroupTree::depth_of(const Cgroup& cgroup) const {
  std::size_t depth = 0;
  for (const Cgroup* at = cgroup.parent; at != nullptr; at = at->parent) ++depth;
  return depth;
}

}  // namespace cgmon
