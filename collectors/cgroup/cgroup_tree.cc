#include "collectors/cgroup/cgroup_tree.h"

#include <algorithm>
#include <cerrno>

#include "collectors/metrics/read_errors.h"

namespace cgmon {
namespace {

constexpr std::uint64_t kLeafTurns = 16;  // a leaf's turn comes every sixteenth refresh
constexpr unsigned kDoubts = 3;           // unannounced changes until events are given up
constexpr std::size_t kMostBrief = 1000;

}  // namespace

CgroupTree::CgroupTree(Files& files, const Layout& layout, std::vector<int> walked,
                       TreeBounds bounds, std::function<bool(std::string_view)> preferred)
    : files_(files),
      bounds_(bounds),
      preferred_(std::move(preferred)),
      restricted_(layout.restricted()) {
  root_.path = "/";
  root_.places = std::make_unique<Cgroup::Place[]>(walked.size());
  for (const int index : walked) add_hierarchy(layout, index);
}

void CgroupTree::add_hierarchy(const Layout& layout, int index) {
  const Hierarchy& hierarchy = layout.hierarchies[static_cast<std::size_t>(index)];
  const std::size_t h = walked_.size();
  walked_.push_back(index);
  Walked& walked = hierarchies_.emplace_back();
  if (index == layout.master()) master_ = h;
  walked.prefix = hierarchy.prefix;
  walked.version = hierarchy.version;
  walked.mount_point = hierarchy.mount_point;
  open_top(h);
  walked.watch = files_.open_watch();
  if (walked.watch < 0) {
    walked.check_always = true;
    ++counters_.watch_failures;
  }
}

CgroupTree::~CgroupTree() {
  for (const Walked& hierarchy : hierarchies_) {
    if (hierarchy.watch >= 0) files_.close(hierarchy.watch);
    if (hierarchy.handle >= 0) files_.close(hierarchy.handle);
  }
}

void CgroupTree::begin_refresh() {
  removed_.clear();
  replaced_.clear();
  brief_.clear();
  nothing_expendable_ = false;
}

/// The master first: it says whether a directory that changed elsewhere is of the same cgroup.
std::size_t CgroupTree::in_turn(std::size_t i) const {
  return i == 0 ? master_ : i <= master_ ? i - 1 : i;
}

void CgroupTree::follow_events() {
  begin_refresh();
  for (std::size_t i = 0; i < hierarchies_.size(); ++i) {
    const std::size_t h = in_turn(i);
    if (hierarchies_[h].handle < 0 || hierarchies_[h].watch < 0) continue;
    read_events(h);
    check_all_ |= events_.overflow;
    settle(h);
  }
  end_refresh();
}

void CgroupTree::refresh() {
  begin_refresh();
  if (std::exchange(new_bounds_, false)) keep_bounds();
  const bool check_all = std::exchange(check_all_, false);
  for (std::size_t i = 0; i < hierarchies_.size(); ++i) {
    const std::size_t h = in_turn(i);
    hierarchies_[h].incomplete = false;
    if (hierarchies_[h].handle < 0 && !open_top(h)) continue;
    add_top(h);
    pending_.assign(hierarchies_[h].to_list.begin(), hierarchies_[h].to_list.end());
    hierarchies_[h].to_list.clear();
    bool all = check_all || hierarchies_[h].check_always;
    if (hierarchies_[h].watch >= 0) {
      read_events(h);
      all |= events_.overflow;
    }
    settle(h);
    if (all || h == master_ || h == turn_) {
      if (check(h, all) && !all) doubt(h);
      settle(h);
    }
  }
  ++refreshes_;
  if (!hierarchies_.empty()) {
    turn_ = (turn_ + 1) % hierarchies_.size();
    if (turn_ == master_) turn_ = (turn_ + 1) % hierarchies_.size();
  }
  end_refresh();
}

void CgroupTree::end_refresh() {
  bring_order();
  std::erase_if(brief_, [this](const Brief& brief) {
    const Cgroup* const parent = by_slot_[brief.parent];
    return parent != nullptr &&
           parent->children.contains(brief.path.substr(brief.path.rfind('/') + 1));
  });
  for (Brief& brief : brief_) {
    if (by_slot_[brief.parent] == nullptr) brief.parent = kNoSlot;
  }
  counters_.dropped_bound = counters_.dropped_depth = 0;
  for (const Walked& hierarchy : hierarchies_) {
    counters_.dropped_bound = std::max(counters_.dropped_bound, hierarchy.dropped_bound);
    counters_.dropped_depth = std::max(counters_.dropped_depth, hierarchy.dropped_depth);
  }
}

/// A hierarchy that could not be opened is tried again: its cgroups are there all the same.
bool CgroupTree::open_top(std::size_t h) {
  Walked& hierarchy = hierarchies_[h];
  hierarchy.handle = files_.open_directory(Files::kAbsolute, hierarchy.mount_point.c_str());
  if (hierarchy.handle < 0) count_error(h, -hierarchy.handle, ".");
  return hierarchy.handle >= 0;
}

void CgroupTree::bring_order() {
  if (!changed_) return;
  order_.clear();
  append_in_order(root_);
  changed_ = false;
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
  const int error = files_.status(hierarchies_[h].handle, ".", status);
  if (error == 0) {
    enter(*top, h, status.inode);
  } else {
    count_error(h, -error, ".");
  }
}

void CgroupTree::read_events(std::size_t h) {
  Walked& hierarchy = hierarchies_[h];
  if (files_.read_watch(hierarchy.watch, events_) != 0) events_.overflow = true;
  for (const int number : events_.directories) {
    const auto found = hierarchy.by_watch.find(number);
    if (found != hierarchy.by_watch.end()) pending_.push_back(found->second);
  }
  if (h == master_) note_made(hierarchy);
}

void CgroupTree::note_made(const Walked& hierarchy) {
  for (const WatchEvents::Made& made : events_.made) {
    const auto found = hierarchy.by_watch.find(made.parent);
    if (found == hierarchy.by_watch.end() || by_slot_[found->second] == nullptr) continue;
    if (brief_.size() >= kMostBrief) return;
    std::string path = by_slot_[found->second]->path;
    if (path.size() > 1) path += '/';
    path += made.name;
    const bool again = std::ranges::find(brief_, path, &Brief::path) != brief_.end();
    if (preferred_(path) && !again) brief_.push_back({found->second, std::move(path)});
  }
}

/// Compares known directories with the kernel's; parents stand before children in order_, so a
/// child that was exchanged after its parent was looked at is still noticed. `all`: every one,
/// which finds all that changed without any event. Else those that have children and a sixteenth
/// of the rest. Whether anything had changed.
bool CgroupTree::check(std::size_t h, bool all) {
  bring_order();  // what events just removed is not to be looked at
  bool changed = false;
  const bool has_room = living_ < bounds_.cgroups;
  for (const Cgroup* const cgroup : order_) {
    const Cgroup::Place& place = cgroup->places[h];
    if (place.inode == 0) continue;
    const bool leaf = place.directories == 0 && cgroup->parent != nullptr;
    if (!all && leaf && (cgroup->slot + refreshes_) % kLeafTurns != 0) continue;
    FileStatus status;
    const int error = files_.status(hierarchies_[h].handle, relative(*cgroup, h), status);
    if (error == -ENOENT || (error == 0 && status.inode != place.inode)) {
      changed = true;
      if (cgroup->parent != nullptr) pending_.push_back(cgroup->parent->slot);
    } else if (error == 0 && status.links != place.directories + 2) {
      changed = true;
      pending_.push_back(cgroup->slot);
    } else if (error == 0 && (place.incomplete || (has_room && place.dropped_bound > 0))) {
      pending_.push_back(cgroup->slot);
    }
  }
  return changed;
}

/// The check found a change that no event had announced. A directory made just now explains it once
/// or twice; if it goes on, this hierarchy's events cannot be trusted and it is walked each time.
void CgroupTree::doubt(std::size_t h) {
  Walked& hierarchy = hierarchies_[h];
  const std::size_t found = pending_.size();
  read_events(h);
  check_all_ |= events_.overflow;
  if (pending_.size() != found || ++hierarchy.unannounced < kDoubts) return;
  stop_trusting(h);
}

/// Lists again what events or the check put into pending_. A slot that was freed meanwhile is
/// passed over; one that is in use again is listed once too often, which does no harm.
void CgroupTree::settle(std::size_t h) {
  std::ranges::sort(pending_);
  // Not std::ranges::unique: clang 14 cannot compile what that returns.
  pending_.erase(std::unique(pending_.begin(), pending_.end()), pending_.end());
  for (std::size_t i = 0; i < pending_.size(); ++i) {
    if (pending_[i] >= by_slot_.size()) continue;
    Cgroup* const cgroup = by_slot_[pending_[i]];
    if (cgroup != nullptr && cgroup->is_in(h)) list(*cgroup, h);
  }
  pending_.clear();
}

void CgroupTree::list(Cgroup& cgroup, std::size_t h) {
  if (listing_ == scratch_.size()) scratch_.push_back(std::make_unique<Scratch>());
  Scratch& scratch = *scratch_[listing_];
  const int error =
      files_.list_directories(hierarchies_[h].handle, relative(cgroup, h), scratch.listing);
  if (error < 0) {
    if (is_gone(cgroup, h)) {
      leave(cgroup, h);
    } else {
      count_error(h, -error, relative(cgroup, h));
      must_list_again(cgroup, h);  // unreadable for now: what is known stays
    }
    return;
  }
  ++listing_;
  const DirectoryListing& listing = scratch.listing;
  std::vector<std::string_view>& names = scratch.names;
  names.clear();
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
  place.incomplete = false;
  for (const auto& entry : listing.entries()) {
    list_child(cgroup, listing.name(entry), entry.inode, h);
  }
  place.directories = static_cast<std::uint32_t>(names.size());
  count_dropped(cgroup, h);
  --listing_;
}

/// Children that the listing had and the tree has not. Counted at the end, as one that is met later
/// may push out one that was met before.
void CgroupTree::count_dropped(Cgroup& cgroup, std::size_t h) {
  Cgroup::Place& place = cgroup.places[h];
  forget_dropped(place, h);
  if (place.incomplete) return;  // some could not be looked at: counted when it is listed again
  const auto known = std::ranges::count_if(
      cgroup.children, [h](const auto& child) { return child.second->is_in(h); });
  const std::uint32_t dropped = place.directories - static_cast<std::uint32_t>(known);
  const bool too_deep = is_deepest(cgroup);
  (too_deep ? place.dropped_depth : place.dropped_bound) = dropped;
  (too_deep ? hierarchies_[h].dropped_depth : hierarchies_[h].dropped_bound) += dropped;
}

/// Whether the directory that is known as this cgroup's is no more.
bool CgroupTree::is_gone(const Cgroup& cgroup, std::size_t h) {
  FileStatus status;
  const int error = files_.status(hierarchies_[h].handle, relative(cgroup, h), status);
  if (error == 0) return status.inode != cgroup.places[h].inode || status.links == 0;
  return error == -ENOENT || error == -ENODEV;
}

void CgroupTree::count_error(std::size_t h, int error, const char* path) {
  const std::string_view reason = errno_name(error);
  hierarchies_[h].incomplete = true;
  count_read_error(errors_, "(directory)", reason,
                   [&] { return hierarchies_[h].mount_point + '/' + path; });
}

void CgroupTree::must_list_again(Cgroup& cgroup, std::size_t h) {
  hierarchies_[h].incomplete = true;
  cgroup.places[h].incomplete = true;
  check_all_ = true;
}

void CgroupTree::list_child(Cgroup& parent, std::string_view name, std::uint64_t inode,
                            std::size_t h) {
  const auto found = parent.children.find(name);
  if (found != parent.children.end()) {
    Cgroup& child = *found->second;
    const std::uint64_t known = child.places[h].inode;
    if (known == inode) return;
    if (known != 0) {  // made anew under the same name
      leave_below(child, h);
      forget_place(child, h);
      if (h == master_ || !child.is_in(master_)) {
        renew(child);
      } else {
        replaced_.emplace_back(child.slot, h);
      }
    }
    enter(child, h, inode);
    return;
  }
  if (is_deepest(parent)) return;
  Cgroup& child = make_child(parent, name);
  if (living_ >= bounds_.cgroups && !make_room(child, h)) {
    prune(child);
    return;
  }
  enter(child, h, inode);
}

/// Gives a cgroup that was made anew another slot, and those below that other hierarchies (whose
/// turn comes) still show, children first.
void CgroupTree::renew(Cgroup& cgroup) {
  for (const auto& [name, child] : cgroup.children) renew(*child);
  if (cgroup.slot == kNoSlot) return;
  free_slot(cgroup);
  cgroup.created_ns = 0;
  take_slot(cgroup);
}

void CgroupTree::enter(Cgroup& cgroup, std::size_t h, std::uint64_t inode) {
  Cgroup::Place& place = cgroup.places[h];
  place.inode = inode;
  changed_ = true;
  if (cgroup.slot == kNoSlot) {
    take_slot(cgroup);
    readmit(cgroup);
  }
  watch(cgroup, h);  // first the watch, then the look: what comes between is not lost
  FileStatus status;
  const int error = files_.status(hierarchies_[h].handle, relative(cgroup, h), status);
  if (error != 0 || status.inode != inode) {  // already gone, or another one
    const bool is_top = cgroup.parent == nullptr || !cgroup.parent->is_in(h);
    if (error != 0 && (error != -ENOENT || is_top)) count_error(h, -error, relative(cgroup, h));
    if (!is_top) must_list_again(*cgroup.parent, h);
    leave(cgroup, h);
    return;
  }
  note_age(cgroup, h, status.mtime_ns);
  if (status.links != 2) list(cgroup, h);
}

/// A directory's own time moves on when its children change, on kernels that keep it; that of a
/// file in it does not. The oldest of all is nearest to the truth.
void CgroupTree::note_age(Cgroup& cgroup, std::size_t h, std::int64_t directory_ns) {
  std::int64_t oldest = directory_ns;
  file_ = relative(cgroup, h);
  file_ += hierarchies_[h].version == Version::v2 ? "/cgroup.events" : "/cgroup.clone_children";
  FileStatus status;
  if (files_.status(hierarchies_[h].handle, file_.c_str(), status) == 0 && status.mtime_ns > 0) {
    oldest = std::min(oldest, status.mtime_ns);
  }
  if (cgroup.created_ns == 0 || oldest < cgroup.created_ns) cgroup.created_ns = oldest;
}

/// It may be one of those that other hierarchies had no room for.
void CgroupTree::readmit(const Cgroup& cgroup) {
  if (cgroup.parent == nullptr) return;
  for (std::size_t h = 0; h < hierarchies_.size(); ++h) {
    if (cgroup.parent->places[h].dropped_bound > 0) {
      hierarchies_[h].to_list.push_back(cgroup.parent->slot);
    }
  }
}

void CgroupTree::watch(Cgroup& cgroup, std::size_t h) {
  Walked& hierarchy = hierarchies_[h];
  if (hierarchy.check_always) return;
  const char* const path = relative(cgroup, h);
  int number = files_.watch_directory(hierarchy.watch, hierarchy.handle, path);
  // Gone, or renamed to and fro just now.
  if (number == -ENOENT) number = files_.watch_directory(hierarchy.watch, hierarchy.handle, path);
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

void CgroupTree::stop_watching(Cgroup& cgroup, std::size_t h) {
  Walked& hierarchy = hierarchies_[h];
  Cgroup::Place& place = cgroup.places[h];
  // A renamed directory keeps its number: the cgroup of the new name may have it by now.
  const auto found = hierarchy.by_watch.find(place.watch);
  if (found != hierarchy.by_watch.end() && found->second == cgroup.slot) {
    hierarchy.by_watch.erase(found);
    files_.unwatch(hierarchy.watch, place.watch);
  }
  place.watch = -1;
}

void CgroupTree::leave(Cgroup& cgroup, std::size_t h) {
  leave_below(cgroup, h);
  forget_place(cgroup, h);
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

void CgroupTree::forget_place(Cgroup& cgroup, std::size_t h) {
  stop_watching(cgroup, h);
  forget_dropped(cgroup.places[h], h);
  cgroup.places[h] = {};
}

void CgroupTree::leave_below(Cgroup& cgroup, std::size_t h) {
  for (auto at = cgroup.children.begin(); at != cgroup.children.end();) {
    Cgroup& child = *at->second;
    ++at;
    if (child.is_in(h)) leave(child, h);
  }
}

}  // namespace cgmon
