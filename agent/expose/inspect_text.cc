#include "agent/expose/inspect_text.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/expose/prometheus_text.h"
#include "agent/expose/terminal_text.h"

namespace cgmon {
namespace {

std::string exact(Value value, Unit unit, bool is_signed = false) {
  if (value.is_absent()) return "-";
  if (!value.is_number()) return "no limit";
  std::array<char, 64> text{};
  const char* const end = write_number(text.data(), value.number, decimals(unit), is_signed);
  return std::string(text.data(), static_cast<std::size_t>(end - text.data()));
}

std::string_view unit_name(Unit unit) {
  switch (unit) {
    case Unit::bytes:
      return " bytes";
    case Unit::cores:
      return " cores";
    default:
      return "";
  }
}

std::string two_digits(unsigned number) {
  return std::string(number < 10 ? "0" : "") + std::to_string(number);
}

/// "2026-11-23 22:49:39 UTC"
std::string time_of(std::int64_t ns) {
  using namespace std::chrono;
  const sys_seconds at{seconds(ns / 1'000'000'000)};
  const auto day = floor<days>(at);
  const year_month_day date(day);
  const hh_mm_ss time(at - day);
  return std::to_string(static_cast<int>(date.year())) + '-' +
         two_digits(static_cast<unsigned>(date.month())) + '-' +
         two_digits(static_cast<unsigned>(date.day())) + ' ' +
         two_digits(static_cast<unsigned>(time.hours().count())) + ':' +
         two_digits(static_cast<unsigned>(time.minutes().count())) + ':' +
         two_digits(static_cast<unsigned>(time.seconds().count())) + " UTC";
}

/// Lines of cells, the columns below each other; cells are fit for a terminal.
class Lines {
 public:
  void add(std::vector<std::string> cells) { lines_.push_back(std::move(cells)); }
  void add_known(const char* name, std::string_view text) {
    if (!text.empty()) add({name, terminal_safe(text)});
  }
  /// Leaves itself empty.
  void append_to(std::string& text, std::string_view title) {
    if (lines_.empty()) return;
    if (!title.empty()) text.append("\n").append(title).append("\n");
    std::vector<std::size_t> widths;
    for (const auto& line : lines_) {
      widths.resize(std::max(widths.size(), line.size()));
      for (std::size_t i = 0; i < line.size(); ++i) {
        widths[i] = std::max(widths[i], display_width(line[i]));
      }
    }
    for (const auto& line : lines_) {
      std::string out;
      for (std::size_t i = 0; i < line.size(); ++i) {
        out += "  " + line[i];
        if (i + 1 < line.size()) out.append(widths[i] - display_width(line[i]), ' ');
      }
      out.erase(out.find_last_not_of(' ') + 1);
      text += out + '\n';
    }
    lines_.clear();
  }

 private:
  std::vector<std::vector<std::string>> lines_;
};

void add_life(const ContainerLife& life, Lines& lines) {
  lines.add_known("state", name_of(life.state));
  lines.add_known("health", name_of(life.health));
  if (life.restarts) lines.add({"restarts", std::to_string(*life.restarts)});
  if (life.created_at_ns != 0) lines.add({"created", time_of(life.created_at_ns)});
  if (life.started_at_ns != 0) lines.add({"started", time_of(life.started_at_ns)});
  if (!has_ended(life)) return;
  if (life.finished_at_ns != 0) lines.add({"finished", time_of(life.finished_at_ns)});
  if (life.exit_code) lines.add({"exit code", std::to_string(*life.exit_code)});
  if (life.oom_killed) lines.add({"killed", "out of memory"});
}

void append_identity(const InspectReport& report, std::string& text) {
  const CgroupLabels& labels = report.labels;
  text += terminal_safe(labels.id) + '\n';
  Lines lines;
  lines.add({"kind", name_of(labels.kind)});
  lines.add_known("name", labels.name);
  lines.add_known("image", labels.image);
  lines.add_known("container", labels.container);
  lines.add_known("pod", labels.pod);
  lines.add_known("namespace", labels.namespace_name);
  lines.add_known("pod uid", labels.pod_uid);
  lines.add_known("class", labels.qos);
  lines.add_known("unit", labels.unit);
  lines.add_known("slice", labels.slice);
  lines.add_known("engine", labels.runtime);
  lines.add_known("id", labels.container_id);
  lines.add_known("image id", labels.image_id);
  lines.add_known("user", labels.user.empty() ? labels.uid : labels.user);
  lines.add_known("job", labels.job_id);
  lines.add_known("step", labels.step_id);
  lines.add_known("task", labels.task_id);
  lines.add_known("network", labels.network);
  add_life(labels.life, lines);
  lines.add_known("managed by", report.manager);
  lines.add_known("driver", report.driver);
  lines.add_known("inside of", report.inside);
  lines.append_to(text, "");
}

void append_directories(const InspectReport& report, std::string& text) {
  Lines lines;
  for (const InspectReport::Directory& directory : report.directories) {
    std::string controllers;
    for (const std::string& name : directory.controllers) {
      controllers += (controllers.empty() ? "" : ",") + terminal_safe(name);
    }
    lines.add({"v" + std::to_string(directory.version), controllers.empty() ? "-" : controllers,
               terminal_safe(directory.path)});
  }
  lines.append_to(text, "Directories");
}

void append_limits(const InspectReport& report, std::string& text) {
  Lines lines;
  if (!report.limits.empty()) lines.add({"", "OWN", "EFFECTIVE", "SET BY"});
  for (const InspectReport::Limit& limit : report.limits) {
    const auto shown = [&](Value value) {
      std::string words = exact(value, limit.unit);
      if (value.is_number()) words += unit_name(limit.unit);
      return words;
    };
    const bool by_itself = limit.set_by == report.labels.id;
    lines.add({std::string(limit.resource), shown(limit.own), shown(limit.effective),
               limit.set_by.empty() ? "-"
               : by_itself          ? "itself"
                                    : terminal_safe(limit.set_by)});
  }
  lines.append_to(text, "Limits");
}

void append_processes(const InspectReport& report, std::string& text) {
  if (!report.processes) return;
  const InspectReport::Processes& processes = *report.processes;
  Lines lines;
  lines.add({"in it", std::to_string(processes.here)});
  lines.add({"below it", std::to_string(processes.below)});
  if (processes.oldest != 0) lines.add({"the oldest", std::to_string(processes.oldest)});
  lines.append_to(text, "Processes");
  for (const InspectReport::TopProcess& process : processes.top) {
    lines.add({std::to_string(process.pid), terminal_safe(process.name),
               exact(Value::of(process.cpu_ns), Unit::seconds) + " s of CPU",
               std::to_string(process.resident_bytes) + " bytes resident"});
  }
  lines.append_to(text, "Processes that used most");
  for (const InspectReport::NamespaceUse& use : processes.namespaces) {
    const std::string whose = !use.is_host ? "-" : *use.is_host ? "the host's" : "own";
    std::string count = std::to_string(use.processes);
    count += use.processes == 1 ? " process" : " processes";
    lines.add({std::string(use.kind), std::to_string(use.inode), whose, count});
  }
  lines.append_to(text, "Namespaces");
}

void append_root(const InspectReport& report, std::string& text) {
  if (!report.root) return;
  const InspectReport::RootFilesystem& root = *report.root;
  Lines lines;
  lines.add_known("type", root.type);
  for (const InspectReport::LowerDirectory& lower : root.lower) {
    lines.add({"lower", terminal_safe(lower.path)});
    if (!lower.target.empty()) lines.add({"", "-> " + terminal_safe(lower.target)});
  }
  lines.add_known("upper", root.upper);
  lines.add_known("work", root.work);
  lines.add_known("merged", root.merged);
  lines.append_to(text, "Root file system");
}

std::string source_of(const InspectReport::Figure& figure) {
  if (!figure.file.empty()) return terminal_safe(figure.file);
  return figure.inputs.empty() ? "known to the agent" : "computed";
}

void append_figures(const InspectReport& report, std::string& text) {
  Lines lines;
  std::string file;
  for (const InspectReport::Figure& figure : report.figures) {
    const std::string source = source_of(figure);
    if (source != file) {
      lines.append_to(text, file);
      file = source;
    }
    std::string name(figure.family);
    if (!figure.labels.empty()) name += '{' + terminal_safe(figure.labels) + '}';
    std::string from = figure.raw.empty() ? "" : "\"" + terminal_safe(figure.raw) + "\"";
    for (const std::string& input : figure.inputs) {
      from += (from.empty() ? "of " : ", ") + terminal_safe(input);
    }
    lines.add({name, exact(figure.value, figure.unit, figure.is_signed), from});
  }
  lines.append_to(text, file);
}

}  // namespace

std::string inspect_text(const InspectReport& report) {
  std::string text;
  append_identity(report, text);
  append_directories(report, text);
  append_limits(report, text);
  append_processes(report, text);
  append_root(report, text);
  append_figures(report, text);
  if (!report.missing.empty()) text += "\nMissing:\n";
  for (const InspectReport::Missing& missing : report.missing) {
    text += "- " + terminal_safe(missing.what) + "\n    " + terminal_safe(missing.remedy) + '\n';
  }
  return text;
}

}  // namespace cgmon
