#include "collectors/effective_limits.h"

#include <algorithm>

namespace cgmon {
namespace {

constexpr std::uint64_t kMicrocores = 1'000'000;
constexpr std::size_t kCpus = row("cpuset_effective_cpus");
constexpr std::size_t kHierarchical = row("memory_hierarchical_limit_bytes");
constexpr std::size_t kMemory = row("container_spec_memory_limit_bytes");
constexpr std::size_t kQuota = row("container_spec_cpu_quota");
constexpr std::size_t kProcesses = row("host_pid_max");
constexpr std::size_t kThreads = row("host_threads_max");
constexpr std::size_t kPeriod = row("container_spec_cpu_period");

/// The lesser of two limits; what is absent limits nothing.
Value lesser(Value a, Value b) {
  if (!a.is_number()) return b.is_number() ? b : a;
  return b.is_number() && b.number < a.number ? b : a;
}

bool feeds(std::size_t row_index, const LimitedResource& resource) {
  if (row_index == resource.own) return true;
  if (resource.controller == Controller::memory) return row_index == kHierarchical;
  if (resource.controller == Controller::pids) {
    return row_index == kProcesses || row_index == kThreads;
  }
  return resource.controller == Controller::cpu &&
         (row_index == kCpus || row_index == kQuota || row_index == kPeriod);
}

/// What the machine has, which bounds whatever no cgroup does; absent: not known.
Value of_machine(const LimitedResource& resource, Slot root, std::uint64_t online_cpus,
                 const Snapshot& snapshot) {
  if (resource.controller == Controller::memory) return snapshot.value(kMemory, root);
  if (resource.controller == Controller::cpu) {
    const Value cpus = online_cpus != 0 ? Value::of(online_cpus) : snapshot.value(kCpus, root);
    const bool is_known = cpus.is_number() && cpus.number != 0;
    return is_known ? Value::of(cpus.number * kMicrocores) : Value::absent();
  }
  // A /proc of processes alone (subset=pid) does not say.
  return lesser(lesser(snapshot.value(kProcesses, root), snapshot.value(kThreads, root)),
                Value::unlimited());
}

/// The limit that a cgroup itself has; absent: it has no such file, or it could not be read.
Value own_limit(const LimitedResource& resource, Slot slot, const Snapshot& snapshot) {
  const bool no_quota =
      resource.controller == Controller::cpu && snapshot.value(kQuota, slot) == Value::unlimited();
  return no_quota ? Value::unlimited() : snapshot.value(resource.own, slot);
}

}  // namespace

void EffectiveLimits::begin(std::size_t slots) {
  for (auto& bounds : bounds_) bounds.assign(slots, {});
}

void EffectiveLimits::note(const FileKind& kind, Slot slot, ReadOutcome outcome) {
  if (outcome == ReadOutcome::absent) return;
  for (std::size_t i = 0; i < kLimitedResources.size(); ++i) {
    const LimitedResource& resource = kLimitedResources.at(i);
    if (outcome == ReadOutcome::ok) {
      if (kind.controller == resource.controller) bounds_.at(i)[slot].has_controller = true;
    } else {
      bounds_.at(i)[slot].unread |= std::ranges::any_of(
          kind.bindings, [&](const Binding& binding) { return feeds(binding.row, resource); });
    }
  }
}

bool EffectiveLimits::needs(const FileKind& kind) {
  return std::ranges::any_of(kind.bindings, [](const Binding& binding) {
    return std::ranges::any_of(kLimitedResources, [&](const LimitedResource& resource) {
      return feeds(binding.row, resource);
    });
  });
}

/// What the limits of one resource are made of.
struct EffectiveLimits::Pass {
  std::size_t index;
  const CgroupTree& tree;
  const Hierarchy& hierarchy;
  std::size_t walked;  // the hierarchy, among the tree's walked ones
  Value machine;
  bool kernel_has_file = false;
  const Snapshot& snapshot;

  [[nodiscard]] const LimitedResource& resource() const { return kLimitedResources.at(index); }
  [[nodiscard]] bool is_cpu() const { return resource().controller == Controller::cpu; }
  [[nodiscard]] bool is_v1_memory() const {
    return resource().controller == Controller::memory && hierarchy.version == Version::v1;
  }
};

void EffectiveLimits::apply(std::span<const Cgroup* const> order, const CgroupTree& tree,
                            const Layout& layout, std::uint64_t online_cpus, Snapshot& snapshot) {
  snapshot.limiters.clear();
  if (order.empty()) return;
  for (std::size_t i = 0; i < kLimitedResources.size(); ++i) {
    const LimitedResource& resource = kLimitedResources.at(i);
    auto& bounds = bounds_.at(i);
    const int serving = layout.serving(resource.controller);
    if (serving < 0 || !computes(resource, snapshot)) continue;  // not all was read
    const auto walked = std::ranges::find(tree.walked(), serving);
    if (walked == tree.walked().end()) continue;
    Pass pass{.index = i,
              .tree = tree,
              .hierarchy = layout.hierarchies[static_cast<std::size_t>(serving)],
              .walked = static_cast<std::size_t>(walked - tree.walked().begin()),
              .machine = Value::unlimited(),
              .snapshot = snapshot};
    if (const Slot root = order[0]->slot; tree.is_host_root(*order[0])) {
      const bool unread = bounds[root].unread && !pass.is_cpu();
      pass.machine = unread ? Value::absent() : of_machine(resource, root, online_cpus, snapshot);
    }
    for (std::size_t at = order.size(); at-- > 0;) {
      const Cgroup& cgroup = *order[at];
      pass.kernel_has_file |=
          !own_limit(resource, cgroup.slot, snapshot).is_absent() && !tree.is_host_root(cgroup);
      // v2 hands controllers down: who has one, its parent has it.
      if (cgroup.parent != nullptr && cgroup.parent->slot != kNoSlot) {
        bounds[cgroup.parent->slot].has_controller |= bounds[cgroup.slot].has_controller;
      }
    }
    for (const Cgroup* const cgroup : order) {
      Bound& bound = bounds[cgroup->slot] = bound_of(pass, *cgroup);
      if (!bound.least.is_number()) continue;
      snapshot.columns[resource.effective].set(cgroup->slot, bound.least);
      const bool by_another = bound.by != kNoSlot && bound.by != cgroup->slot;
      if (!by_another || snapshot.alive[cgroup->slot] == 0) continue;
      snapshot.axes[resource.info].push_back({cgroup->slot, bound.by, 1});
    }
  }
}

EffectiveLimits::Bound EffectiveLimits::bound_of(const Pass& pass, const Cgroup& cgroup) const {
  const auto& bounds = bounds_.at(pass.index);
  Bound bound = bounds[cgroup.slot];
  if (pass.tree.is_host_root(cgroup)) {  // its rows are the machine's, not a limit of a cgroup
    bound.least = pass.machine;
    return bound;
  }
  if (!is_known(pass, cgroup)) return bound;
  // A top that is no root of the host has ancestors that nobody here can see.
  if (cgroup.parent != nullptr && cgroup.parent->slot != kNoSlot) {
    bound.least = bounds[cgroup.parent->slot].least;
    bound.by = bounds[cgroup.parent->slot].by;
  } else if (pass.hierarchy.real_root) {
    bound.least = Value::unlimited();
  }
  tighten(pass, cgroup.slot, bound);
  return bound;
}

/// Whether all is known that the cgroup itself sets.
bool EffectiveLimits::is_known(const Pass& pass, const Cgroup& cgroup) const {
  const Bound& bound = bounds_.at(pass.index)[cgroup.slot];
  if (bound.unread || !cgroup.is_in(pass.walked)) return false;
  const bool is_v1 = pass.hierarchy.version == Version::v1;
  if (pass.is_v1_memory() &&
      (pass.machine.is_absent() || pass.snapshot.value(kHierarchical, cgroup.slot).is_absent())) {
    return false;
  }
  // Who has the controller has its limit, too, unless the kernel is built without it
  // (CONFIG_CFS_BANDWIDTH); that it is not there then says that it was not to be had just now. On
  // v1 all have the controller.
  const bool has_file = pass.kernel_has_file && (is_v1 || bound.has_controller);
  return !has_file || !own_limit(pass.resource(), cgroup.slot, pass.snapshot).is_absent();
}

/// Lowers what holds above to what the cgroup itself has.
void EffectiveLimits::tighten(const Pass& pass, Slot slot, Bound& bound) {
  const Value own = pass.snapshot.value(pass.resource().own, slot);
  // On a tie the cgroup itself holds, then the nearest: charges go from the leaf up.
  if (own.is_number() && !bound.least.is_absent() && lesser(own, bound.least) == own) {
    bound.least = own;
    bound.by = slot;
  }
  if (pass.is_cpu() && !bound.least.is_absent()) {
    // Every child has its parent's CPUs: who has fewer than all above has set them.
    const Value cpus = pass.snapshot.value(kCpus, slot);
    if (cpus.is_number() && cpus.number != 0 &&
        (!bound.least.is_number() || cpus.number * kMicrocores < bound.least.number)) {
      bound.least = Value::of(cpus.number * kMicrocores);
      bound.by = slot;
    }
  }
  if (!pass.is_v1_memory()) return;
  // The kernel's own word, also of ancestors that are hidden or (use_hierarchy) do not count.
  const Value told = lesser(pass.snapshot.value(kHierarchical, slot), pass.machine);
  if (told != bound.least) bound.by = own.is_number() && own == told ? slot : kNoSlot;
  bound.least = told;
}

}  // namespace cgmon
