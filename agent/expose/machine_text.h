#pragma once

#include <string>

#include "agent/expose/text_format.h"
#include "collectors/metrics/snapshot.h"

namespace cgmon {

/// Appends the families of the machine that are in `groups` and were read, without OpenMetrics'
/// end. Their number depends on the machine alone, so that no bound is needed.
void append_machine_text(const Snapshot& snapshot, std::string& page,
                         TextFormat format = TextFormat::prometheus, GroupSet groups = kAllGroups);

}  // namespace cgmon
