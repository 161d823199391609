#pragma once

#include <string>
#include <vector>

#include "agent/enforce/isolation.h"
#include "agent/enforce/target.h"
#include "collectors/base/result.h"
#include "collectors/cgroup/layout.h"
#include "collectors/kernel/files.h"
#include "collectors/kernel/roots.h"

namespace cgmon {

/// Looks for what --into names as `agent inspect` does, and for the process whose namespaces
/// `join` are asked for. An Error says which names are near, or that the container has ended; it is
/// fit for a terminal.
[[nodiscard]] Result<RunTarget> find_target(Files& files, const Roots& roots, const Layout& layout,
                                            const std::vector<std::string>& docker_roots,
                                            const std::string& name, NamespaceSet join);

}  // namespace cgmon
