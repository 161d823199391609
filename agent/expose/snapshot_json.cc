#include "agent/expose/snapshot_json.h"

#include <array>

#include "agent/expose/element_label.h"
#include "agent/expose/json_writer.h"
#include "agent/expose/life_json.h"
#include "agent/expose/metric_words.h"
#include "collectors/metrics/tables.h"

namespace cgmon {
namespace {

constexpr std::uint64_t kVersion = 1;

/// Whether samples of the family differ by labels of their own, so that there may be several.
constexpr auto kHasLabels = [] {
  std::array<bool, kFamilies.size()> has{};
  for (std::size_t i = 0; i < kRowCount; ++i) {
    if (!kRows.at(i).labels.empty() || kRows.at(i).axis != Axis::none)
      has.at(kFamilyOfRow.at(i)) = true;
  }
  return has;
}();

/// Writes labels as the text formats have them (`a="x",b="y"`, escaped) as members.
void write_labels(std::string_view labels, JsonWriter& json) {
  while (!labels.empty()) {
    const std::size_t equals = labels.find('=');
    if (equals == labels.npos) return;
    std::string value;
    std::size_t at = equals + 2;
    for (; at < labels.size() && labels[at] != '"'; ++at) {
      const bool escaped = labels[at] == '\\';
      if (escaped) ++at;
      if (at == labels.size()) return;
      value += escaped && labels[at] == 'n' ? '\n' : labels[at];
    }
    json.member(labels.substr(0, equals), value);
    labels.remove_prefix(std::min(at + 1, labels.size()));
    if (labels.starts_with(',')) labels.remove_prefix(1);
  }
}

void write_value(Value value, const Family& family, JsonWriter& json) {
  if (value.is_number()) {
    json.number(value.number, decimals(family.unit), family.is_signed);
  } else {
    json.string("max");
  }
}

/// Writes one cgroup after the other, in path order.
class CgroupsJson {
 public:
  CgroupsJson(const Snapshot& snapshot, JsonWriter& json) : snapshot_(snapshot), json_(json) {
    for (std::size_t axis = 0; axis < kAxes; ++axis) {
      element_labels_.at(axis).set_axis(static_cast<Axis>(axis), snapshot);
    }
  }

  void write(Slot slot) {
    const CgroupLabels& labels = *snapshot_.labels[slot];
    json_.begin_object();
    json_.member("id", labels.id);
    json_.member("path", labels.id);
    json_.member("kind", name_of(labels.kind));
    const Slot parent = snapshot_.parent[slot];
    if (parent != kNoSlot && snapshot_.labels[parent]) {
      json_.member("parent", snapshot_.labels[parent]->id);
    }
    write_identity(labels);
    json_.key("values");
    json_.begin_object();
    family_ = kFamilies.size();
    for (std::size_t row = 0; row < kRowCount; ++row) {
      if (snapshot_.served[row]) write_row(row, slot);
    }
    end_family();
    json_.end_object();
    json_.end_object();
  }

 private:
  void write_identity(const CgroupLabels& labels) {
    const auto known = [this](std::string_view name, const std::string& text) {
      if (!text.empty()) json_.member(name, text);
    };
    known("name", labels.name);
    known("image", labels.image);
    known("container", labels.container);
    known("pod", labels.pod);
    known("namespace", labels.namespace_name);
    known("runtime", labels.runtime);
    known("container_id", labels.container_id);
    known("image_id", labels.image_id);
    known("unit", labels.unit);
    known("slice", labels.slice);
    known("pod_uid", labels.pod_uid);
    known("qos", labels.qos);
    known("uid", labels.uid);
    known("user", labels.user);
    known("job_id", labels.job_id);
    known("step_id", labels.step_id);
    known("task_id", labels.task_id);
    known("network", labels.network);
    known("inside", labels.outer);
    write_life(json_, labels.life);
    if (labels.container_labels.empty()) return;
    json_.key("labels");
    json_.begin_object();
    for (const auto& [name, value] : labels.container_labels) json_.member(name, value);
    json_.end_object();
  }

  void write_row(std::size_t row, Slot slot) {
    if (kRows[row].axis == Axis::none) {
      const Value value = snapshot_.columns[row].get(slot);
      if (!value.is_absent()) write_sample(row, value, {});
      return;
    }
    const std::vector<AxisSample>& samples = snapshot_.axes[row];
    std::size_t& at = axis_at_[row];
    ElementLabels& labels = element_labels_.at(static_cast<std::size_t>(kRows[row].axis));
    for (; at < samples.size(); ++at) {
      const AxisSample& sample = samples[at];
      if (sample.slot == slot) {
        write_sample(row, Value::of(sample.value), labels.of(sample.element));
      } else if (snapshot_.alive[sample.slot] != 0) {
        return;  // of a cgroup that comes later
      }
    }
  }

  void write_sample(std::size_t row, Value value, std::string_view element) {
    begin_family(kFamilyOfRow[row]);
    const Family& family = family_of(row);
    if (!kHasLabels[family_]) {
      write_value(value, family, json_);
      return;
    }
    json_.begin_object();
    write_labels(kRows[row].labels, json_);
    write_labels(element, json_);
    json_.key("value");
    write_value(value, family, json_);
    json_.end_object();
  }

  void begin_family(std::size_t family) {
    if (family_ == family) return;
    end_family();
    family_ = family;
    json_.key(kFamilies[family].name);
    if (kHasLabels[family]) json_.begin_array();
  }
  void end_family() {
    if (family_ != kFamilies.size() && kHasLabels[family_]) json_.end_array();
    family_ = kFamilies.size();
  }

  const Snapshot& snapshot_;
  JsonWriter& json_;
  std::size_t family_ = kFamilies.size();  // whose samples are being written
  std::array<std::size_t, kRowCount> axis_at_{};
  std::array<ElementLabels, kAxes> element_labels_;  // by axis
};

void write_host(const HostFacts& host, JsonWriter& json) {
  json.key("agent");
  json.begin_object();
  json.member("version", host.version);
  json.member("revision", host.revision);
  json.end_object();
  json.key("host");
  json.begin_object();
  json.member("cgroup_mode", host.cgroup_mode);
  json.member("view_restricted", host.view_restricted);
  json.key("controllers");
  json.begin_object();
  for (const HostFacts::Controller& controller : host.controllers) {
    json.key(controller.name);
    json.begin_object();
    json.member("hierarchy", controller.hierarchy);
    json.member("mount_point", controller.mount_point);
    json.end_object();
  }
  json.end_object();
  json.end_object();
}

void write_collectors(const PassReport& report, JsonWriter& json) {
  json.key("collectors");
  json.begin_object();
  for (std::size_t i = 0; i < kGroups.size(); ++i) {
    const GroupReport& group = report.groups[i];
    if (!group.collected) continue;
    json.key(kGroups[i].name);
    json.begin_object();
    json.member("success", group.success);
    json.key("unavailable_cgroups");
    json.begin_object();
    for (std::size_t reason = 0; reason < kReasons; ++reason) {
      const std::uint64_t cgroups = group.unavailable[reason];
      if (cgroups != 0) json.member(name_of(static_cast<Reason>(reason)), cgroups);
    }
    json.end_object();
    json.end_object();
  }
  json.end_object();
}

void write_errors(const Snapshot& snapshot, JsonWriter& json) {
  const PassReport& report = snapshot.report;
  json.key("errors");
  json.begin_object();
  json.member("deadline_exceeded", report.deadline_exceeded);
  json.key("cgroups_dropped");
  json.begin_object();
  json.member("bound", std::uint64_t{report.dropped_bound});
  json.member("depth", std::uint64_t{report.dropped_depth});
  json.member("filter", std::uint64_t{report.dropped_filter});
  json.end_object();
  json.member("containers_without_name", std::uint64_t{snapshot.metadata_unresolved});
  const auto write_one = [&json](std::string_view what, const auto& error, std::string_view name) {
    json.begin_object();
    json.member(what, name);
    json.member("reason", error.reason);
    json.member("count", error.count);
    json.end_object();
  };
  json.key("reads");
  json.begin_array();
  for (const ReadError& error : snapshot.read_errors) write_one("file", error, error.file);
  json.end_array();
  json.key("metadata");
  json.begin_array();
  for (const MetadataFailure& error : snapshot.metadata_failures) {
    write_one("source", error, error.source);
  }
  json.end_array();
  json.end_object();
}

void write_families(const Snapshot& snapshot, JsonWriter& json) {
  json.key("families");
  json.begin_object();
  for (std::size_t row = 0; row < kRowCount; ++row) {
    const bool is_first = row == 0 || kFamilyOfRow[row] != kFamilyOfRow[row - 1];
    bool is_served = false;
    for (std::size_t i = row; i < kRowCount && kFamilyOfRow[i] == kFamilyOfRow[row]; ++i) {
      is_served = is_served || snapshot.served[i];
    }
    if (!is_first || !is_served) continue;
    const Family& family = family_of(row);
    json.key(family.name);
    json.begin_object();
    json.member("type", word(family.kind));
    json.member("unit", word(family.unit));
    json.end_object();
  }
  json.end_object();
}

}  // namespace

void render_snapshot_json(const Snapshot& snapshot, const HostFacts& host, std::string& text) {
  text.clear();
  JsonWriter json(text);
  json.begin_object();
  json.member("schema", "cgmon.snapshot");
  json.member("version", kVersion);
  json.key("time");
  json.number(static_cast<std::uint64_t>(snapshot.wall_ns), 9);
  write_host(host, json);
  write_collectors(snapshot.report, json);
  write_errors(snapshot, json);
  write_families(snapshot, json);
  json.key("cgroups");
  json.begin_array();
  CgroupsJson cgroups(snapshot, json);
  for (const Slot slot : snapshot.order) {
    text += '\n';
    cgroups.write(slot);
  }
  json.end_array();
  json.end_object();
  text += '\n';
}

}  // namespace cgmon
