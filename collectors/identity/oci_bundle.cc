#include "collectors/identity/oci_bundle.h"

#include <cerrno>

#include "collectors/identity/docker.h"
#include "collectors/identity/json_visit.h"
#include "collectors/identity/utf8.h"

namespace cgmon {
namespace {

constexpr std::size_t kMaxStored = 10'000;

std::string repaired(std::string_view text) { return repair_text(text, kMaxLabelBytes); }

/// The kubelet's labels, which CRI-O keeps as a JSON text in an annotation.
void take_kubelet_label(std::string_view key, std::string_view value, ContainerMetadata& metadata) {
  if (key == "io.kubernetes.container.name") metadata.container = repaired(value);
  if (key == "io.kubernetes.pod.name") metadata.pod = repaired(value);
  if (key == "io.kubernetes.pod.namespace") metadata.namespace_name = repaired(value);
  if (key == "io.kubernetes.pod.uid") metadata.pod_uid = repaired(value);
}

void take_containerd(std::string_view key, std::string_view value, ContainerMetadata& metadata) {
  if (key == "container-type") metadata.sandbox = value == "sandbox";
  if (key == "container-name") metadata.container = repaired(value);
  if (key == "image-name") metadata.image = repaired(value);
  if (key == "podsandbox.image-name") metadata.image = repaired(value);
  if (key == "sandbox-name") metadata.pod = repaired(value);
  if (key == "sandbox-namespace") metadata.namespace_name = repaired(value);
  if (key == "sandbox-uid") metadata.pod_uid = repaired(value);
  if (metadata.runtime.empty()) metadata.runtime = "containerd";
}

void take_crio(std::string_view key, std::string_view value, ContainerMetadata& metadata) {
  // podman writes Created, too, and nothing else of these.
  if (key == "Created") metadata.life.created_at_ns = parse_rfc3339(value);
  if (key == "ContainerType") metadata.sandbox = value == "sandbox";
  if (key == "Name") metadata.name = repaired(value);
  if (key == "ImageName") metadata.image = repaired(value);
  if (key == "Image") metadata.image_id = repaired(value);
  if (key == "Namespace") metadata.namespace_name = repaired(value);
  if (key == "KubeName") metadata.pod = repaired(value);
  if (key != "Labels") return;
  visit_json(value, [&](JsonKeys keys, const JsonValue& label) {
    if (keys.size() == 1 && label.is_text()) take_kubelet_label(keys[0], label.text, metadata);
  });
}

void take_annotation(std::string_view key, std::string_view value, ContainerMetadata& metadata) {
  constexpr std::string_view kContainerd = "io.kubernetes.cri.", kCrio = "io.kubernetes.cri-o.";
  if (key.starts_with(kContainerd)) {
    take_containerd(key.substr(kContainerd.size()), value, metadata);
  } else if (key.starts_with(kCrio)) {
    take_crio(key.substr(kCrio.size()), value, metadata);
  } else if (key == "io.container.manager") {
    metadata.runtime = value == "libpod" ? "podman" : value == "cri-o" ? "crio" : "";
  } else if (key == "nerdctl/name") {
    metadata.name = repaired(value);
    metadata.runtime = "nerdctl";
  } else {
    take_kubelet_label(key, value, metadata);
  }
}

}  // namespace

Result<ContainerMetadata> parse_bundle(std::string_view json, std::string_view id) {
  ContainerMetadata metadata;
  const JsonTop top = visit_json(json, [&](JsonKeys keys, const JsonValue& value) {
    if (keys.size() == 2 && keys[0] == "annotations" && value.is_text()) {
      take_annotation(keys[1], value.text, metadata);
    }
  });
  if (top != JsonTop::object) return failure("no JSON object", {}, EBADMSG);
  // podman's name is elsewhere; other engines know theirs by the id.
  if (metadata.name.empty() && metadata.runtime != "podman") metadata.name = repaired(id);
  metadata.complete = !metadata.name.empty();
  return metadata;
}

Result<std::vector<StoredContainer>> parse_stored_containers(std::string_view json) {
  std::vector<StoredContainer> stored;
  StoredContainer entry;
  const auto take_metadata = [&](JsonKeys keys, const JsonValue& value) {
    if (!value.is_text()) return;
    if (keys_are(keys, "image-name")) entry.image = repaired(value.text);
    if (keys_are(keys, "image-id")) entry.image_id = repaired(value.text);
    if (keys_are(keys, "name") && entry.name.empty()) entry.name = repaired(value.text);
  };
  const JsonTop top = visit_json(json, [&](JsonKeys keys, const JsonValue& value) {
    if (keys.size() == 1 && value.kind == JsonValue::Kind::object_end) {
      if (!entry.id.empty() && stored.size() < kMaxStored) stored.push_back(std::move(entry));
      entry = {};
    }
    if (!value.is_text()) return;
    if (keys_are(keys, "", "id")) entry.id = repaired(value.text);
    if (keys_are(keys, "", "names", "") && entry.name.empty()) entry.name = repaired(value.text);
    if (keys_are(keys, "", "created")) entry.created_at_ns = parse_rfc3339(value.text);
    if (keys_are(keys, "", "metadata")) visit_json(value.text, take_metadata);
  });
  if (top != JsonTop::array) return failure("no JSON array", {}, EBADMSG);
  return stored;
}

PodLogName parse_pod_log_name(std::string_view name) {
  const std::size_t last = name.rfind('_');
  if (last == name.npos || last == 0) return {};
  const std::size_t first = name.rfind('_', last - 1);
  if (first == name.npos) return {};
  const PodLogName parts{name.substr(0, first), name.substr(first + 1, last - first - 1),
                         name.substr(last + 1)};
  const bool whole = !parts.namespace_name.empty() && !parts.pod.empty() && !parts.uid.empty();
  return whole && parts.namespace_name.find('_') == name.npos ? parts : PodLogName{};
}

}  // namespace cgmon
