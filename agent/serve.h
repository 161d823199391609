#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/expose/snapshot_json.h"
#include "agent/host_session.h"
#include "agent/log.h"
#include "agent/self_metrics.h"
#include "agent/service_manager.h"

namespace cgmon {

/// What can change while the agent serves.
struct LiveOptions {
  std::int64_t min_interval_ns = 500'000'000;
  bool exporter_metrics = true;
  PageBounds page;
  CollectorOptions collector;
};

struct ServeOptions {
  std::vector<std::string> listen_addresses;
  std::string telemetry_path = "/metrics";
  std::uint32_t threads = 8;
  LiveOptions live;
  AgentFacts facts;
  HostFacts host;
};

/// What the server asks of its process.
struct ServeProcess {
  enum class Wake : std::uint8_t { reload, end };
  /// Waits until there is something to do.
  std::function<Wake()> wait;
  /// The options of now; nothing when they are wrong, which it has said in the log.
  std::function<std::optional<LiveOptions>()> reload;
  /// Tells whoever started the process how far it is; may be empty.
  std::function<void(ServicePhase)> tell;
  /// Ends the process at once: a thread hangs in the kernel and cannot be waited for.
  std::function<void()> abandon;
};

/// Serves until `process` says that it is to end, then answers what is under way. Fails when it
/// cannot listen.
[[nodiscard]] Result<void> serve(const ServeOptions& options, HostSession& session, Log& log,
                                 const ServeProcess& process);

}  // namespace cgmon
