#pragma once

#include <string_view>

#include "collectors/base/result.h"
#include "collectors/identity/metadata.h"

namespace cgmon {

/// What the annotations of an OCI bundle's config.json say, and the cgroup that it is to be in.
/// Written by containerd's CRI plugin
/// (`io.kubernetes.cri.*`), nerdctl (`nerdctl/*`), CRI-O (`io.kubernetes.cri-o.*`) and podman
/// (`io.container.manager` "libpod"; neither name nor image). Plain `ctr` writes none: the
/// container is then named by its id. EBADMSG for text that is no JSON object.
[[nodiscard]] Result<ContainerMetadata> parse_bundle(std::string_view json, std::string_view id,
                                                     const AllowedKeys& allowed = {});

}  // namespace cgmon
