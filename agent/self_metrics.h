#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "agent/expose/text_format.h"
#include "collectors/metrics/snapshot.h"

namespace cgmon {

/// What does not change while the agent runs.
struct AgentFacts {
  std::string version, revision, compiler;
  std::string cgroup_mode;
  bool view_restricted = false;
  double start_time_seconds = 0;  ///< since the epoch
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
  /// A pass whose duration enters the histogram; call once a pass.
  void observe_pass(const Snapshot& snapshot);
  /// `encoding`: "identity" or "gzip".
  void page_written(std::string_view encoding, std::size_t bytes, std::size_t samples);
  /// Samples beyond the page's bound; call once a pass.
  void count_dropped(std::size_t samples);
  void count_request(std::string_view handler, int code);

  /// Appends all families, without OpenMetrics' end. Without a snapshot (the collection is stuck)
  /// the collectors show success 0.
  void append_text(const Snapshot* snapshot, std::string& page,
                   TextFormat format = TextFormat::prometheus) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace cgmon
