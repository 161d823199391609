#include "agent/expose/table_rows.h"

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "agent/expose/terminal_text.h"

namespace cgmon {
namespace {

/// Two services may share a name (the system's and a user's), two engines a container's.
void tell_apart(std::vector<TableLine>& lines) {
  std::unordered_map<std::string, std::size_t> times;
  for (const TableLine& line : lines) ++times[line.name];
  for (TableLine& line : lines) {
    if (times[line.name] > 1) line.name = terminal_safe(line.labels->id);
  }
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

TableRows table_rows(const Snapshot& older, const Snapshot& newer, const TableOptions& options) {
  TableRows rows;
  const TableLineMaker maker(older, newer);
  for (const Slot slot : newer.order) {
    if (newer.labels[slot] == nullptr) continue;
    const CgroupLabels& labels = *newer.labels[slot];
    const std::string name = table_name(labels, options.whole_ids);
    if (!passes(options.filters, labels, name)) continue;
    if (!is_shown(labels, maker.may_have_tasks(slot), options)) {
      ++rows.left_out;
    } else if (labels.kind == CgroupKind::root) {
      rows.lines.insert(rows.lines.begin(), maker.make(slot, name));
      ++rows.hosts;
    } else {
      rows.lines.push_back(maker.make(slot, name));
    }
  }
  for (TableLine& line : rows.lines) {
    const auto found = options.processes.find(line.labels->id);
    if (found == options.processes.end()) continue;
    line.at(TableColumn::processes).text = terminal_safe(found->second);
  }
  tell_apart(rows.lines);
  sort_lines(std::span(rows.lines).subspan(rows.hosts), options.sort);
  if (options.limit != 0 && rows.lines.size() > rows.hosts + options.limit) {
    rows.beyond_limit = rows.lines.size() - rows.hosts - options.limit;
    rows.lines.resize(rows.hosts + options.limit);
  }
  return rows;
}

}  // namespace cgmon
