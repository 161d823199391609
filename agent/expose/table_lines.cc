#include "agent/expose/table_lines.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <string_view>
#include <utility>

#include "agent/expose/terminal_text.h"
#include "collectors/metrics/tables.h"

namespace cgmon {
namespace {

constexpr std::size_t kShortIdLength = 12;
// Shares of a limit. Of throttled periods fewer hurt: each is a pause that users feel.
constexpr double kHigh = 0.8, kFull = 0.95;
constexpr double kOftenThrottled = 0.05, kMostlyThrottled = 0.25;

constexpr std::size_t kIoRead = find_row("container_fs_reads_bytes_total");
constexpr std::size_t kIoWrite = find_row("container_fs_writes_bytes_total");

std::string decimal(double number, std::chars_format format, int precision) {
  std::array<char, 64> text{};
  const auto [end, error] =
      std::to_chars(text.data(), text.data() + text.size(), number, format, precision);
  return error == std::errc{} ? std::string(text.data(), end) : std::string(kAbsentCell);
}

TableCell percent(double share) {
  return {.text = decimal(100 * share, std::chars_format::fixed, 2) + "%", .weight = share};
}

Grade grade_of(double share, double high = kHigh, double full = kFull) {
  return share >= full ? Grade::full : share >= high ? Grade::high : Grade::plain;
}

/// As docker writes it: four significant digits, powers of 1024.
std::string human_bytes(double number) {
  constexpr std::array<std::string_view, 7> kUnits{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  std::size_t unit = 0;
  for (; number >= 1024 && unit + 1 < kUnits.size(); ++unit) number /= 1024;
  return decimal(number, std::chars_format::general, 4).append(kUnits.at(unit));
}

std::string bytes_text(Value value) {
  if (value.is_absent()) return std::string(kAbsentCell);
  return value.is_number() ? human_bytes(static_cast<double>(value.number)) : "no limit";
}

double as_double(Value value) { return static_cast<double>(value.number); }

}  // namespace

std::string table_name(const CgroupLabels& labels, bool whole_ids) {
  if (!labels.name.empty()) return labels.name;
  if (!labels.container_id.empty()) {
    return whole_ids ? labels.container_id : labels.container_id.substr(0, kShortIdLength);
  }
  // A cgroup below a unit is not the unit.
  const bool is_unit = !labels.unit.empty() && labels.id.ends_with(labels.unit);
  return is_unit ? labels.unit : labels.id;
}

TableLineMaker::TableLineMaker(const Snapshot& older, const Snapshot& newer)
    : newer_(newer),
      interval_(older, newer),
      io_read_(rises_of(older, kIoRead)),
      io_write_(rises_of(older, kIoWrite)) {}

TableLine TableLineMaker::make(Slot slot, std::string_view name) const {
  using enum TableColumn;
  TableLine line;
  line.name = terminal_safe(name);
  line.labels = newer_.labels[slot].get();
  set_cpu(line, slot);
  set_memory(line, slot);
  line.at(memory_peak) = bytes(row("container_memory_max_usage_bytes"), slot);
  line.at(swap) = bytes(row("container_memory_swap"), slot);
  line.at(pids) = pids_cell(slot);
  line.at(throttled) = throttled_cell(slot);
  line.at(psi_cpu) = stalled(row("container_pressure_cpu_waiting_seconds_total"), slot);
  line.at(psi_memory) = stalled(row("container_pressure_memory_waiting_seconds_total"), slot);
  line.at(psi_io) = stalled(row("container_pressure_io_waiting_seconds_total"), slot);
  line.at(full_cpu) = stalled(row("container_pressure_cpu_stalled_seconds_total"), slot);
  line.at(full_memory) = stalled(row("container_pressure_memory_stalled_seconds_total"), slot);
  line.at(full_io) = stalled(row("container_pressure_io_stalled_seconds_total"), slot);
  line.at(io_read) = bytes_a_second(io_read_, slot);
  line.at(io_write) = bytes_a_second(io_write_, slot);
  line.at(oom_kills) = count(row("container_oom_events_total"), slot);
  const CgroupLabels& labels = *line.labels;
  const auto set_text = [&line](TableColumn column, std::string_view text) {
    if (!text.empty()) line.at(column).text = terminal_safe(text);
  };
  set_text(state, name_of(labels.life.state));
  set_text(runtime, labels.runtime);
  set_text(pod,
           labels.namespace_name.empty() ? labels.pod : labels.namespace_name + '/' + labels.pod);
  set_text(image, labels.image);
  return line;
}

bool TableLineMaker::may_have_tasks(Slot slot) const {
  const Value tasks = newer_.value(row("container_threads"), slot);
  return !tasks.is_number() || tasks.number != 0;
}

TableCell TableLineMaker::share_of_time(Value ns) const {
  if (!ns.is_number()) return {};
  return percent(as_double(ns) / static_cast<double>(interval_.ns()));
}

TableCell TableLineMaker::stalled(std::size_t row_index, Slot slot) const {
  Value ns = interval_.rise(row_index, slot);
  // Two passes read a file at slightly different distances from their beginnings.
  if (ns.is_number()) ns.number = std::min(ns.number, static_cast<std::uint64_t>(interval_.ns()));
  return share_of_time(ns);
}

TableCell TableLineMaker::bytes(std::size_t row_index, Slot slot) const {
  const Value value = newer_.value(row_index, slot);
  TableCell cell{.text = bytes_text(value)};
  if (value.is_number()) cell.weight = as_double(value);
  return cell;
}

void TableLineMaker::set_cpu(TableLine& line, Slot slot) const {
  TableCell& used = line.at(TableColumn::cpu);
  used = share_of_time(
      interval_.rise(row("container_cpu_usage_seconds_total", R"(cpu="total")"), slot));
  TableCell& limit = line.at(TableColumn::cpu_limit);
  const Value microcores = newer_.value(row("container_spec_cpu_quota_cores"), slot);
  if (microcores.is_absent()) return;
  limit.text = "no limit";
  if (!microcores.is_number()) return;
  limit.weight = as_double(microcores) / 1e6;
  limit.text = decimal(*limit.weight, std::chars_format::general, 4);
  if (used.weight && *limit.weight > 0) used.grade = grade_of(*used.weight / *limit.weight);
}

void TableLineMaker::set_memory(TableLine& line, Slot slot) const {
  const Value usage = newer_.value(row("container_memory_working_set_bytes"), slot);
  const Value limit = newer_.value(row("container_spec_memory_limit_bytes"), slot);
  line.usage = bytes_text(usage);
  line.limit = bytes_text(limit);
  if (!usage.is_number()) return;
  line.at(TableColumn::memory).weight = as_double(usage);
  if (!limit.is_number() || limit.number == 0) return;
  TableCell& share = line.at(TableColumn::memory_share);
  share = percent(as_double(usage) / as_double(limit));
  share.grade = grade_of(*share.weight);
}

TableCell TableLineMaker::pids_cell(Slot slot) const {
  const Value tasks = newer_.value(row("container_threads"), slot);
  const Value limit = newer_.value(row("container_threads_max"), slot);
  if (!tasks.is_number()) return {};
  TableCell cell{.text = std::to_string(tasks.number), .weight = as_double(tasks)};
  if (!limit.is_number()) return cell;
  cell.text += "/" + std::to_string(limit.number);
  if (limit.number != 0) cell.grade = grade_of(as_double(tasks) / as_double(limit));
  return cell;
}

TableCell TableLineMaker::throttled_cell(Slot slot) const {
  const Value periods = interval_.rise(row("container_cpu_cfs_periods_total"), slot);
  const Value used_up = interval_.rise(row("container_cpu_cfs_throttled_periods_total"), slot);
  if (!periods.is_number() || !used_up.is_number()) return {};
  // A period begins only when there is something to run: none, and none was throttled.
  const auto whole = std::max<std::uint64_t>({periods.number, used_up.number, 1});
  TableCell cell = percent(as_double(used_up) / static_cast<double>(whole));
  cell.grade = grade_of(*cell.weight, kOftenThrottled, kMostlyThrottled);
  return cell;
}

TableCell TableLineMaker::count(std::size_t row_index, Slot slot) const {
  const Value value = newer_.value(row_index, slot);
  if (!value.is_number()) return {};
  return {.text = std::to_string(value.number), .weight = as_double(value)};
}

TableCell TableLineMaker::bytes_a_second(const BySlot& rises, Slot slot) const {
  const auto found = rises.find(slot);
  if (found == rises.end()) return {};
  const double rate = found->second / (static_cast<double>(interval_.ns()) / 1e9);
  return {.text = human_bytes(rate), .weight = rate};
}

/// What the elements of an axis rose by, summed by cgroup. A device that is new began at 0.
TableLineMaker::BySlot TableLineMaker::rises_of(const Snapshot& older,
                                                std::size_t row_index) const {
  BySlot rises;
  if (row_index == kNoRow || interval_.ns() == 0) return rises;
  // By name: another pass may have numbered the elements anew.
  const auto key = [](const Snapshot& snapshot, const AxisSample& sample) {
    return std::pair(sample.slot,
                     std::string_view(snapshot.elements->at(sample.element).values[0]));
  };
  std::map<std::pair<Slot, std::string_view>, std::uint64_t> before;
  for (const AxisSample& sample : older.axes[row_index]) before[key(older, sample)] = sample.value;
  for (const AxisSample& sample : newer_.axes[row_index]) {
    if (!interval_.is_same_cgroup(sample.slot)) continue;
    const std::uint64_t was = before[key(newer_, sample)];
    if (sample.value >= was) rises[sample.slot] += static_cast<double>(sample.value - was);
  }
  return rises;
}

}  // namespace cgmon
