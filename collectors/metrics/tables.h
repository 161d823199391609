#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

#include "collectors/metrics/family.h"
#include "collectors/metrics/row.h"
#include "collectors/metrics/tables_cpu.h"
#include "collectors/metrics/tables_disk.h"
#include "collectors/metrics/tables_host.h"
#include "collectors/metrics/tables_identity.h"
#include "collectors/metrics/tables_io.h"
#include "collectors/metrics/tables_limits.h"
#include "collectors/metrics/tables_memory.h"
#include "collectors/metrics/tables_network.h"
#include "collectors/metrics/tables_pids.h"
#include "collectors/metrics/tables_pressure.h"
#include "collectors/metrics/tables_process.h"
#include "collectors/metrics/tables_resources.h"
#include "collectors/metrics/tables_spec.h"

namespace cgmon {

namespace tables {

/// The parts of a table, one behind the other.
template <class T, std::size_t... Sizes>
consteval auto joined(const std::array<T, Sizes>&... parts) {
  std::array<T, (Sizes + ...)> whole{};
  auto at = whole.begin();
  ((at = std::ranges::copy(parts, at).out), ...);
  return whole;
}

}  // namespace tables

/// Every family. Names and types are cAdvisor's where it has the family; the order is the page's.
/// `agent metrics` prints this table.
inline constexpr auto kFamilies =
    tables::joined(tables::families::kSpec, tables::families::kCpu, tables::families::kMemory,
                   tables::families::kPids, tables::families::kPressure, tables::families::kIo,
                   tables::families::kNetwork, tables::families::kDisk, tables::families::kProcess,
                   tables::families::kResources, tables::families::kLimits, tables::families::kHost,
                   tables::families::kIdentity);

/// Every number, with its sources in order of preference. Rows of a family stand together.
inline constexpr auto kRows = tables::joined(
    tables::rows::kSpec, tables::rows::kCpu, tables::rows::kMemory, tables::rows::kPids,
    tables::rows::kPressure, tables::rows::kIo, tables::rows::kNetwork, tables::rows::kDisk,
    tables::rows::kProcess, tables::rows::kResources, tables::rows::kLimits, tables::rows::kHost,
    tables::rows::kIdentity);

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

/// Groups that have numbers of cgroups to show, which the collector reads.
inline constexpr auto kHasRows = [] {
  std::array<bool, kGroups.size()> has{};
  for (std::size_t i = 0; i < kRowCount; ++i) {
    has.at(static_cast<std::size_t>(group_of(i))) |= family_of(i).reporter != Reporter::nobody;
  }
  return has;
}();

/// Groups that have anything to show, of cgroups or of the machine. One without is no collector
/// yet: it is switched, not reported.
inline constexpr auto kHasFamilies = [] {
  std::array<bool, kGroups.size()> has = kHasRows;
  for (const Family& family : kFamilies) {
    has.at(static_cast<std::size_t>(family.group)) |= family.reporter == Reporter::machine;
  }
  return has;
}();

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
/// Rows of one name may differ in their groups where one is of the root alone, the other never.
consteval bool are_apart(const Row& one, const Row& other) {
  for (const Source& a : one.sources) {
    for (const Source& b : other.sources) {
      if (a.when == When::any || b.when == When::any || a.when == b.when) return false;
    }
  }
  return one.derive == nullptr && other.derive == nullptr;
}
consteval bool rows_are_unique() {
  for (std::size_t i = 0; i < kRowCount; ++i) {
    const std::size_t first = find_row(kRows.at(i).family, kRows.at(i).labels);
    if (first != i && !are_apart(kRows.at(first), kRows.at(i))) return false;
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
/// Counters and no others end in _total, but for those that cAdvisor named otherwise.
consteval bool counters_say_total() {
  return std::ranges::all_of(kFamilies, [](const Family& family) {
    return (family.kind == Kind::counter) == family.name.ends_with("_total") ||
           family.name.ends_with("_failcnt") || family.name == "container_fs_inodes_total";
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
