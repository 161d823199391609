#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "collectors/cgroup/cgroup_reader.h"
#include "collectors/cgroup/cgroup_tree.h"
#include "collectors/cgroup/read_plan.h"
#include "collectors/metrics/snapshot.h"

namespace cgmon {

/// A resource with limits that hold for all below: which rows have its limit and the effective one.
struct LimitedResource {
  std::string_view name;
  Controller controller;
  std::size_t own, effective, info;
};
inline constexpr std::array kLimitedResources{
    LimitedResource{"cpu", Controller::cpu, row("container_spec_cpu_quota_cores"),
                    row("container_cpu_effective_limit_cores"),
                    row("container_effective_limit_info", R"(resource="cpu")")},
    LimitedResource{"memory", Controller::memory, row("container_spec_memory_limit_bytes"),
                    row("container_memory_effective_limit_bytes"),
                    row("container_effective_limit_info", R"(resource="memory")")},
    LimitedResource{"pids", Controller::pids, row("container_threads_max"),
                    row("container_pids_effective_limit"),
                    row("container_effective_limit_info", R"(resource="pids")")}};

/// Computes the limit that holds for each cgroup: the least of its own, its ancestors' and the
/// machine's. Where any of them is unknown (it could not be read, is missing though the cgroup has
/// the controller, or ancestors are hidden by a cgroup namespace) the effective one is absent, here
/// and below; so it is on v1 for a cgroup that is not in the
/// controller's hierarchy, as its processes may be anywhere there. One-thread.
class EffectiveLimits {
 public:
  /// Before a pass.
  void begin(std::size_t slots);
  /// How reading a file of the plan ended for a cgroup.
  void note(const FileKind& kind, Slot slot, ReadOutcome outcome);
  /// The same as note() of `ok` for a file of the resource at `index` of kLimitedResources.
  void has(std::size_t index, Slot slot) { bounds_[index][slot].has_controller = true; }
  /// The file was not tried, as the deadline had come.
  void late(const FileKind& kind, Slot slot) { note(kind, slot, ReadOutcome::failed); }
  /// Whether a file has a number that the limits of cgroups below depend on.
  [[nodiscard]] static bool needs(const FileKind& kind);
  /// Whether a pass computes the limits of a resource.
  [[nodiscard]] static bool computes(const LimitedResource& resource, const Snapshot& snapshot) {
    return snapshot.served[resource.effective] || snapshot.served[resource.info];
  }
  /// Fills the rows of `order`, which has parents first and all ancestors whose limits were read.
  /// `online_cpus`: 0 if not known. Samples that say who limits are those of living cgroups.
  void apply(std::span<const Cgroup* const> order, const CgroupTree& tree, const Layout& layout,
             std::uint64_t online_cpus, Snapshot& snapshot);
  /// The cgroup whose limit holds for another, kNoSlot: none, the machine's or unknown. Of the
  /// resource at `index` of kLimitedResources, after apply().
  [[nodiscard]] Slot limiter(std::size_t index, Slot slot) const {
    return slot < bounds_.at(index).size() ? bounds_.at(index)[slot].by : kNoSlot;
  }

 private:
  struct Bound {
    Value least;  ///< absent: unknown; unlimited: none so far
    Slot by = kNoSlot;
    bool unread = false;          ///< a file could not be read, though it may be there
    bool has_controller = false;  ///< it, or a cgroup below, has a file of the controller
  };
  struct Pass;

  [[nodiscard]] Bound bound_of(const Pass& pass, const Cgroup& cgroup) const;
  [[nodiscard]] bool is_known(const Pass& pass, const Cgroup& cgroup) const;
  static void tighten(const Pass& pass, Slot slot, Bound& bound);

  std::array<std::vector<Bound>, kLimitedResources.size()> bounds_;  // by slot
};

}  // namespace cgmon
