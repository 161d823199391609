#include "collectors/effective_limits.h"

#include <algorithm>

namespace cgmon {
namespace {

constexpr std::uint64_t kMicrocores = 1'000'000;
constexpr std::size_t kCpus = row("cpuset_effective_cpus");
constexpr std::size_t kHierarchical = row("memory_hierarchical_limit_bytes");
constexpr std::size_t kMemory = row("container_spec_memory_limit_bytes");
constexpr std::size_t kQuota = row("container_spec_cpu_quota");
constexpr std::size_t kPeriod = row("container_spec_cpu_period");

/// The lesser of two limits; what is absent limits nothing.
Value lesser(Value a, Value b) {
  if (!a.is_number()) return b.is_number() ? b : a;
  return b.is_number() && b.number < a.number ? b : a;
}

bool feeds(std::size_t row_index, const LimitedResource& resource) {
  if (row_index == resource.own) return true;
  if (resource.controller == Controller::memory) return row_index == kHierarchical;
  return resource.controller == Controller::cpu &&
         (row_index == kCpus || row_index == kQuota || row_index == kPeriod);
}

/// What the machine has, which bounds whatever no cgroup does.
Value of_machine(const LimitedResource& resource, Slot root, std::uint64_t online_cpus,
                 const Snapshot& snapshot) {
  switch (resource.controller) {
    case Controller::cpu:
      return online_cpus != 0 ? Value::of(online_cpus * kMicrocores) : Value::unlimited();
    case Controller::memory:
      return lesser(snapshot.value(kMemory, root), Value::unlimited());
    default:
      return lesser(lesser(snapshot.value(row("host_pid_max"), root),
                           snapshot.value(row("host_threads_max"), root)),
                    Value::unlimited());
  }
}

}  // namespace

void EffectiveLimits::begin(std::size_t slots) {
  for (auto& bounds : bounds_) bounds.assign(slots, {});
}

void EffectiveLimits::unread(const FileKind& kind, Slot slot) {
  for (std::size_t i = 0; i < kLimitedResources.size(); ++i) {
    const bool fed = std::ranges::any_of(kind.bindings, [&](const Binding& binding) {
      return feeds(binding.row, kLimitedResources.at(i));
    });
    if (fed) bounds_.at(i)[slot].unread = true;
  }
}

bool EffectiveLimits::needs(const FileKind& kind) {
  return std::ranges::any_of(kind.bindings, [](const Binding& binding) {
    return std::ranges::any_of(kLimitedResources, [&](const LimitedResource& resource) {
      return feeds(binding.row, resource);
    });
  });
}

void EffectiveLimits::apply(std::span<const Cgroup* const> order, const CgroupTree& tree,
                            const Layout& layout, std::uint64_t online_cpus, Snapshot& snapshot) {
  snapshot.limiters.clear();
  if (order.empty()) return;
  for (std::size_t i = 0; i < kLimitedResources.size(); ++i) {
    const LimitedResource& resource = kLimitedResources.at(i);
    const int serving = layout.serving(resource.controller);
    if (serving < 0 || !snapshot.served[resource.effective]) continue;  // not all was read
    const auto walked = std::ranges::find(tree.walked(), serving);
    if (walked == tree.walked().end()) continue;
    const Value machine = tree.is_host_root(*order[0])
                              ? of_machine(resource, order[0]->slot, online_cpus, snapshot)
                              : Value::unlimited();
    apply(i, order, tree, layout.hierarchies[static_cast<std::size_t>(serving)],
          static_cast<std::size_t>(walked - tree.walked().begin()), machine, snapshot);
  }
}

void EffectiveLimits::apply(std::size_t index, std::span<const Cgroup* const> order,
                            const CgroupTree& tree, const Hierarchy& hierarchy, std::size_t walked,
                            Value machine, Snapshot& snapshot) {
  const LimitedResource& resource = kLimitedResources.at(index);
  const bool is_cpu = resource.controller == Controller::cpu;
  const bool is_v1_memory =
      resource.controller == Controller::memory && hierarchy.version == Version::v1;
  auto& bounds = bounds_.at(index);
  for (const Cgroup* const cgroup : order) {
    Bound& bound = bounds[cgroup->slot];
    if (tree.is_host_root(*cgroup)) {  // its rows are the machine's, not a limit of a cgroup
      bound.least = machine;
      if (is_cpu) {
        const Value cpus = snapshot.value(kCpus, cgroup->slot);
        if (!machine.is_number() && cpus.is_number() && cpus.number != 0) {
          bound.least = Value::of(cpus.number * kMicrocores);
        }
      }
    } else {
      // A top that is no root of the host has ancestors that nobody here can see.
      if (cgroup->parent != nullptr && cgroup->parent->slot != kNoSlot) {
        bound.least = bounds[cgroup->parent->slot].least;
        bound.by = bounds[cgroup->parent->slot].by;
      } else if (hierarchy.real_root) {
        bound.least = Value::unlimited();
      }
      const Value own = snapshot.value(resource.own, cgroup->slot);
      const bool is_known = !bound.unread && cgroup->is_in(walked);
      // On a tie the cgroup itself holds, then the nearest: charges go from the leaf up.
      if (own.is_number() && !bound.least.is_absent() && lesser(own, bound.least) == own) {
        bound.least = own;
        bound.by = cgroup->slot;
      }
      if (is_cpu && !bound.least.is_absent()) {
        // Every child has its parent's CPUs: who has fewer than all above has set them.
        const Value cpus = snapshot.value(kCpus, cgroup->slot);
        if (cpus.is_number() && cpus.number != 0 &&
            (!bound.least.is_number() || cpus.number * kMicrocores < bound.least.number)) {
          bound.least = Value::of(cpus.number * kMicrocores);
          bound.by = cgroup->slot;
        }
      }
      const Value told = snapshot.value(kHierarchical, cgroup->slot);
      if (is_v1_memory && !told.is_absent()) {
        // The kernel's own word, also of ancestors that are hidden or (use_hierarchy) do not count.
        const Value least = lesser(told, machine);
        if (least != bound.least) {
          bound.by = own.is_number() && own == least ? cgroup->slot : kNoSlot;
        }
        bound.least = least;
      }
      if (!is_known) bound = {.least = {}, .by = kNoSlot, .unread = bound.unread};
    }
    if (!bound.least.is_number()) continue;
    snapshot.columns[resource.effective].set(cgroup->slot, bound.least);
    const bool by_another = bound.by != kNoSlot && bound.by != cgroup->slot;
    if (!by_another || snapshot.alive[cgroup->slot] == 0) continue;
    snapshot.axes[resource.info].push_back({cgroup->slot, bound.by, 1});
  }
}

}  // namespace cgmon
