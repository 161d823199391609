#include "collectors/parse/number.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace cgmon {
namespace {

using testing::Eq;
using testing::Optional;

TEST(ParseNumber, ReadsAllThatFitsInto64Bits) {
  EXPECT_THAT(parse_number("0"), Optional(0U));
  EXPECT_THAT(parse_number("007"), Optional(7U));
  EXPECT_THAT(parse_number("18446744073709551615"), Optional(UINT64_MAX));
}

TEST(ParseNumber, RefusesWhatIsNotOneWholeNumber) {
  for (const std::string bad : {"", " 1", "1 ", "-1", "+1", "1.5", "0x10", "1e3", "max", "1\n"}) {
    EXPECT_THAT(parse_number(bad), Eq(std::nullopt)) << '"' << bad << '"';
  }
}

TEST(ParseNumber, RefusesANumberThatIsTooLargeInsteadOfWrappingIt) {
  EXPECT_THAT(parse_number("18446744073709551616"), Eq(std::nullopt));
  EXPECT_THAT(parse_number(std::string(400, '9')), Eq(std::nullopt));
}

TEST(TakeUntil, GivesAllFieldsEmptyOnesToo) {
  std::string_view text = "a::b";
  EXPECT_EQ(take_until(text, ':'), "a");
  EXPECT_EQ(take_until(text, ':'), "");
  EXPECT_EQ(take_until(text, ':'), "b");
  EXPECT_EQ(text, "");
  EXPECT_EQ(take_until(text, ':'), "");
}

TEST(TakeWord, SkipsAnyNumberOfBlanks) {
  std::string_view text = "  one   two ";
  EXPECT_EQ(take_word(text), "one");
  EXPECT_EQ(take_word(text), "two");
  EXPECT_EQ(take_word(text), "");
  EXPECT_EQ(take_word(text), "");
}

}  // namespace
}  // namespace cgmon
