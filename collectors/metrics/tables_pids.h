#pragma once

#include <array>

#include "collectors/metrics/table_words.h"

/// Tasks and their limit (cgroup-v1/pids.rst, cgroup-v2.rst).
// clang-format off
namespace cgmon::tables::families {
inline constexpr auto kPids = std::to_array<Family>({
    {"container_threads", "Tasks, descendants included.", gauge, count, pids},
    {"container_threads_max", "Limit of tasks; 0 is no limit.", gauge, count, pids},
});
}  // namespace cgmon::tables::families

namespace cgmon::tables::rows {
inline constexpr auto kPids = std::to_array<Row>({
    {.family = "container_threads", .sources = {{pids, v1, "pids.current", "", count, not_root}, {pids, v2, "pids.current", "", count, not_root}}},
    {.family = "container_threads_max", .sources = {{pids, v1, "pids.max", "", count, not_root}, {pids, v2, "pids.max", "", count, not_root}}, .unlimited = print_zero},
});
}  // namespace cgmon::tables::rows
// clang-format on
