#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/base/result.h"
#include "collectors/cgroup/layout.h"
#include "collectors/kernel/files.h"
#include "collectors/kernel/roots.h"
#include "collectors/metrics/snapshot.h"
#include "collectors/parse/proc_cgroup.h"

namespace cgmon {

/// The line of /proc/PID/cgroup that speaks of a hierarchy, nullptr if none does.
[[nodiscard]] const ProcCgroup* line_of(std::span<const ProcCgroup> lines,
                                        const Hierarchy& hierarchy);

/// The deepest cgroup of a process that the snapshot has; kNoSlot for none. On v1 a process may be
/// in another cgroup in each hierarchy.
[[nodiscard]] Slot cgroup_of_process(std::span<const ProcCgroup> lines, const Layout& layout,
                                     const Snapshot& snapshot);

/// The cgroup that somebody calls NAME (of a container, a unit or a pod; the path's last part),
/// ID (a container's, or so much of it that it is the only one) or PATH (of the cgroup, with or
/// without a mount point before it). An Error says which ones it could be or what is near; it is
/// fit for a terminal.
[[nodiscard]] Result<Slot> find_cgroup(std::string_view what, const Layout& layout,
                                       const Snapshot& snapshot);

/// The same, or the cgroup of the process with this number.
[[nodiscard]] Result<Slot> find_cgroup_or_process(std::string_view what, Files& files,
                                                  const Roots& roots, const Layout& layout,
                                                  const Snapshot& snapshot);

/// The directory of a cgroup in each hierarchy; empty where it has none.
[[nodiscard]] std::vector<std::string> directories_of(std::string_view path, Files& files,
                                                      const Layout& layout);

}  // namespace cgmon
