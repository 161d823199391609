#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "agent/collection_loop.h"
#include "agent/expose/prometheus_text.h"
#include "agent/self_metrics.h"

namespace cgmon {

/// The /metrics page: one rendering a snapshot, shared by everybody who asked for it, into kept
/// buffers. Thread-safe.
class MetricsPage {
 public:
  /// `loop` and `self` must outlive it and every page that is still being sent.
  MetricsPage(CollectionLoop& loop, SelfMetrics& self, std::size_t max_samples)
      : loop_(loop), self_(self), text_(max_samples) {}

  /// A whole page. When the collection is stuck, the agent's own metrics alone.
  [[nodiscard]] std::shared_ptr<const std::string> get(std::int64_t deadline_ns);

 private:
  std::shared_ptr<std::string> borrow_buffer();

  CollectionLoop& loop_;
  SelfMetrics& self_;
  std::mutex render_mutex_;  // guards what follows, up to buffers_mutex_
  PrometheusText text_;
  std::uint64_t rendered_number_ = 0;  // of the collection that rendered_ shows
  std::uint64_t observed_number_ = 0;  // of the newest one that self_ has seen
  std::shared_ptr<const std::string> rendered_;

  /// Buffers that nobody reads. Shared with the pages that are out, which bring theirs back.
  struct Buffers {
    std::mutex mutex;
    std::vector<std::unique_ptr<std::string>> free;
  };
  std::shared_ptr<Buffers> buffers_ = std::make_shared<Buffers>();
};

}  // namespace cgmon
