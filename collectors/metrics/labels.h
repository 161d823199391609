#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace cgmon {

/// What a cgroup is, as far as users tell them apart.
enum class CgroupKind : std::uint8_t {
  root,
  container,
  sandbox,  ///< the container that holds a pod's namespaces and runs nothing else
  pod,
  unit,
  slice,
  machine,  ///< a system of its own: a virtual machine, or a container that boots
  job,      ///< of a batch system
  step,
  task,
  user,
  other,
};
inline constexpr std::size_t kCgroupKinds = static_cast<std::size_t>(CgroupKind::other) + 1;

[[nodiscard]] constexpr const char* name_of(CgroupKind kind) {
  constexpr const char* kNames[kCgroupKinds] = {"root", "container", "sandbox", "pod",
                                                "unit", "slice",     "machine", "job",
                                                "step", "task",      "user",    "other"};
  return kNames[static_cast<std::size_t>(kind)];
}

/// Whether it is what an engine calls a container.
[[nodiscard]] constexpr bool is_container(CgroupKind kind) {
  return kind == CgroupKind::container || kind == CgroupKind::sandbox;
}

/// Where a container is in its life, as its engine says.
enum class ContainerState : std::uint8_t {
  unknown,
  created,
  running,
  paused,
  restarting,
  exited,
  dead,
};
[[nodiscard]] constexpr const char* name_of(ContainerState state) {
  constexpr const char* kNames[] = {"",           "created", "running", "paused",
                                    "restarting", "exited",  "dead"};
  return kNames[static_cast<std::size_t>(state)];
}

/// What an engine's own check of a container says.
enum class Health : std::uint8_t { unknown, none, starting, healthy, unhealthy };
[[nodiscard]] constexpr const char* name_of(Health health) {
  constexpr const char* kNames[] = {"", "none", "starting", "healthy", "unhealthy"};
  return kNames[static_cast<std::size_t>(health)];
}

/// A container's life, as its engine says. Times are since the epoch; 0 is not known, or not yet.
struct ContainerLife {
  ContainerState state = ContainerState::unknown;
  Health health = Health::unknown;
  bool oom_killed = false;                ///< that is how it ended
  std::optional<std::int32_t> exit_code;  ///< of an ended one
  std::optional<std::uint64_t> restarts;  ///< by the engine, since it was made
  std::int64_t created_at_ns = 0;
  std::int64_t started_at_ns = 0;  ///< 0 also where it does not run, as far as is known
  std::int64_t finished_at_ns = 0;
  friend bool operator==(const ContainerLife&, const ContainerLife&) = default;
};

/// Whether it has run and does so no more: it then has an exit code and the like.
[[nodiscard]] constexpr bool has_ended(const ContainerLife& life) {
  return life.state == ContainerState::exited || life.state == ContainerState::dead;
}

/// Name and value of a label.
using LabelPair = std::pair<std::string, std::string>;

/// Who one cgroup is. Immutable once made: a change is a new object, so that it can be shared
/// between threads. Texts are valid UTF-8 and bounded; empty means unknown and is not printed. They
/// are escaped by each output.
struct CgroupLabels {
  // The identity labels of every sample.
  std::string id;  ///< cgroup path, "/" for the root
  std::string name, image, container, pod, namespace_name;

  // What container_info tells beyond them.
  CgroupKind kind = CgroupKind::other;
  std::string runtime;       ///< "docker", or empty
  std::string container_id;  ///< the engine's, full length
  std::string image_id;
  std::string unit;   ///< innermost systemd unit, or empty
  std::string slice;  ///< innermost systemd slice
  std::string pod_uid, qos;
  std::string uid, user;
  std::string job_id, step_id, task_id;
  std::string network;  ///< own, pod (its pod's), container (another's), host or none
  /// `container_label_…` and `container_env_…`: allowed, fit as label names, sorted, each once.
  std::vector<LabelPair> container_labels;

  std::string outer;  ///< path of the container that it lies in
  ContainerLife life;
  friend bool operator==(const CgroupLabels&, const CgroupLabels&) = default;
};

/// Hands each label of container_info beyond the identity labels to `on_label(name, value)`, those
/// without a value included.
template <class F>
void for_each_info_label(const CgroupLabels& labels, F on_label) {
  on_label("container_id", labels.container_id);
  on_label("kind", name_of(labels.kind));
  on_label("runtime", labels.runtime);
  on_label("image_id", labels.image_id);
  on_label("unit", labels.unit);
  on_label("slice", labels.slice);
  on_label("pod_uid", labels.pod_uid);
  on_label("qos", labels.qos);
  on_label("uid", labels.uid);
  on_label("user", labels.user);
  on_label("job_id", labels.job_id);
  on_label("step_id", labels.step_id);
  on_label("task_id", labels.task_id);
  on_label("network", labels.network);
  for (const auto& [name, value] : labels.container_labels) on_label(name, value);
}

/// Samples' labels that were left out or cut.
struct LabelBounds {
  std::uint64_t container_labels = 0;  ///< beyond the number of one container
  std::uint64_t label_length = 0;      ///< keys that are too long, values that were cut
  std::uint64_t label_collision = 0;   ///< keys that become the name of another
  void add(const LabelBounds& more) {
    container_labels += more.container_labels;
    label_length += more.label_length;
    label_collision += more.label_collision;
  }
};

}  // namespace cgmon
