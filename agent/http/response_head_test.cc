#include "agent/http/response_head.h"

#include <gtest/gtest.h>

namespace cgmon {
namespace {

TEST(ResponseHeadTest, HasLengthDateSecurityHeadersAndNoServerBanner) {
  const Response response{.content_type = "text/plain"};
  EXPECT_EQ(response_head(response, 12, true, 1'795'478'821),
            "HTTP/1.1 200 OK\r\n"
            "Date: Tue, 24 Nov 2026 00:07:01 GMT\r\n"
            "Content-Type: text/plain\r\n"
            "Content-Length: 12\r\n"
            "Cache-Control: no-store\r\n"
            "X-Content-Type-Options: nosniff\r\n"
            "Connection: keep-alive\r\n"
            "\r\n");
}

TEST(ResponseHeadTest, NamesEncodingAllowedMethodsAndClosing) {
  const Response response{.status = 405, .allow = "GET, HEAD", .content_encoding = "gzip"};
  const std::string head = response_head(response, 0, false, 0);
  EXPECT_TRUE(head.starts_with("HTTP/1.1 405 Method Not Allowed\r\n")) << head;
  EXPECT_NE(head.find("\r\nAllow: GET, HEAD\r\n"), std::string::npos) << head;
  EXPECT_NE(head.find("\r\nContent-Encoding: gzip\r\n"), std::string::npos) << head;
  EXPECT_NE(head.find("\r\nConnection: close\r\n"), std::string::npos) << head;
}

TEST(ResponseHeadTest, NamesWhatTheAnswerDependsOn) {
  const Response response{.vary = "Accept"};
  EXPECT_NE(response_head(response, 0, true, 0).find("\r\nVary: Accept\r\n"), std::string::npos);
}

TEST(ResponseHeadTest, AValueCannotSmuggleAHeader) {
  const Response response{.content_type = "text/plain\r\nSet-Cookie: a=b"};
  const std::string head = response_head(response, 0, true, 0);
  EXPECT_NE(head.find("Content-Type: text/plainSet-Cookie: a=b\r\n"), std::string::npos) << head;
}

TEST(ResponseHeadTest, KeepsAConnectionAsTheClientAndItsVersionSay) {
  EXPECT_TRUE(may_keep_alive({.http_version = "1.1"}));
  EXPECT_FALSE(may_keep_alive({.http_version = "1.0"}));
  EXPECT_TRUE(may_keep_alive({.http_version = "1.0", .connection = "Keep-Alive"}));
  EXPECT_FALSE(may_keep_alive({.http_version = "1.1", .connection = "close"}));
  EXPECT_TRUE(may_keep_alive({.http_version = "1.1", .connection = "TE , keep-alive"}));
  EXPECT_FALSE(may_keep_alive({.http_version = "1.1", .connection = "keep-alive-not"}));
  EXPECT_FALSE(may_keep_alive({.http_version = "1.1", .connection = " , ,"}));
}

TEST(ResponseHeadTest, ClosesAfterARequestWithABodyOrAnUpgrade) {
  EXPECT_TRUE(may_keep_alive({.http_version = "1.1", .content_length = "0"}));
  EXPECT_FALSE(may_keep_alive({.http_version = "1.1", .content_length = "1"}));
  EXPECT_FALSE(may_keep_alive({.http_version = "1.1", .transfer_encoding = "chunked"}));
  EXPECT_FALSE(may_keep_alive(
      {.http_version = "1.1", .connection = "keep-alive, upgrade", .upgrade = "websocket"}));
}

}  // namespace
}  // namespace cgmon
