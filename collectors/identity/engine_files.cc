#include "collectors/identity/engine_files.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "collectors/identity/utf8.h"

namespace cgmon {
namespace {

constexpr auto kBundles = std::to_array<std::string_view>(
    {"/run/containerd/io.containerd.runtime.v2.task",
     "/run/k3s/containerd/io.containerd.runtime.v2.task",
     "/var/snap/microk8s/common/run/containerd/io.containerd.runtime.v2.task"});
constexpr std::size_t kMaxPods = 4096;

/// An id that stays one component of a path.
bool is_safe(std::string_view id) {
  return !id.empty() && id.size() <= 128 && id != "." && id != ".." && id.find('/') == id.npos &&
         id.find('\0') == id.npos;
}

std::string joined(std::initializer_list<std::string_view> parts) {
  std::string path;
  for (const std::string_view part : parts) path += part;
  return path;
}

/// The most telling of several failures: any before "not there".
void note_failure(int& worst, int error) {
  if (worst == -ENOENT) worst = error;
}

}  // namespace

EngineFiles::EngineFiles(Files& files, const Roots& roots, std::vector<std::string> docker_roots,
                         AllowedKeys allowed)
    : host_(files, roots), docker_(files, roots, std::move(docker_roots), std::move(allowed)) {
  const auto add = [this](const std::string& root) {
    for (const char* const driver : {"overlay", "vfs", "btrfs", "zfs"}) {
      stores_.push_back(
          {.path = joined({root, "/", driver, "-containers"}), .list_text = {}, .list = {}});
    }
  };
  add("/var/lib/containers/storage");
  add("/run/containers/storage");
  if (host_.read("/etc/passwd", text_) != 0) return;
  for (const std::string& home : user_homes(text_)) {
    add(home + "/.local/share/containers/storage");
  }
}

Result<ContainerMetadata> EngineFiles::read(const MetadataQuestion& question) {
  if (!is_safe(question.id)) return failure("no id to look for", {}, ENOSYS);
  Result<ContainerMetadata> result = failure("no reader for this runtime", {}, ENOSYS);
  if (question.runtime == "docker") {
    result = docker_.read(question.id);
  } else if (question.runtime == "containerd" || question.runtime == "nerdctl") {
    result = read_containerd(question);
    // The kubelet's cgroups are alike for containerd and docker without systemd.
    if (!result && result.error().error == ENOENT) {
      if (auto dockers = docker_.read(question.id)) result = std::move(dockers);
    }
  } else if (question.runtime == "podman" || question.runtime == "crio") {
    result = read_stored(question.id);
  }
  if (result && result->pod.empty() && !question.pod_uid.empty()) {
    add_pod(question.pod_uid, *result);
  }
  return result;
}

Result<ContainerMetadata> EngineFiles::read_containerd(const MetadataQuestion& question) {
  int worst = -ENOENT;
  const std::string_view space = question.engine_namespace;
  const std::string_view first = !is_safe(space) ? "k8s.io" : space;
  for (const std::string_view name : {first, std::string_view("default")}) {
    for (const std::string_view bundles : kBundles) {
      const int error =
          host_.read(joined({bundles, "/", name, "/", question.id, "/config.json"}), text_);
      if (error == 0) return parse_bundle(text_, question.id);
      note_failure(worst, error);
    }
  }
  return failure("cannot read containerd's bundle of the container", std::string(question.id),
                 -worst);
}

Result<ContainerMetadata> EngineFiles::read_stored(std::string_view id) {
  int worst = -ENOENT;
  ContainerMetadata metadata;
  bool found = false;
  for (Store& store : stores_) {
    const int error = host_.read(joined({store.path, "/", id, "/userdata/config.json"}), text_);
    note_failure(worst, error);
    if (error == 0 && !found) {
      auto bundle = parse_bundle(text_, id);
      if (!bundle) return bundle;
      metadata = *std::move(bundle);
      found = true;
    }
    if (find_stored(store, id, metadata)) {
      metadata.complete = !metadata.name.empty();
      return metadata;
    }
  }
  if (found) return metadata;
  return failure("cannot read the container in containers/storage", std::string(id), -worst);
}

bool EngineFiles::find_stored(Store& store, std::string_view id, ContainerMetadata& metadata) {
  for (const char* const name : {"containers.json", "volatile-containers.json"}) {
    const std::string path = joined({store.path, "/", name});
    if (host_.read(path, text_) != 0) continue;
    // Hosts with many containers ask many times in a row.
    if (text_ != store.list_text) {
      auto list = parse_stored_containers(text_);
      store.list_text = text_;
      store.list = list ? *std::move(list) : std::vector<StoredContainer>();
    }
    const auto entry = std::ranges::find(store.list, id, &StoredContainer::id);
    if (entry == store.list.end()) continue;
    if (metadata.name.empty()) metadata.name = entry->name;
    if (metadata.image.empty()) metadata.image = entry->image;
    if (metadata.image_id.empty()) metadata.image_id = entry->image_id;
    if (metadata.life.created_at_ns == 0) metadata.life.created_at_ns = entry->created_at_ns;
    return true;
  }
  return false;
}

void EngineFiles::add_pod(std::string_view uid, ContainerMetadata& metadata) {
  for (const std::string& name : host_.directories("/var/log/pods", kMaxPods)) {
    const PodLogName parts = parse_pod_log_name(name);
    if (parts.uid != uid) continue;
    metadata.pod = repair_text(parts.pod, kMaxLabelBytes);
    metadata.namespace_name = repair_text(parts.namespace_name, kMaxLabelBytes);
    return;
  }
}

}  // namespace cgmon
