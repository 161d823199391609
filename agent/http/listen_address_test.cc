#include "agent/http/listen_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

namespace cgmon {
namespace {

using testing::AnyOf;
using testing::HasSubstr;

std::string error_of(std::string_view text) {
  const Result<ListenAddress> address = parse_listen_address(text);
  return address ? "no error" : address.error().message();
}

TEST(ListenAddressTest, UnderstandsHostAndPort) {
  EXPECT_EQ(*parse_listen_address("127.0.0.1:10190"), (ListenAddress{"127.0.0.1", 10190}));
  EXPECT_EQ(*parse_listen_address("127.0.0.1:0"), (ListenAddress{"127.0.0.1", 0}));
  EXPECT_EQ(parse_listen_address("127.0.0.1:65535")->text(), "127.0.0.1:65535");
}

TEST(ListenAddressTest, UnderstandsIPv6InBracketsAndWritesItShortest) {
  EXPECT_EQ(*parse_listen_address("[::1]:10190"), (ListenAddress{"::1", 10190}));
  EXPECT_EQ(*parse_listen_address("[::]:0"), (ListenAddress{"::", 0}));
  EXPECT_EQ(parse_listen_address("[FD00:0:0::2]:80")->text(), "[fd00::2]:80");
}

TEST(ListenAddressTest, APortAloneIsEveryAddressOfWhatTheHostHas) {
  const bool has_ipv6 = listen_errno({"::", 0}) == 0;
  EXPECT_EQ(*parse_listen_address(":10190"), (ListenAddress{has_ipv6 ? "" : "0.0.0.0", 10190}));
  EXPECT_EQ((ListenAddress{"", 10190}).text(), ":10190");
}

TEST(ListenAddressTest, LooksANameUpAndPrefersIPv4) {
  EXPECT_EQ(*parse_listen_address("localhost:1"), (ListenAddress{"127.0.0.1", 1}));
}

TEST(ListenAddressTest, RefusesAScopeId) {
  for (const char* text : {"[fe80::1%eth0]:10190", "[::1%1]:0", "[%]:1"}) {
    EXPECT_THAT(error_of(text), HasSubstr("scope id")) << text;
    EXPECT_THAT(error_of(text), HasSubstr(text));
  }
}

TEST(ListenAddressTest, SaysThatIPv6StandsInBrackets) {
  for (const char* text : {"::1", "fe80::1:10190", "[::1:80", "::1]:80", "[]x:1"}) {
    EXPECT_THAT(error_of(text), HasSubstr("stands in brackets")) << text;
  }
}

TEST(ListenAddressTest, RefusesBracketsAroundWhatIsNoIPv6Address) {
  for (const char* text : {"[]:80", "[127.0.0.1]:80", "[1::2::3]:80", "[localhost]:80"}) {
    EXPECT_THAT(error_of(text), HasSubstr("no IPv6 address in its brackets")) << text;
  }
  EXPECT_THAT(error_of(std::string("[::1\0]:80", 9)), HasSubstr("no IPv6 address"));
}

TEST(ListenAddressTest, RefusesWhatHasNoPort) {
  for (const char* text : {"", "10190", "127.0.0.1", "127.0.0.1:", ":", ":x", ":65536", ":-1",
                           ":80s", ": 80", "127.0.0.1:80,127.0.0.1:81r"}) {
    EXPECT_THAT(error_of(text), HasSubstr("port")) << text;
  }
}

TEST(ListenAddressTest, RefusesANumberThatIsNoAddress) {
  EXPECT_THAT(error_of("1.2.3.999:80"), HasSubstr("no address for \"1.2.3.999\""));
}

TEST(ListenAddressTest, TriesWhetherAnAddressCanBeHad) {
  EXPECT_EQ(listen_errno({"127.0.0.1", 0}), 0);
  // From the range for documentation: on no interface.
  EXPECT_EQ(listen_errno({"192.0.2.1", 0}), EADDRNOTAVAIL);
  EXPECT_THAT(listen_errno({"2001:db8::1", 0}), AnyOf(EADDRNOTAVAIL, EAFNOSUPPORT));
  EXPECT_EQ(listen_errno({"no address", 0}), EINVAL);
}

}  // namespace
}  // namespace cgmon
