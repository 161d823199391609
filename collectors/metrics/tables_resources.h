#pragma once

#include <array>

#include "collectors/metrics/table_words.h"

/// Controllers that count something for each page size, memory node, device or resource
/// (cgroup-v1/hugetlb.rst, rdma.rst and misc.rst; cgroup-v2.rst).
///
/// hugetlb.SIZE.rsvd.* counts reservations, hugetlb.SIZE.* faulted pages (cgroup-v1/hugetlb.rst);
/// cAdvisor's names have the former where the kernel does. In v1's memory.numa_stat the kinds are
/// LRU lists, so file, anon and unevictable are disjoint; v2's keys are those of memory.stat.
// clang-format off
namespace cgmon::tables::families {
inline constexpr auto kResources = std::to_array<Family>({
    {"container_memory_numa_pages", "Pages on the memory node.", gauge, count, memory_numa},
    {"container_memory_numa_bytes", "Memory on the node by disjoint parts, descendants included.", gauge, bytes, memory_numa},
    {"container_hugetlb_usage_bytes", "Huge pages reserved, in use or not; on old kernels in use.", gauge, bytes, hugetlb},
    {"container_hugetlb_faulted_bytes", "Huge pages in use.", gauge, bytes, hugetlb},
    {"container_hugetlb_max_usage_bytes", "Most huge pages reserved at a time (v1).", gauge, bytes, hugetlb},
    {"container_hugetlb_failcnt", "How often the limit of huge pages was hit.", counter, count, hugetlb},
    {"container_spec_hugetlb_limit_bytes", "Limit of huge pages in use; absent without a limit.", gauge, bytes, hugetlb},
    {"container_spec_hugetlb_reservation_limit_bytes", "Limit of huge pages reserved; absent without a limit.", gauge, bytes, hugetlb},
    {"container_rdma_usage", "RDMA handles and objects in use.", gauge, count, rdma},
    {"container_spec_rdma_limit", "Limit of RDMA handles and objects; absent without a limit.", gauge, count, rdma},
    {"container_misc_usage", "Resources of the misc controller in use.", gauge, count, misc},
    {"container_misc_peak", "Most of the resource in use at a time.", gauge, count, misc},
    {"container_spec_misc_limit", "Limit of the resource; absent without a limit.", gauge, count, misc},
    {"cgmon_misc_capacity", "What the machine has of the resource.", gauge, count, misc, root},
    {"container_misc_events_max_total", "How often the limit of the resource was hit.", counter, count, misc},
    {"container_dmem_usage_bytes", "Device memory in use.", gauge, bytes, dmem},
    {"container_spec_dmem_limit_bytes", "Limit of device memory; absent without a limit.", gauge, bytes, dmem},
});
}  // namespace cgmon::tables::families

namespace cgmon::tables::rows {
inline constexpr auto kResources = std::to_array<Row>({
    {.family = "container_memory_numa_pages", .labels = "scope=\"container\",type=\"anon\"", .sources = {{memory, v1, "memory.numa_stat", "anon"}}, .axis = Axis::node},
    {.family = "container_memory_numa_pages", .labels = "scope=\"container\",type=\"file\"", .sources = {{memory, v1, "memory.numa_stat", "file"}}, .axis = Axis::node},
    {.family = "container_memory_numa_pages", .labels = "scope=\"container\",type=\"unevictable\"", .sources = {{memory, v1, "memory.numa_stat", "unevictable"}}, .axis = Axis::node},
    {.family = "container_memory_numa_pages", .labels = "scope=\"hierarchy\",type=\"anon\"", .sources = {{memory, v1, "memory.numa_stat", "hierarchical_anon"}, {memory, v2, "memory.numa_stat", "anon", bytes_of_pages}}, .axis = Axis::node},
    {.family = "container_memory_numa_pages", .labels = "scope=\"hierarchy\",type=\"file\"", .sources = {{memory, v1, "memory.numa_stat", "hierarchical_file"}, {memory, v2, "memory.numa_stat", "file", bytes_of_pages}}, .axis = Axis::node},
    {.family = "container_memory_numa_pages", .labels = "scope=\"hierarchy\",type=\"unevictable\"", .sources = {{memory, v1, "memory.numa_stat", "hierarchical_unevictable"}, {memory, v2, "memory.numa_stat", "unevictable", bytes_of_pages}}, .axis = Axis::node},
    {.family = "container_memory_numa_bytes", .labels = "part=\"anon\"", .sources = {{memory, v1, "memory.numa_stat", "hierarchical_anon", pages}, {memory, v2, "memory.numa_stat", "anon", bytes}}, .axis = Axis::node},
    {.family = "container_memory_numa_bytes", .labels = "part=\"file\"", .sources = {{memory, v1, "memory.numa_stat", "hierarchical_file", pages}, {memory, v2, "memory.numa_stat", "file", bytes}}, .axis = Axis::node},
    {.family = "container_memory_numa_bytes", .labels = "part=\"unevictable\"", .sources = {{memory, v1, "memory.numa_stat", "hierarchical_unevictable", pages}}, .axis = Axis::node},
    {.family = "container_memory_numa_bytes", .labels = "part=\"kernel_stack\"", .sources = {{memory, v2, "memory.numa_stat", "kernel_stack", bytes}}, .axis = Axis::node},
    {.family = "container_memory_numa_bytes", .labels = "part=\"pagetables\"", .sources = {{memory, v2, "memory.numa_stat", "pagetables", bytes}}, .axis = Axis::node},
    {.family = "container_memory_numa_bytes", .labels = "part=\"sec_pagetables\"", .sources = {{memory, v2, "memory.numa_stat", "sec_pagetables", bytes}}, .axis = Axis::node},
    {.family = "container_memory_numa_bytes", .labels = "part=\"slab_reclaimable\"", .sources = {{memory, v2, "memory.numa_stat", "slab_reclaimable", bytes}}, .axis = Axis::node},
    {.family = "container_memory_numa_bytes", .labels = "part=\"slab_unreclaimable\"", .sources = {{memory, v2, "memory.numa_stat", "slab_unreclaimable", bytes}}, .axis = Axis::node},
    {.family = "container_hugetlb_usage_bytes", .sources = {{hugetlb, v1, "hugetlb.*.rsvd.usage_in_bytes", "", bytes}, {hugetlb, v1, "hugetlb.*.usage_in_bytes", "", bytes}, {hugetlb, v2, "hugetlb.*.rsvd.current", "", bytes, not_root}, {hugetlb, v2, "hugetlb.*.current", "", bytes, not_root}}, .axis = Axis::pagesize},
    {.family = "container_hugetlb_faulted_bytes", .sources = {{hugetlb, v1, "hugetlb.*.usage_in_bytes", "", bytes}, {hugetlb, v2, "hugetlb.*.current", "", bytes, not_root}}, .axis = Axis::pagesize},
    {.family = "container_hugetlb_max_usage_bytes", .sources = {{hugetlb, v1, "hugetlb.*.rsvd.max_usage_in_bytes", "", bytes}, {hugetlb, v1, "hugetlb.*.max_usage_in_bytes", "", bytes}}, .axis = Axis::pagesize},
    {.family = "container_hugetlb_failcnt", .sources = {{hugetlb, v1, "hugetlb.*.rsvd.failcnt"}, {hugetlb, v1, "hugetlb.*.failcnt"}, {hugetlb, v2, "hugetlb.*.events", "max", count, not_root}}, .axis = Axis::pagesize},
    {.family = "container_spec_hugetlb_limit_bytes", .sources = {{hugetlb, v1, "hugetlb.*.limit_in_bytes", "", bytes}, {hugetlb, v2, "hugetlb.*.max", "", bytes, not_root}}, .axis = Axis::pagesize},
    {.family = "container_spec_hugetlb_reservation_limit_bytes", .sources = {{hugetlb, v1, "hugetlb.*.rsvd.limit_in_bytes", "", bytes}, {hugetlb, v2, "hugetlb.*.rsvd.max", "", bytes, not_root}}, .axis = Axis::pagesize},
    {.family = "container_rdma_usage", .sources = {{rdma, v1, "rdma.current", "", count, not_root}, {rdma, v2, "rdma.current", "", count, not_root}}, .axis = Axis::device_resource},
    {.family = "container_spec_rdma_limit", .sources = {{rdma, v1, "rdma.max", "", count, not_root}, {rdma, v2, "rdma.max", "", count, not_root}}, .axis = Axis::device_resource},
    {.family = "container_misc_usage", .sources = {{misc, v1, "misc.current", "", count, not_root}, {misc, v2, "misc.current", "", count, not_root}}, .axis = Axis::resource},
    {.family = "container_misc_peak", .sources = {{misc, v1, "misc.peak", "", count, not_root}, {misc, v2, "misc.peak", "", count, not_root}}, .axis = Axis::resource},
    {.family = "container_spec_misc_limit", .sources = {{misc, v1, "misc.max", "", count, not_root}, {misc, v2, "misc.max", "", count, not_root}}, .axis = Axis::resource},
    {.family = "cgmon_misc_capacity", .sources = {{misc, v1, "misc.capacity", "", count, root}, {misc, v2, "misc.capacity", "", count, root}}, .axis = Axis::resource},
    {.family = "container_misc_events_max_total", .sources = {{misc, v1, "misc.events", ".max", count, not_root}, {misc, v2, "misc.events", ".max", count, not_root}}, .axis = Axis::resource},
    {.family = "container_dmem_usage_bytes", .sources = {{dmem, v2, "dmem.current", "", bytes, not_root}}, .axis = Axis::region},
    {.family = "container_spec_dmem_limit_bytes", .sources = {{dmem, v2, "dmem.max", "", bytes, not_root}}, .axis = Axis::region},
});
}  // namespace cgmon::tables::rows
// clang-format on
