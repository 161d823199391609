#include "agent/expose/table_options.h"

#include <algorithm>
#include <array>

namespace cgmon {
namespace {

/// Indexed by TableFilter::Of.
constexpr std::array<std::string_view, 5> kFilterKeys{"kind", "name", "runtime", "image", "id"};

constexpr std::array kKinds{CgroupKind::container, CgroupKind::sandbox, CgroupKind::pod,
                            CgroupKind::unit,      CgroupKind::slice,   CgroupKind::machine,
                            CgroupKind::job,       CgroupKind::step,    CgroupKind::task,
                            CgroupKind::user,      CgroupKind::root,    CgroupKind::other};
static_assert(kKinds.size() == kCgroupKinds);

std::string_view text_of(TableFilter::Of of, const CgroupLabels& labels, std::string_view name) {
  switch (of) {
    case TableFilter::Of::kind:
      return name_of(labels.kind);
    case TableFilter::Of::name:
      return name;
    case TableFilter::Of::runtime:
      return labels.runtime;
    case TableFilter::Of::image:
      return labels.image;
    case TableFilter::Of::id:
      return labels.id;
  }
  return {};
}

}  // namespace

std::optional<SortKey> parse_sort_key(std::string_view text) {
  SortKey key;
  if (text.starts_with('-')) {
    key.reversed = true;
    text.remove_prefix(1);
  }
  if (text == "name" || text == "id") {
    key.by = text == "name" ? SortKey::By::name : SortKey::By::id;
    return key;
  }
  const auto* const found = std::ranges::find(kTableColumns, text, &TableColumnInfo::key);
  if (found == kTableColumns.end()) return std::nullopt;
  key.column = static_cast<TableColumn>(found - kTableColumns.begin());
  return key;
}

std::vector<std::string> sort_keys() {
  std::vector<std::string> keys = {"name", "id"};
  for (const TableColumnInfo& column : kTableColumns) keys.emplace_back(column.key);
  return keys;
}

std::optional<TableFilter::Of> parse_filter_key(std::string_view key) {
  const auto* const found = std::ranges::find(kFilterKeys, key);
  if (found == kFilterKeys.end()) return std::nullopt;
  return static_cast<TableFilter::Of>(found - kFilterKeys.begin());
}

std::vector<std::string> filter_keys() { return {kFilterKeys.begin(), kFilterKeys.end()}; }

std::vector<std::string> kind_names() {
  std::vector<std::string> names;
  for (const CgroupKind kind : kKinds) names.emplace_back(name_of(kind));
  return names;
}

bool passes(std::span<const TableFilter> filters, const CgroupLabels& labels,
            std::string_view name) {
  std::array<bool, kFilterKeys.size()> asked{}, met{};
  for (const TableFilter& filter : filters) {
    const auto of = static_cast<std::size_t>(filter.of);
    asked.at(of) = true;
    met.at(of) = met.at(of) || matches_glob(filter.pattern, text_of(filter.of, labels, name));
  }
  return asked == met;
}

}  // namespace cgmon
