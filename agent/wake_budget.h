#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace cgmon {

/// How often the collection thread may wake between scrapes: never more than 20 times in any
/// second. What can wait (a directory that was made or removed) wakes it no more often than each
/// 100 ms, so that a storm of it leaves room for what cannot (a cgroup that dies).
/// Times are monotonic nanoseconds. One-thread.
class WakeBudget {
 public:
  static constexpr std::size_t kMost = 20;
  static constexpr std::int64_t kSecondNs = 1'000'000'000;
  static constexpr std::int64_t kPatienceNs = 100'000'000;

  /// How long to wait until the next one; 0: not at all.
  [[nodiscard]] std::int64_t wait_ns(std::int64_t now_ns) const {
    return std::max<std::int64_t>(last_[oldest_] + kSecondNs - now_ns, 0);
  }
  /// The same for what can wait.
  [[nodiscard]] std::int64_t patient_wait_ns(std::int64_t now_ns) const {
    const std::size_t newest = (oldest_ + kMost - 1) % kMost;
    return std::max({last_[newest] + kPatienceNs - now_ns, wait_ns(now_ns), std::int64_t{0}});
  }
  void spend(std::int64_t now_ns) {
    last_[oldest_] = now_ns;
    oldest_ = (oldest_ + 1) % kMost;
  }

 private:
  std::array<std::int64_t, kMost> last_ = [] {
    std::array<std::int64_t, kMost> never{};
    never.fill(-kSecondNs);
    return never;
  }();
  std::size_t oldest_ = 0;
};

}  // namespace cgmon
