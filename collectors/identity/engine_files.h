#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "collectors/base/result.h"
#include "collectors/identity/containerd.h"
#include "collectors/identity/containers_storage.h"
#include "collectors/identity/docker.h"
#include "collectors/identity/host_files.h"
#include "collectors/identity/kubernetes_logs.h"
#include "collectors/identity/machines.h"
#include "collectors/identity/metadata.h"
#include "collectors/identity/users.h"
#include "collectors/kernel/files.h"
#include "collectors/kernel/roots.h"

namespace cgmon {

/// What engines' own files say of their containers, without a socket: docker's config.v2.json,
/// containerd's bundles and the CRI plugin's status files, containers/storage and the database of
/// podman, CRI-O's state, names from the kubelet's log directories, machines of systemd, names of
/// users. One-thread; disks may hang it.
class EngineFiles {
 public:
  EngineFiles(Files& files, const Roots& roots, std::vector<std::string> docker_roots,
              AllowedKeys allowed = {});

  /// Errors: errno of the read that tells most, ENOSYS for what has no reader. Of a question that
  /// is only a guess ENOENT says that it was wrong.
  [[nodiscard]] Result<ContainerMetadata> read(const MetadataQuestion& question);
  /// Those that their engines still know, with bounds.
  [[nodiscard]] EndedContainers ended(std::int64_t now_ns, const EndedBounds& bounds = {});

 private:
  Result<ContainerMetadata> read_container(const MetadataQuestion& question);
  Result<ContainerMetadata> read_containerd(const MetadataQuestion& question);
  Result<ContainerMetadata> read_stored(const MetadataQuestion& question);
  Result<ContainerMetadata> read_unknown(const MetadataQuestion& question);
  Result<ContainerMetadata> read_pod(const MetadataQuestion& question);
  void add_pod(const MetadataQuestion& question, ContainerMetadata& metadata);

  HostFiles host_;
  Users users_;
  KubernetesLogs logs_;
  Machines machines_;
  DockerFiles docker_;
  ContainerdFiles containerd_;
  ContainersStorage storage_;
};

}  // namespace cgmon
