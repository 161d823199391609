#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "collectors/base/result.h"
#include "collectors/identity/host_files.h"
#include "collectors/identity/metadata.h"

namespace cgmon {

/// The life of a container as containerd's CRI plugin keeps it beside its own state, in
/// ROOT/io.containerd.grpc.v1.cri/containers/ID/status: one JSON object, times in nanoseconds since
/// the epoch, `Reason` "OOMKilled" (containerd, internal/cri/store/container/status.go). EBADMSG
/// for text that is no such object.
[[nodiscard]] Result<ContainerLife> parse_cri_status(std::string_view json);

/// containerd's own files, also those of k3s and microk8s: STATE/io.containerd.runtime.v2.task/
/// NAMESPACE/ID/config.json is the bundle of what runs. With another root or state in
/// /etc/containerd/config.toml they are found there. One-thread.
class ContainerdFiles {
 public:
  explicit ContainerdFiles(HostFiles& host, AllowedKeys allowed = {});

  /// A container of a namespace; of all of them where it is empty.
  [[nodiscard]] Result<ContainerMetadata> read(std::string_view name_space, std::string_view id);
  /// Kubernetes' containers that have ended, each with its id, unnamed, in any order; at most
  /// `most` are looked at.
  [[nodiscard]] std::vector<EndedContainer> ended(std::size_t most);

 private:
  void add_life(std::string_view id, ContainerLife& life);
  std::string_view network_in(std::string_view state, std::string_view space,
                              const ContainerMetadata& container);

  HostFiles& host_;
  AllowedKeys allowed_;
  std::vector<std::string> states_, roots_;  // the same index is the same daemon
  std::string text_;
};

}  // namespace cgmon
