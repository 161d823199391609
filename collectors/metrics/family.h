#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace cgmon {

enum class Kind : std::uint8_t { counter, gauge, info, stateset };

/// The unit of a family's samples, which fixes how its 64-bit values are kept and printed.
enum class Unit : std::uint8_t {
  count,  ///< a plain number
  bytes,
  seconds,       ///< kept in nanoseconds, printed in seconds
  cores,         ///< kept in microcores, printed in cores
  ratio,         ///< kept in millionths, printed as a fraction of 1
  microseconds,  ///< kept and printed in microseconds (cAdvisor's quota and period)
  unix_seconds,  ///< whole seconds since the epoch
};

/// Number of decimal places that a stored value has behind the printed point.
[[nodiscard]] constexpr unsigned decimals(Unit unit) {
  return unit == Unit::seconds ? 9U : unit == Unit::cores || unit == Unit::ratio ? 6U : 0U;
}

/// A collector: what `--collector.X` switches. `spec` is always on, as cAdvisor's groupless
/// families are. In the order of reading: a file that several need is read by the first.
enum class Group : std::uint8_t {
  spec,
  host,
  cpu_topology,
  limits,
  cpu,
  cpu_detail,
  percpu,
  cpuset,
  memory,
  memory_stat,
  memory_numa,
  events,
  swap,
  swap_detail,
  oom_event,
  pids,
  state,
  state_detail,
  pressure,
  disk_io,
  io_detail,
  network,
  netstat,
  disk,
  process,
  cpu_load,
  hugetlb,
  rdma,
  misc,
  dmem,
  identity,  ///< called "info"
  lifecycle,
};

struct GroupInfo {
  std::string_view name, help;
  bool on_by_default;
};

/// Indexed by Group.
inline constexpr auto kGroups = std::to_array<GroupInfo>({
    {"spec", "Configured limits, start time and last seen; always on.", true},
    {"host", "The machine: its CPUs, memory and swap.", true},
    {"cpu_topology", "The machine's memory nodes, threads of cores and caches.", false},
    {"limits", "Further limits, and the ancestor whose limit is the tightest.", true},
    {"cpu", "CPU time and CFS throttling.", true},
    {"cpu_detail", "CPU time of nice tasks and core scheduling, memory nodes, clamps.", false},
    {"percpu", "CPU time of each CPU in place of the total (v1 only).", false},
    {"cpuset", "Whether memory moves with the set of nodes (v1 only).", false},
    {"memory", "Memory usage, its parts, its peak and its failures.", true},
    {"memory_stat", "Every part of memory and every event that memory.stat has.", false},
    {"memory_numa", "Memory on each NUMA node.", false},
    {"events", "Memory events of the cgroup alone, kills of whole groups.", false},
    {"swap", "Swap limits, peak, events and zswap, while the host has swap.", true},
    {"swap_detail", "Where swap is throttled, and the limit of zswap.", false},
    {"oom_event", "OOM kills.", true},
    {"pids", "Tasks and their limit.", true},
    {"state", "Whether a cgroup is frozen.", true},
    {"state_detail", "Time frozen, descendants, and whether there are processes.", false},
    {"pressure", "Pressure stall information (PSI).", true},
    {"diskIO", "Block I/O of each device.", true},
    {"io_detail", "Discards, delays, weights and latency targets of each device.", false},
    {"network", "Network interfaces, once for each network namespace.", true},
    {"netstat", "Connections, retransmissions and drops of each network namespace.", false},
    {"disk", "Writable layers of containers and file systems of the host.", true},
    {"process", "Processes, their open files and their limits.", false},
    {"cpuLoad", "Tasks by whether they run, sleep or wait for a disk.", false},
    {"hugetlb", "Huge pages, their limits and failures.", false},
    {"rdma", "RDMA handles and objects.", false},
    {"misc", "Resources of the misc controller.", false},
    {"dmem", "Device memory (of GPUs).", false},
    {"info", "Who each cgroup is: kind, runtime, unit, pod, job, allowed labels.", true},
    {"lifecycle", "State, restarts and health of containers, and how they ended.", true},
});

[[nodiscard]] constexpr const GroupInfo& info(Group group) {
  return kGroups[static_cast<std::size_t>(group)];
}

/// Which groups a pass reads, one bit each.
using GroupSet = std::uint64_t;
inline constexpr GroupSet kAllGroups = ~GroupSet{0};
static_assert(kGroups.size() <= sizeof(GroupSet) * 8);
[[nodiscard]] constexpr GroupSet bit(Group group) {
  return GroupSet{1} << static_cast<unsigned>(group);
}

/// Who has samples of a family.
enum class Reporter : std::uint8_t {
  every_cgroup,
  containers,
  root,
  owners,   ///< containers and units by name, whether their cgroups live or not
  machine,  ///< no cgroup: filled by host code, without rows
  nobody,   ///< read as the input of derived rows, never printed
};

/// Which labels the samples of a family have.
enum class LabelSet : std::uint8_t {
  identity,     ///< id, name, image, container, pod, namespace
  all,          ///< those and all that is known of the cgroup
  incarnation,  ///< those of identity but the id, and the container's id
  restarts,     ///< those of incarnation but the image; in a pod without the container's id
};
inline constexpr std::size_t kLabelSets = static_cast<std::size_t>(LabelSet::restarts) + 1;

/// A metric family: what the page shows under one name.
struct Family {
  std::string_view name;
  std::string_view help;  ///< one sentence
  Kind kind;
  Unit unit;
  Group group;
  Reporter reporter = Reporter::every_cgroup;
  bool is_signed = false;  ///< the stored 64 bits are two's complement
  LabelSet labels = LabelSet::identity;
};

}  // namespace cgmon
