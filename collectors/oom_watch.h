#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "collectors/cgroup/cgroup_tree.h"
#include "collectors/cgroup/layout.h"
#include "collectors/cgroup/read_plan.h"
#include "collectors/identity/identifier.h"
#include "collectors/kernel/clock.h"
#include "collectors/kernel/files.h"
#include "collectors/kernel/sleeper.h"
#include "collectors/metrics/snapshot.h"
#include "collectors/oom_kills.h"
#include "collectors/parse/flat_keyed.h"
#include "collectors/subtree_sums.h"

namespace cgmon {

/// Reads what OomKills keeps the books of: in a pass the host's count, between passes the counts of
/// cgroups that die. The kernel tells of those by cgroup.events of the v2 hierarchy, which a hybrid
/// host has beside v1's memory controller; "populated 0" comes before the engine removes the
/// directory. Pure v1 tells of nothing. One-thread.
class OomWatch {
 public:
  /// All must outlive it.
  OomWatch(Files& files, const Clock& clock, const Layout& layout, const CgroupTree& tree,
           Identifier& identifier);
  OomWatch(const OomWatch&) = delete;
  OomWatch& operator=(const OomWatch&) = delete;
  ~OomWatch();

  /// What the plan reads decides what is looked at. `sums`: what adds up v1's counts. Both must
  /// stay until they are told anew.
  void follow_plan(const ReadPlan& plan, std::span<SubtreeSums> sums);

  /// Begins a pass, before the walk. `proc`: a handle of /proc.
  void begin(int proc, std::int64_t wall_ns);
  /// Before the walk between passes: reads what died.
  void look();
  /// Slots that the walk let go, and briefly living containers that it missed. Their labels must
  /// still be known.
  void remove(Slot slot);
  void take_brief();
  /// A cgroup that the walk found, parents first.
  void add(const Cgroup& cgroup, bool chosen);
  /// After the walk: those that were found before all their directories were made.
  void complete();
  /// Whether it is to be served.
  void choose(const Cgroup& cgroup, bool chosen);
  /// Asks engines about those that are gone.
  void ask(OomKills::Asking asking);
  /// Ends a pass, after names are settled.
  void settle(Snapshot& snapshot);

  /// Watches that have something to report when look() and the walk should come; none when nothing
  /// would be gained.
  [[nodiscard]] Watches watches() const;
  [[nodiscard]] const OomKills& kills() const { return kills_; }

 private:
  [[nodiscard]] bool active() const { return file_ != nullptr; }
  [[nodiscard]] bool is_watched(Slot slot) const {
    return slot < numbers_.size() && numbers_[slot] >= 0;
  }
  [[nodiscard]] bool is_complete(const Cgroup& cgroup) const;
  void watch_end(const Cgroup& cgroup);
  void look_at(Slot slot);
  void look_at_new(const Cgroup& cgroup);
  std::optional<std::uint64_t> read_host();
  std::optional<std::uint64_t> read_number(std::size_t h, const Cgroup& cgroup,
                                           const std::string& file, FlatKeyedParser& parser);
  std::optional<std::uint64_t> count_of(const Cgroup& cgroup);

  Files& files_;
  const Clock& clock_;
  const CgroupTree& tree_;
  Identifier& identifier_;
  const FileKind* file_ = nullptr;        ///< that has the count
  SubtreeSums* sums_ = nullptr;           ///< v1
  std::size_t counted_in_ = 0;            ///< walked hierarchy of file_
  std::optional<std::size_t> events_in_;  ///< walked v2 hierarchy
  bool whole_host_;                       ///< /proc/vmstat is of what the tree shows
  OomKills kills_;
  FlatKeyedParser count_parser_, events_parser_, host_parser_;
  int watch_ = -1;
  std::unordered_map<int, Slot> by_number_;
  std::vector<int> numbers_;  // by slot, -1: not watched
  std::vector<Slot> incomplete_;
  int proc_ = -1;  // of the pass
  std::optional<std::uint64_t> host_kills_;
  std::int64_t started_ns_ = 0;  // wall clock of the first pass
  bool passed_ = false;          // a pass has ended
  WatchEvents events_;
  std::string path_, text_;
  std::vector<OomKills::Question> questions_;
};

}  // namespace cgmon
