#include "agent/wake_budget.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace cgmon {
namespace {

constexpr std::int64_t kMs = 1'000'000;

TEST(WakeBudget, LetsTwentyThroughInASecondAndNoMore) {
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
  EXPECT_GE(woken.size(), 120U);
}

TEST(WakeBudget, KeepsHalfForWhatCannotWait) {
  WakeBudget budget;
  int woken = 0;
  std::int64_t now = 5000 * kMs;
  for (; now < 6000 * kMs; now += kMs) {  // directories come and go at any time
    if (budget.patient_wait_ns(now) != 0) continue;
    budget.spend(now);
    ++woken;
  }
  EXPECT_EQ(woken, 10);
  EXPECT_EQ(budget.wait_ns(now), 0) << "for a cgroup that dies now";
  budget.spend(now);
  EXPECT_EQ(budget.patient_wait_ns(now + 40 * kMs), 60 * kMs);
  EXPECT_EQ(budget.wait_ns(now + 40 * kMs), 0);
}

}  // namespace
}  // namespace cgmon
