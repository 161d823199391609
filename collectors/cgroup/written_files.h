#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "collectors/cgroup/cgroup_tree.h"
#include "collectors/cgroup/read_plan.h"
#include "collectors/kernel/files.h"
#include "collectors/metrics/snapshot.h"

namespace cgmon {

/// What files say that only a write changes (FileKind::written): limits and weights. The kernel
/// tells of a write to one before the write(2) is over, whoever makes it and in whatever namespace
/// (tests/integration/written_files_test.py), so what they said stays true until then.
///
/// A text is to be read again when its directory had a write to any setting (one changes another:
/// cpu.idle the weight), when the parent's cgroup.subtree_control did (a controller that is taken
/// away and comes back starts anew), and each minute, spread over the cgroups. Each time, while its
/// directory is not watched. A text that changed untold shows that the kernel does not tell: three
/// of them and no text is kept any more.
///
/// The watch is one of its own. Nobody sleeps on it: v2 notes memory.events in it up to a hundred
/// times a second for each cgroup at its limit, and should that make it overflow, the walk loses
/// nothing; only these files are read once more. One-thread; allocates only for new texts.
class WrittenFiles {
 public:
  static constexpr std::int64_t kTurnNs = 60'000'000'000;

  /// `files` and `tree` must outlive it. `procfs` has the limit of watches, of which a quarter at
  /// the most is taken: the walk must not lack any.
  WrittenFiles(Files& files, const CgroupTree& tree, const std::string& procfs);
  WrittenFiles(const WrittenFiles&) = delete;
  WrittenFiles& operator=(const WrittenFiles&) = delete;
  ~WrittenFiles();

  /// Begins anew with the files of a plan, which must stay until the next.
  void follow_plan(const ReadPlan& plan);
  /// Lets go of a cgroup, in one walked hierarchy or in all.
  void remove(Slot slot);
  void remove(Slot slot, std::size_t h);

  /// Takes in what was written so far; between passes only to keep the kernel's queue short.
  void take_events();
  /// Before the reading of a pass, after the walk.
  void begin_pass(std::int64_t monotonic_ns);
  /// Everything is to be read again.
  void forget_all();
  /// Disks came or went, and rules with them.
  void forget_devices();

  /// What file `file` of the plan says for the cgroup in `slot`, as far as it is known.
  [[nodiscard]] std::optional<std::string_view> known(std::size_t file, Slot slot) const;
  /// The same; where it has to be read, the next write will be told.
  [[nodiscard]] std::optional<std::string_view> text(std::size_t file, const Cgroup& cgroup);
  /// It was read.
  void keep(std::size_t file, Slot slot, std::string_view text);
  /// It could not be read.
  void forget(std::size_t file, Slot slot) { at(file, slot).turn = 0; }

  /// How often watching failed: once for each reason to read files more often from now on.
  [[nodiscard]] std::uint64_t failures() const { return failures_; }

 private:
  /// In place, two to a cache line, as a pass looks at ten of them for each cgroup. What is longer
  /// (rules for disks) is in long_texts_.
  struct Text {
    std::uint32_t turn = 0;  ///< in which it was read, 0: to be read
    std::uint8_t size = 0;   ///< kLong: elsewhere
    std::array<char, 27> bytes{};
  };
  struct Place {
    Slot slot = kNoSlot;
    std::size_t h = 0;
  };
  static constexpr std::uint8_t kLong = UINT8_MAX;
  static constexpr std::size_t kLongest = 4096;  ///< longer ones are read each time
  static constexpr int kNotYet = -2, kRefused = -1;

  [[nodiscard]] Text& at(std::size_t file, Slot slot) { return texts_[index_of(file, slot)]; }
  [[nodiscard]] std::size_t index_of(std::size_t file, Slot slot) const {
    return slot * written_.size() + place_[file];
  }
  [[nodiscard]] std::string_view view(const Text& text) const;
  void set(Text& text, std::string_view said);
  void watch(const Cgroup& cgroup, std::size_t h);
  void wrote(Slot slot, std::size_t h);
  void give_up();
  [[nodiscard]] std::uint32_t turn_of(Slot slot) const;

  Files& files_;
  const CgroupTree& tree_;
  int watch_ = -1;
  bool trusted_ = false, short_of_watches_ = false;
  std::size_t most_watches_;
  std::int64_t now_ns_ = 0;
  unsigned untold_ = 0;  ///< changes that no event told of
  std::uint64_t failures_ = 0;
  struct Written {
    std::size_t h = 0;  ///< index into the tree's walked
    bool over_devices = false;
  };
  std::vector<Written> written_;    // those files of the plan, in its order
  std::vector<std::size_t> place_;  // by file of the plan: index into written_
  std::vector<Text> texts_;         // by slot and index into written_
  std::unordered_map<std::size_t, std::string> long_texts_;  // by index into texts_
  std::vector<std::vector<int>> numbers_;  // by walked hierarchy and slot: the watch's number
  std::unordered_map<int, Place> by_number_;
  WatchEvents events_;
};

}  // namespace cgmon
