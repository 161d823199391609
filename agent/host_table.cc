#include "agent/host_table.h"

namespace cgmon {
namespace {

/// Rates over less would jump; over more they would not be of now.
constexpr std::int64_t kShortestNs = 1'000'000'000;
constexpr std::int64_t kLongestNs = 60'000'000'000;

bool is_between(std::int64_t ns) { return ns >= kShortestNs && ns <= kLongestNs; }

}  // namespace

std::shared_ptr<const std::string> HostTable::get(std::int64_t deadline_ns,
                                                  const TablePageOptions& options) {
  const CollectionLoop::Lease lease = loop_.get(deadline_ns);
  self_.count_collection(name_of(lease.outcome()));
  if (!lease) return nullptr;
  const std::lock_guard lock(mutex_);
  return std::make_shared<const std::string>(
      table_page(older_than(*lease), *lease, options, facts_));
}

/// The youngest kept snapshot that is old enough, else `newer` itself. A copy of `newer` is kept
/// when the last one is a second old, so that two who look at once see the same interval.
const Snapshot& HostTable::older_than(const Snapshot& newer) {
  if (recent_ == nullptr || newer.monotonic_ns - recent_->monotonic_ns >= kShortestNs) {
    std::swap(older_, recent_);
    if (recent_ == nullptr) recent_ = std::make_unique<Snapshot>();
    *recent_ = newer;
  }
  const bool is_known = older_ && is_between(newer.monotonic_ns - older_->monotonic_ns);
  return is_known ? *older_ : newer;
}

}  // namespace cgmon
