#include "agent/expose/terminal_table.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "agent/expose/interval.h"
#include "agent/expose/terminal_text.h"
#include "collectors/metrics/tables.h"

namespace cgmon {
namespace {

enum ColumnOf : std::size_t {
  cpu,
  memory,
  memory_share,
  pids,
  throttled,
  psi_cpu,
  psi_memory,
  psi_io
};
constexpr std::array<std::string_view, 8> kHeads{
    "CPU %", "MEM USAGE / LIMIT", "MEM %", "PIDS", "THROTTLED", "PSI CPU", "PSI MEM", "PSI IO"};
/// What a narrow terminal loses, the least important first. MEM % can be worked out.
constexpr std::array<ColumnOf, 8> kDropOrder{psi_io,  memory_share, psi_memory, throttled,
                                             psi_cpu, pids,         memory,     cpu};
constexpr std::string_view kNameHead = "NAME";
constexpr std::string_view kAbsent = "-";
constexpr std::string_view kGap = "  ";
/// Names are not made shorter than this while there are columns that can go.
constexpr std::size_t kNameWidthMin = 16;
constexpr std::size_t kShortIdLength = 12;

struct Line {
  std::string name;  // fit for a terminal
  std::string_view id;
  Slot slot = kNoSlot;
  Value cpu_ns;
  std::string usage, limit;  // the two halves of a cell, each aligned
  std::array<std::string, kHeads.size()> cells;
};

std::string decimal(double number, std::chars_format format, int precision) {
  std::array<char, 64> text{};
  const auto [end, error] =
      std::to_chars(text.data(), text.data() + text.size(), number, format, precision);
  return error == std::errc{} ? std::string(text.data(), end) : std::string(kAbsent);
}

std::string percent(double part, double whole) {
  return decimal(100 * part / whole, std::chars_format::fixed, 2) + "%";
}

/// As docker writes it: four significant digits, powers of 1024.
std::string human_bytes(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 7> kUnits{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  auto number = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; number >= 1024 && unit + 1 < kUnits.size(); ++unit) number /= 1024;
  return decimal(number, std::chars_format::general, 4).append(kUnits.at(unit));
}

std::string bytes_cell(Value value) {
  if (value.is_absent()) return std::string(kAbsent);
  return value.is_number() ? human_bytes(value.number) : "no limit";
}

std::string name_of_line(const CgroupLabels& labels) {
  if (!labels.name.empty()) return labels.name;
  if (!labels.container_id.empty()) return labels.container_id.substr(0, kShortIdLength);
  return labels.unit.empty() ? labels.id : labels.unit;
}

/// Makes the lines out of the snapshots' values.
class LineMaker {
 public:
  LineMaker(const Snapshot& older, const Snapshot& newer)
      : newer_(newer), interval_(older, newer) {}

  [[nodiscard]] Line make(Slot slot) const {
    const CgroupLabels& labels = *newer_.labels[slot];
    Line line{.name = terminal_safe(name_of_line(labels)), .id = labels.id, .slot = slot};
    line.cpu_ns = interval_.rise(row("container_cpu_usage_seconds_total", R"(cpu="total")"), slot);
    line.cells[cpu] = share_of_time(line.cpu_ns);
    set_memory(line);
    line.cells[pids] = pids_cell(slot);
    line.cells[throttled] = throttled_cell(slot);
    line.cells[psi_cpu] = waiting(row("container_pressure_cpu_waiting_seconds_total"), slot);
    line.cells[psi_memory] = waiting(row("container_pressure_memory_waiting_seconds_total"), slot);
    line.cells[psi_io] = waiting(row("container_pressure_io_waiting_seconds_total"), slot);
    return line;
  }

  [[nodiscard]] bool is_busy(Slot slot) const {
    const CgroupKind kind = newer_.labels[slot]->kind;
    const Value tasks = newer_.value(row("container_threads"), slot);
    return (kind == CgroupKind::container || kind == CgroupKind::unit) &&
           !(tasks.is_number() && tasks.number == 0);
  }

 private:
  [[nodiscard]] std::string share_of_time(Value ns) const {
    if (!ns.is_number()) return std::string(kAbsent);
    return percent(static_cast<double>(ns.number), static_cast<double>(interval_.ns()));
  }

  [[nodiscard]] std::string waiting(std::size_t row_index, Slot slot) const {
    Value ns = interval_.rise(row_index, slot);
    // Two passes read a file at slightly different distances from their beginnings.
    if (ns.is_number()) ns.number = std::min(ns.number, static_cast<std::uint64_t>(interval_.ns()));
    return share_of_time(ns);
  }

  void set_memory(Line& line) const {
    const Value usage = newer_.value(row("container_memory_working_set_bytes"), line.slot);
    const Value limit = newer_.value(row("container_spec_memory_limit_bytes"), line.slot);
    line.usage = bytes_cell(usage);
    line.limit = bytes_cell(limit);
    const bool has_share = usage.is_number() && limit.is_number() && limit.number != 0;
    line.cells[memory_share] =
        has_share ? percent(static_cast<double>(usage.number), static_cast<double>(limit.number))
                  : std::string(kAbsent);
  }

  [[nodiscard]] std::string pids_cell(Slot slot) const {
    const Value tasks = newer_.value(row("container_threads"), slot);
    const Value limit = newer_.value(row("container_threads_max"), slot);
    if (!tasks.is_number()) return std::string(kAbsent);
    std::string cell = std::to_string(tasks.number);
    if (limit.is_number()) cell += "/" + std::to_string(limit.number);
    return cell;
  }

  [[nodiscard]] std::string throttled_cell(Slot slot) const {
    const Value periods = interval_.rise(row("container_cpu_cfs_periods_total"), slot);
    const Value used_up = interval_.rise(row("container_cpu_cfs_throttled_periods_total"), slot);
    if (!periods.is_number() || !used_up.is_number()) return std::string(kAbsent);
    // A period begins only when there is something to run: none, and none was throttled.
    const auto whole = std::max<std::uint64_t>({periods.number, used_up.number, 1});
    return percent(static_cast<double>(used_up.number), static_cast<double>(whole));
  }

  const Snapshot& newer_;
  Interval interval_;
};

/// Two services may share a name (the system's and a user's), two engines a container's.
void tell_apart(std::vector<Line>& lines) {
  std::unordered_map<std::string, std::size_t> times;
  for (const Line& line : lines) ++times[line.name];
  for (Line& line : lines) {
    if (times[line.name] > 1) line.name = terminal_safe(line.id);
  }
}

void align_memory(std::vector<Line>& lines) {
  std::size_t usage_width = 0, limit_width = 0;
  for (const Line& line : lines) {
    usage_width = std::max(usage_width, line.usage.size());
    limit_width = std::max(limit_width, line.limit.size());
  }
  for (Line& line : lines) {
    std::string& cell = line.cells[memory];
    if (line.usage == kAbsent && line.limit == kAbsent) {
      cell = kAbsent;
      continue;
    }
    cell.assign(usage_width - line.usage.size(), ' ').append(line.usage).append(" / ");
    cell.append(limit_width - line.limit.size(), ' ').append(line.limit);
  }
}

/// Which columns are shown and how wide they are.
struct Fit {
  std::size_t name_width = 0;
  std::array<std::size_t, kHeads.size()> widths{};  // 0: not shown
};

std::size_t width_of_cells(const Fit& fit) {
  std::size_t total = 0;
  for (const std::size_t width : fit.widths) total += width == 0 ? 0 : kGap.size() + width;
  return total;
}

Fit fit_columns(const std::vector<Line>& lines, std::size_t terminal_width) {
  Fit fit{.name_width = kNameHead.size()};
  std::array<bool, kHeads.size()> has_value{};
  for (std::size_t column = 0; column < kHeads.size(); ++column) {
    fit.widths.at(column) = kHeads.at(column).size();
    for (const Line& line : lines) {
      fit.widths.at(column) = std::max(fit.widths.at(column), line.cells.at(column).size());
      has_value.at(column) = has_value.at(column) || line.cells.at(column) != kAbsent;
    }
  }
  for (const Line& line : lines)
    fit.name_width = std::max(fit.name_width, display_width(line.name));
  if (terminal_width == 0) return fit;
  const std::size_t name_needs = std::min(fit.name_width, kNameWidthMin);
  for (const bool valued : {false, true}) {
    for (const ColumnOf column : kDropOrder) {
      if (name_needs + width_of_cells(fit) <= terminal_width) break;
      if (has_value.at(column) == valued) fit.widths.at(column) = 0;
    }
  }
  fit.name_width = std::min(fit.name_width, terminal_width - width_of_cells(fit));
  return fit;
}

void append_line(std::string_view name, std::span<const std::string> cells, const Fit& fit,
                 std::string& text) {
  const std::string shown = shortened(name, fit.name_width);
  text += shown;
  std::size_t blanks = fit.name_width - display_width(shown);
  for (std::size_t column = 0; column < cells.size(); ++column) {
    const std::size_t width = fit.widths.at(column);
    if (width == 0) continue;
    text.append(blanks, ' ').append(kGap);
    text.append(width - cells[column].size(), ' ').append(cells[column]);
    blanks = 0;
  }
  text += '\n';
}

bool is_before(const Line& a, const Line& b) {
  if (a.cpu_ns.is_number() != b.cpu_ns.is_number()) return a.cpu_ns.is_number();
  if (a.cpu_ns.number != b.cpu_ns.number) return a.cpu_ns.number > b.cpu_ns.number;
  return a.id < b.id;
}

}  // namespace

TerminalTable terminal_table(const Snapshot& older, const Snapshot& newer,
                             const TableOptions& options) {
  TerminalTable table;
  const LineMaker maker(older, newer);
  std::vector<Line> lines;
  std::size_t hosts = 0;
  for (const Slot slot : newer.order) {
    if (newer.labels[slot] == nullptr) continue;
    if (newer.labels[slot]->kind == CgroupKind::root) {
      lines.insert(lines.begin(), maker.make(slot));
      ++hosts;
    } else if (options.lines == TableLines::all || maker.is_busy(slot)) {
      lines.push_back(maker.make(slot));
    } else {
      ++table.left_out;
    }
  }
  table.shown = lines.size() - hosts;
  std::sort(lines.begin() + static_cast<std::ptrdiff_t>(hosts), lines.end(), is_before);
  tell_apart(lines);
  align_memory(lines);
  const Fit fit = fit_columns(lines, options.width);
  const std::vector<std::string> heads(kHeads.begin(), kHeads.end());
  append_line(kNameHead, heads, fit, table.text);
  for (const Line& line : lines) append_line(line.name, line.cells, fit, table.text);
  return table;
}

}  // namespace cgmon
