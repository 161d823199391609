#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "agent/expose/snapshot_json.h"
#include "agent/host_session.h"
#include "agent/self_metrics.h"

namespace spdlog {
class logger;
}

namespace cgmon {

struct ServeOptions {
  std::vector<std::string> listen_addresses;
  std::string telemetry_path = "/metrics";
  std::int64_t min_interval_ns = 500'000'000;
  std::uint32_t threads = 8;
  bool exporter_metrics = true;
  std::size_t max_samples = 500'000;
  AgentFacts facts;
  HostFacts host;
};

/// Serves until `wait_for_end` returns, then answers what is under way and ends. Fails when it
/// cannot listen. `abandon` must end the process at once: it is called when a thread hangs in the
/// kernel and cannot be waited for.
[[nodiscard]] Result<void> serve(const ServeOptions& options, HostSession& session,
                                 spdlog::logger& log, const std::function<void()>& wait_for_end,
                                 const std::function<void()>& abandon);

}  // namespace cgmon
