#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/base/glob.h"
#include "collectors/metrics/labels.h"

namespace cgmon {

/// Which of a container's own labels and environment variables may be shown: patterns for
/// matches_glob(). None by default, as they hold secrets and change the series.
struct AllowedKeys {
  std::vector<std::string> labels, env;
};
[[nodiscard]] inline bool allows(const std::vector<std::string>& patterns, std::string_view key) {
  for (const std::string& pattern : patterns) {
    if (matches_glob(pattern, key)) return true;
  }
  return false;
}

/// What is kept of a container's labels and variables at most; a reader counts the rest.
inline constexpr std::size_t kMaxContainerLabels = 64;
inline constexpr std::size_t kMaxLabelBytes = 256;

/// What an engine's own files say of a container. Texts are valid UTF-8 and at most kMaxLabelBytes
/// long, paths excepted.
struct ContainerMetadata {
  std::string name, image, image_id;
  std::string container, pod, namespace_name, pod_uid;  ///< Kubernetes' or podman's
  bool sandbox = false;
  std::string sandbox_id;    ///< of a container of Kubernetes', where the engine's file says it
  std::string_view network;  ///< a static text as of CgroupLabels::network; empty: not known
  std::string user;          ///< whose it is, by the host's /etc/passwd
  std::string cgroup_path;   ///< that the engine asked for, as it stands in the file
  /// Allowed ones alone, keys as the engine has them, in any order, more than is kept of them if
  /// there are more.
  std::vector<LabelPair> labels, env;
  LabelBounds left_out;  ///< of allowed ones, by who read them
  ContainerLife life;
  std::string runtime;         ///< as the engine says, where that is more precise than the path
  std::uint32_t init_pid = 0;  ///< on the host, 0: not known
  std::string log_path;        ///< on the host
  std::string storage_driver;
  bool complete = false;  ///< asking again would bring nothing that names it better
};

/// The engines whose files are read.
inline constexpr auto kEnginesWithFiles =
    std::to_array<std::string_view>({"docker", "containerd", "nerdctl", "podman", "crio"});

/// What is to be found out, as far as a path says it: a container (`id`), a pod (`pod_uid` alone),
/// a machine (`unit`), or nothing but who a user is (`uid`). Views live as long as the call that
/// they are handed to.
struct MetadataQuestion {
  std::uint64_t key = 0;  ///< the asker's; comes back with the answer
  CgroupKind kind = CgroupKind::container;
  /// As of PathIdentity; empty for a cgroup that is a container only if an engine knows it.
  std::string_view runtime;
  std::string_view id;    ///< the container's, may be empty
  std::string_view path;  ///< of its cgroup
  std::string_view pod_uid;
  std::string_view engine_namespace;
  std::string_view unit;  ///< systemd's, of a machine
  std::string_view uid;   ///< whose it is, in decimal digits
};

/// Answer to one question.
struct MetadataAnswer {
  std::uint64_t key = 0;  ///< the asker's
  bool found = false;
  std::string_view source;  ///< which engine's files, e.g. "docker"
  /// When not found: errno's name, "malformed" or "too_large"; empty when there was nothing that
  /// should have been found.
  std::string_view reason;
  ContainerMetadata metadata;
};

/// A container that its engine still knows and that has ended.
struct EndedContainer {
  std::string runtime, id;
  ContainerMetadata metadata;
};

/// How many of those are wanted, and how old.
struct EndedBounds {
  std::size_t containers = 200;  ///< the newest
  std::int64_t age_ns = std::int64_t{24} * 3600 * 1'000'000'000;
};

/// All of them at one time.
struct EndedContainers {
  std::vector<EndedContainer> containers;  ///< the newest first
  std::size_t dropped = 0;                 ///< that were young enough and too many
};

/// Where questions about containers go. Implementations answer on another thread, since engines'
/// files may lie on disks that hang; in tests at once.
class MetadataQueue {
 public:
  MetadataQueue() = default;
  MetadataQueue(const MetadataQueue&) = delete;
  MetadataQueue& operator=(const MetadataQueue&) = delete;
  virtual ~MetadataQueue() = default;

  /// Asks about a container.
  virtual void ask(const MetadataQuestion& question) = 0;
  /// Asks for the containers that have ended, unless that is being found out.
  virtual void ask_ended(std::int64_t now_ns) = 0;
  /// Waits until every question about a container is answered, at most `max_ns`.
  virtual void wait(std::int64_t max_ns) = 0;
  /// Appends the answers that came since the last call.
  virtual void take(std::vector<MetadataAnswer>& answers) = 0;
  /// The newest list of ended ones that came since the last call; nothing if none came.
  virtual std::optional<EndedContainers> take_ended() = 0;
};

}  // namespace cgmon
