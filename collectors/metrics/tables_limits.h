#pragma once

#include <array>

#include "collectors/metrics/table_words.h"

/// The limit that holds: the tightest of a cgroup's own, its ancestors' and the machine's. Computed
/// by the agent (collectors/effective_limits.h) from what the inputs are read for anyway.
///
/// hierarchical_memory_limit (cgroup-v1/memory.rst 5.2) is what v1 itself says of a cgroup and all
/// above it. cpuset.cpus.effective (cgroup-v2.rst) and v1's cpuset.effective_cpus are within the
/// parent's. kernel.pid_max and kernel.threads-max (admin-guide/sysctl/kernel.rst) bound all tasks.
// clang-format off
namespace cgmon::tables::families {
inline constexpr auto kLimits = std::to_array<Family>({
    {"container_memory_effective_limit_bytes", "Tightest memory limit of the cgroup and its ancestors, at most the memory of the machine; absent where ancestors are hidden.", gauge, bytes, memory},
    {"container_cpu_effective_limit_cores", "Cores that it can get at most: the least of quotas and CPU sets of the cgroup and its ancestors, at most the CPUs online.", gauge, cores, cpu},
    {"container_pids_effective_limit", "Tightest limit of tasks of the cgroup and its ancestors, at most what the kernel can have.", gauge, count, pids},
    {"container_effective_limit_info", "Ancestor whose limit is the tightest; only where it is tighter than the cgroup's own.", info, count, limits},
    {"memory_hierarchical_limit_bytes", "Tightest memory limit as v1's memory.stat has it.", gauge, bytes, memory, nobody},
    {"cpuset_effective_cpus", "How many CPUs the cgroup may use.", gauge, count, cpu, nobody},
    {"host_pid_max", "Process numbers that the kernel gives.", gauge, count, pids, nobody},
    {"host_threads_max", "Tasks that the kernel can have.", gauge, count, pids, nobody},
});
}  // namespace cgmon::tables::families

namespace cgmon::tables::rows {
inline constexpr auto kLimits = std::to_array<Row>({
    {.family = "container_memory_effective_limit_bytes", .sources = {{agent, none, "tightest limit of the cgroup and its ancestors"}}, .inputs = {{"container_spec_memory_limit_bytes"}, {"memory_hierarchical_limit_bytes"}}},
    {.family = "container_cpu_effective_limit_cores", .sources = {{agent, none, "tightest limit of the cgroup and its ancestors"}}, .inputs = {{"container_spec_cpu_quota_cores"}, {"cpuset_effective_cpus"}}},
    {.family = "container_pids_effective_limit", .sources = {{agent, none, "tightest limit of the cgroup and its ancestors"}}, .inputs = {{"container_threads_max"}, {"host_pid_max"}, {"host_threads_max"}}},
    {.family = "container_effective_limit_info", .labels = R"(resource="cpu")", .sources = {{agent, none, "comparison of limits"}}, .axis = Axis::limited_by, .inputs = {{"container_cpu_effective_limit_cores"}}},
    {.family = "container_effective_limit_info", .labels = R"(resource="memory")", .sources = {{agent, none, "comparison of limits"}}, .axis = Axis::limited_by, .inputs = {{"container_memory_effective_limit_bytes"}}},
    {.family = "container_effective_limit_info", .labels = R"(resource="pids")", .sources = {{agent, none, "comparison of limits"}}, .axis = Axis::limited_by, .inputs = {{"container_pids_effective_limit"}}},
    {.family = "memory_hierarchical_limit_bytes", .sources = {{memory, v1, "memory.stat", "hierarchical_memory_limit", bytes, not_root}}},
    {.family = "cpuset_effective_cpus", .sources = {{cpuset, v1, "cpuset.effective_cpus"}, {cpuset, v2, "cpuset.cpus.effective"}}},
    {.family = "host_pid_max", .sources = {{proc, none, "sys/kernel/pid_max", "", count, root}}},
    {.family = "host_threads_max", .sources = {{proc, none, "sys/kernel/threads-max", "", count, root}}},
});
}  // namespace cgmon::tables::rows
// clang-format on
