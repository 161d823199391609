#pragma once

#include <string>
#include <vector>

#include "collectors/identity/metadata.h"
#include "collectors/metrics/snapshot.h"
#include "collectors/selection.h"

namespace cgmon {

/// The rows of a living container's engine: its state, restarts, health and creation.
/// `cgroup_made_ns`: when its cgroup was, since the epoch, 0 if that is not known.
void set_lifecycle(Slot slot, const CgroupLabels& labels, std::int64_t cgroup_made_ns,
                   Snapshot& snapshot);

/// Adds the samples of containers that have ended, are selected and have no cgroup in `snapshot`,
/// in the order of the rows, behind those of other rows.
void add_ended(const std::vector<EndedContainer>& ended, const Selection& selection,
               Snapshot& snapshot);

}  // namespace cgmon
