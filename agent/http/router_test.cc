#include "agent/http/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <new>
#include <stdexcept>
#include <utility>
#include <vector>

namespace cgmon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

class RouterTest : public testing::Test {
 protected:
  RouterTest() {
    router_.add("/metrics", [](const Request& request) {
      return text_response(200, "q=" + std::string(request.query));
    });
    router_.add("/-/ready", [](const Request&) { return text_response(503, "not ready\n"); });
    router_.add("/no-memory", [](const Request&) -> Response { throw std::bad_alloc(); });
    router_.add("/odd", [](const Request&) -> Response { throw 7; });
  }

  std::vector<std::pair<std::string, int>> answered_;
  std::vector<std::pair<std::string, std::string>> failed_;
  Router router_{RouterEvents{
      .answered = [this](std::string_view handler,
                         int status) { answered_.emplace_back(handler, status); },
      .failed = [this](std::string_view handler,
                       std::string_view what) { failed_.emplace_back(handler, what); }}};
};

TEST_F(RouterTest, GivesAKnownPathItsHandlersAnswer) {
  const Response response = router_.answer({.method = "GET", .path = "/metrics", .query = "a=b"});
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(*response.body, "q=a=b");
}

TEST_F(RouterTest, AnswersHeadAsGet) {
  EXPECT_EQ(router_.answer({.method = "HEAD", .path = "/metrics"}).status, 200);
}

TEST_F(RouterTest, RefusesOtherMethodsAndSaysWhichAreAllowed) {
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "get", ""}) {
    const Response response = router_.answer({.method = method, .path = "/metrics"});
    EXPECT_EQ(response.status, 405) << method;
    EXPECT_EQ(response.allow, "GET, HEAD") << method;
  }
}

TEST_F(RouterTest, AnUnknownPathIsToldTheKnownOnes) {
  const Response response = router_.answer({.method = "GET", .path = "/metric"});
  EXPECT_EQ(response.status, 404);
  EXPECT_THAT(*response.body, HasSubstr("/-/ready /metrics"));
}

TEST_F(RouterTest, MatchesPathsExactly) {
  for (const char* path :
       {"", "/", "/metrics/", "//metrics", "/Metrics", "/%6detrics", "/x/../metrics", "metrics"}) {
    EXPECT_EQ(router_.answer({.method = "GET", .path = path}).status, 404) << path;
  }
}

TEST_F(RouterTest, AThrowingHandlerBecomesA500AndIsReported) {
  EXPECT_EQ(router_.answer({.method = "GET", .path = "/no-memory"}).status, 500);
  EXPECT_EQ(router_.answer({.method = "GET", .path = "/odd"}).status, 500);
  EXPECT_THAT(failed_, ElementsAre(Pair("/no-memory", "std::bad_alloc"),
                                   Pair("/odd", "an exception of unknown type")));
}

TEST_F(RouterTest, CountsEveryAnswerByPathAndStatusWithoutUnknownPaths) {
  for (const char* path : {"/metrics", "/-/ready", "/made-up-by-client", "/odd"}) {
    static_cast<void>(router_.answer({.method = "GET", .path = path}));
  }
  static_cast<void>(router_.answer({.method = "POST", .path = "/metrics"}));
  static_cast<void>(router_.answer({.method = "POST", .path = "/made-up-by-client"}));
  EXPECT_THAT(answered_,
              ElementsAre(Pair("/metrics", 200), Pair("/-/ready", 503), Pair("other", 404),
                          Pair("/odd", 500), Pair("/metrics", 405), Pair("other", 405)));
}

TEST_F(RouterTest, WorksWithoutAnyoneListening) {
  Router router;
  router.add("/boom", [](const Request&) -> Response { throw std::runtime_error("boom"); });
  EXPECT_EQ(router.answer({.method = "GET", .path = "/boom"}).status, 500);
  EXPECT_EQ(router.answer({.method = "GET", .path = "/"}).status, 404);
}

}  // namespace
}  // namespace cgmon
