#include "agent/run_report.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>
#include <vector>

#include "agent/expose/json_writer.h"
#include "agent/expose/prometheus_text.h"
#include "agent/expose/terminal_text.h"

namespace cgmon {
namespace {

constexpr std::size_t kSparkColumns = 60;

std::string decimal(std::uint64_t number, unsigned places) {
  std::array<char, 48> buffer{};
  return {buffer.data(), write_number(buffer.data(), number, places)};
}

std::uint64_t positive(std::int64_t number) {
  return number > 0 ? static_cast<std::uint64_t>(number) : 0;
}

const RunFigure* find(const RunReport& report, std::string_view name) {
  const auto found = std::ranges::find(report.figures, name, &RunFigure::name);
  return found != report.figures.end() && found->value.is_number() ? &*found : nullptr;
}

/// "12.3MiB"; "1.23s".
std::string readable(const RunReport& report, std::string_view name) {
  const RunFigure* const figure = find(report, name);
  if (figure == nullptr) return "-";
  const auto number = static_cast<double>(figure->value.number);
  std::array<char, 64> text{};
  if (figure->unit == Unit::seconds) {
    std::snprintf(text.data(), text.size(), "%.3gs", number / 1e9);
  } else if (figure->unit == Unit::bytes) {
    constexpr std::array kUnits{"B", "KiB", "MiB", "GiB", "TiB"};
    std::size_t unit = 0;
    double scaled = number;
    for (; scaled >= 1024 && unit + 1 < kUnits.size(); ++unit) scaled /= 1024;
    std::snprintf(text.data(), text.size(), "%.4g%s", scaled, kUnits.at(unit));
  } else {
    std::snprintf(text.data(), text.size(), "%llu",
                  static_cast<unsigned long long>(figure->value.number));
  }
  return text.data();
}

/// A character a value, against the largest; a blank where there is none.
std::string sparkline(const std::vector<Value>& values) {
  constexpr std::array kBars{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const std::size_t columns = std::min(values.size(), kSparkColumns);
  std::vector<Value> shown(columns);
  std::uint64_t most = 1;
  for (std::size_t i = 0; i < values.size(); ++i) {
    Value& cell = shown[i * columns / values.size()];
    if (!values[i].is_number()) continue;
    cell = Value::of(std::max(cell.is_number() ? cell.number : 0, values[i].number));
    most = std::max(most, cell.number);
  }
  std::string line;
  for (const Value& cell : shown) {
    line += cell.is_number() ? kBars.at(static_cast<std::size_t>(static_cast<double>(cell.number) /
                                                                 static_cast<double>(most) * 7))
                             : " ";
  }
  return line;
}

/// What a counter rose by a second, between samples, in nanoseconds.
std::vector<Value> rates(const RunReport& report, Value RunSample::*member) {
  std::vector<Value> found;
  RunSample before;
  before.*member = Value::of(0);
  for (const RunSample& sample : report.samples) {
    const Value now = sample.*member, then = before.*member;
    const std::uint64_t time = positive(sample.at_ns - before.at_ns);
    const bool is_known = now.is_number() && then.is_number() && now.number >= then.number;
    found.push_back(is_known && time > 0 ? Value::of(static_cast<std::uint64_t>(
                                               static_cast<double>(now.number - then.number) * 1e9 /
                                               static_cast<double>(time)))
                                         : Value::absent());
    before = sample;
  }
  return found;
}

std::vector<Value> levels(const RunReport& report, Value RunSample::*member) {
  std::vector<Value> found;
  for (const RunSample& sample : report.samples) found.push_back(sample.*member);
  return found;
}

void add(JsonWriter& json, std::string_view name, const Value& value, unsigned places = 0) {
  if (!value.is_number()) return;
  json.key(name);
  json.number(value.number, places);
}

void add_devices(JsonWriter& json, const RunReport& report) {
  json.key("devices");
  json.begin_array();
  for (const RunDevice& device : report.devices) {
    json.begin_object();
    json.member("device", device.device);
    add(json, "read_bytes", device.read_bytes);
    add(json, "written_bytes", device.written_bytes);
    add(json, "reads", device.reads);
    add(json, "writes", device.writes);
    json.end_object();
  }
  json.end_array();
}

void add_diff(JsonWriter& json, const RunReport& report) {
  if (!report.has_diff) return;
  json.key("diff");
  json.begin_array();
  for (const OverlayChange& change : report.diff) {
    json.begin_object();
    json.member("kind", name_of(change.kind));
    json.member("path", change.path);
    json.member("type", std::string_view(&change.type, 1));
    if (change.type == 'f' && change.kind != OverlayChange::Kind::deleted) {
      json.member("bytes", change.bytes);
    }
    if (change.type == 'f' && change.kind != OverlayChange::Kind::added) {
      json.member("was_bytes", change.was_bytes);
    }
    json.end_object();
  }
  json.end_array();
}

/// As `docker diff`, with sizes of files.
std::string diff_text(const RunReport& report) {
  constexpr std::size_t kLinesMax = 200;
  std::string out;
  for (std::size_t i = 0; i < report.diff.size(); ++i) {
    if (i == kLinesMax) {
      out += "...      " + std::to_string(report.diff.size() - i) + " more; --json has them all\n";
      break;
    }
    const OverlayChange& change = report.diff[i];
    out += static_cast<char>(change.kind);
    out += "        " + terminal_safe(change.path) + (change.type == 'd' ? "/" : "");
    if (change.type == 'f') {
      const bool was = change.kind != OverlayChange::Kind::added;
      const bool is = change.kind != OverlayChange::Kind::deleted;
      out += " (";
      if (is) out += std::to_string(change.bytes);
      if (was) out += std::string(is ? ", " : "") + "was " + std::to_string(change.was_bytes);
      out += " bytes)";
    }
    out += '\n';
  }
  return report.has_diff && report.diff.empty() ? "no file was added, changed or deleted\n" : out;
}

void add_samples(JsonWriter& json, const RunReport& report) {
  json.key("sample_interval_seconds");
  json.number(positive(report.interval_ns), 9);
  json.key("samples");
  json.begin_array();
  for (const RunSample& sample : report.samples) {
    json.begin_object();
    json.key("at_seconds");
    json.number(positive(sample.at_ns), 9);
    add(json, "cpu_seconds", sample.cpu_ns, 9);
    add(json, "memory_bytes", sample.memory);
    add(json, "memory_anon_bytes", sample.anon);
    add(json, "tasks", sample.tasks);
    add(json, "cpu_waiting_seconds", sample.waiting_cpu_ns, 9);
    add(json, "memory_waiting_seconds", sample.waiting_memory_ns, 9);
    add(json, "io_waiting_seconds", sample.waiting_io_ns, 9);
    json.end_object();
  }
  json.end_array();
}

void add_setup(JsonWriter& json, const RunReport& report) {
  json.key("setup");
  json.begin_object();
  for (const SetupPart& part : report.setup) {
    json.key(std::string(part.name) + "_seconds");
    json.number(positive(part.ns), 9);
  }
  json.key("agent_cpu_seconds");
  json.number(positive(report.setup_cpu_ns), 9);
  json.key("agent_cpu_before_seconds");
  json.number(positive(report.start_cpu_ns), 9);
  json.end_object();
}

void add_limits(JsonWriter& json, const RunReport& report) {
  json.key("limits");
  json.begin_array();
  for (const AppliedLimit& limit : report.limits) {
    json.begin_object();
    json.member("flag", limit.flag);
    json.member("file", limit.file);
    json.member("asked", limit.asked);
    json.member("effective", limit.effective);
    json.end_object();
  }
  json.end_array();
}

void add_strings(JsonWriter& json, std::string_view name, const std::vector<std::string>& texts) {
  json.key(name);
  json.begin_array();
  for (const std::string& text : texts) json.string(text);
  json.end_array();
}

}  // namespace

void write_run_report(JsonWriter& json, const RunReport& report) {
  json.begin_object();
  json.member("id", report.id);
  json.member("cgroup_mode", report.cgroup_mode);
  add_strings(json, "command", report.command);
  add_strings(json, "warnings", report.warnings);
  add_limits(json, report);
  json.member("reason", name_of(report.reason));
  json.member(report.signal == 0 ? "exit_code" : "signal",
              static_cast<std::uint64_t>(report.signal == 0 ? report.exit_code : report.signal));
  json.member("core_dumped", report.core_dumped);
  json.member("killed_at_end", static_cast<std::uint64_t>(report.killed));
  for (const auto& [name, ns] :
       {std::pair("started_at_seconds", report.started_at_ns),
        std::pair("wall_seconds", report.wall_ns), std::pair("setup_seconds", report.setup_ns),
        std::pair("own_cpu_seconds", report.own_cpu_ns),
        std::pair("sampling_cpu_seconds", report.sampling_cpu_ns),
        std::pair("frozen_seconds", report.frozen_ns)}) {
    json.key(name);
    json.number(positive(ns), 9);
  }
  add_setup(json, report);
  add_diff(json, report);
  json.key("figures");
  json.begin_object();
  for (const RunFigure& figure : report.figures) {
    if (!figure.value.is_number()) continue;
    json.key(figure.name);
    json.begin_object();
    json.key("value");
    json.number(figure.value.number, decimals(figure.unit));
    json.member("source", figure.source);
    json.end_object();
  }
  json.end_object();
  add_devices(json, report);
  json.key("events");
  json.begin_array();
  for (const RunEvent& event : report.events) {
    json.begin_object();
    json.key("at_seconds");
    json.number(positive(event.at_ns), 9);
    json.member("kind", event.kind);
    json.end_object();
  }
  json.end_array();
  json.member("events_left_out", report.events_left_out);
  add_samples(json, report);
  json.end_object();
}

std::string run_report_json(const RunReport& report) {
  std::string out;
  JsonWriter json(out, true);
  write_run_report(json, report);
  return out + "\n";
}

std::string run_report_metrics(const RunReport& report) {
  std::string out;
  const auto gauge = [&](std::string_view name, std::uint64_t number, unsigned places) {
    const std::string family = "cgmon_run_" + std::string(name);
    out += "# TYPE " + family + " gauge\n" + family + "{run=\"" + report.id + "\"} " +
           decimal(number, places) + '\n';
  };
  gauge("wall_seconds", positive(report.wall_ns), 9);
  gauge("exit_status",
        static_cast<std::uint64_t>(report.signal == 0 ? report.exit_code : 128 + report.signal), 0);
  for (const RunFigure& figure : report.figures) {
    if (figure.value.is_number()) gauge(figure.name, figure.value.number, decimals(figure.unit));
  }
  return out + "# EOF\n";
}

std::string run_report_text(const RunReport& report) {
  const auto of = [&](std::string_view name) { return readable(report, name); };
  std::array<char, 64> wall{};
  std::snprintf(wall.data(), wall.size(), "%.3gs", static_cast<double>(report.wall_ns) / 1e9);
  std::string out = "\nended    ";
  out += report.signal == 0 ? "exit " + std::to_string(report.exit_code)
                            : "signal " + std::to_string(report.signal);
  out += " (" + std::string(name_of(report.reason)) + ") after " + wall.data();
  if (report.killed > 0) out += ", " + std::to_string(report.killed) + " left over were killed";
  out += "\ncpu      " + of("cpu_seconds") + " (user " + of("cpu_user_seconds") + ", system " +
         of("cpu_system_seconds") + "), throttled " + of("cpu_throttled_seconds") + " in " +
         of("cpu_throttled_periods") + " of " + of("cpu_periods") + " periods\n";
  out += "memory   peak " + of("memory_peak_bytes") +
         " (anonymous, sampled: " + of("memory_anon_peak_bytes") + "), limit hit " +
         of("memory_limit_hits") + " times, OOM kills " + of("oom_kills") + "\n";
  out += "faults   " + of("page_faults") + ", major " + of("major_page_faults") + "\n";
  out += "tasks    peak " + of("tasks_peak") + ", refused " + of("tasks_refused") + "\n";
  out += "pressure waited for cpu " + of("cpu_waiting_seconds") + ", memory " +
         of("memory_waiting_seconds") + ", io " + of("io_waiting_seconds") + "\n";
  if (!report.events.empty()) {
    out += "events   " + std::to_string(report.events.size() + report.events_left_out) +
           ", the first: " + report.events.front().kind + " after ";
    std::snprintf(wall.data(), wall.size(), "%.3gs",
                  static_cast<double>(report.events.front().at_ns) / 1e9);
    out += std::string(wall.data()) + "\n";
  }
  for (const RunDevice& device : report.devices) {
    const auto bytes = [](const Value& value) {
      return value.is_number() ? std::to_string(value.number) : "-";
    };
    out += "io       " + terminal_safe(device.device) + ": read " + bytes(device.read_bytes) +
           ", written " + bytes(device.written_bytes) + " bytes\n";
  }
  if (report.samples.size() > 2) {
    out += "  cpu    " + sparkline(rates(report, &RunSample::cpu_ns)) + '\n';
    out += "  memory " + sparkline(levels(report, &RunSample::memory)) + '\n';
    out += "  waits  " + sparkline(rates(report, &RunSample::waiting_cpu_ns)) + '\n';
  }
  for (const AppliedLimit& limit : report.limits) {
    out += "limit    --" + limit.flag + ": " + limit.file + " = " + terminal_safe(limit.effective) +
           '\n';
  }
  return out + diff_text(report);
}

}  // namespace cgmon
