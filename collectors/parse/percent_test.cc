#include "collectors/parse/percent.h"

#include <gtest/gtest.h>

#include <string>

namespace cgmon {
namespace {

TEST(ParsePercent, ReadsWhatTheKernelWrites) {
  EXPECT_EQ(parse_percent("0.00\n"), Value::of(0));
  EXPECT_EQ(parse_percent("12.34\n"), Value::of(1234));
  EXPECT_EQ(parse_percent("100.00\n"), Value::of(10000));
  EXPECT_EQ(parse_percent("7\n"), Value::of(700));
  EXPECT_EQ(parse_percent("7.5\n"), Value::of(750));
  EXPECT_EQ(parse_percent("max\n"), Value::unlimited());
}

TEST(ParsePercent, HasNothingOfTextThatIsCutAnywhere) {
  for (const std::string text : {"12.34\n", "max\n"}) {
    for (std::size_t cut = 0; cut < text.size(); ++cut) {
      EXPECT_EQ(parse_percent(text.substr(0, cut)), Value::absent()) << text << cut;
    }
  }
}

TEST(ParsePercent, RefusesWhatIsNoPercentage) {
  for (const std::string_view text :
       {"", "\n", ".5\n", "5.\n", "-1.00\n", "1.234\n", "1.-1\n", "1.2.3\n", "1,5\n", "maximum\n",
        "99999999999999999999.00\n", "18446744073709551615.00\n", " 1.00\n", "1.00 \n"}) {
    EXPECT_EQ(parse_percent(text), Value::absent()) << text;
  }
}

}  // namespace
}  // namespace cgmon
