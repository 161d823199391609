#include "agent/http/query.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cgmon {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(ParseQuery, DecodesEachParameterInOrder) {
  EXPECT_THAT(parse_query("collect[]=cpu&collect%5B%5d=a%20b+c&x=1=2&empty=&flag"),
              ElementsAre(Pair("collect[]", "cpu"), Pair("collect[]", "a b c"), Pair("x", "1=2"),
                          Pair("empty", ""), Pair("flag", "")));
}

TEST(ParseQuery, TakesAnything) {
  EXPECT_THAT(parse_query(""), IsEmpty());
  EXPECT_THAT(parse_query("&&"), IsEmpty());
  EXPECT_THAT(parse_query("="), ElementsAre(Pair("", "")));
  EXPECT_THAT(parse_query("a=%&b=%4&c=%zz&d=%+1"),
              ElementsAre(Pair("a", "%"), Pair("b", "%4"), Pair("c", "%zz"), Pair("d", "% 1")));
  EXPECT_THAT(parse_query("a=%00"), ElementsAre(Pair("a", std::string(1, '\0'))));
}

}  // namespace
}  // namespace cgmon
