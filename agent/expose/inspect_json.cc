#include "agent/expose/inspect_json.h"

#include <cstdint>
#include <string_view>

#include "agent/expose/json_writer.h"
#include "agent/expose/life_json.h"
#include "agent/expose/metric_words.h"
#include "collectors/identity/utf8.h"

namespace cgmon {
namespace {

/// Rises when a member goes or changes its meaning; members that come do not raise it.
constexpr std::uint64_t kVersion = 1;

class Document {
 public:
  explicit Document(const InspectReport& report) : report_(report) {}

  std::string make() {
    json_.begin_object();
    json_.member("schema", "cgmon.inspect");
    json_.member("version", kVersion);
    write_time(json_, "time", report_.read_at_ns);
    write_identity();
    write_directories();
    write_limits();
    if (report_.processes) write_processes(*report_.processes);
    if (report_.root) write_root(*report_.root);
    write_figures();
    write_missing();
    json_.end_object();
    return text_ + '\n';
  }

 private:
  void text(std::string_view name, std::string_view value) {
    if (!value.empty()) json_.member(name, repair_path(value));
  }
  void value(std::string_view name, Value value, Unit unit, bool is_signed = false) {
    if (value.is_absent()) return;
    json_.key(name);
    if (value.is_number()) {
      json_.number(value.number, decimals(unit), is_signed);
    } else {
      json_.string("max");
    }
  }
  template <class Items, class Write>
  void list(std::string_view name, const Items& items, Write write) {
    json_.key(name);
    json_.begin_array();
    for (const auto& item : items) write(item);
    json_.end_array();
  }

  void write_identity() {
    const CgroupLabels& labels = report_.labels;
    json_.key("cgroup");
    json_.begin_object();
    json_.member("id", labels.id);
    json_.member("kind", name_of(labels.kind));
    text("name", labels.name);
    text("image", labels.image);
    text("container", labels.container);
    text("pod", labels.pod);
    text("namespace", labels.namespace_name);
    text("unit", labels.unit);
    text("runtime", labels.runtime);
    text("container_id", labels.container_id);
    text("image_id", labels.image_id);
    text("slice", labels.slice);
    text("pod_uid", labels.pod_uid);
    text("qos", labels.qos);
    text("uid", labels.uid);
    text("user", labels.user);
    text("job_id", labels.job_id);
    text("step_id", labels.step_id);
    text("task_id", labels.task_id);
    text("network", labels.network);
    write_life(json_, labels.life);
    text("managed_by", report_.manager);
    text("driver", report_.driver);
    text("inside", report_.inside);
    json_.end_object();
  }

  void write_directories() {
    list("directories", report_.directories, [&](const InspectReport::Directory& directory) {
      json_.begin_object();
      json_.member("hierarchy", directory.version == 2 ? "v2" : "v1");
      list("controllers", directory.controllers,
           [&](const std::string& name) { json_.string(repair_path(name)); });
      text("path", directory.path);
      json_.end_object();
    });
  }

  void write_limits() {
    list("limits", report_.limits, [&](const InspectReport::Limit& limit) {
      json_.begin_object();
      json_.member("resource", limit.resource);
      json_.member("unit", word(limit.unit));
      value("own", limit.own, limit.unit);
      value("effective", limit.effective, limit.unit);
      text("set_by", limit.set_by);
      json_.end_object();
    });
  }

  void write_processes(const InspectReport::Processes& processes) {
    json_.key("processes");
    json_.begin_object();
    json_.member("here", std::uint64_t{processes.here});
    json_.member("below", std::uint64_t{processes.below});
    if (processes.oldest != 0) json_.member("oldest", std::uint64_t{processes.oldest});
    list("top", processes.top, [&](const InspectReport::TopProcess& process) {
      json_.begin_object();
      json_.member("pid", std::uint64_t{process.pid});
      text("name", process.name);
      json_.key("cpu_seconds");
      json_.number(process.cpu_ns, 9);
      json_.member("resident_bytes", process.resident_bytes);
      json_.end_object();
    });
    list("namespaces", processes.namespaces, [&](const InspectReport::NamespaceUse& use) {
      json_.begin_object();
      json_.member("kind", use.kind);
      json_.member("inode", use.inode);
      json_.member("processes", std::uint64_t{use.processes});
      if (use.is_host) json_.member("is_host", *use.is_host);
      json_.end_object();
    });
    json_.end_object();
  }

  void write_root(const InspectReport::RootFilesystem& root) {
    json_.key("root");
    json_.begin_object();
    text("type", root.type);
    if (!root.lower.empty()) {
      list("lower", root.lower, [&](const InspectReport::LowerDirectory& lower) {
        json_.begin_object();
        text("path", lower.path);
        text("target", lower.target);
        json_.end_object();
      });
    }
    text("upper", root.upper);
    text("work", root.work);
    text("merged", root.merged);
    json_.end_object();
  }

  void write_figures() {
    list("figures", report_.figures, [&](const InspectReport::Figure& figure) {
      json_.begin_object();
      json_.member("family", figure.family);
      text("labels", figure.labels);
      value("value", figure.value, figure.unit, figure.is_signed);
      json_.member("unit", word(figure.unit));
      text("file", figure.file);
      text("raw", figure.raw);
      if (!figure.inputs.empty()) {
        list("inputs", figure.inputs, [&](const std::string& input) { json_.string(input); });
      }
      json_.end_object();
    });
  }

  void write_missing() {
    list("missing", report_.missing, [&](const InspectReport::Missing& missing) {
      json_.begin_object();
      text("what", missing.what);
      text("remedy", missing.remedy);
      json_.end_object();
    });
  }

  const InspectReport& report_;
  std::string text_;
  JsonWriter json_{text_, true};
};

}  // namespace

std::string inspect_json(const InspectReport& report) { return Document(report).make(); }

}  // namespace cgmon
