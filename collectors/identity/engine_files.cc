#include "collectors/identity/engine_files.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace cgmon {
namespace {

constexpr std::size_t kMaxListed = 4096;  // containers of one engine

bool is_missing(const Result<ContainerMetadata>& result) {
  return !result && result.error().error == ENOENT;
}

/// What is wrong, where one is: that nothing is there says less than any other reason.
void keep_telling(Result<ContainerMetadata>& result, Result<ContainerMetadata> other) {
  if (other || is_missing(result)) result = std::move(other);
}

/// Whether the engine asked for this very cgroup: `/NAMESPACE/ID` or `SLICE:PREFIX:ID`.
bool asked_for(const ContainerMetadata& metadata, std::string_view path) {
  return !metadata.cgroup_path.empty() && metadata.cgroup_path == path;
}

}  // namespace

EngineFiles::EngineFiles(Files& files, const Roots& roots, std::vector<std::string> docker_roots,
                         AllowedKeys allowed)
    : host_(files, roots),
      users_(host_),
      logs_(host_),
      machines_(host_),
      docker_(files, roots, std::move(docker_roots), allowed),
      containerd_(host_, allowed),
      storage_(host_, users_, std::move(allowed)) {}

Result<ContainerMetadata> EngineFiles::read(const MetadataQuestion& question) {
  if (host_.error() != 0) {
    return failure("cannot open the host's root", host_.rootfs(), -host_.error());
  }
  // Users come and go, and with them stores and names.
  const bool user_matters = !question.uid.empty() || question.runtime == "podman";
  if (user_matters && users_.refresh()) storage_.find_stores();
  Result<ContainerMetadata> result = failure("nothing to look for", {}, ENOSYS);
  if (!question.id.empty()) {
    result = read_container(question);
  } else if (!question.pod_uid.empty()) {
    result = read_pod(question);
  } else if (question.kind == CgroupKind::machine) {
    result = machines_.read(question.unit);
  } else if (!question.uid.empty()) {
    result = ContainerMetadata{};
    result->complete = true;
  }
  const std::string_view user = users_.name_of(question.uid);
  if (result) {
    result->user = user;
  } else if (is_missing(result) && !user.empty() && question.id.empty()) {
    result = ContainerMetadata{};
    result->user = user;
  }
  return result;
}

Result<ContainerMetadata> EngineFiles::read_container(const MetadataQuestion& question) {
  if (!is_path_component(question.id)) return failure("no id to look for", {}, ENOSYS);
  Result<ContainerMetadata> result = failure("no reader for this runtime", {}, ENOSYS);
  if (question.runtime.empty()) return read_unknown(question);
  if (question.runtime == "docker") {
    result = docker_.read(question.id);
  } else if (question.runtime == "containerd" || question.runtime == "nerdctl") {
    result = read_containerd(question);
  } else if (question.runtime == "podman" || question.runtime == "crio") {
    result = read_stored(question);
  } else {
    return result;
  }
  // Whoever may not read an engine's files may still list the kubelet's directories.
  if (!result && !question.pod_uid.empty()) {
    ContainerMetadata named;
    if (logs_.name_container(question.id, named)) result = std::move(named);
  }
  if (result && !question.pod_uid.empty()) add_pod(question, *result);
  return result;
}

Result<ContainerMetadata> EngineFiles::read_containerd(const MetadataQuestion& question) {
  auto result = containerd_.read(question.engine_namespace, question.id);
  // The kubelet's cgroups are alike for containerd, docker and CRI-O without systemd.
  if (is_missing(result)) keep_telling(result, docker_.read(question.id));
  if (is_missing(result)) keep_telling(result, read_stored(question));
  return result;
}

Result<ContainerMetadata> EngineFiles::read_stored(const MetadataQuestion& question) {
  return storage_.read(question.id, question.uid);
}

/// A cgroup that is called as a container might be. It is one where an engine has it, and has it
/// there.
Result<ContainerMetadata> EngineFiles::read_unknown(const MetadataQuestion& question) {
  auto result = containerd_.read(question.engine_namespace, question.id);
  if (result && !asked_for(*result, question.path)) result = failure("elsewhere", {}, ENOENT);
  if (result && result->runtime.empty()) result->runtime = "containerd";
  if (result || !question.engine_namespace.empty()) return result;
  // Podman and CRI-O put their name before the id wherever it is.
  result = docker_.read(question.id);
  if (result) result->runtime = "docker";
  return result;
}

Result<ContainerMetadata> EngineFiles::read_pod(const MetadataQuestion& question) {
  ContainerMetadata metadata;
  if (question.runtime == "podman") {
    metadata.pod = storage_.pod_name(question.pod_uid, question.uid);
  } else {
    logs_.name_pod(question.pod_uid, metadata);
  }
  if (metadata.pod.empty()) return failure("no name of the pod", {}, ENOENT);
  metadata.complete = true;
  return metadata;
}

/// What annotations leave out.
void EngineFiles::add_pod(const MetadataQuestion& question, ContainerMetadata& metadata) {
  if (question.runtime == "podman") return;
  if (!question.pod_uid.empty()) metadata.pod_uid = question.pod_uid;
  const bool named = !metadata.pod.empty() && (metadata.sandbox || !metadata.container.empty());
  if (!named) logs_.name_container(question.id, metadata);
  if (metadata.pod.empty()) logs_.name_pod(metadata.pod_uid, metadata);
  logs_.count_restarts(metadata);
}

EndedContainers EngineFiles::ended(std::int64_t now_ns, const EndedBounds& bounds) {
  EndedContainers ended = docker_.ended(now_ns, bounds);
  const auto add = [&](std::vector<EndedContainer> more) {
    for (EndedContainer& one : more) {
      if (one.metadata.life.finished_at_ns < now_ns - bounds.age_ns) continue;
      ended.containers.push_back(std::move(one));
    }
  };
  auto kubernetes = containerd_.ended(kMaxListed);
  for (EndedContainer& one : kubernetes) logs_.name_container(one.id, one.metadata);
  add(std::move(kubernetes));
  if (users_.refresh()) storage_.find_stores();
  add(storage_.ended(kMaxListed));
  std::ranges::sort(ended.containers, std::ranges::greater{},
                    [](const EndedContainer& each) { return each.metadata.life.finished_at_ns; });
  if (ended.containers.size() > bounds.containers) {
    ended.dropped += ended.containers.size() - bounds.containers;
    ended.containers.resize(bounds.containers);
  }
  return ended;
}

}  // namespace cgmon
