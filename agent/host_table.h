#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "agent/collection_loop.h"
#include "agent/expose/table_page.h"
#include "agent/self_metrics.h"

namespace cgmon {

/// The table as a page. Its rates need an older snapshot, so it keeps copies of two that it showed:
/// none while nobody looks at the page, as much memory as two snapshots afterwards. Thread-safe.
class HostTable {
 public:
  /// All must outlive it.
  HostTable(CollectionLoop& loop, SelfMetrics& self, TablePageFacts facts)
      : loop_(loop), self_(self), facts_(facts) {}

  /// HTML; nothing when the collection is stuck.
  [[nodiscard]] std::shared_ptr<const std::string> get(std::int64_t deadline_ns,
                                                       const TablePageOptions& options);

 private:
  const Snapshot& older_than(const Snapshot& newer);

  CollectionLoop& loop_;
  SelfMetrics& self_;
  TablePageFacts facts_;
  std::mutex mutex_;                          // guards what follows
  std::unique_ptr<Snapshot> older_, recent_;  // a second apart at least
};

}  // namespace cgmon
