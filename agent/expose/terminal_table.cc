#include "agent/expose/terminal_table.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <string_view>
#include <vector>

#include "agent/expose/table_lines.h"
#include "agent/expose/table_rows.h"
#include "agent/expose/terminal_text.h"

namespace cgmon {
namespace {

constexpr std::size_t kColumns = kTableColumns.size();
constexpr std::string_view kNameHead = "NAME";
constexpr std::string_view kGap = "  ";
/// Names are not made shorter than this while there are columns that can go.
constexpr std::size_t kNameWidthMin = 16;

void align_memory(std::vector<TableLine>& lines) {
  std::size_t usage_width = 0, limit_width = 0;
  for (const TableLine& line : lines) {
    usage_width = std::max(usage_width, line.usage.size());
    limit_width = std::max(limit_width, line.limit.size());
  }
  for (TableLine& line : lines) {
    if (line.usage == kAbsentCell && line.limit == kAbsentCell) continue;
    std::string& text = line.at(TableColumn::memory).text;
    text.assign(usage_width - line.usage.size(), ' ').append(line.usage).append(" / ");
    text.append(limit_width - line.limit.size(), ' ').append(line.limit);
  }
}

/// Which columns are shown and how wide they are.
struct Fit {
  std::size_t name_width = 0;
  std::array<std::size_t, kColumns> widths{};  // 0: not shown
};

std::size_t width_of_cells(const Fit& fit) {
  std::size_t total = 0;
  for (const std::size_t width : fit.widths) total += width == 0 ? 0 : kGap.size() + width;
  return total;
}

/// Columns by what a narrow terminal loses first.
std::array<std::size_t, kColumns> drop_order() {
  std::array<std::size_t, kColumns> order{};
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [](std::size_t column) { return kTableColumns.at(column).rank; });
  return order;
}

Fit fit_columns(const std::vector<TableLine>& lines, const TableOptions& options) {
  Fit fit{.name_width = kNameHead.size()};
  std::array<bool, kColumns> has_value{};
  for (std::size_t column = 0; column < kColumns; ++column) {
    const TableColumnInfo& info = kTableColumns.at(column);
    if (info.wide && !options.wide) continue;
    std::size_t& width = fit.widths.at(column);
    width = info.head.size();
    for (const TableLine& line : lines) {
      const std::string& text = line.cells.at(column).text;
      width = std::max(width, display_width(text));
      has_value.at(column) = has_value.at(column) || text != kAbsentCell;
    }
  }
  for (const TableLine& line : lines)
    fit.name_width = std::max(fit.name_width, display_width(line.name));
  if (options.width == 0) return fit;
  const std::size_t name_needs = std::min(fit.name_width, kNameWidthMin);
  for (const bool valued : {false, true}) {
    for (const std::size_t column : drop_order()) {
      if (name_needs + width_of_cells(fit) <= options.width) break;
      if (has_value.at(column) == valued) fit.widths.at(column) = 0;
    }
  }
  fit.name_width = std::min(fit.name_width, options.width - width_of_cells(fit));
  return fit;
}

std::string_view color_of(Grade grade) {
  return grade == Grade::full ? "\x1b[31m" : grade == Grade::high ? "\x1b[33m" : "";
}

using Cells = std::array<TableCell, kColumns>;

void append_line(std::string_view name, const Cells& cells, const Fit& fit, bool color,
                 std::string& text) {
  const std::string shown = shortened(name, fit.name_width);
  text += shown;
  std::size_t blanks = fit.name_width - display_width(shown);
  for (std::size_t column = 0; column < kColumns; ++column) {
    const std::size_t width = fit.widths.at(column);
    if (width == 0) continue;
    const TableCell& cell = cells.at(column);
    const std::size_t missing = width - display_width(cell.text);
    const bool on_the_right = kTableColumns.at(column).is_number;
    text.append(blanks, ' ').append(kGap).append(on_the_right ? missing : 0, ' ');
    const std::string_view begin = color ? color_of(cell.grade) : "";
    text.append(begin).append(cell.text).append(begin.empty() ? "" : "\x1b[0m");
    blanks = on_the_right ? 0 : missing;
  }
  text += '\n';
}

Cells heads() {
  Cells cells;
  for (std::size_t column = 0; column < kColumns; ++column) {
    cells.at(column).text = kTableColumns.at(column).head;
  }
  return cells;
}

}  // namespace

TerminalTable terminal_table(const Snapshot& older, const Snapshot& newer,
                             const TableOptions& options) {
  TableRows rows = table_rows(older, newer, options);
  TerminalTable table{.shown = rows.lines.size() - rows.hosts, .left_out = rows.left_out};
  align_memory(rows.lines);
  const Fit fit = fit_columns(rows.lines, options);
  append_line(kNameHead, heads(), fit, false, table.text);
  for (const TableLine& line : rows.lines) {
    append_line(line.name, line.cells, fit, options.color, table.text);
  }
  return table;
}

}  // namespace cgmon
