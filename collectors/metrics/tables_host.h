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
