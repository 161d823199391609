#pragma once

#include <algorithm>
#include <cstdint>

namespace cgmon {

/// How often the collection thread may wake between scrapes: never more than 20 times in any
/// second, and ten at once, so that what dies first in a burst is still looked at in time.
/// Times are monotonic nanoseconds. One-thread.
class WakeBudget {
 public:
  /// How long to wait until the next one; 0: none.
  [[nodiscard]] std::int64_t wait_ns(std::int64_t now_ns) {
    gain(now_ns);
    return std::max<std::int64_t>(kPriceNs - saved_ns_, 0);
  }
  void spend(std::int64_t now_ns) {
    gain(now_ns);
    saved_ns_ -= kPriceNs;
  }

 private:
  static constexpr std::int64_t kPriceNs = 100'000'000;
  static constexpr std::int64_t kMostSavedNs = 10 * kPriceNs;

  void gain(std::int64_t now_ns) {
    saved_ns_ = std::min(saved_ns_ + now_ns - last_ns_, kMostSavedNs);
    last_ns_ = now_ns;
  }

  std::int64_t saved_ns_ = kMostSavedNs;
  std::int64_t last_ns_ = 0;
};

}  // namespace cgmon
