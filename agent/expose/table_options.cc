#include "agent/expose/table_options.h"

#include <algorithm>
#include <array>

namespace cgmon {
namespace {

/// Indexed by TableFilter::Of.
constexpr std::array<std::string_view, 5> kFilterKeys{"kind", "name", "runtime", "image", "id"};

constexpr std::array kKinds{CgroupKind::container, CgroupKind::pod,  CgroupKind::unit,
                            CgroupKind::slice,     CgroupKind::root, CgroupKind::other};

/// Takes one character of UTF-8 off; a byte that is none of it counts as one.
void take_character(std::string_view& text) {
  text.remove_prefix(1);
  while (!text.empty() && (static_cast<unsigned char>(text.front()) & 0xC0U) == 0x80U) {
    text.remove_prefix(1);
  }
}

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

bool matches_glob(std::string_view pattern, std::string_view text) {
  // On a mismatch only the last star takes one more character: it is never worth going back to an
  // earlier one, so hostile patterns cost at most their length times the text's.
  std::optional<std::string_view> after_star;
  std::string_view from;
  while (true) {
    if (!pattern.empty() && pattern.front() == '*') {
      pattern.remove_prefix(1);
      after_star = pattern;
      from = text;
    } else if (text.empty()) {
      return pattern.empty();
    } else if (!pattern.empty() && pattern.front() == '?') {
      pattern.remove_prefix(1);
      take_character(text);
    } else if (!pattern.empty() && pattern.front() == text.front()) {
      pattern.remove_prefix(1);
      text.remove_prefix(1);
    } else if (after_star) {
      pattern = *after_star;
      from.remove_prefix(1);
      text = from;
    } else {
      return false;
    }
  }
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
