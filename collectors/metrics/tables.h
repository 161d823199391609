#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

#include "collectors/metrics/derived.h"
#include "collectors/metrics/family.h"
#include "collectors/metrics/row.h"

namespace cgmon {

/// Every family that cgroups report. Names and types are cAdvisor's where it has the family; the
/// order is the page's. `agent metrics` prints this table.
inline constexpr auto kFamilies = [] {
  using enum Kind;
  using enum Unit;
  using enum Group;
  using enum Reporter;
  // One family, one line.
  // clang-format off
  return std::to_array<Family>({
      {"container_last_seen", "When the cgroup was last seen to exist: the time of the collection.", gauge, unix_seconds, spec},
      {"container_start_time_seconds", "When the container was started by its engine, else when its cgroup was made.", gauge, unix_seconds, spec},
      {"container_spec_cpu_shares", "CPU shares as on cgroup v1; on v2 computed back from the weight.", gauge, count, spec},
      {"container_spec_cpu_weight", "CPU weight of cgroup v2, as the kernel has it.", gauge, count, cpu},
      {"container_spec_cpu_period", "Period of the CPU quota in microseconds.", gauge, microseconds, spec},
      {"container_spec_cpu_quota", "CPU quota per period in microseconds; absent without a quota.", gauge, microseconds, spec},
      {"container_spec_cpu_quota_cores", "CPU quota in cores; absent without a quota.", gauge, cores, cpu},
      {"container_spec_memory_limit_bytes", "Memory limit; 0 is no limit, the root shows the memory of the machine.", gauge, bytes, spec},
      {"container_spec_memory_swap_limit_bytes", "Limit of memory plus swap on v1, of swap alone on v2; 0 is no limit.", gauge, bytes, spec},
      {"container_spec_memory_reservation_limit_bytes", "Soft limit on v1, memory.low on v2; 0 is none.", gauge, bytes, spec},
      {"container_cpu_usage_seconds_total", "CPU time consumed, descendants included.", counter, seconds, cpu},
      {"container_cpu_user_seconds_total", "CPU time consumed in user mode.", counter, seconds, cpu},
      {"container_cpu_system_seconds_total", "CPU time consumed in kernel mode.", counter, seconds, cpu},
      {"container_cpu_cfs_periods_total", "Enforcement periods that began while there was something to run.", counter, count, cpu},
      {"container_cpu_cfs_throttled_periods_total", "Enforcement periods in which the cgroup used up its quota.", counter, count, cpu},
      {"container_cpu_cfs_throttled_seconds_total", "Time throttled by the cgroup's own quota, summed over CPUs.", counter, seconds, cpu},
      {"container_memory_usage_bytes", "Memory charged, page cache and kernel memory included.", gauge, bytes, memory},
      {"container_memory_working_set_bytes", "Memory charged less inactive file cache.", gauge, bytes, memory},
      {"container_memory_rss", "Anonymous memory, huge pages included.", gauge, bytes, memory},
      {"container_memory_cache", "Page cache, tmpfs and shared memory included.", gauge, bytes, memory},
      {"container_memory_mapped_file", "Page cache that is mapped into processes.", gauge, bytes, memory},
      {"container_memory_swap", "Swap in use.", gauge, bytes, memory},
      {"container_memory_max_usage_bytes", "Largest memory charge recorded.", gauge, bytes, memory},
      {"container_memory_total_active_file_bytes", "File cache on the active list.", gauge, bytes, memory},
      {"container_memory_total_inactive_file_bytes", "File cache on the inactive list.", gauge, bytes, memory},
      {"container_memory_failcnt", "How often the memory limit was hit.", counter, count, memory},
      {"container_memory_failures_total", "Page faults, by kind and by whether descendants are counted.", counter, count, memory},
      {"container_memory_events_oom_total", "How often memory could not be had even after reclaim (v2).", counter, count, memory},
      {"container_memory_events_oom_kill_total", "Processes killed by the OOM killer; on v1 of this very cgroup alone.", counter, count, memory},
      {"container_oom_events_total", "Processes killed by the OOM killer, descendants included.", counter, count, oom_event},
      {"container_threads", "Tasks, descendants included.", gauge, count, pids},
      {"container_threads_max", "Limit of tasks; 0 is no limit.", gauge, count, pids},
      {"container_pressure_cpu_waiting_seconds_total", "Time in which at least one task waited for a CPU.", counter, seconds, pressure},
      {"container_pressure_cpu_stalled_seconds_total", "Time in which all tasks waited for a CPU.", counter, seconds, pressure},
      {"container_pressure_memory_waiting_seconds_total", "Time in which at least one task waited for memory.", counter, seconds, pressure},
      {"container_pressure_memory_stalled_seconds_total", "Time in which all tasks waited for memory.", counter, seconds, pressure},
      {"container_pressure_io_waiting_seconds_total", "Time in which at least one task waited for I/O.", counter, seconds, pressure},
      {"container_pressure_io_stalled_seconds_total", "Time in which all tasks waited for I/O.", counter, seconds, pressure},
      {"host_swap_total_bytes", "Swap of the machine.", gauge, bytes, memory, nobody},
      {"host_swap_free_bytes", "Free swap of the machine.", gauge, bytes, memory, nobody},
  });
  // clang-format on
}();

/// Every number, with its sources in order of preference. Rows of a family stand together.
///
/// memory.stat: v1's "total_" keys (cgroup-v1/memory.rst 5.2) and all of v2's include descendants.
/// cpu.stat: nr_* and throttled time are of the cgroup's own quota (scheduler/sched-bwc.rst).
/// memory.events (cgroup-v2.rst) is hierarchical, v1's memory.oom_control counts the cgroup alone.
/// *.pressure (accounting/psi.rst): "some" is waiting, "full" is stalled, total in microseconds.
inline constexpr auto kRows = [] {
  using enum Controller;
  using enum Version;
  using enum FileUnit;
  using enum When;
  using enum Unlimited;
  using enum Reach;
  constexpr auto kZero = CadvisorAbsent::zero;
  constexpr RowName kQuota{"container_spec_cpu_quota"};
  // One number, one line: family, labels, sources; what is unusual is named.
  // clang-format off
  return std::to_array<Row>({
      {.family = "container_last_seen", .sources = {{agent, none, "clock"}}},
      {.family = "container_start_time_seconds", .sources = {{agent, none, "start time"}}},
      {.family = "container_spec_cpu_shares", .sources = {{cpu, v1, "cpu.shares"}}, .derive = shares_from_weight, .inputs = {{"container_spec_cpu_weight"}}, .cadvisor_absent = kZero},
      {.family = "container_spec_cpu_weight", .sources = {{cpu, v2, "cpu.weight", "", FileUnit::count, not_root}}},
      {.family = "container_spec_cpu_period", .sources = {{cpu, v1, "cpu.cfs_period_us", "", FileUnit::count}, {cpu, v2, "cpu.max", "1", FileUnit::count, not_root}}, .cadvisor_absent = kZero},
      {.family = "container_spec_cpu_quota", .sources = {{cpu, v1, "cpu.cfs_quota_us", "", FileUnit::count}, {cpu, v2, "cpu.max", "0", FileUnit::count, not_root}}},
      {.family = "container_spec_cpu_quota_cores", .derive = quota_cores, .inputs = {{"container_spec_cpu_quota"}, {"container_spec_cpu_period"}}},
      {.family = "container_spec_memory_limit_bytes", .sources = {{proc, none, "meminfo", "MemTotal", kibibytes, root}, {memory, v1, "memory.limit_in_bytes", "", bytes, not_root}, {memory, v2, "memory.max", "", bytes, not_root}}, .unlimited = print_zero},
      {.family = "container_spec_memory_swap_limit_bytes", .sources = {{proc, none, "meminfo", "SwapTotal", kibibytes, root}, {memory, v1, "memory.memsw.limit_in_bytes", "", bytes, not_root}, {memory, v2, "memory.swap.max", "", bytes, not_root}}, .unlimited = print_zero, .cadvisor_absent = kZero},
      {.family = "container_spec_memory_reservation_limit_bytes", .sources = {{memory, v1, "memory.soft_limit_in_bytes", "", bytes}, {memory, v2, "memory.low", "", bytes, not_root}}, .unlimited = print_zero, .cadvisor_absent = kZero},
      {.family = "container_cpu_usage_seconds_total", .labels = R"(cpu="total")", .sources = {{cpuacct, v1, "cpuacct.usage", "", nanoseconds}, {core, v2, "cpu.stat", "usage_usec", microseconds}}},
      {.family = "container_cpu_usage_seconds_total", .sources = {{cpuacct, v1, "cpuacct.usage_percpu", "", nanoseconds}}, .axis = Axis::cpu, .group = Group::percpu, .has_group = true},
      {.family = "container_cpu_user_seconds_total", .sources = {{cpuacct, v1, "cpuacct.stat", "user", user_ticks}, {core, v2, "cpu.stat", "user_usec", microseconds}}},
      {.family = "container_cpu_system_seconds_total", .sources = {{cpuacct, v1, "cpuacct.stat", "system", user_ticks}, {core, v2, "cpu.stat", "system_usec", microseconds}}},
      {.family = "container_cpu_cfs_periods_total", .sources = {{cpu, v1, "cpu.stat", "nr_periods"}, {cpu, v2, "cpu.stat", "nr_periods"}}, .only_if_number = kQuota},
      {.family = "container_cpu_cfs_throttled_periods_total", .sources = {{cpu, v1, "cpu.stat", "nr_throttled"}, {cpu, v2, "cpu.stat", "nr_throttled"}}, .only_if_number = kQuota},
      {.family = "container_cpu_cfs_throttled_seconds_total", .sources = {{cpu, v1, "cpu.stat", "throttled_time", nanoseconds}, {cpu, v2, "cpu.stat", "throttled_usec", microseconds}}, .only_if_number = kQuota},
      {.family = "container_memory_usage_bytes", .sources = {{memory, v1, "memory.usage_in_bytes", "", bytes}, {memory, v2, "memory.current", "", bytes, not_root}}, .derive = sum, .inputs = {{"container_memory_rss"}, {"container_memory_cache"}}},
      {.family = "container_memory_working_set_bytes", .derive = working_set, .inputs = {{"container_memory_usage_bytes"}, {"container_memory_total_inactive_file_bytes"}}},
      {.family = "container_memory_rss", .sources = {{memory, v1, "memory.stat", "total_rss", bytes}, {memory, v2, "memory.stat", "anon", bytes}}},
      {.family = "container_memory_cache", .sources = {{memory, v1, "memory.stat", "total_cache", bytes}, {memory, v2, "memory.stat", "file", bytes}}},
      {.family = "container_memory_mapped_file", .sources = {{memory, v1, "memory.stat", "total_mapped_file", bytes}, {memory, v2, "memory.stat", "file_mapped", bytes}}},
      {.family = "container_memory_swap", .sources = {{memory, v1, "memory.stat", "total_swap", bytes}, {memory, v2, "memory.swap.current", "", bytes, not_root}}, .derive = difference, .inputs = {{"host_swap_total_bytes"}, {"host_swap_free_bytes"}}, .cadvisor_absent = kZero},
      {.family = "container_memory_max_usage_bytes", .sources = {{memory, v1, "memory.max_usage_in_bytes", "", bytes}, {memory, v2, "memory.peak", "", bytes, not_root}}, .cadvisor_absent = kZero},
      {.family = "container_memory_total_active_file_bytes", .sources = {{memory, v1, "memory.stat", "total_active_file", bytes}, {memory, v2, "memory.stat", "active_file", bytes}}},
      {.family = "container_memory_total_inactive_file_bytes", .sources = {{memory, v1, "memory.stat", "total_inactive_file", bytes}, {memory, v2, "memory.stat", "inactive_file", bytes}}},
      {.family = "container_memory_failcnt", .sources = {{memory, v1, "memory.failcnt"}, {memory, v2, "memory.events", "max", FileUnit::count, not_root}}, .cadvisor_absent = kZero},
      {.family = "container_memory_failures_total", .labels = R"(failure_type="pgfault",scope="container")", .sources = {{memory, v1, "memory.stat", "pgfault"}, {memory, v2, "memory.stat", "pgfault"}}},
      {.family = "container_memory_failures_total", .labels = R"(failure_type="pgfault",scope="hierarchy")", .sources = {{memory, v1, "memory.stat", "total_pgfault"}, {memory, v2, "memory.stat", "pgfault"}}},
      {.family = "container_memory_failures_total", .labels = R"(failure_type="pgmajfault",scope="container")", .sources = {{memory, v1, "memory.stat", "pgmajfault"}, {memory, v2, "memory.stat", "pgmajfault"}}},
      {.family = "container_memory_failures_total", .labels = R"(failure_type="pgmajfault",scope="hierarchy")", .sources = {{memory, v1, "memory.stat", "total_pgmajfault"}, {memory, v2, "memory.stat", "pgmajfault"}}},
      {.family = "container_memory_events_oom_total", .sources = {{memory, v2, "memory.events", "oom", FileUnit::count, not_root}}},
      {.family = "container_memory_events_oom_kill_total", .sources = {{memory, v1, "memory.oom_control", "oom_kill"}, {memory, v2, "memory.events", "oom_kill", FileUnit::count, not_root}}},
      {.family = "container_oom_events_total", .sources = {{memory, v1, "memory.oom_control", "oom_kill", FileUnit::count, any, own_only}, {memory, v2, "memory.events", "oom_kill", FileUnit::count, not_root}}, .cadvisor_absent = kZero},
      {.family = "container_threads", .sources = {{pids, v1, "pids.current", "", FileUnit::count, not_root}, {pids, v2, "pids.current", "", FileUnit::count, not_root}}},
      {.family = "container_threads_max", .sources = {{pids, v1, "pids.max", "", FileUnit::count, not_root}, {pids, v2, "pids.max", "", FileUnit::count, not_root}}, .unlimited = print_zero},
      {.family = "container_pressure_cpu_waiting_seconds_total", .sources = {{proc, none, "pressure/cpu", "some", microseconds, root}, {psi, v2, "cpu.pressure", "some", microseconds, not_root}}, .cadvisor_absent = kZero},
      {.family = "container_pressure_cpu_stalled_seconds_total", .sources = {{proc, none, "pressure/cpu", "full", microseconds, root}, {psi, v2, "cpu.pressure", "full", microseconds, not_root}}, .cadvisor_absent = kZero},
      {.family = "container_pressure_memory_waiting_seconds_total", .sources = {{proc, none, "pressure/memory", "some", microseconds, root}, {psi, v2, "memory.pressure", "some", microseconds, not_root}}, .cadvisor_absent = kZero},
      {.family = "container_pressure_memory_stalled_seconds_total", .sources = {{proc, none, "pressure/memory", "full", microseconds, root}, {psi, v2, "memory.pressure", "full", microseconds, not_root}}, .cadvisor_absent = kZero},
      {.family = "container_pressure_io_waiting_seconds_total", .sources = {{proc, none, "pressure/io", "some", microseconds, root}, {psi, v2, "io.pressure", "some", microseconds, not_root}}, .cadvisor_absent = kZero},
      {.family = "container_pressure_io_stalled_seconds_total", .sources = {{proc, none, "pressure/io", "full", microseconds, root}, {psi, v2, "io.pressure", "full", microseconds, not_root}}, .cadvisor_absent = kZero},
      {.family = "host_swap_total_bytes", .sources = {{proc, none, "meminfo", "SwapTotal", kibibytes, root}}},
      {.family = "host_swap_free_bytes", .sources = {{proc, none, "meminfo", "SwapFree", kibibytes, root}}},
  });
  // clang-format on
}();

inline constexpr std::size_t kRowCount = kRows.size();
inline constexpr std::size_t kNoRow = static_cast<std::size_t>(-1);

/// Index of a row in kRows, kNoRow if there is none of that name.
[[nodiscard]] constexpr std::size_t find_row(std::string_view family,
                                             std::string_view labels = {}) {
  for (std::size_t i = 0; i < kRowCount; ++i) {
    if (kRows.at(i).family == family && kRows.at(i).labels == labels) return i;
  }
  return kNoRow;
}

/// Index of a row in kRows. A misspelt name does not compile.
[[nodiscard]] consteval std::size_t row(std::string_view family, std::string_view labels = {}) {
  const std::size_t found = find_row(family, labels);
  if (found == kNoRow) throw "no row of that name in kRows";
  return found;
}

/// Index of a row's family in kFamilies.
[[nodiscard]] constexpr std::size_t find_family(std::string_view name) {
  const auto* const found = std::ranges::find(kFamilies, name, &Family::name);
  return static_cast<std::size_t>(found - kFamilies.begin());
}

/// kRows' families by row index, looked up once by the compiler.
inline constexpr auto kFamilyOfRow = [] {
  std::array<std::size_t, kRowCount> families{};
  for (std::size_t i = 0; i < kRowCount; ++i) families.at(i) = find_family(kRows.at(i).family);
  return families;
}();

[[nodiscard]] constexpr const Family& family_of(std::size_t row_index) {
  return kFamilies[kFamilyOfRow[row_index]];
}
[[nodiscard]] constexpr Group group_of(std::size_t row_index) {
  return kRows[row_index].has_group ? kRows[row_index].group : family_of(row_index).group;
}

/// What must hold of the tables. Each check is one sentence of their description.
namespace table_checks {

consteval bool every_row_has_its_family() {
  return std::ranges::all_of(kFamilyOfRow, [](std::size_t f) { return f < kFamilies.size(); });
}
consteval bool family_names_are_unique() {
  for (std::size_t i = 0; i < kFamilies.size(); ++i) {
    if (find_family(kFamilies.at(i).name) != i) return false;
  }
  return true;
}
consteval bool rows_are_unique() {
  for (std::size_t i = 0; i < kRowCount; ++i) {
    if (find_row(kRows.at(i).family, kRows.at(i).labels) != i) return false;
  }
  return true;
}
consteval bool rows_of_a_family_stand_together() {
  for (std::size_t i = 1; i < kRowCount; ++i) {
    if (kFamilyOfRow.at(i) != kFamilyOfRow.at(i - 1) &&
        std::find(kFamilyOfRow.begin(), kFamilyOfRow.begin() + i, kFamilyOfRow.at(i)) !=
            kFamilyOfRow.begin() + i) {
      return false;
    }
  }
  return true;
}
consteval bool references_resolve() {
  for (const Row& entry : kRows) {
    for (const RowName& name : entry.inputs) {
      if (find_row(name.family, name.labels) == kNoRow) return false;
    }
    const RowName& needed = entry.only_if_number;
    if (!needed.family.empty() && find_row(needed.family, needed.labels) == kNoRow) return false;
  }
  return true;
}
consteval bool helps_are_sentences() {
  return std::ranges::all_of(kFamilies, [](const Family& family) {
    return family.help.ends_with('.') && family.help.front() >= 'A' && family.help.front() <= 'Z';
  });
}
/// Counters end in _total, but for the one that cAdvisor named otherwise.
consteval bool counters_say_total() {
  return std::ranges::all_of(kFamilies, [](const Family& family) {
    return (family.kind == Kind::counter) == family.name.ends_with("_total") ||
           family.name == "container_memory_failcnt";
  });
}

static_assert(every_row_has_its_family());
static_assert(family_names_are_unique());
static_assert(rows_are_unique());
static_assert(rows_of_a_family_stand_together());
static_assert(references_resolve());
static_assert(helps_are_sentences());
static_assert(counters_say_total());

}  // namespace table_checks

}  // namespace cgmon
