#pragma once

#include <array>

#include "collectors/metrics/derived.h"
#include "collectors/metrics/table_words.h"

/// What was configured, and when a cgroup began; always on.
// clang-format off
namespace cgmon::tables::families {
inline constexpr auto kSpec = std::to_array<Family>({
    {"container_last_seen", "When the cgroup was last seen to exist: the time of the collection.", gauge, unix_seconds, spec},
    {"container_start_time_seconds", "When the container was started by its engine, else when its cgroup was made.", gauge, unix_seconds, spec},
    {"container_spec_cpu_shares", "CPU shares as on cgroup v1; on v2 computed back from the weight.", gauge, count, spec},
    {"container_spec_cpu_period", "Period of the CPU quota in microseconds.", gauge, microseconds, spec},
    {"container_spec_cpu_quota", "CPU quota per period in microseconds; absent without a quota.", gauge, microseconds, spec},
    {"container_spec_memory_limit_bytes", "Memory limit; 0 is no limit, the root shows the memory of the machine.", gauge, bytes, spec},
    {"container_spec_memory_swap_limit_bytes", "Limit of memory plus swap on v1, of swap alone on v2; 0 is no limit.", gauge, bytes, spec},
    {"container_spec_memory_reservation_limit_bytes", "Soft limit on v1, memory.low on v2; 0 is none.", gauge, bytes, spec},
});
}  // namespace cgmon::tables::families

namespace cgmon::tables::rows {
inline constexpr auto kSpec = std::to_array<Row>({
    {.family = "container_last_seen", .sources = {{agent, none, "clock"}}},
    {.family = "container_start_time_seconds", .sources = {{agent, none, "start time"}}},
    {.family = "container_spec_cpu_shares", .sources = {{cpu, v1, "cpu.shares"}}, .derive = shares_from_weight, .inputs = {{"container_spec_cpu_weight"}}, .cadvisor_absent = kZero},
    {.family = "container_spec_cpu_period", .sources = {{cpu, v1, "cpu.cfs_period_us", "", count}, {cpu, v2, "cpu.max", "1", count, not_root}}, .cadvisor_absent = kZero},
    {.family = "container_spec_cpu_quota", .sources = {{cpu, v1, "cpu.cfs_quota_us", "", count}, {cpu, v2, "cpu.max", "0", count, not_root}}},
    {.family = "container_spec_memory_limit_bytes", .sources = {{proc, none, "meminfo", "MemTotal", kibibytes, root}, {memory, v1, "memory.limit_in_bytes", "", bytes, not_root}, {memory, v2, "memory.max", "", bytes, not_root}}, .unlimited = print_zero},
    {.family = "container_spec_memory_swap_limit_bytes", .sources = {{proc, none, "meminfo", "SwapTotal", kibibytes, root}, {memory, v1, "memory.memsw.limit_in_bytes", "", bytes, not_root}, {memory, v2, "memory.swap.max", "", bytes, not_root}}, .unlimited = print_zero, .cadvisor_absent = kZero},
    {.family = "container_spec_memory_reservation_limit_bytes", .sources = {{memory, v1, "memory.soft_limit_in_bytes", "", bytes}, {memory, v2, "memory.low", "", bytes, not_root}}, .unlimited = print_zero, .cadvisor_absent = kZero},
});
}  // namespace cgmon::tables::rows
// clang-format on
