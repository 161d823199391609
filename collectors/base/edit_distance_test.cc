#include "collectors/base/edit_distance.h"

#include <gtest/gtest.h>

#include <string>

namespace cgmon {
namespace {

TEST(EditDistance, CountsEachKindOfTypoOnce) {
  EXPECT_EQ(edit_distance("threads", "threads"), 0U);
  EXPECT_EQ(edit_distance("threads", "thread"), 1U);
  EXPECT_EQ(edit_distance("threads", "threadss"), 1U);
  EXPECT_EQ(edit_distance("threads", "thraads"), 1U);
  EXPECT_EQ(edit_distance("threads", "trheads"), 1U) << "neighbours swapped";
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
}

TEST(EditDistance, TakesCaseAndUnderscoresForFree) {
  EXPECT_EQ(edit_distance("WEB.LISTEN_ADDRESS", "web.listen-address"), 0U);
}

TEST(EditDistance, IsTheLengthOfTheOtherForAnEmptyName) {
  EXPECT_EQ(edit_distance("", ""), 0U);
  EXPECT_EQ(edit_distance("", "abc"), 3U);
  EXPECT_EQ(edit_distance("abc", ""), 3U);
}

TEST(EditDistance, IsTheSameBothWays) {
  for (const std::string a : {"", "a", "ab", "ba", "web.threads", "htreads"}) {
    for (const std::string b : {"", "b", "abc", "cab", "web.treads", "thread"}) {
      EXPECT_EQ(edit_distance(a, b), edit_distance(b, a)) << a << ' ' << b;
    }
  }
}

}  // namespace
}  // namespace cgmon
