#include "agent/http/pages.h"

#include <gtest/gtest.h>

namespace cgmon {
namespace {

TEST(PagesTest, HealthyIsOneWord) {
  EXPECT_EQ(healthy_page().status, 200);
  EXPECT_EQ(*healthy_page().body, "healthy\n");
}

TEST(PagesTest, ReadyIs200AndUnreadyIs503WithItsReason) {
  EXPECT_EQ(ready_page(true).status, 200);
  EXPECT_EQ(*ready_page(true).body, "ready\n");
  EXPECT_EQ(ready_page(false, "a collection is stuck").status, 503);
  EXPECT_EQ(*ready_page(false, "a collection is stuck").body, "not ready: a collection is stuck\n");
  EXPECT_EQ(*ready_page(false).body, "not ready\n");
}

}  // namespace
}  // namespace cgmon
