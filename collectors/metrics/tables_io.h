#pragma once

#include <array>

#include "collectors/metrics/table_words.h"

/// Block I/O of each device, and its limits (cgroup-v2.rst "IO", cgroup-v1/blkio-controller.rst).
///
/// io.stat counts descendants, as v1's "_recursive" files do. On v1 it depends on kernel, scheduler
/// and rules what is counted: bfq counts the disks that it schedules; what the throttle counts
/// holds only where BlockIoCounting says so; CFQ went with Linux 5.0, and the times, merges and
/// queues that it knew are bfq's only in kernels made for debugging it.
// clang-format off
namespace cgmon::tables::families {
inline constexpr auto kIo = std::to_array<Family>({
    {"container_fs_reads_bytes_total", "Bytes read from the device, descendants included.", counter, bytes, disk_io},
    {"container_fs_writes_bytes_total", "Bytes written to the device, descendants included.", counter, bytes, disk_io},
    {"container_fs_reads_total", "Reads of the device, descendants included.", counter, count, disk_io},
    {"container_fs_writes_total", "Writes to the device, descendants included.", counter, count, disk_io},
    {"container_fs_reads_merged_total", "Reads that were merged with others (v1, where the scheduler counts them).", counter, count, disk_io},
    {"container_fs_writes_merged_total", "Writes that were merged with others (v1, where the scheduler counts them).", counter, count, disk_io},
    {"container_fs_read_seconds_total", "Time that the device took for reads (v1, where the scheduler counts it).", counter, seconds, disk_io},
    {"container_fs_write_seconds_total", "Time that the device took for writes (v1, where the scheduler counts it).", counter, seconds, disk_io},
    {"container_fs_io_current", "Requests in the queue of the device (v1, where the scheduler counts them).", gauge, count, disk_io},
    {"container_fs_io_time_seconds_total", "Time that the device took for all operations (v1, where the scheduler counts it).", counter, seconds, disk_io},
    {"container_fs_io_cost_usage_seconds_total", "Device time used by the model of io.cost.", counter, seconds, disk_io},
    {"container_fs_io_cost_wait_seconds_total", "Time waited for device time under io.cost.", counter, seconds, disk_io},
    {"container_fs_io_cost_indebt_seconds_total", "Time in debt under io.cost.", counter, seconds, disk_io},
    {"container_fs_io_cost_indelay_seconds_total", "Time delayed to pay debt under io.cost.", counter, seconds, disk_io},
    {"container_blkio_device_usage_total", "Bytes of each operation on the device; operations overlap, Total holds all.", counter, bytes, disk_io},
    {"container_fs_discards_bytes_total", "Bytes discarded on the device.", counter, bytes, io_detail},
    {"container_fs_discards_total", "Discards on the device.", counter, count, io_detail},
    {"container_fs_io_delay_seconds", "Delay that io.cost or io.latency puts on the cgroup now.", gauge, seconds, io_detail},
    {"container_spec_io_read_bytes_per_second", "Limit of bytes read a second; absent without a limit.", gauge, bytes, limits},
    {"container_spec_io_write_bytes_per_second", "Limit of bytes written a second; absent without a limit.", gauge, bytes, limits},
    {"container_spec_io_reads_per_second", "Limit of reads a second; absent without a limit.", gauge, count, limits},
    {"container_spec_io_writes_per_second", "Limit of writes a second; absent without a limit.", gauge, count, limits},
    {"container_spec_io_latency_target_seconds", "Latency that io.latency protects.", gauge, seconds, io_detail},
    {"container_spec_io_weight", "Weight of the cgroup's I/O; without a device the one of all others.", gauge, count, io_detail},
});
}  // namespace cgmon::tables::families

namespace cgmon::tables::rows {

using Sources = InlineList<Source, 6>;

/// v1's counters of bytes and of operations, in order of preference.
consteval Sources blkio_bytes(std::string_view operation, std::string_view io_stat = {}) {
  Sources sources{{blkio, v1, "blkio.bfq.io_service_bytes_recursive", operation, bytes},
                  {blkio, v1, "blkio.throttle.io_service_bytes_recursive", operation, bytes},
                  {blkio, v1, "blkio.throttle.io_service_bytes", operation, bytes},
                  {blkio, v1, "blkio.io_service_bytes_recursive", operation, bytes}};
  if (!io_stat.empty()) sources.items.at(sources.size++) = {io, v2, "io.stat", io_stat, bytes};
  return sources;
}
consteval Sources blkio_operations(std::string_view operation, std::string_view io_stat) {
  return {{blkio, v1, "blkio.bfq.io_serviced_recursive", operation},
          {blkio, v1, "blkio.throttle.io_serviced_recursive", operation},
          {blkio, v1, "blkio.throttle.io_serviced", operation},
          {blkio, v1, "blkio.io_serviced_recursive", operation},
          {io, v2, "io.stat", io_stat}};
}

inline constexpr auto kIo = std::to_array<Row>({
    {.family = "container_fs_reads_bytes_total", .sources = blkio_bytes("Read", "rbytes"), .axis = Axis::device},
    {.family = "container_fs_writes_bytes_total", .sources = blkio_bytes("Write", "wbytes"), .axis = Axis::device},
    {.family = "container_fs_reads_total", .sources = blkio_operations("Read", "rios"), .axis = Axis::device},
    {.family = "container_fs_writes_total", .sources = blkio_operations("Write", "wios"), .axis = Axis::device},
    {.family = "container_fs_reads_merged_total", .sources = {{blkio, v1, "blkio.bfq.io_merged_recursive", "Read"}, {blkio, v1, "blkio.io_merged_recursive", "Read"}}, .axis = Axis::device},
    {.family = "container_fs_writes_merged_total", .sources = {{blkio, v1, "blkio.bfq.io_merged_recursive", "Write"}, {blkio, v1, "blkio.io_merged_recursive", "Write"}}, .axis = Axis::device},
    {.family = "container_fs_read_seconds_total", .sources = {{blkio, v1, "blkio.bfq.io_service_time_recursive", "Read", nanoseconds}, {blkio, v1, "blkio.io_service_time_recursive", "Read", nanoseconds}}, .axis = Axis::device},
    {.family = "container_fs_write_seconds_total", .sources = {{blkio, v1, "blkio.bfq.io_service_time_recursive", "Write", nanoseconds}, {blkio, v1, "blkio.io_service_time_recursive", "Write", nanoseconds}}, .axis = Axis::device},
    {.family = "container_fs_io_current", .sources = {{blkio, v1, "blkio.bfq.io_queued_recursive", "Total"}, {blkio, v1, "blkio.io_queued_recursive", "Total"}}, .axis = Axis::device},
    {.family = "container_fs_io_time_seconds_total", .sources = {{blkio, v1, "blkio.bfq.io_service_time_recursive", "Total", nanoseconds}, {blkio, v1, "blkio.io_service_time_recursive", "Total", nanoseconds}}, .axis = Axis::device},
    {.family = "container_fs_io_cost_usage_seconds_total", .sources = {{io, v2, "io.stat", "cost.usage", microseconds}}, .axis = Axis::device},
    {.family = "container_fs_io_cost_wait_seconds_total", .sources = {{io, v2, "io.stat", "cost.wait", microseconds}}, .axis = Axis::device},
    {.family = "container_fs_io_cost_indebt_seconds_total", .sources = {{io, v2, "io.stat", "cost.indebt", microseconds}}, .axis = Axis::device},
    {.family = "container_fs_io_cost_indelay_seconds_total", .sources = {{io, v2, "io.stat", "cost.indelay", microseconds}}, .axis = Axis::device},
    {.family = "container_blkio_device_usage_total", .labels = "operation=\"Read\"", .sources = blkio_bytes("Read", "rbytes"), .axis = Axis::device_number},
    {.family = "container_blkio_device_usage_total", .labels = "operation=\"Write\"", .sources = blkio_bytes("Write", "wbytes"), .axis = Axis::device_number},
    {.family = "container_blkio_device_usage_total", .labels = "operation=\"Sync\"", .sources = blkio_bytes("Sync"), .axis = Axis::device_number},
    {.family = "container_blkio_device_usage_total", .labels = "operation=\"Async\"", .sources = blkio_bytes("Async"), .axis = Axis::device_number},
    {.family = "container_blkio_device_usage_total", .labels = "operation=\"Discard\"", .sources = blkio_bytes("Discard"), .axis = Axis::device_number},
    {.family = "container_blkio_device_usage_total", .labels = "operation=\"Total\"", .sources = blkio_bytes("Total"), .axis = Axis::device_number},
    {.family = "container_fs_discards_bytes_total", .sources = blkio_bytes("Discard", "dbytes"), .axis = Axis::device},
    {.family = "container_fs_discards_total", .sources = blkio_operations("Discard", "dios"), .axis = Axis::device},
    {.family = "container_fs_io_delay_seconds", .sources = {{io, v2, "io.stat", "delay_nsec", nanoseconds}}, .axis = Axis::device},
    {.family = "container_spec_io_read_bytes_per_second", .sources = {{blkio, v1, "blkio.throttle.read_bps_device", "", bytes}, {io, v2, "io.max", "rbps", bytes, not_root}}, .axis = Axis::device},
    {.family = "container_spec_io_write_bytes_per_second", .sources = {{blkio, v1, "blkio.throttle.write_bps_device", "", bytes}, {io, v2, "io.max", "wbps", bytes, not_root}}, .axis = Axis::device},
    {.family = "container_spec_io_reads_per_second", .sources = {{blkio, v1, "blkio.throttle.read_iops_device"}, {io, v2, "io.max", "riops", count, not_root}}, .axis = Axis::device},
    {.family = "container_spec_io_writes_per_second", .sources = {{blkio, v1, "blkio.throttle.write_iops_device"}, {io, v2, "io.max", "wiops", count, not_root}}, .axis = Axis::device},
    {.family = "container_spec_io_latency_target_seconds", .sources = {{io, v2, "io.latency", "target", microseconds, not_root}}, .axis = Axis::device},
    {.family = "container_spec_io_weight", .sources = {{blkio, v1, "blkio.bfq.weight", "", count, not_root}, {io, v2, "io.weight", "", count, not_root}, {io, v2, "io.bfq.weight", "", count, not_root}}, .axis = Axis::device},
});
}  // namespace cgmon::tables::rows
// clang-format on
