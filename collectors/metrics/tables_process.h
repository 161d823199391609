#pragma once

#include <array>

#include "collectors/metrics/table_words.h"

/// Processes of a cgroup and of those below it, by cgroup.procs and /proc (proc(5)). What needs the
/// right to look into them is absent where one of them may not be looked into: a part is no sum.
// clang-format off
namespace cgmon::tables::families {
inline constexpr auto kProcess = std::to_array<Family>({
    {"container_processes", "Processes, descendants included.", gauge, count, process},
    {"container_processes_zombie", "Processes that have ended and whose parent has not asked for it yet.", gauge, count, process},
    {"container_file_descriptors", "Open descriptors of all processes, descendants included.", gauge, count, process},
    {"container_sockets", "Descriptors of them that are sockets.", gauge, count, process},
    {"container_file_descriptors_highest_ratio", "Open descriptors against the soft limit, of the process that is nearest to it.", gauge, ratio, process},
    {"container_ulimits_soft", "Soft limit of open files of the container's first process; -1 is no limit.", gauge, count, process, containers, true},
    {"container_oom_score_adj", "By how much the first process of the container is preferred (to -1000: never) as a victim of the OOM killer.", gauge, count, process, containers, true},
    {"container_tasks_state", "Tasks by what they do, descendants included; stopped is by a signal or a debugger.", gauge, count, cpu_load},
});
}  // namespace cgmon::tables::families

namespace cgmon::tables::rows {
inline constexpr std::string_view kFd = "/proc/PID/fd", kStat = "/proc/TID/stat";
inline constexpr auto kProcess = std::to_array<Row>({
    {.family = "container_processes", .sources = {{agent, none, "cgroup.procs", "lines"}}},
    {.family = "container_processes_zombie", .sources = {{agent, none, "/proc/PID/stat", "state Z"}}},
    {.family = "container_file_descriptors", .sources = {{agent, none, kFd, "links"}}},
    {.family = "container_sockets", .sources = {{agent, none, kFd, "links to sockets"}}},
    {.family = "container_file_descriptors_highest_ratio", .sources = {{agent, none, kFd, "links / Max open files of /proc/PID/limits"}}},
    {.family = "container_ulimits_soft", .labels = R"(ulimit="max_open_files")", .sources = {{agent, none, "/proc/PID/limits", "Max open files"}}},
    {.family = "container_oom_score_adj", .sources = {{agent, none, "/proc/PID/oom_score_adj", "first process"}}},
    {.family = "container_tasks_state", .labels = R"(state="running")", .sources = {{agent, none, kStat, "state R"}}},
    {.family = "container_tasks_state", .labels = R"(state="sleeping")", .sources = {{agent, none, kStat, "state S"}}},
    {.family = "container_tasks_state", .labels = R"(state="stopped")", .sources = {{agent, none, kStat, "state T, t"}}},
    {.family = "container_tasks_state", .labels = R"(state="uninterruptible")", .sources = {{agent, none, kStat, "state D"}}},
});
}  // namespace cgmon::tables::rows
// clang-format on
