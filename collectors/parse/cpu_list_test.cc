#include "collectors/parse/cpu_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace cgmon {
namespace {

using ::testing::ElementsAre;
using ::testing::Optional;

TEST(CpuList, CountsNumbersAndRanges) {
  EXPECT_EQ(count_cpu_list("0\n"), 1U);
  EXPECT_EQ(count_cpu_list("0-1\n"), 2U);
  EXPECT_EQ(count_cpu_list("0-3,8,10-11\n"), 7U);
  EXPECT_EQ(count_cpu_list("\n"), 0U);  // a cgroup without CPUs of its own
}

TEST(CpuList, TakesNoListThatWasCut) {
  const std::string whole = "0-3,8,10-11\n";
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_FALSE(count_cpu_list(whole.substr(0, length))) << length;
  }
}

TEST(CpuList, TakesNothingThatTheKernelDoesNotWrite) {
  for (const char* const text :
       {"0,\n", ",0\n", "3-0\n", "0-\n", "-3\n", "0-1,1\n", "1,0\n", "a\n", "0 1\n", "0-1-2\n",
        "0-1048576\n", "0-99999999999999999999\n", "0\n\n", " 0\n"}) {
    EXPECT_FALSE(count_cpu_list(text)) << text;
  }
}

TEST(ParseCpuList, ReadsNumbersAndRanges) {
  EXPECT_THAT(parse_cpu_list("0-2,4,8-9\n"), Optional(ElementsAre(0, 1, 2, 4, 8, 9)));
  EXPECT_THAT(parse_cpu_list("7\n"), Optional(ElementsAre(7)));
}

TEST(ParseCpuList, TakesAnEmptyLineAsTheEmptySet) {
  EXPECT_THAT(parse_cpu_list("\n"), Optional(ElementsAre()));
}

TEST(ParseCpuList, RefusesAListThatWasCutAtAnyByte) {
  const std::string whole = "0-11,14\n";
  for (std::size_t i = 0; i < whole.size(); ++i) {
    EXPECT_EQ(parse_cpu_list(whole.substr(0, i)), std::nullopt) << i;
  }
}

TEST(ParseCpuList, RefusesWhatIsNoRisingListAndWhatIsTooLong) {
  for (const char* const bad :
       {"a\n", "0,\n", ",1\n", "1-\n", "-1\n", "3-1\n", "1,1\n", "2,1\n", "0 1\n", "0-4294967295\n",
        "65536\n", "1-2-3\n", "99999999999999999999\n"}) {
    EXPECT_EQ(parse_cpu_list(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace cgmon
