#include "collectors/parse/cpu_list.h"

#include <gtest/gtest.h>

#include <string>

namespace cgmon {
namespace {

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

}  // namespace
}  // namespace cgmon
