#pragma once

#include <array>

#include "collectors/metrics/table_words.h"

/// Who a cgroup is, and a container's life as its engine tells it.
// clang-format off
namespace cgmon::tables::families {
inline constexpr auto kIdentity = std::to_array<Family>({
    {.name = "container_creation_time_seconds", .help = "When the container was made by its engine, else when its cgroup was.", .kind = gauge, .unit = unix_seconds, .group = lifecycle},
    {.name = "container_health_state", .help = "The engine's own check of the container: 1 is healthy, 0 is not, or not yet; absent without a check.", .kind = gauge, .unit = count, .group = lifecycle, .reporter = containers},
    {.name = "container_state", .help = "The state in which the engine has the container now; always 1.", .kind = gauge, .unit = count, .group = lifecycle, .reporter = containers, .labels = LabelSet::incarnation},
    {.name = "container_restarts_total", .help = "How often the engine has restarted the container since it was made.", .kind = counter, .unit = count, .group = lifecycle, .reporter = containers, .labels = LabelSet::restarts},
    {.name = "container_exit_code", .help = "What an ended container has left with.", .kind = gauge, .unit = count, .group = lifecycle, .reporter = containers, .is_signed = true, .labels = LabelSet::incarnation},
    {.name = "container_exit_oom_killed", .help = "Whether an ended container was killed for its memory.", .kind = gauge, .unit = count, .group = lifecycle, .reporter = containers, .labels = LabelSet::incarnation},
    {.name = "container_finish_time_seconds", .help = "When an ended container has ended.", .kind = gauge, .unit = unix_seconds, .group = lifecycle, .reporter = containers, .labels = LabelSet::incarnation},
    {.name = "container_info", .help = "Who the cgroup is: its kind, runtime, unit, pod, job and its allowed labels; always 1.", .kind = info, .unit = count, .group = Group::identity, .labels = LabelSet::all},
});
}  // namespace cgmon::tables::families

namespace cgmon::tables::rows {
inline constexpr auto kIdentity = std::to_array<Row>({
    {.family = "container_creation_time_seconds", .sources = {{agent, none, "creation time"}}},
    {.family = "container_health_state", .sources = {{agent, none, "engine"}}},
    {.family = "container_state", .labels = R"(state="created")", .sources = {{agent, none, "engine"}}},
    {.family = "container_state", .labels = R"(state="running")", .sources = {{agent, none, "engine"}}},
    {.family = "container_state", .labels = R"(state="paused")", .sources = {{agent, none, "engine"}}},
    {.family = "container_state", .labels = R"(state="restarting")", .sources = {{agent, none, "engine"}}},
    {.family = "container_state", .labels = R"(state="exited")", .sources = {{agent, none, "engine"}}},
    {.family = "container_state", .labels = R"(state="dead")", .sources = {{agent, none, "engine"}}},
    {.family = "container_restarts_total", .sources = {{agent, none, "engine"}}},
    {.family = "container_exit_code", .sources = {{agent, none, "engine"}}},
    {.family = "container_exit_oom_killed", .sources = {{agent, none, "engine"}}},
    {.family = "container_finish_time_seconds", .sources = {{agent, none, "engine"}}},
    {.family = "container_info", .sources = {{agent, none, "path and engine"}}},
});
}  // namespace cgmon::tables::rows
// clang-format on
