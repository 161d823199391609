#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "agent/collection_loop.h"
#include "agent/expose/prometheus_text.h"
#include "agent/expose/snapshot_json.h"
#include "agent/expose/template_gzip.h"
#include "agent/self_metrics.h"

namespace cgmon {

/// What a page shows of a snapshot.
enum class PageView : std::uint8_t {
  metrics,   ///< every family, and the agent's own
  resource,  ///< what a kubelet has at /metrics/resource
  json,      ///< the snapshot as JSON; the text format does not matter
};

/// What a page is to hold and how it is to be written.
struct PageForm {
  PageView view = PageView::metrics;
  TextFormat format = TextFormat::prometheus;
  bool gzip = false;
  GroupSet groups = kAllGroups;
};

/// The pages made of snapshots: one rendering a snapshot and form, shared by everybody who asked
/// for it, into kept buffers. Thread-safe.
class MetricsPage {
 public:
  /// `loop`, `clock` and `self` must outlive it and every page that is still being sent.
  MetricsPage(CollectionLoop& loop, const Clock& clock, SelfMetrics& self, const PageBounds& bounds,
              HostFacts host = {})
      : loop_(loop), clock_(clock), self_(self), host_(std::move(host)), text_(bounds) {}

  /// A whole page. When the collection is stuck: the agent's own metrics alone, the error alone, as
  /// JSON nothing (null).
  [[nodiscard]] std::shared_ptr<const std::string> get(std::int64_t deadline_ns,
                                                       const PageForm& form = {});
  void set_bounds(const PageBounds& bounds);

 private:
  void render(const Snapshot& snapshot, const PageForm& form, std::string& page);
  void render_metrics(const Snapshot& snapshot, const PageForm& form, std::string& page);
  void render_stuck(const PageForm& form, std::string& page);
  void compress(std::string& page);
  void append_end(const Snapshot* snapshot, const PageForm& form, std::string& page) const;
  std::shared_ptr<std::string> borrow_buffer(const PageForm& form);

  CollectionLoop& loop_;
  const Clock& clock_;
  SelfMetrics& self_;
  HostFacts host_;
  std::mutex render_mutex_;  // guards what follows, but for the buffers
  PrometheusText text_;
  TemplateGzip template_gzip_;
  Gzip gzip_;
  std::string plain_;                  // what a compressed page is made of
  std::uint64_t rendered_number_ = 0;  // of the collection that rendered_ shows
  GroupSet rendered_groups_ = 0;       // of which it shows these
  std::array<std::shared_ptr<const std::string>, 12> rendered_;  // by view, format and encoding

  /// Buffers that nobody reads. Shared with the pages that are out, which bring theirs back.
  struct Buffers {
    std::mutex mutex;
    std::vector<std::unique_ptr<std::string>> free;
  };
  std::shared_ptr<Buffers> buffers_ = std::make_shared<Buffers>();
};

}  // namespace cgmon
