#pragma once

#include <string_view>

#include "collectors/base/result.h"
#include "collectors/identity/json_visit.h"
#include "collectors/identity/metadata.h"

namespace cgmon {

/// What the annotations of an OCI bundle's config.json say, and the cgroup that it is to be in.
/// Written by containerd's CRI plugin
/// (`io.kubernetes.cri.*`), nerdctl (`nerdctl/*`), CRI-O (`io.kubernetes.cri-o.*`) and podman
/// (`io.container.manager` "libpod"; neither name nor image). Plain `ctr` writes none: the
/// container is then named by its id. EBADMSG for text that is no JSON object.
[[nodiscard]] Result<ContainerMetadata> parse_bundle(std::string_view json, std::string_view id,
                                                     const AllowedKeys& allowed = {});

/// The `linux.namespaces` of a bundle as they go by.
struct BundleNamespaces {
  std::string type, path;   ///< of the one under way
  bool any = false;         ///< there are some
  bool network = false;     ///< one for the network is among them, else it is the host's
  bool with_path = false;   ///< which is there already
  bool of_process = false;  ///< which is that of a process
};
/// Takes what visit_json() tells of a bundle that lies at the top of the document.
void take_namespace(JsonKeys keys, const JsonValue& value, BundleNamespaces& namespaces);

}  // namespace cgmon
