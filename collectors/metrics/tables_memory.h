#pragma once

#include <array>

#include "collectors/metrics/derived.h"
#include "collectors/metrics/table_words.h"

/// Memory charged, its parts and its failures.
///
/// memory.stat: v1's "total_" keys (cgroup-v1/memory.rst 5.2) and all of v2's include descendants.
/// memory.events (cgroup-v2.rst) is hierarchical, v1's memory.oom_control counts the cgroup alone.
// clang-format off
namespace cgmon::tables::families {
inline constexpr auto kMemory = std::to_array<Family>({
    {"container_memory_usage_bytes", "Memory charged, page cache and kernel memory included.", gauge, bytes, memory},
    {"container_memory_working_set_bytes", "Memory charged less inactive file cache.", gauge, bytes, memory},
    {"container_memory_rss", "Anonymous memory, huge pages included.", gauge, bytes, memory},
    {"container_memory_cache", "Page cache, tmpfs and shared memory included.", gauge, bytes, memory},
    {"container_memory_mapped_file", "Page cache that is mapped into processes.", gauge, bytes, memory},
    {"container_memory_swap", "Swap in use.", gauge, bytes, memory},
    {"container_memory_max_usage_bytes", "Largest memory charge recorded.", gauge, bytes, memory},
    {"container_memory_total_active_file_bytes", "File cache on the active list.", gauge, bytes, memory},
    {"container_memory_total_inactive_file_bytes", "File cache on the inactive list.", gauge, bytes, memory},
    {"container_memory_failcnt", "How often the memory limit was hit.", counter, count, memory},
    {"container_memory_failures_total", "Page faults, by kind and by whether descendants are counted.", counter, count, memory},
    {"container_memory_events_oom_total", "How often memory could not be had even after reclaim (v2).", counter, count, memory},
    {"container_memory_events_oom_kill_total", "Processes killed by the OOM killer; on v1 of this very cgroup alone.", counter, count, memory},
    {"container_oom_events_total", "Processes killed by the OOM killer, descendants included.", counter, count, oom_event},
    {"container_oom_kills_total", "Processes of an owner killed by the OOM killer, over all its cgroups that ever were; by name instead of id where it has one.", counter, count, oom_event, owners},
});
}  // namespace cgmon::tables::families

namespace cgmon::tables::rows {
inline constexpr auto kMemory = std::to_array<Row>({
    {.family = "container_memory_usage_bytes", .sources = {{memory, v1, "memory.usage_in_bytes", "", bytes}, {memory, v2, "memory.current", "", bytes, not_root}}, .derive = sum, .inputs = {{"container_memory_rss"}, {"container_memory_cache"}}},
    {.family = "container_memory_working_set_bytes", .derive = working_set, .inputs = {{"container_memory_usage_bytes"}, {"container_memory_total_inactive_file_bytes"}}},
    {.family = "container_memory_rss", .sources = {{memory, v1, "memory.stat", "total_rss", bytes}, {memory, v2, "memory.stat", "anon", bytes}}},
    {.family = "container_memory_cache", .sources = {{memory, v1, "memory.stat", "total_cache", bytes}, {memory, v2, "memory.stat", "file", bytes}}},
    {.family = "container_memory_mapped_file", .sources = {{memory, v1, "memory.stat", "total_mapped_file", bytes}, {memory, v2, "memory.stat", "file_mapped", bytes}}},
    {.family = "container_memory_swap", .sources = {{memory, v1, "memory.stat", "total_swap", bytes}, {memory, v2, "memory.swap.current", "", bytes, not_root}}, .derive = difference, .inputs = {{"host_swap_total_bytes"}, {"host_swap_free_bytes"}}, .cadvisor_absent = kZero},
    {.family = "container_memory_max_usage_bytes", .sources = {{memory, v1, "memory.max_usage_in_bytes", "", bytes}, {memory, v2, "memory.peak", "", bytes, not_root}}, .cadvisor_absent = kZero},
    {.family = "container_memory_total_active_file_bytes", .sources = {{memory, v1, "memory.stat", "total_active_file", bytes}, {memory, v2, "memory.stat", "active_file", bytes}}},
    {.family = "container_memory_total_inactive_file_bytes", .sources = {{memory, v1, "memory.stat", "total_inactive_file", bytes}, {memory, v2, "memory.stat", "inactive_file", bytes}}},
    {.family = "container_memory_failcnt", .sources = {{memory, v1, "memory.failcnt"}, {memory, v2, "memory.events", "max", count, not_root}}, .cadvisor_absent = kZero},
    {.family = "container_memory_failures_total", .labels = R"(failure_type="pgfault",scope="container")", .sources = {{memory, v1, "memory.stat", "pgfault"}, {memory, v2, "memory.stat", "pgfault"}}},
    {.family = "container_memory_failures_total", .labels = R"(failure_type="pgfault",scope="hierarchy")", .sources = {{memory, v1, "memory.stat", "total_pgfault"}, {memory, v2, "memory.stat", "pgfault"}}},
    {.family = "container_memory_failures_total", .labels = R"(failure_type="pgmajfault",scope="container")", .sources = {{memory, v1, "memory.stat", "pgmajfault"}, {memory, v2, "memory.stat", "pgmajfault"}}},
    {.family = "container_memory_failures_total", .labels = R"(failure_type="pgmajfault",scope="hierarchy")", .sources = {{memory, v1, "memory.stat", "total_pgmajfault"}, {memory, v2, "memory.stat", "pgmajfault"}}},
    {.family = "container_memory_events_oom_total", .sources = {{memory, v2, "memory.events", "oom", count, not_root}}},
    {.family = "container_memory_events_oom_kill_total", .sources = {{memory, v1, "memory.oom_control", "oom_kill"}, {memory, v2, "memory.events", "oom_kill", count, not_root}}},
    {.family = "container_oom_events_total", .sources = {{memory, v1, "memory.oom_control", "oom_kill", count, any, own_only}, {memory, v2, "memory.events", "oom_kill", count, not_root}}, .cadvisor_absent = kZero},
    {.family = "container_oom_kills_total", .sources = {{agent, none, "sum over cgroups, those that are gone included"}}},
});
}  // namespace cgmon::tables::rows
// clang-format on
