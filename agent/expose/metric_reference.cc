#include "agent/expose/metric_reference.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>
#include <vector>

#include "agent/expose/metric_words.h"
#include "agent/expose/terminal_text.h"
#include "collectors/base/edit_distance.h"
#include "collectors/metrics/axis.h"
#include "collectors/metrics/tables.h"

namespace cgmon {
namespace {

/// A number that the file has as the family prints it counts as `count` in the table.
std::string_view word(FileUnit unit, Unit of_family) {
  switch (unit) {
    case FileUnit::count:
      return word(of_family);
    case FileUnit::bytes:
      return "bytes";
    case FileUnit::kibibytes:
      return "kibibytes";
    case FileUnit::nanoseconds:
      return "nanoseconds";
    case FileUnit::microseconds:
      return "microseconds";
    case FileUnit::user_ticks:
      return "ticks of USER_HZ";
    case FileUnit::pages:
      return "pages";
    case FileUnit::percent:
      return "percent";
    case FileUnit::bytes_of_pages:
      break;
  }
  return "bytes, a page's each";
}

std::string_view sentence(Reporter reporter) {
  switch (reporter) {
    case Reporter::every_cgroup:
      return "for every cgroup";
    case Reporter::containers:
      return "for containers and the root cgroup";
    case Reporter::root:
      return "for the root cgroup";
    case Reporter::owners:
      return "for every container and unit, by name where it has one";
    case Reporter::machine:
      return "for the machine, by code of its own";
    case Reporter::nobody:
      break;
  }
  return "never: read as an input of other metrics";
}

std::string_view elements(Axis axis) {
  switch (axis) {
    case Axis::none:
      return "";
    case Axis::cpu:
      return "one a CPU";
    case Axis::device:
    case Axis::device_number:
      return "one a device";
    case Axis::pagesize:
      return "one a page size";
    case Axis::node:
      return "one a NUMA node";
    case Axis::resource:
    case Axis::device_resource:
      return "one a resource";
    case Axis::interface:
      return "one an interface";
    case Axis::region:
      return "one a region of device memory";
    case Axis::limited_by:
      break;
  }
  return "one at most";
}

std::string labels_of(Axis axis) {
  std::string text;
  for (const std::string_view name : label_names(axis)) {
    text.append(text.empty() ? "" : ",").append(name).append("=\"…\"");
  }
  return text;
}

/// The formula over inputs; empty for one that has no words here, then the inputs are listed.
std::string formula(Derivation derive, std::span<const std::string> in) {
  if (derive == working_set) return in[0] + " - " + in[1] + ", at least 0";
  if (derive == sum) return in[0] + " + " + in[1];
  if (derive == difference) return in[0] + " - " + in[1] + ", at least 0";
  if (derive == less) {
    std::string how = in[0];
    for (const std::string& part : in.subspan(1)) how += " - " + part;
    return how + ", at least 0";
  }
  if (derive == fewer) return in[0] + ", where less than " + in[1];
  if (derive == first_if_any) {
    std::string how = in[0] + ", only with " + in[1];
    for (const std::string& other : in.subspan(2)) how += " or " + other;
    return how;
  }
  if (derive == shares_from_weight) return "2 + (" + in[0] + " - 1) * 262142 / 9999";
  if (derive == quota_cores) return in[0] + " / " + in[1];
  return {};
}

std::string name_of(std::string_view family, std::string_view labels) {
  std::string name(family);
  if (!labels.empty()) name.append("{").append(labels).append("}");
  return name;
}

/// Lines of cells, each column as wide as its widest cell; the last one is not filled up.
class Columns {
 public:
  explicit Columns(std::string_view indent) : indent_(indent) {}

  void add(std::vector<std::string> cells) { lines_.push_back(std::move(cells)); }

  void append_to(std::string& text) const {
    std::vector<std::size_t> widths;
    for (const auto& cells : lines_) {
      widths.resize(std::max(widths.size(), cells.size()));
      for (std::size_t i = 0; i < cells.size(); ++i) {
        widths[i] = std::max(widths[i], display_width(cells[i]));
      }
    }
    for (const auto& cells : lines_) {
      std::string line(indent_);
      for (std::size_t i = 0; i < cells.size(); ++i) {
        line += cells[i];
        // An empty column costs nothing.
        if (widths[i] != 0) line.append(widths[i] - display_width(cells[i]) + 2, ' ');
      }
      line.erase(line.find_last_not_of(' ') + 1);
      text += line + '\n';
    }
  }

 private:
  std::string_view indent_;
  std::vector<std::vector<std::string>> lines_;
};

std::string switch_of(Group group) {
  if (group == Group::spec) return "always on";
  const GroupInfo& is = info(group);
  const std::string flag =
      "--" + std::string(is.on_by_default ? "no-" : "") + "collector." + std::string(is.name);
  return std::string(is.on_by_default ? "on by default, off with " : "off by default, on with ") +
         flag;
}

bool has_row_in(const Family& family, Group group) {
  for (std::size_t i = 0; i < kRowCount; ++i) {
    if (kRows[i].family == family.name && group_of(i) == group) return true;
  }
  return family.reporter == Reporter::machine && family.group == group;
}

std::string file_of(const Source& source) {
  const std::string file(source.file);
  return source.controller == Controller::proc ? "/proc/" + file : file;
}

std::string key_of(const Source& source) {
  std::string key(source.key);
  switch (format_of(source)) {
    case FileFormat::fields:
      return "field " + std::to_string(key[0] - '0' + 1);
    case FileFormat::psi:
      return key + " total";
    case FileFormat::per_cpu:
      return "each field";
    case FileFormat::cpu_list:
      return "number of elements";
    case FileFormat::word:
      return "is " + key;
    case FileFormat::percent:
    case FileFormat::nested_keyed:
    case FileFormat::named_values:
    case FileFormat::operations:
    case FileFormat::single:
    case FileFormat::flat_keyed:
    case FileFormat::meminfo:
      break;
  }
  return key;
}

std::string remark_on(const Source& source) {
  std::string remark;
  if (source.when == When::root) remark = "(at the root only)";
  if (source.when == When::not_root) remark = "(not at the root)";
  if (source.file.starts_with("blkio.throttle.io_serv")) remark = "(where the kernel counts it)";
  if (source.reach == Reach::own_only) {
    remark += std::string(remark.empty() ? "" : " ") + "(of each cgroup alone: the agent adds up)";
  }
  return remark;
}

void add_source(const Source& source, Unit of_family, Columns& columns) {
  if (source.controller == Controller::agent) {
    const bool by_itself = source.key.empty();
    columns.add({"agent", "", (by_itself ? "the agent's " : "") + std::string(source.file),
                 std::string(source.key)});
    return;
  }
  const bool in_cgroup = source.version != Version::none;
  columns.add({in_cgroup ? (source.version == Version::v1 ? "v1" : "v2") : "any",
               std::string(name_of(source.controller)), file_of(source), key_of(source),
               std::string(word(source.unit, of_family)), remark_on(source)});
}

/// Whether the kernel can write "no limit" there: `max`, -1, or v1's huge number.
bool can_say_no_limit(const Source& source) {
  if (format_of(source) == FileFormat::fields) return source.key == "0";
  if (format_of(source) != FileFormat::single) return false;
  const std::string_view file = source.file;
  return file.find("limit_in_bytes") != file.npos || file.find("quota") != file.npos ||
         file.ends_with(".max") || file.ends_with(".high") || file.ends_with(".low") ||
         file.ends_with(".min");
}

std::string computed(const Row& row) {
  std::vector<std::string> inputs;
  for (const RowName& input : row.inputs) inputs.push_back(name_of(input.family, input.labels));
  std::string how = row.derive != nullptr ? formula(row.derive, inputs) : std::string();
  if (how.empty()) {
    how = "from";
    for (const std::string& input : inputs) how += " " + input;
  }
  return row.sources.empty() || row.derive == nullptr ? how : how + ", where no file has it";
}

void append_row(std::size_t row_index, std::string& text) {
  const Row& row = kRows[row_index];
  std::string labels(row.labels);
  if (row.axis != Axis::none) {
    labels.append(labels.empty() ? "" : ",").append(labels_of(row.axis));
  }
  if (!labels.empty()) text.append("\n").append(name_of(row.family, labels)).append("\n");
  Columns sources("  ");
  for (const Source& source : row.sources) {
    add_source(source, family_of(row_index).unit, sources);
  }
  sources.append_to(text);
  Columns facts("  ");
  if (!row.inputs.empty()) facts.add({"computed", computed(row)});
  if (row.axis != Axis::none) facts.add({"samples", std::string(elements(row.axis))});
  if (row.has_group)
    facts.add({"collector", std::string(info(row.group).name) + ", " + switch_of(row.group)});
  if (!row.only_if_number.family.empty()) {
    const RowName& needed = row.only_if_number;
    facts.add({"only with", name_of(needed.family, needed.labels) +
                                (needed.nearest ? " of it or of one above" : "")});
  }
  if (std::ranges::any_of(row.sources, can_say_no_limit)) {
    const bool zero = row.unlimited == Unlimited::print_zero;
    facts.add({"no limit", zero ? "printed as 0" : "no sample"});
  }
  if (row.zero_is_none) facts.add({"zero", "not set: no sample"});
  if (row.cadvisor_absent == CadvisorAbsent::zero) {
    facts.add({"absent", "no sample (cAdvisor prints 0)"});
  }
  facts.append_to(text);
}

/// Names that hold the word, else those that are a few typos away, the nearest first.
std::vector<std::string_view> close_to(std::string_view name) {
  constexpr std::size_t kShown = 5, kNameBytesMax = 100;
  std::vector<std::pair<std::size_t, std::string_view>> close;
  if (name.size() < 3 || name.size() > kNameBytesMax) return {};
  for (const Family& family : kFamilies) {
    const bool holds = family.name.find(name) != family.name.npos;
    const std::size_t distance = holds ? 0 : edit_distance(name, family.name);
    if (distance <= std::max<std::size_t>(2, name.size() / 5))
      close.emplace_back(distance, family.name);
  }
  std::ranges::stable_sort(close, {}, &std::pair<std::size_t, std::string_view>::first);
  std::vector<std::string_view> names;
  for (const auto& [distance, found] : close) {
    if (names.size() < kShown) names.push_back(found);
  }
  return names;
}

tl::unexpected<Error> unknown_metric(std::string_view name) {
  constexpr std::size_t kShownWidth = 100;
  std::string what = "no metric is named \"" + shortened(terminal_safe(name), kShownWidth) + '"';
  const auto names = close_to(name);
  for (std::size_t i = 0; i < names.size(); ++i) {
    what.append(i == 0                  ? "; did you mean "
                : i + 1 == names.size() ? " or "
                                        : ", ")
        .append(names[i]);
  }
  what += names.empty() ? "; `agent metrics` lists them all" : "?";
  return failure(std::move(what));
}

}  // namespace

std::string metric_list() {
  std::string text;
  for (std::size_t i = 0; i < kGroups.size(); ++i) {
    const auto group = static_cast<Group>(i);
    if (!kHasFamilies[i]) continue;
    Columns families("  ");
    for (const Family& family : kFamilies) {
      if (family.reporter == Reporter::nobody || !has_row_in(family, group)) continue;
      families.add({std::string(family.name), std::string(word(family.kind)),
                    std::string(word(family.unit)), std::string(family.help)});
    }
    text.append(i == 0 ? "" : "\n").append(info(group).name);
    if (group != Group::spec) text.append(" (").append(switch_of(group)).append(")");
    text.append(": ").append(info(group).help).append("\n");
    families.append_to(text);
  }
  return text;
}

Result<std::string> explain_metric(std::string_view name) {
  const std::size_t index = find_family(name);
  if (index == kFamilies.size()) return unknown_metric(name);
  const Family& family = kFamilies[index];
  std::string text = std::string(family.name) + "\n  " + std::string(family.help) + "\n\n";
  Columns facts("  ");
  facts.add({"type", std::string(word(family.kind))});
  facts.add({"unit", std::string(word(family.unit))});
  facts.add({"collector", std::string(info(family.group).name) + ", " + switch_of(family.group)});
  facts.add({"reported", std::string(sentence(family.reporter))});
  facts.append_to(text);
  if (family.reporter == Reporter::machine) return text;  // the help says where it is from
  text += "\nSources, in order of preference:\n";
  for (std::size_t i = 0; i < kRowCount; ++i) {
    if (kFamilyOfRow[i] == index) append_row(i, text);
  }
  return text;
}

std::string metric_markdown() {
  std::string text =
      "# Metrics\n\nMade of the tables in `collectors/metrics/` by `./dev golden --update`; "
      "`agent metrics NAME` says the same.\n\nA family has a sample of each cgroup for which one "
      "of "
      "its sources yields a number, in the\norder given. Else there is no sample, never a 0: the "
      "controller is off, the kernel lacks the file\nor the key, or what `only with` names is "
      "absent. "
      "`cgmon_unavailable_cgroups` counts why.\n\nFamilies of the machine (`machine_*` and "
      "`*_info`) have no timestamps and are read again once a\nminute; of their labels "
      "`machine_id`, `system_uuid` and `boot_id` those are left out that cannot be\nread. "
      "cAdvisor's `machine_nvm_capacity`, `machine_nvm_avg_power_budget_watts`, "
      "`machine_cpu_books`\nand `machine_cpu_drawers`, which are 0 nearly everywhere, are not "
      "served.\n";
  std::string details;
  for (std::size_t i = 0; i < kGroups.size(); ++i) {
    if (!kHasFamilies[i]) continue;
    const auto group = static_cast<Group>(i);
    text.append("\n## Collector ").append(info(group).name).append("\n\n").append(info(group).help);
    if (group != Group::spec) text.append(" It is ").append(switch_of(group)).append(".");
    text += "\n\n| family | type | unit | |\n|---|---|---|---|\n";
    for (const Family& family : kFamilies) {
      if (family.reporter == Reporter::nobody || !has_row_in(family, group)) continue;
      text.append("| [").append(family.name).append("](#").append(family.name).append(") | ");
      text.append(word(family.kind)).append(" | ").append(word(family.unit)).append(" | ");
      text.append(family.help).append(" |\n");
      if (family.group != group) continue;  // explained with its own collector
      details.append("\n### ").append(family.name).append("\n\n```text\n");
      details.append(*explain_metric(family.name)).append("```\n");
    }
  }
  return text + "\n## Families\n" + details;
}

}  // namespace cgmon
