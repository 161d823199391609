#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "collectors/cgroup/layout.h"
#include "collectors/kernel/files.h"
#include "collectors/kernel/roots.h"

namespace cgmon {

/// What the report says beside the layout and what it can see for itself.
struct DetectFacts {
  std::vector<std::string> docker_roots;  ///< docker's data directories, paths on the host
  std::uint64_t descriptor_limit = 0;     ///< how many descriptors this process may have
  std::uint64_t descriptor_budget = 0;    ///< how many it would keep open (--limits.descriptors)
};

/// What `agent detect` prints: which cgroup interface this host has, who serves each controller,
/// what this process can see and read of it, and a remedy for each thing that is missing. Says the
/// same as long as the host is the same. Control bytes of paths are escaped (\012).
[[nodiscard]] std::string detect_report(Files& files, const Roots& roots, const Layout& layout,
                                        const DetectFacts& facts);

}  // namespace cgmon
