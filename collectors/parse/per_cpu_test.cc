#include "collectors/parse/per_cpu.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace cgmon {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

struct Parsed {
  bool whole = false;
  std::vector<std::pair<std::uint32_t, std::uint64_t>> values;
};

Parsed parse(std::string_view text) {
  Parsed parsed;
  parsed.whole = parse_per_cpu(text, [&](std::uint32_t cpu, std::uint64_t value) {
    parsed.values.emplace_back(cpu, value);
  });
  return parsed;
}

// cpuacct.usage_percpu, Linux 6.1: a blank behind the last number.
constexpr std::string_view kUsage = "3106943213 0 2995361406 \n";

TEST(ParsePerCpu, HandsOnEachCpuWithItsNumber) {
  const Parsed parsed = parse(kUsage);
  EXPECT_TRUE(parsed.whole);
  EXPECT_THAT(parsed.values, ElementsAre(Pair(0, 3106943213U), Pair(1, 0U), Pair(2, 2995361406U)));
}

TEST(ParsePerCpu, ReadsOneCpuWithTheLargestNumber) {
  const Parsed parsed = parse("18446744073709551615\n");
  EXPECT_TRUE(parsed.whole);
  EXPECT_THAT(parsed.values, ElementsAre(Pair(0, UINT64_MAX)));
}

TEST(ParsePerCpu, ReportsNothingOfAFileThatWasCutAtAnyByte) {
  for (std::size_t size = 0; size < kUsage.size(); ++size) {
    const Parsed parsed = parse(kUsage.substr(0, size));
    EXPECT_FALSE(parsed.whole) << size;
    EXPECT_THAT(parsed.values, IsEmpty()) << size;
  }
}

TEST(ParsePerCpu, StopsAtAMalformedNumberAndSaysSo) {
  for (const std::string bad :
       {"5 x 7 \n", "5 -1 7 \n", "5 1\t7 \n", "5 18446744073709551616 7\n", "5 1\n7\n"}) {
    const Parsed parsed = parse(bad);
    EXPECT_FALSE(parsed.whole) << bad;
    EXPECT_THAT(parsed.values, ElementsAre(Pair(0, 5U))) << bad;
  }
}

TEST(ParsePerCpu, RefusesAFileWithoutAnyNumber) {
  EXPECT_FALSE(parse("\n").whole);
  EXPECT_FALSE(parse("   \n").whole);
}

}  // namespace
}  // namespace cgmon
