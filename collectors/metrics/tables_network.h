#pragma once

#include <array>

#include "collectors/metrics/table_words.h"

/// Network interfaces, once for each network namespace (proc_pid_net(5)): on the pod's sandbox,
/// else on the oldest container that lives in it; the host's own on the root.
// clang-format off
namespace cgmon::tables::families {
inline constexpr auto kNetwork = std::to_array<Family>({
    {"container_network_receive_bytes_total", "Bytes received by the interface.", counter, bytes, network, containers},
    {"container_network_receive_packets_total", "Packets received by the interface.", counter, count, network, containers},
    {"container_network_receive_errors_total", "Errors of the interface in receiving.", counter, count, network, containers},
    {"container_network_receive_packets_dropped_total", "Packets that the interface received and dropped.", counter, count, network, containers},
    {"container_network_transmit_bytes_total", "Bytes sent by the interface.", counter, bytes, network, containers},
    {"container_network_transmit_packets_total", "Packets sent by the interface.", counter, count, network, containers},
    {"container_network_transmit_errors_total", "Errors of the interface in sending.", counter, count, network, containers},
    {"container_network_transmit_packets_dropped_total", "Packets that were to be sent and were dropped.", counter, count, network, containers},
});
}  // namespace cgmon::tables::families

namespace cgmon::tables::rows {
inline constexpr std::string_view kNetDev = "/proc/PID/net/dev";
inline constexpr auto kNetwork = std::to_array<Row>({
    {.family = "container_network_receive_bytes_total", .sources = {{agent, none, kNetDev, "receive bytes"}}, .axis = Axis::interface},
    {.family = "container_network_receive_packets_total", .sources = {{agent, none, kNetDev, "receive packets"}}, .axis = Axis::interface},
    {.family = "container_network_receive_errors_total", .sources = {{agent, none, kNetDev, "receive errs"}}, .axis = Axis::interface},
    {.family = "container_network_receive_packets_dropped_total", .sources = {{agent, none, kNetDev, "receive drop"}}, .axis = Axis::interface},
    {.family = "container_network_transmit_bytes_total", .sources = {{agent, none, kNetDev, "transmit bytes"}}, .axis = Axis::interface},
    {.family = "container_network_transmit_packets_total", .sources = {{agent, none, kNetDev, "transmit packets"}}, .axis = Axis::interface},
    {.family = "container_network_transmit_errors_total", .sources = {{agent, none, kNetDev, "transmit errs"}}, .axis = Axis::interface},
    {.family = "container_network_transmit_packets_dropped_total", .sources = {{agent, none, kNetDev, "transmit drop"}}, .axis = Axis::interface},
});
}  // namespace cgmon::tables::rows
// clang-format on
