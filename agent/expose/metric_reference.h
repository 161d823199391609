#pragma once

#include <string>
#include <string_view>

#include "collectors/base/result.h"

namespace cgmon {

/// What `agent metrics` prints: every family that is served, by collector. Made of the tables.
[[nodiscard]] std::string metric_list();

/// What `agent metrics NAME` prints: a family and where each of its numbers comes from, on cgroup
/// v1 and v2. An unknown name is an Error that says which ones are close.
[[nodiscard]] Result<std::string> explain_metric(std::string_view name);

/// docs/metrics.md: every family that is served, by collector, each with its explanation.
[[nodiscard]] std::string metric_markdown();

}  // namespace cgmon
