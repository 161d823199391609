#include "agent/http/listen_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

namespace cgmon {
namespace {

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

TEST(ListenAddressTest, APortAloneIsEveryInterface) {
  EXPECT_EQ(*parse_listen_address(":10190"), (ListenAddress{"0.0.0.0", 10190}));
}

TEST(ListenAddressTest, LooksANameUp) {
  EXPECT_EQ(*parse_listen_address("localhost:1"), (ListenAddress{"127.0.0.1", 1}));
}

TEST(ListenAddressTest, SaysThatIPv6CannotBeServed) {
  for (const char* text : {"[::1]:10190", "[::]:10190", "::1", "fe80::1:10190"}) {
    EXPECT_THAT(error_of(text), HasSubstr("IPv6")) << text;
    EXPECT_THAT(error_of(text), HasSubstr(text));
  }
}

TEST(ListenAddressTest, RefusesWhatHasNoPort) {
  for (const char* text : {"", "10190", "127.0.0.1", "127.0.0.1:", ":", ":x", ":65536", ":-1",
                           ":80s", ": 80", "127.0.0.1:80,127.0.0.1:81r"}) {
    EXPECT_THAT(error_of(text), HasSubstr("port")) << text;
  }
}

TEST(ListenAddressTest, RefusesANumberThatIsNoAddress) {
  EXPECT_THAT(error_of("1.2.3.999:80"), HasSubstr("no IPv4 address for \"1.2.3.999\""));
}

TEST(ListenAddressTest, TriesWhetherAnAddressCanBeHad) {
  EXPECT_EQ(listen_errno({"127.0.0.1", 0}), 0);
  // From the range for documentation: on no interface.
  EXPECT_EQ(listen_errno({"192.0.2.1", 0}), EADDRNOTAVAIL);
}

}  // namespace
}  // namespace cgmon
