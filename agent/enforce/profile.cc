#include "agent/enforce/profile.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "collectors/parse/flat_keyed.h"
#include "collectors/parse/limit.h"

namespace cgmon {
namespace {

constexpr std::size_t kCpu = find_row("container_cpu_usage_seconds_total", R"(cpu="total")");
constexpr std::size_t kMemory = row("container_memory_usage_bytes");
constexpr std::size_t kAnon = row("container_memory_rss");
constexpr std::size_t kTasks = row("container_threads");
constexpr std::size_t kSwap = row("container_memory_swap");
constexpr std::size_t kPsiCpu = row("container_pressure_cpu_waiting_seconds_total");
constexpr std::size_t kPsiMemory = row("container_pressure_memory_waiting_seconds_total");
constexpr std::size_t kPsiIo = row("container_pressure_io_waiting_seconds_total");
constexpr std::array kSampledRows{kCpu, kMemory, kAnon, kTasks, kPsiCpu, kPsiMemory, kPsiIo};
constexpr std::size_t kFileBytesMax = std::size_t{64} << 10U;

constexpr GroupSet kRead = bit(Group::spec) | bit(Group::cpu) | bit(Group::memory) |
                           bit(Group::oom_event) | bit(Group::pids) | bit(Group::pressure) |
                           bit(Group::disk_io) | bit(Group::limits);

/// Counters that the report has as the kernel has them, less what was there before the command.
struct Counter {
  std::string_view name;
  std::size_t row;
  Unit unit;
};
constexpr auto kCounters = std::to_array<Counter>({
    {"cpu_seconds", kCpu, Unit::seconds},
    {"cpu_user_seconds", row("container_cpu_user_seconds_total"), Unit::seconds},
    {"cpu_system_seconds", row("container_cpu_system_seconds_total"), Unit::seconds},
    {"cpu_periods", row("container_cpu_cfs_periods_total"), Unit::count},
    {"cpu_throttled_periods", row("container_cpu_cfs_throttled_periods_total"), Unit::count},
    {"cpu_throttled_seconds", row("container_cpu_cfs_throttled_seconds_total"), Unit::seconds},
    {"page_faults",
     find_row("container_memory_failures_total", R"(failure_type="pgfault",scope="hierarchy")"),
     Unit::count},
    {"major_page_faults",
     find_row("container_memory_failures_total", R"(failure_type="pgmajfault",scope="hierarchy")"),
     Unit::count},
    {"memory_limit_hits", row("container_memory_failcnt"), Unit::count},
    {"oom_kills", row("container_memory_events_oom_kill_total"), Unit::count},
    {"cpu_waiting_seconds", kPsiCpu, Unit::seconds},
    {"cpu_stalled_seconds", row("container_pressure_cpu_stalled_seconds_total"), Unit::seconds},
    {"memory_waiting_seconds", kPsiMemory, Unit::seconds},
    {"memory_stalled_seconds", row("container_pressure_memory_stalled_seconds_total"),
     Unit::seconds},
    {"io_waiting_seconds", kPsiIo, Unit::seconds},
    {"io_stalled_seconds", row("container_pressure_io_stalled_seconds_total"), Unit::seconds},
});

void raise(Value& peak, Value now) {
  if (now.is_number() && (!peak.is_number() || now.number > peak.number)) peak = now;
}

}  // namespace

Profile::Profile(Files& files, const Layout& layout, const std::vector<RunDirectory>& directories,
                 const ReaderOptions& options)
    : files_(files),
      layout_(layout),
      plan_(make_read_plan(layout, kRead)),
      reader_(files, plan_, options),
      handles_(layout.hierarchies.size(), -1),
      kept_(plan_.files.size(), -1),
      sampled_(plan_.files.size(), false),
      base_(kRowCount) {
  for (const RunDirectory& directory : directories) {
    handles_[directory.hierarchy] =
        files.open_directory(Files::kAbsolute, directory.limits.c_str());
    const int pids = layout.serving(Controller::pids);
    if (directory.hierarchy != static_cast<std::size_t>(pids) || pids < 0) continue;
    // A process that keeps the scope is beside the command.
    if (directory.path == directory.limits) continue;
    own_ = directory.path.substr(directory.limits.size() + 1) + '/';
    beside_ = 1;
  }
  snapshot_.parent = {kNoSlot};  // of what is above the run nothing is read
  for (std::size_t row = 0; row < kRowCount; ++row) {
    if (plan_.read[row]) snapshot_.columns[row].reset(1);
  }
  for (std::size_t i = 0; i < plan_.files.size(); ++i) {
    const FileKind& kind = plan_.files[i];
    if (kind.hierarchy == FileKind::kProc) continue;
    const int handle = handles_[static_cast<std::size_t>(kind.hierarchy)];
    sampled_[i] = handle >= 0 && std::ranges::any_of(kind.bindings, [](const Binding& binding) {
                    return std::ranges::find(kSampledRows, binding.row) != kSampledRows.end();
                  });
    if (sampled_[i]) kept_[i] = std::max(files.open(handle, kind.file.c_str()), -1);
  }
}

Profile::~Profile() {
  for (const int handle : kept_) {
    if (handle >= 0) files_.close(handle);
  }
  for (const int handle : handles_) {
    if (handle >= 0) files_.close(handle);
  }
}

void Profile::read_file_of_plan(std::size_t index) {
  const FileKind& kind = plan_.files[index];
  if (kind.hierarchy == FileKind::kProc) return;
  const int handle = handles_[static_cast<std::size_t>(kind.hierarchy)];
  if (handle < 0 || !reader_.wanted(index, 0, false, snapshot_)) return;
  reader_.read(index, {handle, ".", kept_[index]}, 0, false, snapshot_);
}

void Profile::read(bool all) {
  for (std::size_t row = 0; row < kRowCount; ++row) {
    snapshot_.axes[row].clear();
    if (plan_.read[row]) snapshot_.columns[row].set(0, Value::absent());
  }
  reader_.begin_pass(1);
  for (std::size_t i = 0; i < plan_.files.size(); ++i) {
    if (all || sampled_[i]) read_file_of_plan(i);
  }
  if (!all) return;
  reader_.derive(0, false, snapshot_);
  reader_.end_pass({}, 0, snapshot_);
}

void Profile::begin(std::int64_t now_ns) {
  begin_ns_ = now_ns;
  read(true);
  for (std::size_t row = 0; row < kRowCount; ++row) base_[row] = value(row);
}

Value Profile::risen(std::size_t row_index) const {
  const Value now = value(row_index), before = base_[row_index];
  if (!now.is_number() || !before.is_number()) return now;
  return now.number >= before.number ? Value::of(now.number - before.number) : Value::absent();
}

Value Profile::tasks() const {
  const Value all = value(kTasks);
  return all.is_number() && all.number >= beside_ ? Value::of(all.number - beside_) : all;
}

void Profile::raise_pressure(const RunSample& sample) {
  constexpr std::int64_t kShortest = 10'000'000;  // of less a share says nothing
  constexpr std::array kWaits{&RunSample::waiting_cpu_ns, &RunSample::waiting_memory_ns,
                              &RunSample::waiting_io_ns};
  const std::int64_t time = sample.at_ns - before_.at_ns;
  if (time < kShortest) return;
  for (std::size_t i = 0; i < kWaits.size(); ++i) {
    const Value now = sample.*kWaits.at(i), then = before_.*kWaits.at(i);
    if (!now.is_number()) continue;
    const std::uint64_t since = then.is_number() ? then.number : 0;
    if (now.number < since) continue;
    const double share = static_cast<double>(now.number - since) / static_cast<double>(time);
    raise(pressure_peaks_.at(i), Value::of(static_cast<std::uint64_t>(std::min(share, 1.0) * 1e6)));
  }
  before_ = sample;
}

std::uint64_t Profile::oom_kills() {
  const int serving = layout_.serving(Controller::memory);
  if (serving < 0) return 0;
  const bool is_v2 = layout_.hierarchies[static_cast<std::size_t>(serving)].version == Version::v2;
  const Value kills =
      event(Controller::memory, is_v2 ? "memory.events" : "memory.oom_control", "oom_kill");
  return kills.is_number() ? kills.number : 0;
}

bool Profile::sample(std::int64_t now_ns) {
  read(false);
  const RunSample sample{now_ns - begin_ns_, risen(kCpu),  value(kMemory),
                         value(kAnon),       tasks(),      risen(kPsiCpu),
                         risen(kPsiMemory),  risen(kPsiIo)};
  ++taken_;
  raise(peak_.memory, sample.memory);
  raise(peak_.anon, sample.anon);
  raise(peak_.tasks, sample.tasks);
  raise_pressure(sample);
  samples_.push_back(sample);
  if (samples_.size() < kMaxSamples) return false;
  for (std::size_t i = 0; i < samples_.size() / 2; ++i) samples_[i] = samples_[2 * i + 1];
  samples_.resize(samples_.size() / 2);
  return true;
}

Value Profile::single(Controller controller, const char* file) {
  const int serving = layout_.serving(controller);
  std::string text;
  if (serving < 0 || handles_[static_cast<std::size_t>(serving)] < 0 ||
      read_file(files_, handles_[static_cast<std::size_t>(serving)], file, kFileBytesMax, text) !=
          0) {
    return Value::absent();
  }
  return parse_single(text);
}

Value Profile::event(Controller controller, const char* file, std::string_view key) {
  const int serving = layout_.serving(controller);
  std::string text;
  Value found;
  if (serving < 0 || handles_[static_cast<std::size_t>(serving)] < 0 ||
      read_file(files_, handles_[static_cast<std::size_t>(serving)], file, kFileBytesMax, text) !=
          0) {
    return found;
  }
  if (const auto number = flat_keyed_number(text, key)) found = Value::of(*number);
  return found;
}

void Profile::add_devices(RunReport& report) const {
  using Member = Value RunDevice::*;
  const std::array<std::pair<std::size_t, Member>, 4> rows{
      {{row("container_fs_reads_bytes_total"), &RunDevice::read_bytes},
       {row("container_fs_writes_bytes_total"), &RunDevice::written_bytes},
       {row("container_fs_reads_total"), &RunDevice::reads},
       {row("container_fs_writes_total"), &RunDevice::writes}}};
  std::map<std::uint32_t, RunDevice> devices;
  for (const auto& [row_index, member] : rows) {
    for (const AxisSample& sample : snapshot_.axes[row_index]) {
      devices[sample.element].*member = Value::of(sample.value);
    }
  }
  for (auto& [element, device] : devices) {
    if (snapshot_.elements == nullptr || element >= snapshot_.elements->size()) continue;
    device.device = (*snapshot_.elements)[element].values[0];
    report.devices.push_back(std::move(device));
  }
}

void Profile::finish(RunReport& report) {
  read(true);
  for (const Counter& counter : kCounters) {
    report.figures.push_back({counter.name, "kernel", counter.unit, risen(counter.row)});
  }
  const auto peak = [&](std::string_view name, Unit unit, Value of_kernel, Value of_samples) {
    const bool is_exact = of_kernel.is_number();
    report.figures.push_back(
        {name, is_exact ? "kernel" : "sampled", unit, is_exact ? of_kernel : of_samples});
  };
  raise(peak_.memory, value(kMemory));
  raise(peak_.anon, value(kAnon));
  peak("memory_peak_bytes", Unit::bytes, value(row("container_memory_max_usage_bytes")),
       peak_.memory);
  peak("memory_anon_peak_bytes", Unit::bytes, Value::absent(), peak_.anon);
  peak("swap_bytes", Unit::bytes, value(kSwap), Value::absent());
  peak("tasks_peak", Unit::count, single(Controller::pids, (own_ + "pids.peak").c_str()),
       peak_.tasks);
  report.figures.push_back({"tasks_refused", "kernel", Unit::count,
                            event(Controller::pids, (own_ + "pids.events").c_str(), "max")});
  constexpr std::array<std::string_view, 3> kPressurePeaks{
      "cpu_waiting_peak_ratio", "memory_waiting_peak_ratio", "io_waiting_peak_ratio"};
  for (std::size_t i = 0; i < kPressurePeaks.size(); ++i) {
    report.figures.push_back({kPressurePeaks.at(i), "sampled", Unit::ratio, pressure_peaks_.at(i)});
  }
  report.figures.push_back({"samples", "kernel", Unit::count, Value::of(taken_)});
  add_devices(report);
  report.samples = std::move(samples_);
}

}  // namespace cgmon
