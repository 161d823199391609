#pragma once

#include <array>

#include "collectors/metrics/table_words.h"

/// The machine as a whole.
// clang-format off
namespace cgmon::tables::families {
inline constexpr auto kHost = std::to_array<Family>({
    {"host_swap_total_bytes", "Swap of the machine.", gauge, bytes, memory, nobody},
    {"host_swap_free_bytes", "Free swap of the machine.", gauge, bytes, memory, nobody},
    {"host_swap_bytes", "Swap of the machine; absent without.", gauge, bytes, memory, nobody},
    {"machine_cpu_cores", "Logical CPUs that are online.", gauge, count, host, machine},
    {"machine_cpu_physical_cores", "Cores that have a CPU online.", gauge, count, host, machine},
    {"machine_cpu_sockets", "Sockets that have a CPU online.", gauge, count, host, machine},
    {"machine_memory_bytes", "Memory of the machine, MemTotal of /proc/meminfo.", gauge, bytes, host, machine},
    {"machine_swap_bytes", "Swap of the machine, SwapTotal of /proc/meminfo.", gauge, bytes, host, machine},
    {"machine_dimm_count", "Memory modules by type; absent without EDAC.", gauge, count, host, machine},
    {"machine_dimm_capacity_bytes", "Size of the memory modules by type; absent without EDAC.", gauge, bytes, host, machine},
    {"machine_node_memory_capacity_bytes", "Memory of each memory node.", gauge, bytes, cpu_topology, machine},
    {"machine_node_hugepages_count", "Huge pages of each memory node, by size in kB.", gauge, count, cpu_topology, machine},
    {"machine_node_distance", "Distance between memory nodes, 10 to itself.", gauge, count, cpu_topology, machine},
    {"machine_thread_siblings_count", "CPUs of the core that each CPU belongs to.", gauge, count, cpu_topology, machine},
    {"machine_cpu_cache_capacity_bytes", "Size of the caches of each core; without core_id of the whole node.", gauge, bytes, cpu_topology, machine},
    {"machine_scrape_error", "Whether CPUs or memory of the machine could not be read.", gauge, count, host, machine},
    {"cadvisor_version_info", "The kernel, the operating system and this agent, under the name that dashboards know.", info, count, host, machine},
    {"cgmon_controller_info", "Which hierarchy serves a controller, v1 or v2, and where it is mounted; none where it is off.", info, count, host, machine},
});
}  // namespace cgmon::tables::families

namespace cgmon::tables::rows {
inline constexpr auto kHost = std::to_array<Row>({
    {.family = "host_swap_total_bytes", .sources = {{proc, none, "meminfo", "SwapTotal", kibibytes, root}}},
    {.family = "host_swap_free_bytes", .sources = {{proc, none, "meminfo", "SwapFree", kibibytes, root}}},
    {.family = "host_swap_bytes", .sources = {{proc, none, "meminfo", "SwapTotal", kibibytes, root}}, .zero_is_none = true},
});
}  // namespace cgmon::tables::rows
// clang-format on
