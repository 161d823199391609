#pragma once

#include <string>
#include <vector>

#include "collectors/base/result.h"
#include "collectors/cgroup/layout.h"
#include "collectors/kernel/files.h"
#include "collectors/kernel/roots.h"

namespace cgmon {

/// In which cgroup this process may make others, a directory for each hierarchy of the layout: its
/// top for root, else the topmost of those above this process that were handed to its user; empty
/// where there is none. Source: cgroup-v2.rst "Delegation".
[[nodiscard]] std::vector<std::string> run_parents(Files& files, const Roots& roots,
                                                   const Layout& layout);

/// Where root may make cgroups beside a systemd that manages all others: in the unit that this
/// process is in, if that was handed over (Delegate=yes), and at the top of hierarchies of v1 that
/// are not systemd's.
struct DelegatedUnit {
  std::vector<std::string> parents;  ///< as of run_parents()
  std::string leave;                 ///< the v2 one, if this process is in it
};
/// An Error where the unit is not handed over, or on v2 has other processes than this one in its
/// own cgroup.
[[nodiscard]] Result<DelegatedUnit> delegated_unit(Files& files, const Roots& roots,
                                                   const Layout& layout);

/// Whether systemd makes the cgroups of its units in a hierarchy.
[[nodiscard]] bool is_managed_by_systemd(const Hierarchy& hierarchy);

/// The uppermost cgroup from `directory` up to the hierarchy's top that its manager, systemd,
/// marked as handed over (Delegate=yes): the mark is an extended attribute. Empty: none.
[[nodiscard]] std::string delegated_above(std::string directory, const std::string& mount_point);

}  // namespace cgmon
