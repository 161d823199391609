#pragma once

#include "collectors/cgroup/cgroup_reader.h"
#include "collectors/cgroup/layout.h"
#include "collectors/cgroup/read_plan.h"
#include "collectors/metrics/snapshot.h"

namespace cgmon {

/// The controller without which a group has nothing; `agent` for a group that has several.
[[nodiscard]] Controller main_controller(Group group, const Layout& layout);

/// Whether this host has what a group reads.
[[nodiscard]] bool is_served(Group group, const Layout& layout);

/// Why a file that should be there is not.
[[nodiscard]] Reason reason_of(const FileKind& kind, ReadOutcome outcome);

}  // namespace cgmon
