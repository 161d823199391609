#pragma once

#include <cstddef>
#include <vector>

#include "collectors/cgroup/read_plan.h"
#include "collectors/kernel/files.h"
#include "collectors/metrics/snapshot.h"

namespace cgmon {

/// The budget that a limit of descriptors leaves of the one that is wished for: with a directory
/// beside each file at the most, half of what this process may have open.
[[nodiscard]] constexpr std::size_t kept_files_budget(std::size_t wished,
                                                      std::size_t descriptor_limit) {
  return wished < descriptor_limit / 4 ? wished : descriptor_limit / 4;
}

/// Open handles of cgroup files, kept between passes up to a budget. A kept one saves 4-5 us a read
/// and costs 4-5 KiB of kernel memory, charged to this process' cgroup. The budget is spent by
/// whole kinds of files, those first that save most, so that no cgroup is favoured. One-thread.
///
/// Beside a cgroup's files its directory is kept, for one reason: a file that is open while its
/// cgroup is removed stays in the kernel's name cache after it is closed, 800 bytes each, until
/// memory is short. Asking for its name in the dead directory makes the kernel forget it. Such a
/// handle costs a tenth of a file's memory and is not counted; there are never more than of files.
class KeptFiles {
 public:
  KeptFiles(Files& files, const ReadPlan& plan, std::size_t budget);
  KeptFiles(const KeptFiles&) = delete;
  KeptFiles& operator=(const KeptFiles&) = delete;
  ~KeptFiles();

  /// Decides which kinds are kept for `cgroups` living ones in at most `slots` slots, and closes
  /// those that no longer are. A kind comes back only when there is room to spare, so that a number
  /// of cgroups around the limit does not open and close thousands each time.
  void fit(std::size_t cgroups, std::size_t slots);

  [[nodiscard]] bool keeps(std::size_t file) const { return kinds_[file].kept; }
  /// The kept handle of a cgroup's file, -1 when there is none.
  [[nodiscard]] int get(std::size_t file, Slot slot) const {
    const std::vector<int>& handles = kinds_[file].handles;
    return slot < handles.size() ? handles[slot] : -1;
  }
  /// Opens a file of a kept kind for keeping: its handle, or a negative errno. `top` is a handle of
  /// the hierarchy, `relative` the cgroup's path below it.
  int open(std::size_t file, Slot slot, int top, const char* relative);
  void drop(std::size_t file, Slot slot);
  /// Closes what a cgroup has, in one hierarchy or (with -1) in all.
  void drop_cgroup(Slot slot, int hierarchy = -1);

  /// Handles open now, directories included.
  [[nodiscard]] std::size_t open_handles() const { return open_files_ + open_directories_; }
  /// Without directories: what the budget is of.
  [[nodiscard]] std::size_t open_files() const { return open_files_; }
  [[nodiscard]] std::size_t budget() const { return budget_; }

 private:
  struct Kind {
    bool kept = false;
    bool given_up = false;     // was kept, until there were too many cgroups
    std::vector<int> handles;  // by slot
  };

  [[nodiscard]] std::vector<int>& directories_of(std::size_t file) {
    return directories_[static_cast<std::size_t>(plan_.files[file].hierarchy)];
  }
  // `open`: the count that the handle is in.
  void close(int& handle, std::size_t& open);
  void release(std::vector<int>& handles, std::size_t& open);

  Files& files_;
  const ReadPlan& plan_;
  std::size_t budget_, open_files_ = 0, open_directories_ = 0;
  std::vector<Kind> kinds_;                    // by file of the plan
  std::vector<std::vector<int>> directories_;  // by hierarchy of the layout, by slot
  std::vector<std::size_t> by_rank_;           // files, those that save most first
};

}  // namespace cgmon
