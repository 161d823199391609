#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "agent/expose/prometheus_text.h"
#include "agent/expose/snapshot_json.h"
#include "agent/expose/terminal_table.h"
#include "agent/host_session.h"
#include "agent/self_metrics.h"

namespace cgmon {

/// `agent --once -o prometheus`: one collection, as the page has it.
[[nodiscard]] std::string once_prometheus(HostSession& session, SelfMetrics& self,
                                          const PageBounds& bounds);

/// `agent --once -o json`: one collection, as /api/v1/snapshot has it.
[[nodiscard]] std::string once_json(HostSession& session, const HostFacts& host);

/// `agent --once`: the table, of two collections that lie `interval_ns` apart; `sleep` waits so
/// many nanoseconds.
[[nodiscard]] TerminalTable once_table(HostSession& session, std::int64_t interval_ns,
                                       const TableOptions& options,
                                       const std::function<void(std::int64_t)>& sleep);

}  // namespace cgmon
