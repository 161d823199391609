#include "agent/enforce/subordinate_ids.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cgmon {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

TEST(ParseSubordinateIds, TakesTheUsersRangesByNameAndByNumber) {
  const auto ranges =
      parse_subordinate_ids("ann:100000:65536\nbob:165536:65536\n1000:300000:10\n", "ann", 1000);
  ASSERT_THAT(ranges, SizeIs(2));
  EXPECT_EQ(ranges[0].inside, 1U);
  EXPECT_EQ(ranges[0].outside, 100'000U);
  EXPECT_EQ(ranges[1].inside, 65'537U);
  EXPECT_EQ(ranges[1].outside, 300'000U);
  const SubordinateIds ids{"/usr/bin/newuidmap", ranges};
  EXPECT_TRUE(ids.usable() && ids.holds({0, 100'000, 65'536}) && ids.holds({5, 300'009, 1}));
  EXPECT_FALSE(ids.holds({0, 100'000, 65'537}) || ids.holds({0, 99'999, 2}) ||
               ids.holds({0, 4'294'967'295, 4'294'967'295}));
}

TEST(ParseSubordinateIds, LeavesOutWhatIsNoRange) {
  for (const char* bad : {"", "ann", "ann:", "ann:1", "ann:1:", "ann:x:1", "ann:1:0", "ann:-1:2",
                          "ann:4294967295:1\nann:1:4294967296", ":1:1", "anna:1:1", "ann:1:1:1"}) {
    EXPECT_THAT(parse_subordinate_ids(bad, "ann", 1000), SizeIs(testing::Le(1U))) << bad;
  }
  EXPECT_THAT(parse_subordinate_ids("ann:1:0\nann:x:5\n", "ann", 1000), IsEmpty());
  EXPECT_THAT(parse_subordinate_ids(":1:1\n", "", 1000), IsEmpty());
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "ann:100000:1\n";
  EXPECT_THAT(parse_subordinate_ids(many, "ann", 1000), SizeIs(64));
}

}  // namespace
}  // namespace cgmon
