#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

#include "collectors/base/value.h"
#include "collectors/metrics/family.h"

namespace cgmon {

/// Who in the kernel counts a number. The layout says which hierarchy serves a controller.
/// `core` (cgroup.*, the CPU time that every v2 cgroup has) and `psi` always mean a v2 hierarchy;
/// `proc` is /proc itself, for numbers of the root that no cgroup file has; `agent` is what the
/// agent knows itself or finds out by other files than a cgroup's own: the source says which.
enum class Controller : std::uint8_t {
  core,
  psi,
  cpu,
  cpuacct,
  cpuset,
  memory,
  io,
  blkio,
  pids,
  hugetlb,
  freezer,
  devices,
  rdma,
  misc,
  dmem,
  net_cls,
  net_prio,
  perf_event,
  proc,
  agent,
};
inline constexpr std::size_t kControllers = static_cast<std::size_t>(Controller::agent) + 1;

/// The kernel's name of a controller, as in /proc/cgroups.
[[nodiscard]] std::string_view name_of(Controller controller);

/// Which interface a source belongs to: the same controller has other files on v1 and v2.
enum class Version : std::uint8_t { v1, v2, none };

/// How a file is laid out. It follows from file name and key: see format_of().
enum class FileFormat : std::uint8_t {
  single,      ///< one number, or "max"
  flat_keyed,  ///< "key value" lines
  fields,      ///< one line of blank-separated fields; the key is the field's number, "0", "1", …
  psi,         ///< "some avg10=… total=N" lines; the key is "some" or "full" and means total
  meminfo,     ///< "Key:   N kB" lines
  per_cpu,     ///< one line, one number a CPU
  cpu_list,    ///< "0-3,8": the number is how many there are
  word,        ///< one word: 1 where it is the key, else 0
  percent,     ///< "12.50", or "max"
  nested_keyed,  ///< "NAME KEY=VALUE…" lines: devices, or with the keys N0, N1, … memory nodes
  named_values,  ///< "NAME VALUE" lines; of those whose name ends in the key
  operations,    ///< "DEVICE OPERATION N" lines; the key is the operation
};

/// The unit in which the kernel writes a number.
enum class FileUnit : std::uint8_t {
  count,
  bytes,
  kibibytes,
  nanoseconds,
  microseconds,
  user_ticks,
  pages,           ///< a number of pages, kept in bytes
  bytes_of_pages,  ///< bytes, kept as a number of pages
  percent          ///< hundredths of a percent, kept in millionths
};

enum class When : std::uint8_t { any, root, not_root };
[[nodiscard]] constexpr bool applies(When when, bool is_root) {
  return when == When::any || (when == When::root) == is_root;
}

/// Whether a file counts its own cgroup or everything below it too. `own_only` numbers are summed
/// over the subtree by the collector, those of children that are gone included.
enum class Reach : std::uint8_t { as_read, own_only };

/// One place where the kernel has a number.
struct Source {
  Controller controller = Controller::core;
  Version version = Version::none;
  std::string_view file;
  std::string_view key = {};
  FileUnit unit = FileUnit::count;
  When when = When::any;
  Reach reach = Reach::as_read;
};

[[nodiscard]] constexpr FileFormat format_of(const Source& source) {
  if (source.file.ends_with(".pressure") || source.file.starts_with("pressure/")) {
    return FileFormat::psi;
  }
  if (source.file == "meminfo") return FileFormat::meminfo;
  if (source.file.ends_with("_percpu")) return FileFormat::per_cpu;
  if (source.file.starts_with("cpuset.") && source.file.find("effective") != source.file.npos) {
    return FileFormat::cpu_list;
  }
  if (source.file == "freezer.state") return FileFormat::word;
  if (source.unit == FileUnit::percent) return FileFormat::percent;
  const auto is_one_of = [&](std::initializer_list<std::string_view> files) {
    return std::find(files.begin(), files.end(), source.file) != files.end();
  };
  if (is_one_of({"io.stat", "io.max", "io.latency", "rdma.current", "rdma.max"}) ||
      source.file.ends_with("numa_stat")) {
    return FileFormat::nested_keyed;
  }
  if (is_one_of({"io.weight", "io.bfq.weight"}) || source.file.ends_with("_device") ||
      source.file.starts_with("misc.") || source.file.starts_with("dmem.")) {
    return FileFormat::named_values;
  }
  if (source.file.starts_with("blkio.") && !source.key.empty()) return FileFormat::operations;
  if (source.key.empty()) return FileFormat::single;
  return source.key[0] >= '0' && source.key[0] <= '9' ? FileFormat::fields : FileFormat::flat_keyed;
}

/// Whether only a write(2) to a file of the cgroup (or of its parent's cgroup.subtree_control)
/// changes what the file says: what was configured. Not what the kernel takes from elsewhere
/// (cpuset.*.effective, memory.stat: hierarchical_memory_limit), nor what goes with a device that
/// the kernel does not list in /proc/partitions (rdma.max, dmem.max), its scheduler (*.bfq.weight)
/// or the host's capacity (misc.max).
[[nodiscard]] constexpr bool only_writes_change(std::string_view file) {
  constexpr auto kFiles = std::to_array<std::string_view>({
      "cpu.max",
      "cpu.max.burst",
      "cpu.weight",
      "cpu.idle",
      "cpu.uclamp.min",
      "cpu.uclamp.max",
      "memory.max",
      "memory.high",
      "memory.low",
      "memory.min",
      "memory.swap.max",
      "memory.swap.high",
      "memory.zswap.max",
      "pids.max",
      "io.max",
      "io.weight",
      "io.latency",
      "hugetlb.*.max",
      "hugetlb.*.rsvd.max",
      // v1
      "cpu.shares",
      "cpu.cfs_quota_us",
      "cpu.cfs_period_us",
      "cpu.cfs_burst_us",
      "memory.limit_in_bytes",
      "memory.soft_limit_in_bytes",
      "memory.memsw.limit_in_bytes",
      "blkio.throttle.read_bps_device",
      "blkio.throttle.write_bps_device",
      "blkio.throttle.read_iops_device",
      "blkio.throttle.write_iops_device",
      "hugetlb.*.limit_in_bytes",
      "hugetlb.*.rsvd.limit_in_bytes",
  });
  return std::find(kFiles.begin(), kFiles.end(), file) != kFiles.end();
}

/// The one thing over which a row may spread at run time, and the labels that an element carries.
enum class Axis : std::uint8_t {
  none,
  cpu,              ///< cpu="cpu00"
  device,           ///< device="/dev/vda"
  device_number,    ///< device="/dev/vda",major="254",minor="0"
  pagesize,         ///< pagesize="2MB"
  node,             ///< node="0"
  resource,         ///< resource="sev"
  device_resource,  ///< device="mlx5_0",resource="hca_handle"
  region,           ///< region="drm/0000:03:00.0/vram0"
  interface,        ///< interface="eth0"
  limited_by,       ///< limited_by="/system.slice": a cgroup, see Snapshot::limiters
};
inline constexpr std::size_t kAxes = static_cast<std::size_t>(Axis::limited_by) + 1;

/// What stands in a file's name for the page size: the row is read of one file a size.
inline constexpr std::string_view kEachPageSize = ".*.";

/// What a sample shows when the value is "no limit".
enum class Unlimited : std::uint8_t { print_nothing, print_zero };

/// What cAdvisor prints where the value is absent; ours stays absent.
enum class CadvisorAbsent : std::uint8_t { nothing, zero };

/// Names a row: family and fixed labels.
struct RowName {
  std::string_view family;
  std::string_view labels = {};
  bool nearest = false;   ///< of the cgroup itself or else of the next one above that has it
  bool optional = false;  ///< as an input: the row is computed without it, too
};

/// A number computed from other rows of the same cgroup, in the order of `inputs`.
using Derivation = Value (*)(std::span<const Value> inputs);

/// Up to N items in place, so that rows are plain static data.
template <class T, std::size_t N>
struct InlineList {
  std::array<T, N> items{};
  std::uint8_t size = 0;
  constexpr InlineList() = default;
  // Implicit on purpose: the tables are written as plain braces.
  constexpr InlineList(std::initializer_list<T> list) {  // NOLINT(google-explicit-constructor)
    for (const T& item : list) items.at(size++) = item;
  }
  [[nodiscard]] constexpr auto begin() const { return items.begin(); }
  [[nodiscard]] constexpr auto end() const { return items.begin() + size; }
  [[nodiscard]] constexpr bool empty() const { return size == 0; }
};

/// One number: where it comes from and how it is shown. (family, labels) is the key.
struct Row {
  std::string_view family;
  std::string_view labels =
      {};  ///< fixed labels as printed: failure_type="pgfault",scope="container"
  InlineList<Source, 6> sources = {};  ///< in order of preference: the first that yields wins
  Axis axis = Axis::none;
  Derivation derive = nullptr;         ///< used where no source yielded
  InlineList<RowName, 8> inputs = {};  ///< of `derive`, or of the agent's own computing
  RowName only_if_number = {};  ///< no value unless that row has a number (CFS needs a quota)
  Unlimited unlimited = Unlimited::print_nothing;
  bool zero_is_none = false;  ///< the kernel writes 0 for "not set", which is absent
  CadvisorAbsent cadvisor_absent = CadvisorAbsent::nothing;
  Group group = Group::spec;  ///< the family's, where has_group is false
  bool has_group = false;
};

}  // namespace cgmon
