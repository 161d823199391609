#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "agent/expose/interval.h"
#include "agent/expose/table_options.h"
#include "collectors/metrics/snapshot.h"

namespace cgmon {

inline constexpr std::string_view kAbsentCell = "-";

/// How near to its limit a figure is.
enum class Grade : std::uint8_t { plain, high, full };

struct TableCell {
  std::string text{kAbsentCell};  ///< fit for a terminal
  std::optional<double> weight;   ///< what a number is sorted by; nothing where it is absent
  Grade grade = Grade::plain;
};

/// A cgroup in the table.
struct TableLine {
  std::string name;  ///< fit for a terminal
  const CgroupLabels* labels = nullptr;
  std::string usage, limit;  ///< the halves of the memory column, to be aligned
  std::array<TableCell, kTableColumns.size()> cells;

  [[nodiscard]] TableCell& at(TableColumn column) {
    return cells[static_cast<std::size_t>(column)];
  }
  [[nodiscard]] const TableCell& at(TableColumn column) const {
    return cells[static_cast<std::size_t>(column)];
  }
};

/// Container's name, else short id, else the unit, else the path; as it is, not fit for a terminal.
[[nodiscard]] std::string table_name(const CgroupLabels& labels, bool whole_ids);

/// Makes the lines out of two snapshots' values; both must outlive it.
class TableLineMaker {
 public:
  TableLineMaker(const Snapshot& older, const Snapshot& newer);

  [[nodiscard]] TableLine make(Slot slot, std::string_view name) const;
  /// Whether it has a task, as far as is known.
  [[nodiscard]] bool may_have_tasks(Slot slot) const;

 private:
  using BySlot = std::unordered_map<Slot, double>;

  [[nodiscard]] TableCell share_of_time(Value ns) const;
  [[nodiscard]] TableCell stalled(std::size_t row_index, Slot slot) const;
  [[nodiscard]] TableCell bytes(std::size_t row_index, Slot slot) const;
  void set_cpu(TableLine& line, Slot slot) const;
  void set_memory(TableLine& line, Slot slot) const;
  [[nodiscard]] TableCell pids_cell(Slot slot) const;
  [[nodiscard]] TableCell throttled_cell(Slot slot) const;
  [[nodiscard]] TableCell count(std::size_t row_index, Slot slot) const;
  [[nodiscard]] TableCell bytes_a_second(const BySlot& rises, Slot slot) const;
  [[nodiscard]] BySlot rises_of(const Snapshot& older, std::size_t row_index) const;

  const Snapshot& newer_;
  Interval interval_;
  BySlot io_read_, io_write_;  ///< bytes, over all devices
};

}  // namespace cgmon
