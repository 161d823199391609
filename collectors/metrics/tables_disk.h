#pragma once

#include <array>

#include "collectors/metrics/table_words.h"

/// Disks: the file systems of the host on the root, of containers what they wrote. A container's
/// writable layer is the upper directory of the overlay that its processes see as /
/// (overlayfs.rst), which is looked through now and then; what is shown is the last complete
/// measurement.
// clang-format off
namespace cgmon::tables::families {
inline constexpr auto kDisk = std::to_array<Family>({
    {"container_fs_usage_bytes", "Bytes in use: by the container's writable layer and log, on the root of the file system.", gauge, bytes, disk, containers},
    {"container_fs_limit_bytes", "Size of the file system, for a container of the one that holds its writable layer.", gauge, bytes, disk, containers},
    {"container_fs_inodes_total", "Inodes of the file system, for a container of the one that holds its writable layer.", gauge, count, disk, containers},
    {"container_fs_inodes_free", "Inodes that are free in that file system.", gauge, count, disk, containers},
    {"container_fs_writable_layer_bytes", "Bytes allocated in the container's writable layer, volumes aside.", gauge, bytes, disk, containers},
    {"container_fs_writable_layer_files", "Files, directories and links in the container's writable layer.", gauge, count, disk, containers},
    {"container_fs_log_bytes", "Bytes allocated by the container's log, rotated files included.", gauge, bytes, disk, containers},
    {"container_fs_measured_timestamp_seconds", "When the container's writable layer was last looked through to the end.", gauge, unix_seconds, disk, containers},
});
}  // namespace cgmon::tables::families

namespace cgmon::tables::rows {
inline constexpr std::string_view kLayer = "writable layer", kFilesystem = "file system";
inline constexpr auto kDisk = std::to_array<Row>({
    {.family = "container_fs_usage_bytes", .sources = {{agent, none, kFilesystem, "statfs f_blocks - f_bfree", FileUnit::bytes, root}, {agent, none, kLayer, "st_blocks of all files", FileUnit::bytes, not_root}}, .axis = Axis::device},
    {.family = "container_fs_limit_bytes", .sources = {{agent, none, kFilesystem, "statfs f_blocks"}}, .axis = Axis::device},
    {.family = "container_fs_inodes_total", .sources = {{agent, none, kFilesystem, "statfs f_files"}}, .axis = Axis::device},
    {.family = "container_fs_inodes_free", .sources = {{agent, none, kFilesystem, "statfs f_ffree"}}, .axis = Axis::device},
    {.family = "container_fs_writable_layer_bytes", .sources = {{agent, none, kLayer, "st_blocks of all files"}}, .axis = Axis::device},
    {.family = "container_fs_writable_layer_files", .sources = {{agent, none, kLayer, "number of files"}}, .axis = Axis::device},
    {.family = "container_fs_log_bytes", .sources = {{agent, none, "log", "st_blocks of its files"}}, .axis = Axis::device},
    {.family = "container_fs_measured_timestamp_seconds", .sources = {{agent, none, kLayer, "end of the measurement"}}},
});
}  // namespace cgmon::tables::rows
// clang-format on
