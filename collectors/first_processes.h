#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "collectors/cgroup/cgroup_tree.h"
#include "collectors/host/first_process.h"
#include "collectors/kernel/files.h"
#include "collectors/metrics/snapshot.h"

namespace cgmon {

/// A process of each container by which /proc tells of it, mostly its init: found once and kept
/// until whoever uses it says that it is gone. One-thread.
class FirstProcesses {
 public:
  /// `files` and `tree` must outlive it. `is_container`: whether a cgroup is another container's,
  /// into which the search does not go.
  FirstProcesses(Files& files, std::string procfs, const CgroupTree& tree,
                 std::function<bool(const Cgroup&)> is_container)
      : files_(files),
        procfs_(std::move(procfs)),
        tree_(tree),
        is_container_(std::move(is_container)) {}

  /// In what follows nothing is read of a cgroup of which the snapshot, which is being filled, says
  /// that no task is in it. Must stay until the next call.
  void believe(const Snapshot& snapshot) { snapshot_ = &snapshot; }
  /// The process of the last call, else the first in the cgroup's own cgroup.procs, else of those
  /// below: podman's are in a cgroup of their own.
  FirstProcess of(const Cgroup& cgroup);
  /// What PIDs are worth here.
  [[nodiscard]] const PidView& view();
  /// The process of a cgroup has ended, as far as it was found.
  void forget(Slot slot) {
    if (slot < pids_.size()) pids_[slot] = 0;
  }

 private:
  FirstProcess search(const Cgroup& cgroup, std::size_t& budget);
  FirstProcess read(const Cgroup& cgroup);

  Files& files_;
  std::string procfs_;
  const CgroupTree& tree_;
  std::function<bool(const Cgroup&)> is_container_;
  const Snapshot* snapshot_ = nullptr;
  std::vector<std::uint32_t> pids_;  // by slot, 0: not known
  std::optional<PidView> view_;      // for the life of this process
  std::string path_;
};

}  // namespace cgmon
