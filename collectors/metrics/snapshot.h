#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "collectors/base/value.h"
#include "collectors/metrics/axis.h"
#include "collectors/metrics/family.h"
#include "collectors/metrics/labels.h"
#include "collectors/metrics/tables.h"

namespace cgmon {

/// Index of a cgroup in every column. A cgroup keeps its slot for its life.
using Slot = std::uint32_t;
inline constexpr Slot kNoSlot = UINT32_MAX;

/// One row's values of all cgroups, with two presence bits each. Grows, never shrinks.
class Column {
 public:
  [[nodiscard]] Value get(Slot slot) const {
    if (slot >= values_.size()) return Value::absent();
    const std::uint64_t mask = std::uint64_t{1} << (slot % 64);
    if ((numbers_[slot / 64] & mask) != 0) return Value::of(values_[slot]);
    return (unlimited_[slot / 64] & mask) != 0 ? Value::unlimited() : Value::absent();
  }
  void set(Slot slot, Value value) {
    const std::uint64_t mask = std::uint64_t{1} << (slot % 64);
    numbers_[slot / 64] &= ~mask;
    unlimited_[slot / 64] &= ~mask;
    if (value.state == ValueState::number) {
      values_[slot] = value.number;
      numbers_[slot / 64] |= mask;
    } else if (value.state == ValueState::unlimited) {
      unlimited_[slot / 64] |= mask;
    }
  }
  /// Makes every value absent and room for `slots`.
  void reset(std::size_t slots) {
    if (values_.size() < slots) {
      values_.resize(slots);
      numbers_.resize((slots + 63) / 64);
      unlimited_.resize((slots + 63) / 64);
    }
    std::fill(numbers_.begin(), numbers_.end(), 0);
    std::fill(unlimited_.begin(), unlimited_.end(), 0);
  }
  /// Gives the memory back: no source on this host.
  void drop() { *this = Column(); }
  [[nodiscard]] bool in_use() const { return !values_.empty(); }

 private:
  std::vector<std::uint64_t> values_, numbers_, unlimited_;
};

/// One number of a row that spreads over an axis.
struct AxisSample {
  Slot slot;
  std::uint32_t element;  ///< see AxisElements
  std::uint64_t value;
};

/// A number that no living cgroup shows: what one had counted when it ended, or that of an owner
/// whose cgroups come and go. Its labels are those of the sample, an id only where they have one.
struct LooseSample {
  std::size_t row;
  std::shared_ptr<const CgroupLabels> labels;
  std::uint64_t value;
};

/// A number of the machine, which no row has.
struct MachineSample {
  using Labels = std::vector<std::pair<std::string_view, std::string>>;  ///< name and raw value
  std::size_t family;                                                    ///< index in kFamilies
  Labels labels;                                                         ///< without empty ones
  std::uint64_t value;
};

/// Why a cgroup lacks what a collector reads, and the value of the label `reason`.
enum class Reason : std::uint8_t {
  controller_off,  ///< no hierarchy of this host serves it
  not_delegated,   ///< the cgroup has no files of it (v2), or is not in its hierarchy (v1)
  kernel_lacks,
  psi_off,
  swap_accounting_off,
  no_swap,  ///< the host has none
  permission,
  namespace_hidden,  ///< its processes are not in the agent's PID namespace, or hidden (hidepid)
  walk_pending,      ///< its disk has not been looked through yet
  other_storage,     ///< its root file system is none of which the writable layer is known
  threaded,
  not_counted,  ///< v1 block I/O that this kernel does not count
  failed,
  deadline,
};
inline constexpr std::size_t kReasons = static_cast<std::size_t>(Reason::deadline) + 1;
[[nodiscard]] constexpr const char* name_of(Reason reason) {
  constexpr std::array<const char*, kReasons> kNames{
      "controller_off", "not_delegated", "kernel_lacks",     "psi_off",      "swap_accounting_off",
      "no_swap",        "permission",    "namespace_hidden", "walk_pending", "other_storage",
      "threaded",       "not_counted",   "failed",           "deadline"};
  return kNames[static_cast<std::size_t>(reason)];
}

/// How one collector fared in a pass.
struct GroupReport {
  bool collected = false;
  bool success = false;  ///< every cgroup was tried before the deadline and nothing failed
  std::int64_t duration_ns = 0, cpu_ns = 0;
  std::array<std::uint32_t, kReasons> unavailable{};  ///< cgroups by reason
};

/// A pass as a whole. The counters are since the collector was made.
struct PassReport {
  std::array<GroupReport, kGroups.size()> groups{};
  std::int64_t discovery_ns = 0, duration_ns = 0;
  std::int64_t cpu_ns = 0;  ///< of the whole pass
  bool deadline_exceeded = false;
  std::uint64_t reads = 0, passes = 0;
  std::uint64_t cgroups_added = 0, cgroups_removed = 0, vanished_reading = 0, watch_failures = 0;
  std::uint32_t dropped_bound = 0, dropped_depth = 0, dropped_filter = 0;
  std::uint32_t descriptors_kept = 0, descriptors_limit = 0;
  std::uint64_t devices_dropped = 0;  ///< in this pass: samples of devices beyond a cgroup's bound
  std::uint64_t mounts_dropped = 0;   ///< the same of file systems
  std::uint64_t disk_files = 0, disk_incomplete = 0;  ///< looked at, and walks that did not end
  std::uint64_t interfaces_dropped = 0;  ///< in this pass: samples of interfaces beyond the bound
  std::uint32_t owners = 0;
  std::uint64_t owners_dropped = 0, ended_dropped = 0, oom_kills_unattributed = 0;
};

/// A counted failure of reading a kernel file.
struct ReadError {
  std::string_view file;    ///< base name, from the table
  std::string_view reason;  ///< errno's name, "malformed" or "too_large"
  std::uint64_t count = 0;
  std::string example;  ///< path of the first one, for the log
};

/// A counted failure to learn a container's name.
struct MetadataFailure {
  std::string_view source;  ///< "docker"
  std::string_view reason;
  std::uint64_t count = 0;
};

/// The host at one moment: a column a row. Made by one thread, then read by many, never changed
/// after it was published.
struct Snapshot {
  std::array<Column, kRowCount> columns;  ///< by row; not in use where this host has no source
  std::array<std::vector<AxisSample>, kRowCount> axes;  ///< by row, in path order
  std::shared_ptr<const AxisElements> elements;         ///< of the axes; nullptr: none
  /// Cgroups whose limit is the tightest of others: what the axis `limited_by` counts into. They
  /// need not be among those that are shown.
  std::vector<std::shared_ptr<const CgroupLabels>> limiters;
  std::vector<LooseSample> loose;                             ///< in the order of their rows
  std::shared_ptr<const std::vector<MachineSample>> machine;  ///< by family; nullptr: not read
  std::vector<Slot> order;                                    ///< living cgroups in path order
  std::vector<std::uint8_t> alive;                            ///< by slot: survived the pass
  std::vector<std::shared_ptr<const CgroupLabels>> labels;    ///< by slot
  std::vector<Slot> parent;                                   ///< by slot, kNoSlot for a top
  std::int64_t wall_ns = 0, monotonic_ns = 0;                 ///< when the collection began
  GroupSet groups = 0;                                        ///< what was read
  std::array<bool, kRowCount> served{};                       ///< rows that outputs show
  PassReport report;
  std::vector<ReadError> read_errors;              ///< since the start
  std::vector<MetadataFailure> metadata_failures;  ///< since the start
  LabelBounds label_bounds;                        ///< since the start
  std::size_t containers_ended_dropped = 0;        ///< now: beyond the bound of ended ones
  std::size_t metadata_unresolved = 0;             ///< containers without a name

  [[nodiscard]] Value value(std::size_t row_index, Slot slot) const {
    return columns[row_index].get(slot);
  }
  /// The number of the cgroup itself, else of the nearest one above it that has one.
  [[nodiscard]] Value nearest(std::size_t row_index, Slot slot) const {
    for (; slot != kNoSlot; slot = parent[slot]) {
      const Value found = value(row_index, slot);
      if (found.is_number()) return found;
    }
    return Value::absent();
  }
};

}  // namespace cgmon
