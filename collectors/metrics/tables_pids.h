#pragma once

#include <array>

#include "collectors/metrics/table_words.h"

/// Tasks and their limit (cgroup-v1/pids.rst), and the state of cgroups (cgroup-v2.rst,
/// cgroup-v1/freezer-subsystem.rst). What counts for the host is on by default at its root.
// clang-format off
namespace cgmon::tables::families {
inline constexpr auto kPids = std::to_array<Family>({
    {"container_threads", "Tasks, descendants included.", gauge, count, pids},
    {"container_threads_max", "Limit of tasks; 0 is no limit.", gauge, count, pids},
    {"container_pids_peak", "Most tasks at a time.", gauge, count, pids},
    {"container_pids_events_max_total", "How often no task could be made for the limit.", counter, count, pids},
    {"container_frozen", "Whether the cgroup is frozen.", gauge, count, state},
    {"container_frozen_seconds_total", "Time in which the cgroup was frozen (v2 tree).", counter, seconds, state_detail},
    {"container_cgroup_populated", "Whether there are processes in the cgroup or below it (v2 tree).", gauge, count, state_detail},
    {"container_cgroup_descendants", "Cgroups below it (v2 tree).", gauge, count, state_detail},
    {"container_cgroup_dying_descendants", "Cgroups below it that were removed, and that memory still belongs to (v2 tree).", gauge, count, state_detail},
});
}  // namespace cgmon::tables::families

namespace cgmon::tables::rows {
inline constexpr auto kPids = std::to_array<Row>({
    {.family = "container_threads", .sources = {{pids, v1, "pids.current", "", count, not_root}, {pids, v2, "pids.current", "", count, not_root}}},
    {.family = "container_threads_max", .sources = {{pids, v1, "pids.max", "", count, not_root}, {pids, v2, "pids.max", "", count, not_root}}, .unlimited = print_zero},
    {.family = "container_pids_peak", .sources = {{pids, v1, "pids.peak", "", count, not_root}, {pids, v2, "pids.peak", "", count, not_root}}},
    {.family = "container_pids_events_max_total", .sources = {{pids, v1, "pids.events", "max", count, not_root}, {pids, v2, "pids.events", "max", count, not_root}}},
    {.family = "container_frozen", .sources = {{freezer, v1, "freezer.state", "FROZEN", count, not_root}, {freezer, v2, "cgroup.events", "frozen", count, not_root}}},
    {.family = "container_frozen_seconds_total", .sources = {{core, v2, "cgroup.stat.local", "frozen_usec", microseconds, not_root}}},
    {.family = "container_cgroup_populated", .sources = {{core, v2, "cgroup.events", "populated", count, not_root}}},
    {.family = "container_cgroup_descendants", .sources = {{core, v2, "cgroup.stat", "nr_descendants", count, root}}, .group = Group::state, .has_group = true},
    {.family = "container_cgroup_descendants", .sources = {{core, v2, "cgroup.stat", "nr_descendants", count, not_root}}},
    {.family = "container_cgroup_dying_descendants", .sources = {{core, v2, "cgroup.stat", "nr_dying_descendants", count, root}}, .group = Group::state, .has_group = true},
    {.family = "container_cgroup_dying_descendants", .sources = {{core, v2, "cgroup.stat", "nr_dying_descendants", count, not_root}}},
});
}  // namespace cgmon::tables::rows
// clang-format on
