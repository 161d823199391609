#pragma once

#include <array>

#include "collectors/metrics/table_words.h"

/// Pressure stall information (accounting/psi.rst): "some" is waiting, "full" is stalled, total in
/// microseconds.
// clang-format off
namespace cgmon::tables::families {
inline constexpr auto kPressure = std::to_array<Family>({
    {"container_pressure_cpu_waiting_seconds_total", "Time in which at least one task waited for a CPU.", counter, seconds, pressure},
    {"container_pressure_cpu_stalled_seconds_total", "Time in which all tasks waited for a CPU.", counter, seconds, pressure},
    {"container_pressure_memory_waiting_seconds_total", "Time in which at least one task waited for memory.", counter, seconds, pressure},
    {"container_pressure_memory_stalled_seconds_total", "Time in which all tasks waited for memory.", counter, seconds, pressure},
    {"container_pressure_io_waiting_seconds_total", "Time in which at least one task waited for I/O.", counter, seconds, pressure},
    {"container_pressure_io_stalled_seconds_total", "Time in which all tasks waited for I/O.", counter, seconds, pressure},
    {"container_pressure_irq_stalled_seconds_total", "Time in which all tasks waited for interrupts to be handled.", counter, seconds, pressure},
});
}  // namespace cgmon::tables::families

namespace cgmon::tables::rows {
inline constexpr auto kPressure = std::to_array<Row>({
    {.family = "container_pressure_cpu_waiting_seconds_total", .sources = {{proc, none, "pressure/cpu", "some", microseconds, root}, {psi, v2, "cpu.pressure", "some", microseconds, not_root}}, .cadvisor_absent = kZero},
    {.family = "container_pressure_cpu_stalled_seconds_total", .sources = {{proc, none, "pressure/cpu", "full", microseconds, root}, {psi, v2, "cpu.pressure", "full", microseconds, not_root}}, .cadvisor_absent = kZero},
    {.family = "container_pressure_memory_waiting_seconds_total", .sources = {{proc, none, "pressure/memory", "some", microseconds, root}, {psi, v2, "memory.pressure", "some", microseconds, not_root}}, .cadvisor_absent = kZero},
    {.family = "container_pressure_memory_stalled_seconds_total", .sources = {{proc, none, "pressure/memory", "full", microseconds, root}, {psi, v2, "memory.pressure", "full", microseconds, not_root}}, .cadvisor_absent = kZero},
    {.family = "container_pressure_io_waiting_seconds_total", .sources = {{proc, none, "pressure/io", "some", microseconds, root}, {psi, v2, "io.pressure", "some", microseconds, not_root}}, .cadvisor_absent = kZero},
    {.family = "container_pressure_io_stalled_seconds_total", .sources = {{proc, none, "pressure/io", "full", microseconds, root}, {psi, v2, "io.pressure", "full", microseconds, not_root}}, .cadvisor_absent = kZero},
    {.family = "container_pressure_irq_stalled_seconds_total", .sources = {{proc, none, "pressure/irq", "full", microseconds, root}, {psi, v2, "irq.pressure", "full", microseconds, not_root}}},
});
}  // namespace cgmon::tables::rows
// clang-format on
