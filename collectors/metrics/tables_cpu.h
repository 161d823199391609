#pragma once

#include <array>

#include "collectors/metrics/derived.h"
#include "collectors/metrics/table_words.h"

/// CPU time, quotas and throttling.
///
/// cpu.stat: nr_* and throttled time are of the cgroup's own quota (scheduler/sched-bwc.rst).
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
});
}  // namespace cgmon::tables::families

namespace cgmon::tables::rows {
inline constexpr auto kCpu = std::to_array<Row>({
    {.family = "container_spec_cpu_weight", .sources = {{cpu, v2, "cpu.weight", "", count, not_root}}},
    {.family = "container_spec_cpu_quota_cores", .derive = quota_cores, .inputs = {{"container_spec_cpu_quota"}, {"container_spec_cpu_period"}}},
    {.family = "container_cpu_usage_seconds_total", .labels = R"(cpu="total")", .sources = {{cpuacct, v1, "cpuacct.usage", "", nanoseconds}, {core, v2, "cpu.stat", "usage_usec", microseconds}}},
    {.family = "container_cpu_usage_seconds_total", .sources = {{cpuacct, v1, "cpuacct.usage_percpu", "", nanoseconds}}, .axis = Axis::cpu, .group = Group::percpu, .has_group = true},
    {.family = "container_cpu_user_seconds_total", .sources = {{cpuacct, v1, "cpuacct.stat", "user", user_ticks}, {core, v2, "cpu.stat", "user_usec", microseconds}}},
    {.family = "container_cpu_system_seconds_total", .sources = {{cpuacct, v1, "cpuacct.stat", "system", user_ticks}, {core, v2, "cpu.stat", "system_usec", microseconds}}},
    {.family = "container_cpu_cfs_periods_total", .sources = {{cpu, v1, "cpu.stat", "nr_periods"}, {cpu, v2, "cpu.stat", "nr_periods"}}, .only_if_number = kQuota},
    {.family = "container_cpu_cfs_throttled_periods_total", .sources = {{cpu, v1, "cpu.stat", "nr_throttled"}, {cpu, v2, "cpu.stat", "nr_throttled"}}, .only_if_number = kQuota},
    {.family = "container_cpu_cfs_throttled_seconds_total", .sources = {{cpu, v1, "cpu.stat", "throttled_time", nanoseconds}, {cpu, v2, "cpu.stat", "throttled_usec", microseconds}}, .only_if_number = kQuota},
});
}  // namespace cgmon::tables::rows
// clang-format on
