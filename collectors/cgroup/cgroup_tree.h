#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "collectors/cgroup/layout.h"
#include "collectors/kernel/files.h"
#include "collectors/metrics/snapshot.h"

namespace cgmon {

/// One cgroup: a path joined over the hierarchies that are walked. Owned by CgroupTree.
struct Cgroup {
  /// The cgroup's directory in one hierarchy.
  struct Place {
    std::uint64_t inode = 0;        ///< 0: not there
    int watch = -1;                 ///< inotify's number, -1: not watched
    std::uint32_t directories = 0;  ///< children listed, those beyond the bounds included
    std::uint32_t dropped_bound = 0, dropped_depth = 0;  ///< of them, not followed
    bool incomplete = false;  ///< a child could not be looked at: to be listed again
  };
  std::string path;  ///< "/", "/docker/ID"
  Slot slot = kNoSlot;
  Cgroup* parent = nullptr;
  std::map<std::string, std::unique_ptr<Cgroup>, std::less<>> children;
  std::unique_ptr<Place[]> places;  ///< by walked hierarchy
  /// Oldest change time of its directories when they were first seen; the kernel keeps no birth
  /// time, and a directory's own may jump forward when its inode is evicted and made again.
  std::int64_t created_ns = 0;
  bool preferred = false;  ///< kept when the bound is reached

  [[nodiscard]] bool is_in(std::size_t h) const { return places[h].inode != 0; }
};

/// Limits of the walk; what lies beyond is counted, not followed.
struct TreeBounds {
  std::size_t cgroups = 20'000;
  std::size_t depth = 64;
};

/// The set of living cgroups, brought up to date at the start of every collection. One-thread.
///
/// inotify tells which directories changed. As the check, nlink - 2 of a directory must equal the
/// number of its listed children and its inode must be the known one: when that holds for every
/// known directory, the known set is the live set, whatever events came. So a hierarchy whose watch
/// fails, overflows or proves wrong is walked exactly by the check alone. With a watch that works
/// the check is insurance and made cheap: each time the master's directories that have children and
/// a sixteenth of its leaves (a path's statx costs 2.5 us, a tenth of what reading a cgroup costs),
/// and so for one other hierarchy in turn. (kernfs: mkdir and rmdir change nlink and inode, never
/// mtime.)
class CgroupTree {
 public:
  /// `walked` are indexes into layout.hierarchies. `preferred` says of a path whether it is a
  /// container: those stay when there are more cgroups than the bound.
  CgroupTree(Files& files, const Layout& layout, std::vector<int> walked, TreeBounds bounds,
             std::function<bool(std::string_view)> preferred);
  CgroupTree(const CgroupTree&) = delete;
  CgroupTree& operator=(const CgroupTree&) = delete;
  ~CgroupTree();

  /// Walks further hierarchies and keeps other bounds from the next refresh on. Cgroups that stay
  /// keep their slots; a hierarchy that is walked stays so.
  void reconfigure(const Layout& layout, const std::vector<int>& walked, TreeBounds bounds);

  /// Finds what came and went. Afterwards removed() and replaced() say what this or the last
  /// follow_events() invalidated.
  void refresh();
  /// The same between passes, cheaply: only what events tell. What they do not is found by the next
  /// refresh().
  void follow_events();
  /// The next refresh() trusts no watch: called when a known cgroup turned out to be gone.
  void distrust() { check_all_ = true; }

  /// Living cgroups in path order: parents first, siblings by name.
  [[nodiscard]] const std::vector<const Cgroup*>& in_order() const { return order_; }
  [[nodiscard]] std::size_t slots() const { return by_slot_.size(); }
  [[nodiscard]] const Cgroup* at(Slot slot) const { return by_slot_[slot]; }

  /// Slots whose cgroup went away; they may be in use again by another cgroup.
  [[nodiscard]] const std::vector<Slot>& removed() const { return removed_; }
  /// (slot, walked index) of directories that were made anew under a cgroup that stays.
  [[nodiscard]] const std::vector<std::pair<Slot, std::size_t>>& replaced() const {
    return replaced_;
  }

  /// A container's cgroup in the master hierarchy that was made and is gone again.
  struct Brief {
    Slot parent;  ///< kNoSlot: gone, too
    std::string path;
  };
  /// Those that the last refresh was told of and could not see.
  [[nodiscard]] const std::vector<Brief>& brief() const { return brief_; }

  /// Path of a cgroup's directory below walked hierarchy `h`'s top ("." for the top itself).
  [[nodiscard]] const char* relative(const Cgroup& cgroup, std::size_t h) const;
  [[nodiscard]] int directory(std::size_t h) const { return hierarchies_[h].handle; }
  [[nodiscard]] const std::vector<int>& walked() const { return walked_; }
  /// Handle of the watch of walked hierarchy `h`, negative: it is not watched.
  [[nodiscard]] int watch_of(std::size_t h) const { return hierarchies_[h].watch; }
  [[nodiscard]] std::size_t master() const { return master_; }
  [[nodiscard]] Version version(std::size_t h) const { return hierarchies_[h].version; }
  /// Whether only a part of the host's tree is visible.
  [[nodiscard]] bool restricted() const { return restricted_; }
  /// Whether the cgroup is the host's root, which has other files than all the rest.
  [[nodiscard]] bool is_host_root(const Cgroup& cgroup) const {
    return cgroup.path == "/" && !restricted_;
  }

  struct Counters {
    std::uint64_t added = 0, removed = 0, watch_failures = 0;
    /// Now, in the hierarchy that has most of them: the others mostly have the same ones.
    std::uint32_t dropped_bound = 0, dropped_depth = 0;
  };
  [[nodiscard]] const Counters& counters() const { return counters_; }
  /// What could not be opened, listed or looked at since the start; `file` is "(directory)".
  [[nodiscard]] const std::vector<ReadError>& errors() const { return errors_; }
  /// Whether nothing of walked hierarchy `h` was out of sight in the last refresh.
  [[nodiscard]] bool is_whole(std::size_t h) const {
    return hierarchies_[h].handle >= 0 && !hierarchies_[h].incomplete;
  }

 private:
  struct Walked {
    int handle = -1, watch = -1;
    bool incomplete = false;    ///< something could not be listed or looked at
    bool check_always = false;  ///< its watch failed, or its events proved wrong
    unsigned unannounced = 0;   ///< changes that the check found before any event did
    Version version = Version::v1;
    std::string mount_point, prefix;
    std::unordered_map<int, Slot> by_watch;
    std::uint32_t dropped_bound = 0, dropped_depth = 0;  ///< now
    std::vector<Slot> to_list;  ///< directories that may have what there was no room for
  };

  /// What list() needs, one for each depth, so that it allocates nothing once they have grown.
  struct Scratch {
    DirectoryListing listing;
    std::vector<std::string_view> names;
  };

  void add_hierarchy(const Layout& layout, int index);
  bool open_top(std::size_t h);
  void keep_bounds();
  void bring_order();
  void add_top(std::size_t h);
  void read_events(std::size_t h);
  void note_made(const Walked& hierarchy);
  void begin_refresh();
  void end_refresh();
  [[nodiscard]] std::size_t in_turn(std::size_t i) const;
  bool check(std::size_t h, bool all);
  void doubt(std::size_t h);
  void stop_trusting(std::size_t h);
  void settle(std::size_t h);
  void list(Cgroup& cgroup, std::size_t h);
  void list_child(Cgroup& parent, std::string_view name, std::uint64_t inode, std::size_t h);
  void count_dropped(Cgroup& cgroup, std::size_t h);
  [[nodiscard]] bool is_gone(const Cgroup& cgroup, std::size_t h);
  void must_list_again(Cgroup& cgroup, std::size_t h);
  void count_error(std::size_t h, int error, const char* path);
  void renew(Cgroup& cgroup);
  void note_age(Cgroup& cgroup, std::size_t h, std::int64_t directory_ns);
  void enter(Cgroup& cgroup, std::size_t h, std::uint64_t inode);
  void leave(Cgroup& cgroup, std::size_t h);
  void leave_below(Cgroup& cgroup, std::size_t h);
  void prune(Cgroup& cgroup);
  void forget_place(Cgroup& cgroup, std::size_t h);
  bool make_room(const Cgroup& newcomer, std::size_t h);
  void give_up(Cgroup& victim);
  Cgroup* last_expendable(Cgroup& below, const Cgroup& newcomer);
  [[nodiscard]] bool is_leaf(const Cgroup& cgroup) const;
  Cgroup& make_child(Cgroup& parent, std::string_view name);
  void take_slot(Cgroup& cgroup);
  void free_slot(Cgroup& cgroup);
  void watch(Cgroup& cgroup, std::size_t h);
  void readmit(const Cgroup& cgroup);
  void stop_watching(Cgroup& cgroup, std::size_t h);
  void forget_dropped(Cgroup::Place& place, std::size_t h);
  void append_in_order(const Cgroup& cgroup);
  [[nodiscard]] bool is_deepest(const Cgroup& cgroup) const;
  [[nodiscard]] std::size_t depth_of(const Cgroup& cgroup) const;

  Files& files_;
  std::vector<int> walked_;
  std::vector<Walked> hierarchies_;
  std::size_t master_ = 0, turn_ = 0;
  std::uint64_t refreshes_ = 0;
  TreeBounds bounds_;
  std::function<bool(std::string_view)> preferred_;
  bool restricted_ = false, check_all_ = false, changed_ = true;
  bool new_bounds_ = false;

  Cgroup root_;  ///< "/"; without a slot when no walked hierarchy shows it
  std::vector<Cgroup*> by_slot_;
  std::vector<Slot> free_;
  std::size_t living_ = 0;
  std::vector<const Cgroup*> order_;
  std::vector<Slot> removed_;
  std::vector<std::pair<Slot, std::size_t>> replaced_;
  std::vector<Brief> brief_;
  std::vector<Slot> pending_;        ///< directories that must be listed again
  bool nothing_expendable_ = false;  ///< found in this refresh
  WatchEvents events_;
  std::string file_;  ///< reused path
  std::vector<std::unique_ptr<Scratch>> scratch_;
  std::size_t listing_ = 0;  ///< how many list() calls are under way
  Counters counters_;
  std::vector<ReadError> errors_;
};

}  // namespace cgmon
