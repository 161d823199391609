#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "agent/expose/prometheus_text.h"
#include "agent/expose/text_format.h"
#include "collectors/metrics/snapshot.h"

namespace cgmon {

/// What does not change while the agent runs.
struct AgentFacts {
  std::string version, revision, compiler;
  double start_time_seconds = 0;  ///< since the epoch
};

/// How the last pass found the host; a mount can change it.
struct HostView {
  std::string_view cgroup_mode;  ///< static text
  bool view_restricted = false;
};

/// The agent's own metrics (cgmon_*, process_*), kept by prometheus-cpp and printed by our writer.
/// Thread-safe.
class SelfMetrics {
 public:
  /// `exporter_metrics` false: only what explains absent values (cgmon_unavailable_cgroups).
  SelfMetrics(const AgentFacts& facts, bool exporter_metrics);
  SelfMetrics(const SelfMetrics&) = delete;
  SelfMetrics& operator=(const SelfMetrics&) = delete;
  ~SelfMetrics();

  void count_collection(std::string_view outcome);
  /// A pass that ended, whether or not somebody renders it; call once a pass.
  void observe_pass(const Snapshot& snapshot, const HostView& host);
  /// CPU time of a part that no pass knows of: "render", "http".
  void add_cpu(std::string_view part, std::int64_t cpu_ns);
  /// The collectors that are on.
  void set_groups(GroupSet groups);
  [[nodiscard]] GroupSet groups() const;
  void set_exporter_metrics(bool on);
  void count_reload(bool success, std::int64_t wall_ns);
  /// A page went out for the first time. `encoding`: "identity" or "gzip".
  void page_written(std::string_view encoding, std::size_t bytes,
                    const PrometheusText::Stats& stats);
  void count_request(std::string_view handler, int code);

  /// Appends all families, without OpenMetrics' end; of collectors those in `groups`. Without a
  /// snapshot (the collection is stuck) they show success 0.
  void append_text(const Snapshot* snapshot, std::string& page,
                   TextFormat format = TextFormat::prometheus, GroupSet groups = kAllGroups) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace cgmon
