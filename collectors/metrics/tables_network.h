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
    {"container_network_tcp_retransmitted_segments_total", "TCP segments that were sent again.", counter, count, netstat, containers},
    {"container_network_tcp_sent_segments_total", "TCP segments sent, those sent again aside.", counter, count, netstat, containers},
    {"container_network_tcp_listen_overflows_total", "TCP connections that found the accept queue full.", counter, count, netstat, containers},
    {"container_network_tcp_listen_drops_total", "TCP connections that a listening socket dropped, for whatever reason.", counter, count, netstat, containers},
    {"container_network_tcp_active_opens_total", "TCP connections begun from here.", counter, count, netstat, containers},
    {"container_network_tcp_passive_opens_total", "TCP connections that others began.", counter, count, netstat, containers},
    {"container_network_tcp_resets_sent_total", "TCP segments sent with the flag RST.", counter, count, netstat, containers},
    {"container_network_udp_receive_buffer_errors_total", "UDP datagrams dropped because the socket's buffer was full.", counter, count, netstat, containers},
});
}  // namespace cgmon::tables::families

namespace cgmon::tables::rows {
inline constexpr std::string_view kNetDev = "/proc/PID/net/dev", kSnmp = "/proc/PID/net/snmp",
                                  kNetstat = "/proc/PID/net/netstat";
inline constexpr auto kNetwork = std::to_array<Row>({
    {.family = "container_network_receive_bytes_total", .sources = {{agent, none, kNetDev, "receive bytes"}}, .axis = Axis::interface},
    {.family = "container_network_receive_packets_total", .sources = {{agent, none, kNetDev, "receive packets"}}, .axis = Axis::interface},
    {.family = "container_network_receive_errors_total", .sources = {{agent, none, kNetDev, "receive errs"}}, .axis = Axis::interface},
    {.family = "container_network_receive_packets_dropped_total", .sources = {{agent, none, kNetDev, "receive drop"}}, .axis = Axis::interface},
    {.family = "container_network_transmit_bytes_total", .sources = {{agent, none, kNetDev, "transmit bytes"}}, .axis = Axis::interface},
    {.family = "container_network_transmit_packets_total", .sources = {{agent, none, kNetDev, "transmit packets"}}, .axis = Axis::interface},
    {.family = "container_network_transmit_errors_total", .sources = {{agent, none, kNetDev, "transmit errs"}}, .axis = Axis::interface},
    {.family = "container_network_transmit_packets_dropped_total", .sources = {{agent, none, kNetDev, "transmit drop"}}, .axis = Axis::interface},
    {.family = "container_network_tcp_retransmitted_segments_total", .sources = {{agent, none, kSnmp, "Tcp RetransSegs"}}},
    {.family = "container_network_tcp_sent_segments_total", .sources = {{agent, none, kSnmp, "Tcp OutSegs"}}},
    {.family = "container_network_tcp_listen_overflows_total", .sources = {{agent, none, kNetstat, "TcpExt ListenOverflows"}}},
    {.family = "container_network_tcp_listen_drops_total", .sources = {{agent, none, kNetstat, "TcpExt ListenDrops"}}},
    {.family = "container_network_tcp_active_opens_total", .sources = {{agent, none, kSnmp, "Tcp ActiveOpens"}}},
    {.family = "container_network_tcp_passive_opens_total", .sources = {{agent, none, kSnmp, "Tcp PassiveOpens"}}},
    {.family = "container_network_tcp_resets_sent_total", .sources = {{agent, none, kSnmp, "Tcp OutRsts"}}},
    {.family = "container_network_udp_receive_buffer_errors_total", .sources = {{agent, none, kSnmp, "Udp RcvbufErrors"}}},
});
}  // namespace cgmon::tables::rows
// clang-format on
