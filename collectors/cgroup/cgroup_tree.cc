#include "collectors/cgroup/cgroup_tree.h"

#include <algorithm>
#include <cerrno>

namespace cgmon {
namespace {

constexpr std::uint64_t kLeafTurns = 8;  // a leaf's turn comes every eighth refresh
constexpr unsigned kDoubts = 3;          // unannounced changes until events are given up

}  // namespace

CgroupTree::CgroupTree(Files& files, const Layout& layout, std::vector<int> walked,
                       TreeBounds bounds, std::function<bool(std::string_view)> preferred)
    : files_(files),
      walked_(std::move(walked)),
      hierarchies_(walked_.size()),
      bounds_(bounds),
      preferred_(std::move(preferred)),
      restricted_(layout.restricted()) {
  root_.path = "/";
  root_.places = std::make_unique<Cgroup::Place[]>(walked_.size());
  for (std::size_t h = 0; h < walked_.size(); ++h) {
    const Hierarchy& hierarchy = layout.hierarchies[static_cast<std::size_t>(walked_[h])];
    Walked& walked_one = hierarchies_[h];
    if (walked_[h] == layout.master()) master_ = h;
    walked_one.prefix = hierarchy.prefix;
    walked_one.handle =
        files_.open_directory(Files::kAbsolute, hierarchy.mount_point.c_str());
    walked_one.watch = files_.open_watch();
    if (walked_one.watch < 0) {
      walked_one.check_always = true;
      ++counters_.watch_failures;
    }
  }
}

CgroupTree::~CgroupTree() {
  for (const Walked& hierarchy : hierarchies_) {
    if (hierarchy.watch >= 0) files_.close(hierarchy.watch);
    if (hierarchy.handle >= 0) files_.close(hierarchy.handle);
  }
}

void CgroupTree::refresh() {
  removed_.clear();
  replaced_.clear();
  for (std::size_t h = 0; h < hierarchies_.size(); ++h) {
    if (hierarchies_[h].handle < 0) continue;
    add_top(h);
    pending_.clear();
    bool all = check_all_ || hierarchies_[h].check_always;
    if (hierarchies_[h].watch >= 0) {
      read_events(h);
      all |= events_.overflow;
    }
    settle(h);
    if (all || h == master_ || h == turn_) {
      check(h, all);
      if (!pending_.empty() && !all) doubt(h);
      settle(h);
    }
  }
  check_all_ = false;
  ++refreshes_;
  if (!hierarchies_.empty()) {
    turn_ = (turn_ + 1) % hierarchies_.size();
    if (turn_ == master_) turn_ = (turn_ + 1) % hierarchies_.size();
  }
  if (changed_) {
    order_.clear();
    append_in_order(root_);
    changed_ = false;
  }
}

const char* CgroupTree::relative(const Cgroup& cgroup, std::size_t h) const {
  const std::size_t skip = hierarchies_[h].prefix.size() + 1;
  return cgroup.path.size() > skip ? cgroup.path.c_str() + skip : ".";
}

/// The top of a hierarchy's mount; made once, with nameless ancestors when the mount shows only a
/// part of the host's tree.
void CgroupTree::add_top(std::size_t h) {
  Cgroup* top = &root_;
  std::string_view rest = hierarchies_[h].prefix;
  while (!rest.empty()) {
    rest.remove_prefix(1);  // the slash
    const std::string_view name = rest.substr(0, rest.find('/'));
    rest.remove_prefix(name.size());
    const auto found = top->children.find(name);
    top = found != top->children.end() ? found->second.get() : &make_child(*top, name);
  }
  if (top->is_in(h)) return;
  FileStatus status;
  if (files_.status(hierarchies_[h].handle, ".", status) == 0) enter(*top, h, status.inode);
}

void CgroupTree::read_events(std::size_t h) {
  Walked& hierarchy = hierarchies_[h];
  if (files_.read_watch(hierarchy.watch, events_) != 0) events_.overflow = true;
  for (const int number : events_.directories) {
    const auto found = hierarchy.by_watch.find(number);
    if (found != hierarchy.by_watch.end()) pending_.push_back(found->second);
  }
}

/// Compares known directories with the kernel's; parents stand before children in order_, so a child
/// that was exchanged after its parent was looked at is still noticed. `all`: every one, which finds
/// all that changed without any event. Else those that have children and an eighth of the rest.
void CgroupTree::check(std::size_t h, bool all) {
  const bool has_room = counters_.dropped_bound > 0 && living_ < bounds_.cgroups;
  for (const Cgroup* const cgroup : order_) {
    const Cgroup::Place& place = cgroup->places[h];
    if (place.inode == 0) continue;
    if (!all && place.directories == 0 && (cgroup->slot + refreshes_) % kLeafTurns != 0) continue;
    FileStatus status;
    const int error = files_.status(hierarchies_[h].handle, relative(*cgroup, h), status);
    if (error == -ENOENT || (error == 0 && status.inode != place.inode)) {
      if (cgroup->parent != nullptr) pending_.push_back(cgroup->parent->slot);
    } else if (error == 0 && (status.links != place.directories + 2 ||
                              (has_room && place.dropped_bound > 0))) {
      pending_.push_back(cgroup->slot);
    }
  }
}

/// The check found a change that no event had announced. A directory made just now explains it once
/// or twice; if it goes on, this hierarchy's events cannot be trusted and it is walked each time.
void CgroupTree::doubt(std::size_t h) {
  Walked& hierarchy = hierarchies_[h];
  const std::size_t found = pending_.size();
  read_events(h);
  if (pending_.size() != found || ++hierarchy.unannounced < kDoubts) return;
  stop_trusting(h);
}

/// Lists again what events or the check put into pending_. A slot that was freed meanwhile is
/// passed over; one that is in use again is listed once too often, which does no harm.
void CgroupTree::settle(std::size_t h) {
  std::ranges::sort(pending_);
  const auto rest = std::ranges::unique(pending_);
  pending_.erase(rest.begin(), rest.end());
  for (std::size_t i = 0; i < pending_.size(); ++i) {
    if (pending_[i] >= by_slot_.size()) continue;
    Cgroup* const cgroup = by_slot_[pending_[i]];
    if (cgroup != nullptr && cgroup->is_in(h)) list(*cgroup, h);
  }
  pending_.clear();
}

void CgroupTree::list(Cgroup& cgroup, std::size_t h) {
  DirectoryListing listing;
  const int error =
      files_.list_directories(hierarchies_[h].handle, relative(cgroup, h), listing);
  if (error == -ENOENT || error == -ENODEV) {
    leave(cgroup, h);
    return;
  }
  if (error < 0) return;  // unreadable for now: what is known stays, the next check asks again
  std::vector<std::string_view> names;
  names.reserve(listing.entries().size());
  for (const auto& entry : listing.entries()) names.push_back(listing.name(entry));
  std::ranges::sort(names);
  // Who left goes first: a renamed directory keeps its watch number.
  for (auto at = cgroup.children.begin(); at != cgroup.children.end();) {
    Cgroup& child = *at->second;
    const bool stays = std::ranges::binary_search(names, std::string_view(at->first));
    ++at;
    if (!stays && child.is_in(h)) leave(child, h);
  }
  Cgroup::Place& place = cgroup.places[h];
  forget_dropped(place);
  place.directories = static_cast<std::uint32_t>(names.size());
  for (const auto& entry : listing.entries()) {
    list_child(cgroup, listing.name(entry), entry.inode, h);
  }
}

void CgroupTree::list_child(Cgroup& parent, std::string_view name, std::uint64_t inode,
                            std::size_t h) {
  const auto found = parent.children.find(name);
  if (found != parent.children.end()) {
    Cgroup& child = *found->second;
    Cgroup::Place& place = child.places[h];
    if (place.inode == inode) return;
    if (place.inode != 0) {  // made anew under the same name
      leave_below(child, h);
      stop_watching(place, h);
      if (h == master_) {
        free_slot(child);
        child.created_ns = 0;
        take_slot(child);
      } else {
        replaced_.emplace_back(child.slot, h);
      }
    }
    enter(child, h, inode);
    return;
  }
  if (depth_of(parent) >= bounds_.depth) {
    ++parent.places[h].dropped_depth;
    ++counters_.dropped_depth;
    return;
  }
  Cgroup& child = make_child(parent, name);
  if (living_ >= bounds_.cgroups && !(child.preferred && make_room(child))) {
    ++parent.places[h].dropped_bound;
    ++counters_.dropped_bound;
    prune(child);
    return;
  }
  enter(child, h, inode);
}

void CgroupTree::enter(Cgroup& cgroup, std::size_t h, std::uint64_t inode) {
  Cgroup::Place& place = cgroup.places[h];
  place.inode = inode;
  changed_ = true;
  if (cgroup.slot == kNoSlot) take_slot(cgroup);
  watch(cgroup, h);  // first the watch, then the look: what comes between is not lost
  FileStatus status;
  const int error = files_.status(hierarchies_[h].handle, relative(cgroup, h), status);
  if (error != 0 || status.inode != inode) {
    // Already gone, or another one: its parent is listed again next time.
    if (cgroup.parent != nullptr) check_all_ = true;
    leave(cgroup, h);
    return;
  }
  if (cgroup.created_ns == 0 || status.mtime_ns < cgroup.created_ns) {
    cgroup.created_ns = status.mtime_ns;
  }
  if (status.links != 2) list(cgroup, h);
}

void CgroupTree::watch(Cgroup& cgroup, std::size_t h) {
  Walked& hierarchy = hierarchies_[h];
  if (hierarchy.check_always) return;
  const int number =
      files_.watch_directory(hierarchy.watch, hierarchy.handle, relative(cgroup, h));
  if (number >= 0) {
    cgroup.places[h].watch = number;
    hierarchy.by_watch[number] = cgroup.slot;
  } else if (number != -ENOENT) {
    // No more watches (max_user_watches): events would miss things.
    stop_trusting(h);
  }
}

void CgroupTree::stop_trusting(std::size_t h) {
  Walked& hierarchy = hierarchies_[h];
  hierarchy.check_always = true;
  ++counters_.watch_failures;
  if (hierarchy.watch >= 0) files_.close(hierarchy.watch);
  hierarchy.watch = -1;
  hierarchy.by_watch.clear();
}

void CgroupTree::stop_watching(Cgroup::Place& place, std::size_t h) {
  Walked& hierarchy = hierarchies_[h];
  if (place.watch >= 0 && hierarchy.watch >= 0) {
    hierarchy.by_watch.erase(place.watch);
    files_.unwatch(hierarchy.watch, place.watch);  // it lives on when the directory was renamed
  }
  place.watch = -1;
}

void CgroupTree::leave(Cgroup& cgroup, std::size_t h) {
  leave_below(cgroup, h);
  Cgroup::Place& place = cgroup.places[h];
  stop_watching(place, h);
  forget_dropped(place);
  place = {};
  changed_ = true;
  for (std::size_t other = 0; other < hierarchies_.size(); ++other) {
    if (cgroup.is_in(other)) {
      replaced_.emplace_back(cgroup.slot, h);
      return;
    }
  }
  free_slot(cgroup);
  prune(cgroup);
}

void CgroupTree::leave_below(Cgroup& cgroup, std::size_t h) {
  for (auto at = cgroup.children.begin(); at != cgroup.children.end();) {
    Cgroup& child = *at->second;
    ++at;
    if (child.is_in(h)) leave(child, h);
  }
}

/// Takes a cgroup without places and children out of the tree, and ancestors that stood there for
/// its path alone.
void CgroupTree::prune(Cgroup& cgroup) {
  Cgroup* at = &cgroup;
  while (at->parent != nullptr && at->slot == kNoSlot && at->children.empty()) {
    Cgroup* const parent = at->parent;
    parent->children.erase(parent->children.find(at->path.substr(at->path.rfind('/') + 1)));
    at = parent;
  }
}

/// Gives up the last cgroup in path order that is no container, for the sake of one that is.
bool CgroupTree::make_room(const Cgroup& keep) {
  Cgroup* const victim = last_expendable(root_, keep);
  if (victim == nullptr) return false;
  Cgroup& parent = *victim->parent;
  for (std::size_t h = 0; h < hierarchies_.size(); ++h) {
    if (!victim->is_in(h)) continue;
    ++parent.places[h].dropped_bound;
    ++counters_.dropped_bound;
  }
  std::vector<std::size_t> places;
  for (std::size_t h = 0; h < hierarchies_.size(); ++h) {
    if (victim->is_in(h)) places.push_back(h);
  }
  for (const std::size_t h : places) leave(*victim, h);  // the last one destroys it
  return true;
}

Cgroup* CgroupTree::last_expendable(Cgroup& below, const Cgroup& keep) {
  for (auto at = below.children.rbegin(); at != below.children.rend(); ++at) {
    Cgroup& child = *at->second;
    if (Cgroup* const deeper = last_expendable(child, keep)) return deeper;
    if (&child != &keep && &child != keep.parent && child.children.empty() && !child.preferred &&
        child.slot != kNoSlot) {
      return &child;
    }
  }
  return nullptr;
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
    if (number >= 0) hierarchies_[h].by_watch[number] = cgroup.slot;
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

void CgroupTree::forget_dropped(Cgroup::Place& place) {
  counters_.dropped_bound -= place.dropped_bound;
  counters_.dropped_depth -= place.dropped_depth;
  place.dropped_bound = place.dropped_depth = 0;
}

void CgroupTree::append_in_order(const Cgroup& cgroup) {
  if (cgroup.slot != kNoSlot) order_.push_back(&cgroup);
  for (const auto& [name, child] : cgroup.children) append_in_order(*child);
}

std::size_t CgroupTree::depth_of(const Cgroup& cgroup) const {
  std::size_t depth = 0;
  for (const Cgroup* at = cgroup.parent; at != nullptr; at = at->parent) ++depth;
  return depth;
}

}  // namespace cgmon
