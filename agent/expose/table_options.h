#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "collectors/base/glob.h"
#include "collectors/metrics/labels.h"

namespace cgmon {

/// The columns of the table, NAME not among them, in the order in which they stand.
enum class TableColumn : std::uint8_t {
  cpu,
  cpu_limit,
  memory,
  memory_share,
  memory_peak,
  swap,
  pids,
  throttled,
  psi_cpu,
  psi_memory,
  psi_io,
  full_cpu,
  full_memory,
  full_io,
  io_read,
  io_write,
  oom_kills,
  state,
  runtime,
  pod,
  image,
  processes,
};

struct TableColumnInfo {
  std::string_view key;   ///< of --sort
  std::string_view head;  ///< over the column
  bool wide = false;      ///< only in the wide table
  std::uint8_t rank = 0;  ///< a narrow terminal loses the lowest first
  bool is_number = true;  ///< else text: stands left, sorted from a to z
};

/// Indexed by TableColumn. MEM % can be worked out, so it goes early.
inline constexpr auto kTableColumns = std::to_array<TableColumnInfo>({
    {.key = "cpu", .head = "CPU %", .rank = 21},
    {.key = "cpu-limit", .head = "CPU LIMIT", .wide = true, .rank = 11},
    {.key = "memory", .head = "MEM USAGE / LIMIT", .rank = 20},
    {.key = "memory-share", .head = "MEM %", .rank = 15},
    {.key = "memory-peak", .head = "MEM PEAK", .wide = true, .rank = 9},
    {.key = "swap", .head = "SWAP", .wide = true, .rank = 10},
    {.key = "pids", .head = "PIDS", .rank = 19},
    {.key = "throttled", .head = "THROTTLED", .rank = 17},
    {.key = "psi-cpu", .head = "PSI CPU", .rank = 18},
    {.key = "psi-memory", .head = "PSI MEM", .rank = 16},
    {.key = "psi-io", .head = "PSI IO", .rank = 14},
    {.key = "full-cpu", .head = "FULL CPU", .wide = true, .rank = 4},
    {.key = "full-memory", .head = "FULL MEM", .wide = true, .rank = 6},
    {.key = "full-io", .head = "FULL IO", .wide = true, .rank = 5},
    {.key = "io-read", .head = "IO READ/s", .wide = true, .rank = 12},
    {.key = "io-write", .head = "IO WRITE/s", .wide = true, .rank = 13},
    {.key = "oom-kills", .head = "OOM KILLS", .wide = true, .rank = 8},
    {.key = "state", .head = "STATE", .wide = true, .rank = 2, .is_number = false},
    {.key = "runtime", .head = "RUNTIME", .wide = true, .rank = 1, .is_number = false},
    {.key = "pod", .head = "POD", .wide = true, .rank = 3, .is_number = false},
    {.key = "image", .head = "IMAGE", .wide = true, .rank = 7, .is_number = false},
    {.key = "processes", .head = "TOP PROCESSES", .wide = true, .rank = 0, .is_number = false},
});

/// One criterion of an order: a column, the name or the path.
struct SortKey {
  enum class By : std::uint8_t { column, name, id };
  By by = By::column;
  TableColumn column = TableColumn::cpu;
  bool reversed = false;  ///< numbers from the least, texts from z
};

/// What a cgroup has to be like to be shown.
struct TableFilter {
  enum class Of : std::uint8_t { kind, name, runtime, image, id };
  Of of = Of::name;
  std::string pattern;  ///< for matches_glob()
};

/// Which cgroups have a line; the host has one always, unless a filter keeps it away.
enum class TableLines : std::uint8_t {
  busy,  ///< containers and units, unless they are known to have no task
  all,
};

/// Names of the busiest processes, by the id of their cgroup.
using ProcessNames = std::map<std::string, std::string, std::less<>>;

struct TableOptions {
  std::size_t width = 0;  ///< columns of the terminal; 0 is none, so lines are as long as they are
  TableLines lines = TableLines::busy;
  std::vector<SortKey> sort;         ///< empty: by CPU
  std::vector<TableFilter> filters;  ///< any of those of one kind, and so for each kind
  std::size_t limit = 0;             ///< lines but the host's; 0: all
  bool wide = false;
  bool whole_ids = false;  ///< names are not made shorter, neither are ids
  bool color = false;
  ProcessNames processes;  ///< for the wide table
};

/// "memory", "-cpu", "name"; nothing for an unknown key.
[[nodiscard]] std::optional<SortKey> parse_sort_key(std::string_view text);
[[nodiscard]] std::vector<std::string> sort_keys();

/// The part of a filter before the "="; nothing for an unknown one.
[[nodiscard]] std::optional<TableFilter::Of> parse_filter_key(std::string_view key);
[[nodiscard]] std::vector<std::string> filter_keys();
/// What kind=… may be.
[[nodiscard]] std::vector<std::string> kind_names();

/// Whether the filters let a cgroup pass; `name` is what the table calls it.
[[nodiscard]] bool passes(std::span<const TableFilter> filters, const CgroupLabels& labels,
                          std::string_view name);

}  // namespace cgmon
