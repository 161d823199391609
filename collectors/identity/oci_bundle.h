#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "collectors/base/result.h"
#include "collectors/identity/metadata.h"

namespace cgmon {

/// What the annotations of an OCI bundle's config.json say. Written by containerd's CRI plugin
/// (`io.kubernetes.cri.*`), nerdctl (`nerdctl/*`), CRI-O (`io.kubernetes.cri-o.*`) and podman
/// (`io.container.manager` "libpod"; neither name nor image). Plain `ctr` writes none: the
/// container is then named by its id. EBADMSG for text that is no JSON object.
[[nodiscard]] Result<ContainerMetadata> parse_bundle(std::string_view json, std::string_view id);

/// An entry of containers/storage's containers.json.
struct StoredContainer {
  std::string id, name, image, image_id;
  std::int64_t created_at_ns = 0;
};
/// All entries, at most 10,000; EBADMSG for text that is no JSON array.
[[nodiscard]] Result<std::vector<StoredContainer>> parse_stored_containers(std::string_view json);

/// What the name of a directory in /var/log/pods says: `NAMESPACE_POD_UID`; none of the three holds
/// a "_". Empty where it is no such name.
struct PodLogName {
  std::string_view namespace_name, pod, uid;
};
[[nodiscard]] PodLogName parse_pod_log_name(std::string_view name);

}  // namespace cgmon
