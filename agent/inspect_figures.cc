#include "agent/inspect_figures.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "agent/expose/element_label.h"
#include "collectors/metrics/tables.h"
#include "collectors/parse/number.h"

namespace cgmon {
namespace {

constexpr std::size_t kShortText = 80;

/// The line of a file that begins with a key: "anon 4096", "MemTotal:  1 kB", "some avg10=…".
std::string_view line_of_key(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    const std::string_view line = take_until(text, '\n');
    std::string_view rest = line;
    std::string_view word = take_word(rest);
    if (word.ends_with(':')) word.remove_suffix(1);
    if (word == key) return line;
  }
  return {};
}

/// What of a file says a number; empty where that is long.
std::string raw_of(std::string_view text, const FileKind& kind, std::string_view key) {
  std::string_view line = line_of_key(text, key);
  if (line.empty() && kind.format == FileFormat::psi) return {};
  if (line.empty()) {
    while (text.ends_with('\n')) text.remove_suffix(1);
    if (text.find('\n') != text.npos) return {};
    line = text;
  }
  return line.size() > kShortText ? std::string() : std::string(line);
}

/// Whether a file's text can have given a number: a keyed file has its key.
bool may_have_given(const FileKind& kind, std::string_view key, std::string_view text) {
  if (text.empty()) return false;
  switch (kind.format) {
    case FileFormat::flat_keyed:
    case FileFormat::meminfo:
    case FileFormat::psi:
      return !line_of_key(text, key).empty();
    case FileFormat::operations:  // without a device there is "Total 0" alone
      return text.find(' ' + std::string(key) + ' ') != text.npos;
    default:
      return true;
  }
}

class FigureList {
 public:
  explicit FigureList(const InspectedCgroup& cgroup) : cgroup_(cgroup) {}

  std::vector<InspectReport::Figure> make() {
    for (const FileKind& kind : cgroup_.plan.files) {
      const std::string path = cgroup_.path_of(kind);
      const std::string* const text = path.empty() ? nullptr : cgroup_.text_of(path);
      if (text == nullptr) continue;
      for (const Binding& binding : kind.bindings) add_from_file(kind, binding, path, *text);
    }
    for (const bool computed : {true, false}) {
      for (std::size_t row = 0; row < kRowCount; ++row) {
        if (cgroup_.plan.read[row] && (kRows[row].derive != nullptr) == computed) {
          add(row, InspectReport::Figure());
        }
      }
    }
    return std::move(figures_);
  }

 private:
  void add_from_file(const FileKind& kind, const Binding& binding, const std::string& path,
                     const std::string& text) {
    if (!applies(binding.when, cgroup_.is_root)) return;
    if (!may_have_given(kind, binding.key, text)) return;
    InspectReport::Figure figure;
    figure.file = path;
    if (kRows[binding.row].axis == Axis::none) figure.raw = raw_of(text, kind, binding.key);
    add(binding.row, std::move(figure));
  }

  /// Adds the number of a row, or those of its elements, unless it was there already.
  void add(std::size_t row, InspectReport::Figure figure) {
    if (done_[row] || family_of(row).reporter == Reporter::nobody) return;
    figure.family = kRows[row].family;
    figure.labels = kRows[row].labels;
    figure.unit = family_of(row).unit;
    figure.is_signed = family_of(row).is_signed;
    if (figure.file.empty() && kRows[row].derive != nullptr) {
      for (const RowName& input : kRows[row].inputs) figure.inputs.emplace_back(input.family);
    }
    if (kRows[row].axis == Axis::none) {
      figure.value = cgroup_.snapshot.value(row, cgroup_.slot);
      if (figure.value.is_absent()) return;
      done_[row] = true;
      figures_.push_back(std::move(figure));
      return;
    }
    if (cgroup_.snapshot.axes[row].empty()) return;
    ElementLabels labels;
    labels.set_axis(kRows[row].axis, cgroup_.snapshot);
    for (const AxisSample& sample : cgroup_.snapshot.axes[row]) {
      if (sample.slot != cgroup_.slot) continue;
      done_[row] = true;
      InspectReport::Figure of_element = figure;
      of_element.value = Value::of(sample.value);
      std::string_view label = labels.of(sample.element);
      if (label.ends_with(',')) label.remove_suffix(1);
      of_element.labels.append(of_element.labels.empty() ? "" : ",").append(label);
      figures_.push_back(std::move(of_element));
    }
  }

  const InspectedCgroup& cgroup_;
  std::vector<InspectReport::Figure> figures_;
  std::array<bool, kRowCount> done_{};
};

}  // namespace

std::vector<InspectReport::Figure> inspect_figures(const InspectedCgroup& cgroup) {
  return FigureList(cgroup).make();
}

std::vector<InspectReport::Limit> inspect_limits(const Collector& collector,
                                                 const Snapshot& snapshot, Slot slot) {
  std::vector<InspectReport::Limit> limits;
  for (std::size_t i = 0; i < kLimitedResources.size(); ++i) {
    const LimitedResource& resource = kLimitedResources.at(i);
    InspectReport::Limit limit{.resource = resource.name, .unit = family_of(resource.own).unit};
    limit.own = snapshot.value(resource.own, slot);
    limit.effective = snapshot.value(resource.effective, slot);
    if (limit.own.is_absent() && limit.effective.is_absent()) continue;
    const Slot by = collector.limits().limiter(i, slot);
    if (by != kNoSlot) limit.set_by = collector.identifier().labels(by)->id;
    limits.push_back(std::move(limit));
  }
  return limits;
}

}  // namespace cgmon
