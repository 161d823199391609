#include "agent/http/message.h"

#include <gtest/gtest.h>

namespace cgmon {
namespace {

using std::chrono::milliseconds;

TEST(MessageTest, ScrapeTimeoutIsReadWithItsFraction) {
  EXPECT_EQ(parse_scrape_timeout("10"), milliseconds(10'000));
  EXPECT_EQ(parse_scrape_timeout("9.5"), milliseconds(9'500));
  EXPECT_EQ(parse_scrape_timeout("0.250000"), milliseconds(250));
}

TEST(MessageTest, ScrapeTimeoutIsNeverNothing) {
  EXPECT_EQ(parse_scrape_timeout("0.0001"), milliseconds(1));
}

TEST(MessageTest, ScrapeTimeoutIsAtMostAnHour) {
  EXPECT_EQ(parse_scrape_timeout("86400"), milliseconds(3'600'000));
}

TEST(MessageTest, ScrapeTimeoutThatIsNoTimeIsNone) {
  for (const char* text : {"", "0", "-1", "ten", "10s", " 10", "1e3", "nan", "inf", "-inf",
                           "99999999999999999999999999999999", "1,5"}) {
    EXPECT_EQ(parse_scrape_timeout(text), std::nullopt) << text;
  }
}

TEST(MessageTest, TextResponseHasItsTypeAndBody) {
  const Response response = text_response(503, "no\n");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.content_type, "text/plain; charset=utf-8");
  EXPECT_EQ(*response.body, "no\n");
}

}  // namespace
}  // namespace cgmon
