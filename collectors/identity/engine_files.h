#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "collectors/base/result.h"
#include "collectors/identity/docker.h"
#include "collectors/identity/host_files.h"
#include "collectors/identity/metadata.h"
#include "collectors/identity/oci_bundle.h"
#include "collectors/kernel/files.h"
#include "collectors/kernel/roots.h"

namespace cgmon {

/// What engines' own files say of their containers, without a socket: docker's config.v2.json,
/// containerd's bundles (also of k3s and microk8s), containers/storage of podman and CRI-O (also of
/// rootless users), names of pods from /var/log/pods. One-thread; disks may hang it.
class EngineFiles {
 public:
  EngineFiles(Files& files, const Roots& roots, std::vector<std::string> docker_roots,
              AllowedKeys allowed = {});

  /// Errors: errno of the read that tells most, ENOSYS for a runtime that has no reader.
  [[nodiscard]] Result<ContainerMetadata> read(const MetadataQuestion& question);
  /// Those that docker still knows.
  [[nodiscard]] EndedContainers ended(std::int64_t now_ns) { return docker_.ended(now_ns); }

 private:
  /// Where a driver of containers/storage keeps containers (ROOT/overlay-containers), and what its
  /// list said when it was read last.
  struct Store {
    std::string path;
    std::string list_text;
    std::vector<StoredContainer> list;
  };

  Result<ContainerMetadata> read_containerd(const MetadataQuestion& question);
  Result<ContainerMetadata> read_stored(std::string_view id);
  bool find_stored(Store& store, std::string_view id, ContainerMetadata& metadata);
  void add_pod(std::string_view uid, ContainerMetadata& metadata);

  HostFiles host_;
  DockerFiles docker_;
  std::vector<Store> stores_;
  std::string text_;
};

}  // namespace cgmon
