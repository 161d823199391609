#pragma once

#include <string>
#include <vector>

#include "collectors/cgroup/layout.h"
#include "collectors/kernel/files.h"
#include "collectors/kernel/roots.h"

namespace cgmon {

/// In which cgroup this process may make others, a directory for each hierarchy of the layout: its
/// top for root, else the topmost of those above this process that were handed to its user; empty
/// where there is none. Source: cgroup-v2.rst "Delegation".
[[nodiscard]] std::vector<std::string> run_parents(Files& files, const Roots& roots,
                                                   const Layout& layout);

/// The uppermost cgroup from `directory` up to the hierarchy's top that its manager, systemd,
/// marked as handed over (Delegate=yes): the mark is an extended attribute. Empty: none.
[[nodiscard]] std::string delegated_above(std::string directory, const std::string& mount_point);

}  // namespace cgmon
