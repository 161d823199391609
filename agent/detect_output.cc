// The report of `agent detect`, for people and for programs.
#include <algorithm>

#include "agent/detect.h"
#include "agent/detect_text.h"
#include "agent/expose/json_writer.h"

namespace cgmon {
namespace {

std::string contents(const DetectReport::HierarchyLine& hierarchy) {
  std::vector<std::string> has = hierarchy.controllers;
  if (!hierarchy.name.empty()) has.push_back("name=" + hierarchy.name);
  std::string text = has.empty() ? "no controllers" : joined(has, " ");
  if (hierarchy.root != "/") text += ", root " + with_short_ids(hierarchy.root);
  if (hierarchy.read_only) text += ", read-only";
  return text;
}

std::string tables(const DetectReport& report) {
  Table facts, engines, controllers, hierarchies;
  const bool has_docker =
      std::ranges::find(report.engines, "docker", &DetectReport::EngineLine::name) !=
      report.engines.end();
  for (const auto& fact : report.facts) {
    if (fact.key != "docker" || !has_docker) facts.add({fact.title, fact.text});
  }
  if (!report.engines.empty()) engines.add({"ENGINE", "FILES", "READ", "CGROUP DRIVER"});
  for (const auto& line : report.engines) {
    // The table is wide enough without the directory of the file.
    const std::string by = line.driver_by.substr(line.driver_by.rfind('/') + 1);
    engines.add({line.name, line.files, line.read,
                 line.driver.empty() ? "" : line.driver + " (" + by + ')'});
  }
  controllers.add({"CONTROLLER", "ON", "AT"});
  for (const auto& line : report.controllers) controllers.add({line.name, line.hierarchy, line.at});
  hierarchies.add({"HIERARCHY", "AT", "HAS"});
  for (const auto& line : report.hierarchies) {
    hierarchies.add({line.version, line.mount_point, contents(line)});
  }
  const std::string of_engines = report.engines.empty() ? "" : engines.text() + '\n';
  return facts.text() + '\n' + of_engines + controllers.text() + '\n' + hierarchies.text() + '\n';
}

void write_facts(const DetectReport& report, JsonWriter& json) {
  json.key("facts");
  json.begin_object();
  for (const auto& fact : report.facts) {
    if (fact.key != "docker") json.member(fact.key, fact.text);
  }
  json.key("docker");
  json.begin_array();
  for (const auto& fact : report.facts) {
    if (fact.key == "docker") json.string(fact.text);
  }
  json.end_array();
  json.end_object();
}

void write_engines(const DetectReport& report, JsonWriter& json) {
  json.key("engines");
  json.begin_array();
  for (const auto& line : report.engines) {
    json.begin_object();
    json.member("name", line.name);
    json.member("files", line.files);
    json.member("readable", line.readable);
    json.member("rootless", line.rootless);
    json.member("read", line.read);
    if (!line.driver.empty()) {
      json.member("driver", line.driver);
      json.member("driver_by", line.driver_by);
    }
    json.end_object();
  }
  json.end_array();
}

void write_controllers(const DetectReport& report, JsonWriter& json) {
  json.key("controllers");
  json.begin_array();
  for (const auto& line : report.controllers) {
    json.begin_object();
    json.member("name", line.name);
    json.member("hierarchy", line.hierarchy);
    json.member("at", line.at);
    json.end_object();
  }
  json.end_array();
}

void write_hierarchies(const DetectReport& report, JsonWriter& json) {
  json.key("hierarchies");
  json.begin_array();
  for (const auto& line : report.hierarchies) {
    json.begin_object();
    json.member("version", line.version);
    json.member("mount_point", line.mount_point);
    json.key("controllers");
    json.begin_array();
    for (const std::string& controller : line.controllers) json.string(controller);
    json.end_array();
    if (!line.name.empty()) json.member("name", line.name);
    json.member("root", line.root);
    json.member("read_only", line.read_only);
    json.end_object();
  }
  json.end_array();
}

}  // namespace

std::string text_of(const DetectReport& report) {
  std::string text = report.summary + "\nKernel " + report.kernel + "\n\n";
  if (!report.facts.empty()) text += tables(report);
  text += report.missing.empty() ? "Nothing is missing.\n" : "Missing:\n";
  for (const auto& [what, remedy] : report.missing) {
    text += wrapped(what, "- ", "  ") + wrapped(remedy, "    ", "    ");
  }
  if (!report.notes.empty()) text += "\nNotes:\n";
  for (const std::string& note : report.notes) text += wrapped(note, "- ", "  ");
  return text;
}

std::string json_of(const DetectReport& report) {
  constexpr std::uint64_t kVersion = 1;
  std::string text;
  JsonWriter json(text, true);
  json.begin_object();
  json.member("schema", "cgmon.detect");
  json.member("version", kVersion);
  json.member("cgroup_mode", report.mode);
  json.member("summary", report.summary);
  json.member("kernel", report.kernel);
  write_facts(report, json);
  write_engines(report, json);
  write_controllers(report, json);
  write_hierarchies(report, json);
  json.key("missing");
  json.begin_array();
  for (const auto& [what, remedy] : report.missing) {
    json.begin_object();
    json.member("what", what);
    json.member("remedy", remedy);
    json.end_object();
  }
  json.end_array();
  json.key("notes");
  json.begin_array();
  for (const std::string& note : report.notes) json.string(note);
  json.end_array();
  json.end_object();
  return text + '\n';
}

}  // namespace cgmon
