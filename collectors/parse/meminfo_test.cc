#include "collectors/parse/meminfo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace cgmon {
namespace {

using testing::Eq;
using testing::Optional;

constexpr std::string_view kMeminfo =
    "MemTotal:       24684084 kB\n"
    "MemFree:        19599840 kB\n"
    "SwapCached:            0 kB\n"
    "SwapTotal:          1024 kB\n"
    "HugePages_Total:       3\n";

TEST(ParseMeminfo, FindsAnEntryInKibibytes) {
  EXPECT_THAT(parse_meminfo(kMeminfo, "MemTotal"), Optional(24684084U));
  EXPECT_THAT(parse_meminfo(kMeminfo, "SwapCached"), Optional(0U));
  EXPECT_THAT(parse_meminfo(kMeminfo, "SwapTotal"), Optional(1024U));
}

TEST(ParseMeminfo, FindsNothingForAnUnknownKeyNorForAPartOfOne) {
  for (const std::string key : {"MemAvailable", "Mem", "emTotal", "MemTotal:", ""}) {
    EXPECT_THAT(parse_meminfo(kMeminfo, key), Eq(std::nullopt)) << key;
  }
  EXPECT_THAT(parse_meminfo("", "MemTotal"), Eq(std::nullopt));
}

TEST(ParseMeminfo, DoesNotTakeACountOfPagesForKibibytes) {
  EXPECT_THAT(parse_meminfo(kMeminfo, "HugePages_Total"), Eq(std::nullopt));
}

TEST(ParseMeminfo, NeverReportsHalfANumberOfAFileThatWasCutAtAnyByte) {
  const std::size_t line_end = kMeminfo.find('\n', kMeminfo.find("SwapTotal"));
  for (std::size_t size = 0; size < kMeminfo.size(); ++size) {
    const auto value = parse_meminfo(kMeminfo.substr(0, size), "SwapTotal");
    EXPECT_EQ(value.value_or(0), size <= line_end ? 0U : 1024U) << size;
  }
}

TEST(ParseMeminfo, FindsNothingInAMalformedLine) {
  for (const std::string bad :
       {"MemTotal:\n", "MemTotal: kB\n", "MemTotal: -1 kB\n", "MemTotal: 12 MB\n",
        "MemTotal: 12 kB x\n", "MemTotal 12 kB\n", "MemTotal: 18446744073709551616 kB\n"}) {
    EXPECT_THAT(parse_meminfo(bad, "MemTotal"), Eq(std::nullopt)) << bad;
  }
}

TEST(ParseMeminfo, ReadsOnPastAMalformedLineOfAnotherKey) {
  EXPECT_THAT(parse_meminfo("\nrubbish\nMemFree: x kB\nMemTotal: 5 kB\n", "MemTotal"),
              Optional(5U));
}

}  // namespace
}  // namespace cgmon
