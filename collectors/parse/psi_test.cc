#include "collectors/parse/psi.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace cgmon {
namespace {

using testing::Eq;
using testing::Optional;

// memory.pressure of a container, Linux 6.1.
constexpr std::string_view kPressure =
    "some avg10=0.00 avg60=0.18 avg300=0.07 total=141252\n"
    "full avg10=0.00 avg60=0.16 avg300=0.06 total=139880\n";

TEST(ParsePsi, ReadsBothTotals) {
  const Psi psi = parse_psi(kPressure);
  EXPECT_THAT(psi.some_usec, Optional(141252U));
  EXPECT_THAT(psi.full_usec, Optional(139880U));
  EXPECT_EQ(psi.malformed, 0U);
}

TEST(ParsePsi, LeavesAMissingLineAbsent) {
  const Psi cpu_before_5_13 = parse_psi("some avg10=0.00 avg60=0.00 avg300=0.00 total=7\n");
  EXPECT_THAT(cpu_before_5_13.some_usec, Optional(7U));
  EXPECT_THAT(cpu_before_5_13.full_usec, Eq(std::nullopt));
  const Psi irq = parse_psi("full avg10=0.00 avg60=0.00 avg300=0.00 total=8\n");
  EXPECT_THAT(irq.some_usec, Eq(std::nullopt));
  EXPECT_THAT(irq.full_usec, Optional(8U));
  EXPECT_EQ(cpu_before_5_13.malformed + irq.malformed, 0U);
}

TEST(ParsePsi, FindsNothingInAnEmptyFile) {
  const Psi psi = parse_psi("");
  EXPECT_THAT(psi.some_usec, Eq(std::nullopt));
  EXPECT_THAT(psi.full_usec, Eq(std::nullopt));
  EXPECT_EQ(psi.malformed, 0U);
}

TEST(ParsePsi, NeverReportsHalfANumberOfAFileThatWasCutAtAnyByte) {
  const std::size_t first_line = kPressure.find('\n') + 1;
  for (std::size_t size = 0; size < kPressure.size(); ++size) {
    const Psi psi = parse_psi(kPressure.substr(0, size));
    EXPECT_EQ(psi.some_usec.value_or(0), size < first_line ? 0U : 141252U) << size;
    EXPECT_THAT(psi.full_usec, Eq(std::nullopt)) << size;
    EXPECT_EQ(psi.malformed, size == 0 || size == first_line ? 0U : 1U) << size;
  }
}

TEST(ParsePsi, CountsALineThatItDoesNotKnowAndKeepsTheOthers) {
  for (const std::string bad :
       {"", "most avg10=0.00 avg60=0.00 avg300=0.00 total=5", "some avg10=0.00 avg60=0.00",
        "somewhat total=5", "some total=", "some total=-5", "some total=5 avg10=0.00",
        "some total=18446744073709551616"}) {
    const Psi psi = parse_psi(bad + "\n" + std::string(kPressure));
    EXPECT_EQ(psi.malformed, 1U) << '"' << bad << '"';
    EXPECT_THAT(psi.some_usec, Optional(141252U)) << '"' << bad << '"';
    EXPECT_THAT(psi.full_usec, Optional(139880U)) << '"' << bad << '"';
  }
}

TEST(ParsePsi, ReadsFieldsThatItDoesNotKnowAsLongAsTheTotalComesLast) {
  EXPECT_THAT(parse_psi("some avg10=0.00 avg3600=1.00 total=5\n").some_usec, Optional(5U));
}

TEST(ParsePsi, ReadsTheLargestTotal) {
  EXPECT_THAT(parse_psi("some avg10=0.00 total=18446744073709551615\n").some_usec,
              Optional(UINT64_MAX));
}

}  // namespace
}  // namespace cgmon
