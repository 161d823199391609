#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "agent/enforce/isolation.h"
#include "collectors/base/result.h"
#include "collectors/cgroup/layout.h"
#include "collectors/kernel/files.h"
#include "collectors/kernel/roots.h"

namespace cgmon {

/// The cgroup that --into names, and the process whose namespaces --join takes.
struct RunTarget {
  std::string name;                           ///< as it was asked for
  std::string path;                           ///< of the cgroup, "/docker/…"
  std::vector<std::string> directories;       ///< by hierarchy of the layout; empty: not there
  pid_t process = -1;                         ///< the oldest one in it; -1: nobody is asked for
  int pidfd = -1;                             ///< of it
  NamespaceSet join = 0;                      ///< of those asked for, the ones that are not ours
  CapabilitySet bounding = kAllCapabilities;  ///< what a program in it can have
  bool no_new_privileges = false, has_filter = false;  ///< of that process
};

/// Says why no cgroup may be made in the target: that another manager's rules forbid it, that its
/// limits would not hold there, or that a right is missing. `is_systemds`: systemd manages this
/// host's cgroups and nothing was forced.
[[nodiscard]] Result<void> check_target(Files& files, const Layout& layout, const RunTarget& target,
                                        bool is_systemds);

/// Fills in the process of a target and what it may; an Error if there is none, or one may not
/// look. The pidfd is the caller's.
[[nodiscard]] Result<void> find_process(Files& files, const Roots& roots, NamespaceSet wanted,
                                        RunTarget& target);

}  // namespace cgmon
