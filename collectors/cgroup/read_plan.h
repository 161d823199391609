#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "collectors/cgroup/layout.h"
#include "collectors/metrics/tables.h"

namespace cgmon {

/// One number out of a file: which row it fills and how.
struct Binding {
  std::size_t row = 0;
  std::string_view key;
  FileUnit unit = FileUnit::count;
  When when = When::any;
  bool fallback = false;         ///< another source of the row comes first
  std::size_t only_if = kNoRow;  ///< no value unless this row has a number
  bool nearest = false;          ///< or that of a cgroup above
  // Of the row. The rows are large, and a pass would touch the cache lines of each.
  bool over_axis = false;
  bool zero_is_none = false;
};

/// What a file of v1's block I/O throttling says about counting: see BlockIoCounting.
enum class CountingRole : std::uint8_t { none, bytes, operations, read_rule, write_rule };

/// One kind of file, read once a pass for each cgroup that has it.
struct FileKind {
  static constexpr int kProc = -1;
  static constexpr std::size_t kNoFile = static_cast<std::size_t>(-1);
  int hierarchy =
      kProc;  ///< index into Layout::hierarchies, kProc: below /proc, for the root alone
  Controller controller = Controller::core;
  Version version = Version::none;
  std::string file;
  std::string_view name;  ///< the same, out of the tables: for what outlives the plan
  FileFormat format = FileFormat::single;
  Group group = Group::spec;  ///< the collector that reads it: the first that needs it
  std::vector<Binding> bindings;
  unsigned keep_rank = 0;  ///< lower: a kept descriptor saves more
  std::string page_size;   ///< the element of all its numbers, where the name carries one
  CountingRole counting = CountingRole::none;
  bool written = false;  ///< only a write changes it: see only_writes_change()
  /// What the root's file lacks the others lack, too: every disk has a line in it, or none.
  bool root_tells = false;
  std::size_t replaces = kNoFile;  ///< read only where that file of the plan is not there

  [[nodiscard]] bool is_rule() const {
    return counting == CountingRole::read_rule || counting == CountingRole::write_rule;
  }
  /// Whether all its numbers are inputs that no output shows: lacking it is nothing to report.
  [[nodiscard]] bool only_inputs() const {
    return std::ranges::all_of(bindings, [](const Binding& binding) {
      return family_of(binding.row).reporter == Reporter::nobody;
    });
  }
  /// Whether it has a number for each element of an axis (CPUs aside: those are one line).
  [[nodiscard]] bool over_axis() const {
    const Axis axis = kRows[bindings.front().row].axis;
    return axis != Axis::none && axis != Axis::cpu;
  }
};

/// A row that is computed from others of the same cgroup.
struct DerivedRow {
  std::size_t row = 0;
  InlineList<std::size_t, 8> inputs;
  std::size_t only_if = kNoRow;  ///< as of a Binding
  bool nearest = false;
};

/// What a pass reads: every file of every row of the chosen groups, on this host. Fixed until the
/// layout or the choice changes.
struct ReadPlan {
  GroupSet groups = 0;
  std::vector<FileKind> files;              ///< in the order of reading
  std::vector<DerivedRow> derived;          ///< in the order of computing
  std::vector<std::size_t> subtree_sums;    ///< rows that are summed over the subtree
  std::array<bool, kRowCount> served{};     ///< rows that the page shows
  std::array<bool, kRowCount> read{};       ///< rows that have a column
  std::array<bool, kRowCount> inherited{};  ///< rows whose numbers count for cgroups below
  std::vector<int> hierarchies;             ///< indexes into Layout::hierarchies that are walked
  bool names_devices = false;               ///< a row has device names
  bool judges_block_io = false;             ///< it has files that BlockIoCounting judges

  /// Whether a row of file `index` has a later source in another file, which may stand in. (Over
  /// an axis files stand in for each other element by element.)
  [[nodiscard]] bool has_fallback(std::size_t index) const;
};

/// Binds the rows of `groups` to the hierarchies that serve their controllers, in the rows' order
/// of preference. A row without any source here is neither read nor shown.
[[nodiscard]] ReadPlan make_read_plan(const Layout& layout, GroupSet groups);

/// What one pass reads of a plan: all of it, or what some of its groups need.
struct PlanPart {
  GroupSet groups = 0;                          ///< of the plan's
  std::vector<std::vector<std::size_t>> files;  ///< by group: what it reads, in the plan's order
  std::array<bool, kRowCount> served{};         ///< rows of these groups that the page shows
};

/// A file belongs to the first group that shows a number of it, or one that is made with its help.
[[nodiscard]] PlanPart part_of(const ReadPlan& plan, GroupSet groups);

/// Every group that is on by default.
[[nodiscard]] constexpr GroupSet default_groups() {
  GroupSet groups = 0;
  for (std::size_t i = 0; i < kGroups.size(); ++i) {
    if (kGroups[i].on_by_default) groups |= bit(static_cast<Group>(i));
  }
  return groups;
}

}  // namespace cgmon
