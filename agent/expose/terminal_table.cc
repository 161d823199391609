#include "agent/expose/terminal_table.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "agent/expose/table_lines.h"
#include "agent/expose/terminal_text.h"

namespace cgmon {
namespace {

constexpr std::size_t kColumns = kTableColumns.size();
constexpr std::string_view kNameHead = "NAME";
constexpr std::string_view kGap = "  ";
/// Names are not made shorter than this while there are columns that can go.
constexpr std::size_t kNameWidthMin = 16;

/// Two services may share a name (the system's and a user's), two engines a container's.
void tell_apart(std::vector<TableLine>& lines) {
  std::unordered_map<std::string, std::size_t> times;
  for (const TableLine& line : lines) ++times[line.name];
  for (TableLine& line : lines) {
    if (times[line.name] > 1) line.name = terminal_safe(line.labels->id);
  }
}

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

/// Less than 0: `a` comes first by this criterion; 0: it does not tell.
int compared(const TableLine& a, const TableLine& b, const SortKey& key) {
  const auto texts = [&](std::string_view x, std::string_view y) {
    return key.reversed ? y.compare(x) : x.compare(y);
  };
  if (key.by == SortKey::By::name) return texts(a.name, b.name);
  if (key.by == SortKey::By::id) return texts(a.labels->id, b.labels->id);
  const TableCell& x = a.at(key.column);
  const TableCell& y = b.at(key.column);
  if (!kTableColumns.at(static_cast<std::size_t>(key.column)).is_number) {
    if ((x.text == kAbsentCell) != (y.text == kAbsentCell)) return x.text == kAbsentCell ? 1 : -1;
    return texts(x.text, y.text);
  }
  if (x.weight.has_value() != y.weight.has_value()) return x.weight ? -1 : 1;
  if (!x.weight || *x.weight == *y.weight) return 0;
  return (*x.weight > *y.weight) == key.reversed ? 1 : -1;
}

void sort_lines(std::span<TableLine> lines, std::vector<SortKey> keys) {
  if (keys.empty()) keys.emplace_back();
  keys.push_back({.by = SortKey::By::id});
  std::ranges::sort(lines, [&](const TableLine& a, const TableLine& b) {
    for (const SortKey& key : keys) {
      const int order = compared(a, b, key);
      if (order != 0) return order < 0;
    }
    return false;
  });
}

/// Whether a cgroup that the filters let pass has a line. Who asks for a kind gets that kind.
bool is_shown(const CgroupLabels& labels, bool may_have_tasks, const TableOptions& options) {
  if (options.lines == TableLines::all || labels.kind == CgroupKind::root) return true;
  const bool kind_is_asked_for = std::ranges::find(options.filters, TableFilter::Of::kind,
                                                   &TableFilter::of) != options.filters.end();
  const bool of_interest = is_container(labels.kind) || labels.kind == CgroupKind::unit ||
                           labels.kind == CgroupKind::machine || labels.kind == CgroupKind::job;
  return may_have_tasks && (of_interest || kind_is_asked_for);
}

}  // namespace

TerminalTable terminal_table(const Snapshot& older, const Snapshot& newer,
                             const TableOptions& options) {
  TerminalTable table;
  const TableLineMaker maker(older, newer);
  std::vector<TableLine> lines;
  std::size_t hosts = 0;
  for (const Slot slot : newer.order) {
    if (newer.labels[slot] == nullptr) continue;
    const CgroupLabels& labels = *newer.labels[slot];
    const std::string name = table_name(labels, options.whole_ids);
    if (!passes(options.filters, labels, name)) continue;
    if (!is_shown(labels, maker.may_have_tasks(slot), options)) {
      ++table.left_out;
    } else if (labels.kind == CgroupKind::root) {
      lines.insert(lines.begin(), maker.make(slot, name));
      ++hosts;
    } else {
      lines.push_back(maker.make(slot, name));
    }
  }
  tell_apart(lines);
  sort_lines(std::span(lines).subspan(hosts), options.sort);
  if (options.limit != 0) lines.resize(std::min(lines.size(), hosts + options.limit));
  table.shown = lines.size() - hosts;
  align_memory(lines);
  const Fit fit = fit_columns(lines, options);
  append_line(kNameHead, heads(), fit, false, table.text);
  for (const TableLine& line : lines) {
    append_line(line.name, line.cells, fit, options.color, table.text);
  }
  return table;
}

}  // namespace cgmon
