#include "collectors/parse/limit.h"

#include <gtest/gtest.h>

#include <string>

namespace cgmon {
namespace {

TEST(ParseSingle, ReadsANumberOfTheKernel) {
  EXPECT_EQ(parse_single("67108864\n"), Value::of(67108864));  // memory.max
  EXPECT_EQ(parse_single("0\n"), Value::of(0));
  EXPECT_EQ(parse_single("9223372036854771712\n"), Value::of(9223372036854771712U));
}

TEST(ParseSingle, TellsUnlimitedFromANumber) {
  EXPECT_EQ(parse_single("max\n"), Value::unlimited());
  EXPECT_EQ(parse_single("-1\n"), Value::unlimited());  // v1: cpu.cfs_quota_us
}

TEST(ParseSingle, ReportsNothingOfAFileThatWasCutAtAnyByte) {
  for (const std::string whole : {"67108864\n", "max\n", "-1\n"}) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
      EXPECT_TRUE(parse_single(whole.substr(0, size)).is_absent()) << whole.substr(0, size);
    }
  }
}

TEST(ParseSingle, ReportsNothingOfTextThatIsNoNumber) {
  for (const std::string bad : {"", "\n", " 1\n", "1 \n", "1 2\n", "1\n2\n", "-2\n", "maximum\n",
                                "MAX\n", "1k\n", "18446744073709551616\n"}) {
    EXPECT_TRUE(parse_single(bad).is_absent()) << '"' << bad << '"';
  }
}

TEST(ParseLimitWord, ReadsBothFieldsOfCpuMax) {
  EXPECT_EQ(parse_limit_word("50000"), Value::of(50000));
  EXPECT_EQ(parse_limit_word("max"), Value::unlimited());
  EXPECT_TRUE(parse_limit_word("").is_absent());
  EXPECT_TRUE(parse_limit_word("99999999999999999999").is_absent());
}

TEST(NoLimitBytes, IsBelowWhatKernelsWithAnyPageSizeWriteForNone) {
  EXPECT_GE(9223372036854771712U, kNoLimitBytes);  // pages of 4 KiB
  EXPECT_GE(9223372036854710272U, kNoLimitBytes);  // pages of 64 KiB
}

}  // namespace
}  // namespace cgmon
