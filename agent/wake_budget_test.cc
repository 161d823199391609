#include "agent/wake_budget.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace cgmon {
namespace {

constexpr std::int64_t kMs = 1'000'000;

TEST(WakeBudget, LetsAFirstBurstThrough) {
  WakeBudget budget;
  const std::int64_t now = 5'000'000'000;
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(budget.wait_ns(now), 0) << i;
    budget.spend(now);
  }
  EXPECT_EQ(budget.wait_ns(now), 100 * kMs);
  EXPECT_EQ(budget.wait_ns(now + 40 * kMs), 60 * kMs);
  EXPECT_EQ(budget.wait_ns(now + 100 * kMs), 0);
}

TEST(WakeBudget, NeverLetsMoreThanTwentyThroughInASecond) {
  WakeBudget budget;
  std::vector<std::int64_t> woken;
  for (std::int64_t now = 1000 * kMs; now < 9000 * kMs; now += kMs) {  // something at any time
    const bool quiet = now > 3000 * kMs && now < 5000 * kMs;
    while (!quiet && budget.wait_ns(now) == 0) {
      budget.spend(now);
      woken.push_back(now);
    }
  }
  for (const std::int64_t from : woken) {
    const auto within = std::ranges::count_if(
        woken, [&](std::int64_t at) { return at >= from && at < from + 1000 * kMs; });
    EXPECT_LE(within, 20) << from / kMs;
  }
  EXPECT_GE(woken.size(), 60U);
}

}  // namespace
}  // namespace cgmon
