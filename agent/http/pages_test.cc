#include "agent/http/pages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cgmon {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(PagesTest, EscapesWhatMeansSomethingInHtml) {
  EXPECT_EQ(escape_html("a<b>&\"c'"), "a&lt;b&gt;&amp;&quot;c&#39;");
  EXPECT_EQ(escape_html("/metrics"), "/metrics");
  EXPECT_EQ(escape_html(""), "");
}

TEST(PagesTest, LandingPageLinksToWhatIsServed) {
  const Response response = landing_page({.version = "1.2.3", .telemetry_path = "/my-metrics"});
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "text/html; charset=utf-8");
  EXPECT_THAT(*response.body, HasSubstr("<a href=\"/my-metrics\">/my-metrics</a>"));
  EXPECT_THAT(*response.body, HasSubstr("<a href=\"/-/healthy\">"));
  EXPECT_THAT(*response.body, HasSubstr("<a href=\"/-/ready\">"));
  EXPECT_THAT(*response.body, HasSubstr("Version 1.2.3."));
}

TEST(PagesTest, LandingPageRunsNoScriptAndLoadsNothing) {
  const std::string page = *landing_page({.version = "1"}).body;
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("http:")));
  EXPECT_THAT(page, Not(HasSubstr("https:")));
  EXPECT_THAT(page, Not(HasSubstr("src=")));
  EXPECT_LT(page.size(), 2'000U);
}

TEST(PagesTest, LandingPageEscapesWhatIsConfigured) {
  const std::string page =
      *landing_page({.version = "<b>", .telemetry_path = "/\"><script>x</script>"}).body;
  EXPECT_THAT(page, HasSubstr("Version &lt;b&gt;."));
  EXPECT_THAT(page, HasSubstr("href=\"/&quot;&gt;&lt;script&gt;x"));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
}

TEST(PagesTest, HealthyIsOneWord) {
  EXPECT_EQ(healthy_page().status, 200);
  EXPECT_EQ(*healthy_page().body, "healthy\n");
}

TEST(PagesTest, ReadyIs200AndUnreadyIs503WithItsReason) {
  EXPECT_EQ(ready_page(true).status, 200);
  EXPECT_EQ(*ready_page(true).body, "ready\n");
  EXPECT_EQ(ready_page(false, "a collection is stuck").status, 503);
  EXPECT_EQ(*ready_page(false, "a collection is stuck").body, "not ready: a collection is stuck\n");
  EXPECT_EQ(*ready_page(false).body, "not ready\n");
}

}  // namespace
}  // namespace cgmon
