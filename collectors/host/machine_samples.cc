#include "collectors/host/machine_samples.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

namespace cgmon {
namespace {

using Labels = MachineSample::Labels;

/// Index of a family that code fills. A misspelt name does not compile.
consteval std::size_t family(std::string_view name) {
  const std::size_t found = find_family(name);
  if (found == kFamilies.size()) throw "no family of that name in kFamilies";
  return found;
}

class Samples {
 public:
  explicit Samples(const Machine& machine) : machine_(machine) {}

  void add(std::size_t family, Labels labels, std::uint64_t value) {
    std::erase_if(labels, [](const auto& label) { return label.second.empty(); });
    samples_.push_back({family, std::move(labels), value});
  }

  /// With the labels that cAdvisor gives every family of the machine behind its own.
  void add_machine(std::size_t family, std::optional<std::uint64_t> value, Labels labels = {}) {
    if (!value) return;
    labels.emplace_back("machine_id", machine_.machine_id);
    labels.emplace_back("system_uuid", machine_.system_uuid);
    labels.emplace_back("boot_id", machine_.boot_id);
    add(family, std::move(labels), *value);
  }

  /// In the order of families; of those with the same labels the first.
  std::vector<MachineSample> take() {
    std::stable_sort(samples_.begin(), samples_.end(),
                     [](const auto& a, const auto& b) { return a.family < b.family; });
    std::set<std::pair<std::size_t, Labels>> seen;
    std::erase_if(samples_, [&](const MachineSample& sample) {
      return !seen.emplace(sample.family, sample.labels).second;
    });
    return std::move(samples_);
  }

 private:
  const Machine& machine_;
  std::vector<MachineSample> samples_;
};

void add_nodes(const Machine& machine, Samples& samples) {
  for (const MachineNode& node : machine.nodes) {
    const std::string id = std::to_string(node.number);
    samples.add_machine(family("machine_node_memory_capacity_bytes"), node.memory_bytes,
                        {{"node_id", id}});
    for (const auto& [kilobytes, pages] : node.huge_pages) {
      samples.add_machine(family("machine_node_hugepages_count"), pages,
                          {{"node_id", id}, {"page_size", std::to_string(kilobytes)}});
    }
    for (const auto& [target, distance] : node.distances) {
      samples.add_machine(family("machine_node_distance"), distance,
                          {{"node_id", id}, {"target_node_id", std::to_string(target)}});
    }
  }
}

const MachineNode* node_of(const Machine& machine, std::uint32_t cpu) {
  const auto found = std::ranges::find_if(machine.nodes, [cpu](const MachineNode& node) {
    return std::ranges::binary_search(node.cpus, cpu);
  });
  return found == machine.nodes.end() ? nullptr : &*found;
}

void add_core(const MachineCore& core, const MachineNode* node, Samples& samples) {
  const std::string node_id = node == nullptr ? "" : std::to_string(node->number);
  const std::string core_id = core.number ? std::to_string(*core.number) : "";
  for (const std::uint32_t cpu : core.cpus) {
    samples.add_machine(
        family("machine_thread_siblings_count"), core.cpus.size(),
        {{"node_id", node_id}, {"core_id", core_id}, {"thread_id", std::to_string(cpu)}});
  }
  for (const MachineCache& cache : core.caches) {
    // Shared by the whole node, but not just since the node has this core alone.
    const bool of_node = node != nullptr && cache.cpus.size() > core.cpus.size() &&
                         std::ranges::includes(cache.cpus, node->cpus);
    samples.add_machine(family("machine_cpu_cache_capacity_bytes"), cache.bytes,
                        {{"node_id", node_id},
                         {"core_id", of_node ? "" : core_id},
                         {"type", cache.type},
                         {"level", std::to_string(cache.level)}});
  }
}

}  // namespace

std::vector<MachineSample> machine_samples(const Machine& machine,
                                           const std::vector<ControllerPlace>& places,
                                           const ProgramVersion& program) {
  Samples samples(machine);
  samples.add_machine(family("machine_cpu_cores"), machine.cpus);
  samples.add_machine(family("machine_cpu_physical_cores"), machine.cores);
  samples.add_machine(family("machine_cpu_sockets"), machine.sockets);
  samples.add_machine(family("machine_memory_bytes"), machine.memory_bytes);
  samples.add_machine(family("machine_swap_bytes"), machine.swap_bytes);
  for (const auto& [type, modules] : machine.modules) {
    samples.add_machine(family("machine_dimm_count"), modules.count, {{"type", type}});
    samples.add_machine(family("machine_dimm_capacity_bytes"), modules.bytes, {{"type", type}});
  }
  add_nodes(machine, samples);
  for (const MachineCore& core : machine.topology) {
    if (!core.cpus.empty()) add_core(core, node_of(machine, core.cpus.front()), samples);
  }
  samples.add(family("machine_scrape_error"), {}, machine.is_whole() ? 0 : 1);
  samples.add(family("cadvisor_version_info"),
              {{"kernelVersion", machine.kernel_version},
               {"osVersion", machine.os_version},
               {"cadvisorVersion", program.version},
               {"cadvisorRevision", program.revision}},
              1);
  for (const ControllerPlace& place : places) {
    samples.add(family("cgmon_controller_info"),
                {{"controller", std::string(place.controller)},
                 {"hierarchy", std::string(place.hierarchy)},
                 {"mountpoint", place.mount_point}},
                1);
  }
  return samples.take();
}

}  // namespace cgmon
