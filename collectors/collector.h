#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "collectors/cgroup/cgroup_reader.h"
#include "collectors/cgroup/cgroup_tree.h"
#include "collectors/cgroup/kept_files.h"
#include "collectors/cgroup/layout.h"
#include "collectors/cgroup/read_plan.h"
#include "collectors/cgroup/written_files.h"
#include "collectors/effective_limits.h"
#include "collectors/host_pass.h"
#include "collectors/identity/identifier.h"
#include "collectors/kernel/clock.h"
#include "collectors/kernel/files.h"
#include "collectors/kernel/roots.h"
#include "collectors/metrics/snapshot.h"
#include "collectors/oom_watch.h"
#include "collectors/selection.h"
#include "collectors/subtree_sums.h"
#include "collectors/unavailable.h"

namespace cgmon {

struct CollectorOptions {
  GroupSet groups = default_groups();
  TreeBounds bounds;
  std::size_t descriptors = 4096;  ///< budget of kept ones
  Only only;
  Filters filters;
  std::int64_t names_wait_ns = 250'000'000;  ///< how long a pass waits for names of new containers
  std::int64_t disk_wait_ns = 0;  ///< how long a pass waits for disks: a server never does
  std::uint32_t ticks_per_second = 100;
  std::uint32_t page_bytes = 4096;
};

/// One host's passes: walk, read, compute, identify. It opens only cgroupfs and procfs and never
/// writes. One-thread: the collection thread owns it with all its descriptors.
class Collector {
 public:
  /// `files`, `clock` and `metadata` (may be nullptr: names by path alone) and `disks` (may be
  /// nullptr: no figures of disks) must outlive it.
  Collector(Files& files, const Clock& clock, const Roots& roots, Layout layout,
            const CollectorOptions& options, MetadataQueue* metadata, DiskQueue* disks = nullptr);
  Collector(const Collector&) = delete;
  Collector& operator=(const Collector&) = delete;
  ~Collector();

  /// Reads every chosen row of every cgroup that exists when it is called; of `groups` alone when
  /// fewer are asked for. What could not be read before `deadline_ns` (monotonic) is absent and
  /// counted.
  void collect(Snapshot& snapshot, std::int64_t deadline_ns, GroupSet groups = kAllGroups);

  /// The next pass reads every file, those as well that cannot have changed.
  void read_all_again() { written_.forget_all(); }

  /// From the next pass on reads by these options. What is known of cgroups and all counters stay.
  void reconfigure(const CollectorOptions& options);

  /// Between passes, when one of watches() has something to report: notes what came and went, and
  /// reads the last counts of what dies. Cheap, and never needed for collect() to be right.
  void look();
  [[nodiscard]] Watches watches() const { return oom_.watches(); }

  [[nodiscard]] const Layout& layout() const { return layout_; }
  [[nodiscard]] const ReadPlan& plan() const { return plan_; }
  [[nodiscard]] const Identifier& identifier() const { return identifier_; }
  [[nodiscard]] const CgroupTree& tree() const { return tree_; }
  [[nodiscard]] const EffectiveLimits& limits() const { return limits_; }
  [[nodiscard]] const KeptFiles& kept_files() const { return *kept_; }

 private:
  static constexpr std::size_t kProcFile = static_cast<std::size_t>(-1);

  void follow_plan();
  void follow_tree();
  void choose();
  void prepare(Snapshot& snapshot);
  void read_group(Group group, std::int64_t deadline_ns, Snapshot& snapshot);
  void judge_block_io(Snapshot& snapshot);
  void read_for_sums(std::span<const std::size_t> files, std::int64_t deadline_ns,
                     Snapshot& snapshot);
  bool read_cgroup(const Cgroup& cgroup, Slot slot, Group group, GroupReport& report,
                   Snapshot& snapshot);
  void finish(Snapshot& snapshot, std::int64_t deadline_ns);
  void set_limits(Snapshot& snapshot);
  [[nodiscard]] std::uint64_t online_cpus();
  void set_agent_rows(const Cgroup& cgroup, Snapshot& snapshot) const;
  Selection::Judgement judge(const Cgroup& cgroup);
  void hide_unnamed(Snapshot& snapshot);

  // collector_files.cc: which cgroups and files, and how one is read
  [[nodiscard]] bool may_read(std::size_t file, const Cgroup& cgroup, bool failed) const;
  void note_outcome(std::size_t file, const Cgroup& cgroup, bool is_root, ReadOutcome outcome);
  void note_missing(std::size_t file, const Cgroup& cgroup);
  [[nodiscard]] bool takes_turns(std::size_t file) const;
  ReadOutcome read_file(std::size_t file, const Cgroup& cgroup, bool is_root, Snapshot& snapshot);
  void read_ahead(std::span<const std::size_t> files, std::span<const Slot> slots,
                  const Snapshot& snapshot);
  std::optional<ReadOutcome> read_at_once(std::size_t file, const Cgroup& cgroup, Slot slot,
                                          Snapshot& snapshot);
  ReadOutcome read_kept_or_open(std::size_t file, const Cgroup& cgroup, bool is_root,
                                Snapshot& snapshot);
  ReadOutcome read_known(std::size_t file, std::string_view text, const Cgroup& cgroup, Slot slot,
                         bool is_root, Snapshot& snapshot);
  ReadOutcome read_kept(std::size_t file, const Cgroup& cgroup, Slot slot, int handle, bool is_root,
                        Snapshot& snapshot);
  [[nodiscard]] bool is_there(const Cgroup& cgroup, std::size_t h);
  [[nodiscard]] bool lacks_others_too(std::size_t file, Slot slot) const;
  ReadOutcome really_absent(std::size_t file, const Cgroup& cgroup);

  Files& files_;
  const Clock& clock_;
  Layout layout_;
  CollectorOptions options_;
  ReadPlan plan_;
  CgroupTree tree_;
  WrittenFiles written_;
  std::optional<CgroupReader> reader_;  // these two have a value; they are made anew with the plan
  std::optional<KeptFiles> kept_;
  Identifier identifier_;
  Selection selection_;
  std::vector<SubtreeSums> sums_;
  EffectiveLimits limits_;
  std::string online_text_;
  OomWatch oom_;
  HostPass host_;
  Roots roots_;
  std::string online_path_;  // of the CPUs that are online
  int proc_ = -1;
  std::vector<std::uint64_t> seen_;  // by slot: what of the kernel was there in this pass
  std::int64_t boot_ns_ = 0;         // since the epoch; 0: unknown, negative: errno

  std::vector<std::size_t> walked_of_file_;  // by file: index into the tree's walked
  PlanPart whole_, narrow_;                  // what passes read: all, and those that ask for less
  const PlanPart* part_ = &whole_;           // what this pass reads
  std::vector<std::vector<std::uint8_t>> absent_;  // by file and slot: seen absent before
  std::vector<std::uint8_t> lacks_;                // by file: in this pass, the kernel does
  std::vector<std::uint8_t> has_fallback_;         // by file: another source may stand in
  std::int64_t cpu_mark_ns_ =
      0;  // where one group's CPU time ends the next one's begins: 2 us a call
  std::vector<std::uint64_t> part_of_file_;  // by file: its part_bit()
  /// What a pass does with nearly every file: it takes no questions before reading a `plain` one,
  /// and no notes after, but that a limited resource is there.
  struct Short {
    bool plain = false, written = false;
    bool ahead = false;        // may be read before it is known that it has to be
    std::uint8_t limited = 0;  // index into kLimitedResources, their number for none
  };
  std::vector<Short> short_;  // by file
  /// Of so many cgroups kept files are read one after the other before any is parsed: the kernel's
  /// code and ours do not push each other out of the CPU's caches each time.
  static constexpr std::size_t kBatch = 8;
  struct Ahead {
    Slot slot = kNoSlot;      // whose text it is, kNoSlot: none
    std::int32_t size = 0;    // or a negative errno
    std::uint32_t begin = 0;  // in ahead_text_
  };
  std::vector<Ahead> ahead_;  // by file and place in the batch
  std::vector<char> ahead_text_;
  std::size_t in_batch_ = 0;              // of the cgroup that is being read
  std::vector<std::uint8_t> root_lacks_;  // by file: so all others lack it, too
  std::vector<Slot> served_;  // by file: the last cgroup that was asked for it, if it has it
  HostRows host_rows_ = HostRows::read;           // in this pass
  bool blkio_read_ = false, disk_lines_ = false;  // in this pass: v1's block I/O, and any of it
  std::size_t blkio_ = kProcFile;  // the hierarchy of v1's block I/O, among the tree's walked ones
  /// Which source a cgroup's counters come from, where this host has two.
  enum class Pin : std::uint8_t { none, preferred, fallback };
  std::vector<Pin> pins_;                       // by slot
  std::vector<const Cgroup*> others_;           // what it leaves out
  std::vector<const Cgroup*> above_;            // of these, ancestors of what it reads
  std::vector<std::uint8_t> is_above_;          // by slot: read, or an ancestor of what is
  std::vector<std::uint32_t> limiter_of_slot_;  // index into Snapshot::limiters + 1
  std::vector<const Cgroup*> chosen_;           // what this pass reads, in path order
  std::vector<Slot> slots_;                     // the same: to look into each would cost a miss
  Slot root_slot_ = kNoSlot;                    // the host's root, if it is among them
  std::vector<std::uint8_t> known_;             // by slot: the identifier knows it
  PassReport totals_;
};

}  // namespace cgmon
