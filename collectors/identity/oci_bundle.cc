#include "collectors/identity/oci_bundle.h"

#include <cerrno>

#include "collectors/identity/allowed_keys.h"
#include "collectors/identity/docker.h"
#include "collectors/identity/json_visit.h"
#include "collectors/identity/utf8.h"

namespace cgmon {
namespace {

constexpr std::size_t kLongestPath = 4096;

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
  if (key == "sandbox-id") metadata.sandbox_id = repaired(value);
  if (key == "sandbox-name") metadata.pod = repaired(value);
  if (key == "sandbox-namespace") metadata.namespace_name = repaired(value);
  if (key == "sandbox-uid") metadata.pod_uid = repaired(value);
  if (metadata.runtime.empty()) metadata.runtime = "containerd";
}

void take_crio(std::string_view key, std::string_view value, const AllowedKeys& allowed,
               ContainerMetadata& metadata) {
  // podman writes Created, too, and nothing else of these.
  if (key == "Created") metadata.life.created_at_ns = parse_rfc3339(value);
  if (key == "ContainerType") metadata.sandbox = value == "sandbox";
  if (key == "SandboxID") metadata.sandbox_id = repaired(value);
  if (key == "HostNetwork" && value == "true") metadata.network = "host";
  if (key == "Name") metadata.name = repaired(value);
  if (key == "ImageName") metadata.image = repaired(value);
  if (key == "Image") metadata.image_id = repaired(value);
  if (key == "Namespace") metadata.namespace_name = repaired(value);
  if (key == "KubeName") metadata.pod = repaired(value);
  if (key == "Metadata") {
    visit_json(value, [&](JsonKeys keys, const JsonValue& member) {
      const bool is_count = member.kind == JsonValue::Kind::number && member.number >= 0;
      if (keys_are(keys, "attempt") && is_count) {
        metadata.life.restarts = static_cast<std::uint64_t>(member.number);
      }
    });
  }
  if (key != "Labels") return;
  visit_json(value, [&](JsonKeys keys, const JsonValue& label) {
    if (keys.size() != 1 || !label.is_text()) return;
    take_kubelet_label(keys[0], label.text, metadata);
    take_allowed_label(keys[0], label.text, allowed, metadata);
  });
}

void take_annotation(std::string_view key, std::string_view value, const AllowedKeys& allowed,
                     ContainerMetadata& metadata) {
  constexpr std::string_view kContainerd = "io.kubernetes.cri.", kCrio = "io.kubernetes.cri-o.";
  if (key.starts_with(kContainerd)) {
    take_containerd(key.substr(kContainerd.size()), value, metadata);
  } else if (key.starts_with(kCrio)) {
    take_crio(key.substr(kCrio.size()), value, allowed, metadata);
  } else if (key == "io.container.manager") {
    metadata.runtime = value == "libpod" ? "podman" : value == "cri-o" ? "crio" : "";
  } else if (key == "nerdctl/name") {
    metadata.name = repaired(value);
    metadata.runtime = "nerdctl";
  } else {
    take_kubelet_label(key, value, metadata);
  }
}

/// Whose network that is. A pod's own is its sandbox's, which CRI-O keeps at a path of its own and
/// containerd joins by a process.
std::string_view network_of(const BundleNamespaces& namespaces, const ContainerMetadata& metadata) {
  if (!namespaces.any) return {};
  if (!namespaces.network) return "host";
  if (metadata.sandbox) return "own";
  if (!metadata.pod_uid.empty() || !metadata.sandbox_id.empty()) return "pod";
  return namespaces.of_process ? "container" : "own";
}

}  // namespace

void take_namespace(JsonKeys keys, const JsonValue& value, BundleNamespaces& namespaces) {
  if (keys.size() < 3 || keys[0] != "linux" || keys[1] != "namespaces") return;
  if (value.is_text() && keys_are(keys, "linux", "namespaces", "", "type")) {
    namespaces.type = value.text;
  } else if (value.is_text() && keys_are(keys, "linux", "namespaces", "", "path")) {
    namespaces.path = value.text;
  } else if (value.kind == JsonValue::Kind::object_end && keys.size() == 3) {
    namespaces.any |= !namespaces.type.empty();
    if (namespaces.type == "network") {
      namespaces.network = true;
      namespaces.with_path = !namespaces.path.empty();
      namespaces.of_process = namespaces.path.starts_with("/proc/");
    }
    namespaces.type.clear();
    namespaces.path.clear();
  }
}

Result<ContainerMetadata> parse_bundle(std::string_view json, std::string_view id,
                                       const AllowedKeys& allowed) {
  ContainerMetadata metadata;
  BundleNamespaces namespaces;
  const JsonTop top = visit_json(json, [&](JsonKeys keys, const JsonValue& value) {
    take_namespace(keys, value, namespaces);
    if (keys.size() == 2 && keys[0] == "annotations" && value.is_text()) {
      take_annotation(keys[1], value.text, allowed, metadata);
    } else if (keys_are(keys, "linux", "cgroupsPath") && value.is_text() &&
               value.text.size() <= kLongestPath) {
      metadata.cgroup_path = value.text;
    } else if (keys_are(keys, "process", "env", "") && value.is_text()) {
      take_allowed_variable(value.text, allowed, metadata);
    }
  });
  if (top != JsonTop::object) return failure("no JSON object", {}, EBADMSG);
  if (metadata.network.empty()) metadata.network = network_of(namespaces, metadata);
  // podman's and CRI-O's name is in their list, too; other engines know theirs by the id.
  const bool listed = metadata.runtime == "podman" || metadata.runtime == "crio";
  if (metadata.name.empty() && !listed) metadata.name = repaired(id);
  metadata.complete = !metadata.name.empty();
  return metadata;
}

}  // namespace cgmon
