#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "collectors/identity/host_files.h"
#include "collectors/identity/metadata.h"

namespace cgmon {

/// What the name of a directory in /var/log/pods says: `NAMESPACE_POD_UID`; none of the three holds
/// a "_". Empty where it is no such name.
struct PodLogName {
  std::string_view namespace_name, pod, uid;
};
[[nodiscard]] PodLogName parse_pod_log_name(std::string_view name);

/// What the name of a link in /var/log/containers says: `POD_NAMESPACE_CONTAINER-ID.log`, of an id
/// of 64 hexadecimal digits. Empty where it is no such name.
struct ContainerLogName {
  std::string_view pod, namespace_name, container, id;
};
[[nodiscard]] ContainerLogName parse_container_log_name(std::string_view name);

/// The N of a container's log file: `N.log`, while it is rotated `N.log.TIME` or `N.log.TIME.gz`.
/// It counts the container's restarts. Nothing for any other name.
[[nodiscard]] std::optional<std::uint64_t> parse_log_number(std::string_view name);

/// Names that the kubelet gives its log directories, which any uid may list: what a container and
/// its pod are called where no engine's file says it, and how often it was restarted. One-thread.
class KubernetesLogs {
 public:
  explicit KubernetesLogs(HostFiles& host) : host_(host) {}

  /// Pod, namespace and container of an id, where they are not known yet; whether it was found.
  bool name_container(std::string_view id, ContainerMetadata& metadata);
  /// Pod and namespace of a pod's uid, likewise.
  bool name_pod(std::string_view uid, ContainerMetadata& metadata);
  /// Restarts of a container whose pod, namespace and uid are known, where they are not known yet.
  void count_restarts(ContainerMetadata& metadata);

 private:
  HostFiles& host_;
};

}  // namespace cgmon
