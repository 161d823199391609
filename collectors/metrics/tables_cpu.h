#pragma once

#include <array>

#include "collectors/metrics/derived.h"
#include "collectors/metrics/table_words.h"

/// CPU time, quotas and throttling.
///
/// cpu.stat.local has what quotas above the cgroup cost it, too. A burst of 0 is none, and a weight
/// of 0 is what the kernel shows of a cgroup that is idle. cpu.stat: nr_* and throttled time are of
/// the cgroup's own quota (scheduler/sched-bwc.rst).
// clang-format off
namespace cgmon::tables::families {
inline constexpr auto kCpu = std::to_array<Family>({
    {"container_spec_cpu_weight", "CPU weight of cgroup v2, as the kernel has it.", gauge, count, cpu},
    {"container_spec_cpu_quota_cores", "CPU quota in cores; absent without a quota.", gauge, cores, cpu},
    {"container_cpu_usage_seconds_total", "CPU time consumed, descendants included.", counter, seconds, cpu},
    {"container_cpu_user_seconds_total", "CPU time consumed in user mode.", counter, seconds, cpu},
    {"container_cpu_system_seconds_total", "CPU time consumed in kernel mode.", counter, seconds, cpu},
    {"container_cpu_cfs_periods_total", "Enforcement periods that began while there was something to run.", counter, count, cpu},
    {"container_cpu_cfs_throttled_periods_total", "Enforcement periods in which the cgroup used up its quota.", counter, count, cpu},
    {"container_cpu_cfs_throttled_seconds_total", "Time throttled by the cgroup's own quota, summed over CPUs.", counter, seconds, cpu},
    {"container_cpu_cfs_burst_periods_total", "Enforcement periods in which the cgroup ran beyond its quota by what it had saved.", counter, count, cpu},
    {"container_cpu_cfs_burst_seconds_total", "Time run beyond the quota by what had been saved.", counter, seconds, cpu},
    {"container_spec_cpu_burst_seconds", "CPU time that may be saved for bursts; absent without.", gauge, seconds, cpu},
    {"container_cpu_throttled_seconds_total", "Time in which the cgroup was held back by its own quota or by one above it, summed over CPUs; absent without such a quota.", counter, seconds, cpu},
    {"container_cpuset_effective_cpus", "CPUs that the cgroup may use; absent where it may use all.", gauge, count, cpu},
    {"cpuset_cpus", "CPUs that the cgroup may use.", gauge, count, cpu, nobody},
    {"host_cpuset_cpus", "CPUs that the host has for its cgroups.", gauge, count, cpu, nobody},
    {"container_cpuset_effective_mems", "Memory nodes that the cgroup may use.", gauge, count, cpu_detail},
    {"container_memory_migrate", "Whether memory moves along when the set of memory nodes changes (v1).", gauge, count, cpuset},
    {"container_cpu_nice_seconds_total", "CPU time consumed by tasks of low priority (nice), part of the time in user mode.", counter, seconds, cpu_detail},
    {"container_cpu_force_idle_seconds_total", "Time in which CPUs were kept idle for core scheduling.", counter, seconds, cpu_detail},
    {"container_spec_cpu_idle", "Whether the cgroup runs only when nothing else wants to.", gauge, count, cpu_detail},
    {"container_spec_cpu_uclamp_min_ratio", "Least utilization that is assumed for the choice of frequency; absent without.", gauge, ratio, cpu_detail},
    {"container_spec_cpu_uclamp_max_ratio", "Largest utilization that is assumed for the choice of frequency; absent without.", gauge, ratio, cpu_detail},
});
}  // namespace cgmon::tables::families

namespace cgmon::tables::rows {
inline constexpr auto kCpu = std::to_array<Row>({
    {.family = "container_spec_cpu_weight", .sources = {{cpu, v2, "cpu.weight", "", count, not_root}}, .zero_is_none = true},
    {.family = "container_spec_cpu_quota_cores", .derive = quota_cores, .inputs = {{"container_spec_cpu_quota"}, {"container_spec_cpu_period"}}},
    {.family = "container_cpu_usage_seconds_total", .labels = R"(cpu="total")", .sources = {{cpuacct, v1, "cpuacct.usage", "", nanoseconds}, {core, v2, "cpu.stat", "usage_usec", microseconds}}},
    {.family = "container_cpu_usage_seconds_total", .sources = {{cpuacct, v1, "cpuacct.usage_percpu", "", nanoseconds}}, .axis = Axis::cpu, .group = Group::percpu, .has_group = true},
    {.family = "container_cpu_user_seconds_total", .sources = {{cpuacct, v1, "cpuacct.stat", "user", user_ticks}, {core, v2, "cpu.stat", "user_usec", microseconds}}},
    {.family = "container_cpu_system_seconds_total", .sources = {{cpuacct, v1, "cpuacct.stat", "system", user_ticks}, {core, v2, "cpu.stat", "system_usec", microseconds}}},
    {.family = "container_cpu_cfs_periods_total", .sources = {{cpu, v1, "cpu.stat", "nr_periods"}, {cpu, v2, "cpu.stat", "nr_periods"}}, .only_if_number = kQuota},
    {.family = "container_cpu_cfs_throttled_periods_total", .sources = {{cpu, v1, "cpu.stat", "nr_throttled"}, {cpu, v2, "cpu.stat", "nr_throttled"}}, .only_if_number = kQuota},
    {.family = "container_cpu_cfs_throttled_seconds_total", .sources = {{cpu, v1, "cpu.stat", "throttled_time", nanoseconds}, {cpu, v2, "cpu.stat", "throttled_usec", microseconds}}, .only_if_number = kQuota},
    {.family = "container_cpu_cfs_burst_periods_total", .sources = {{cpu, v1, "cpu.stat", "nr_bursts"}, {cpu, v2, "cpu.stat", "nr_bursts"}}, .only_if_number = kQuota},
    {.family = "container_cpu_cfs_burst_seconds_total", .sources = {{cpu, v1, "cpu.stat", "burst_time", nanoseconds}, {cpu, v2, "cpu.stat", "burst_usec", microseconds}}, .only_if_number = kQuota},
    {.family = "container_spec_cpu_burst_seconds", .sources = {{cpu, v1, "cpu.cfs_burst_us", "", microseconds}, {cpu, v2, "cpu.max.burst", "", microseconds, not_root}}, .zero_is_none = true},
    {.family = "container_cpu_throttled_seconds_total", .sources = {{cpu, v1, "cpu.stat.local", "throttled_time", nanoseconds}, {cpu, v2, "cpu.stat.local", "throttled_usec", microseconds}}, .only_if_number = kQuotaInChain},
    {.family = "container_cpuset_effective_cpus", .derive = fewer, .inputs = {{"cpuset_cpus"}, {.family = "host_cpuset_cpus", .nearest = true}}},
    {.family = "cpuset_cpus", .sources = {{cpuset, v1, "cpuset.effective_cpus", "", count, not_root}, {cpuset, v2, "cpuset.cpus.effective", "", count, not_root}}},
    {.family = "host_cpuset_cpus", .sources = {{cpuset, v1, "cpuset.effective_cpus", "", count, root}, {cpuset, v2, "cpuset.cpus.effective", "", count, root}}},
    {.family = "container_cpuset_effective_mems", .sources = {{cpuset, v1, "cpuset.effective_mems"}, {cpuset, v2, "cpuset.mems.effective"}}},
    {.family = "container_memory_migrate", .sources = {{cpuset, v1, "cpuset.memory_migrate"}}, .cadvisor_absent = kZero},
    {.family = "container_cpu_nice_seconds_total", .sources = {{core, v2, "cpu.stat", "nice_usec", microseconds}}},
    {.family = "container_cpu_force_idle_seconds_total", .sources = {{core, v2, "cpu.stat", "core_sched.force_idle_usec", microseconds}}},
    {.family = "container_spec_cpu_idle", .sources = {{cpu, v1, "cpu.idle", "", count, not_root}, {cpu, v2, "cpu.idle", "", count, not_root}}},
    {.family = "container_spec_cpu_uclamp_min_ratio", .sources = {{cpu, v2, "cpu.uclamp.min", "", percent, not_root}}, .zero_is_none = true},
    {.family = "container_spec_cpu_uclamp_max_ratio", .sources = {{cpu, v2, "cpu.uclamp.max", "", percent, not_root}}},
});
}  // namespace cgmon::tables::rows
// clang-format on
