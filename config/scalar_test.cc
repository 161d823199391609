#include "config/scalar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace cgmon {
namespace {

using std::chrono::milliseconds;
using ::testing::Optional;

TEST(ParseDuration, ReadsEveryUnitAndABareZero) {
  EXPECT_THAT(parse_duration("0"), Optional(milliseconds{0}));
  EXPECT_THAT(parse_duration("0s"), Optional(milliseconds{0}));
  EXPECT_THAT(parse_duration("500ms"), Optional(milliseconds{500}));
  EXPECT_THAT(parse_duration("2s"), Optional(milliseconds{2'000}));
  EXPECT_THAT(parse_duration("1m"), Optional(milliseconds{60'000}));
  EXPECT_THAT(parse_duration("3h"), Optional(milliseconds{10'800'000}));
}

TEST(ParseDuration, RefusesWhatIsNoDuration) {
  for (const std::string bad : {"", "s", "ms", "5", "-1s", "+1s", "1.5s", " 1s", "1s ", "1 s", "1S",
                                "1d", "1ss", "1m30s", "0x1s", "1e3ms", "ms1", "-0"}) {
    EXPECT_EQ(parse_duration(bad), std::nullopt) << '"' << bad << '"';
  }
  EXPECT_EQ(parse_duration(std::string("1s\0", 3)), std::nullopt);
}

TEST(ParseDuration, SaturatesWhereTheNumberOverflows) {
  EXPECT_THAT(parse_duration("99999999999999999999ms"), Optional(milliseconds::max()));
  EXPECT_THAT(parse_duration("18446744073709551615h"), Optional(milliseconds::max()));
  EXPECT_THAT(parse_duration("9223372036854775808ms"), Optional(milliseconds::max()));
  EXPECT_THAT(parse_duration("9223372036854775807ms"),
              Optional(milliseconds{std::numeric_limits<std::int64_t>::max()}));
}

TEST(ParseDuration, ReadsBackWhatToStringWrites) {
  for (const int count : {0, 1, 999, 1'000, 1'001, 59'000, 60'000, 61'000, 3'600'000, 5'400'000}) {
    const milliseconds duration{count};
    EXPECT_THAT(parse_duration(to_string(duration)), Optional(duration)) << to_string(duration);
  }
  EXPECT_EQ(to_string(milliseconds{90'000}), "90s");
}

TEST(ParseCount, TakesDecimalDigitsAloneAndSaturates) {
  EXPECT_THAT(parse_count("0"), Optional(0U));
  EXPECT_THAT(parse_count("007"), Optional(7U));
  EXPECT_THAT(parse_count("18446744073709551616"),
              Optional(std::numeric_limits<std::uint64_t>::max()));
  for (const std::string bad : {"", "-1", "+1", "1.0", "1e3", "0x10", " 1", "1_000", "a"}) {
    EXPECT_EQ(parse_count(bad), std::nullopt) << '"' << bad << '"';
  }
}

TEST(ParseBoolean, TakesTrueAndFalseAlone) {
  EXPECT_THAT(parse_boolean("true"), Optional(true));
  EXPECT_THAT(parse_boolean("false"), Optional(false));
  for (const std::string bad : {"", "True", "yes", "on", "1", "0", "off"}) {
    EXPECT_EQ(parse_boolean(bad), std::nullopt) << '"' << bad << '"';
  }
}

TEST(ParseHostPort, TakesAnyHostAddressesAndNames) {
  EXPECT_THAT(parse_host_port(":10190"), Optional(HostPort{"", 10190}));
  EXPECT_THAT(parse_host_port("127.0.0.1:0"), Optional(HostPort{"127.0.0.1", 0}));
  EXPECT_THAT(parse_host_port("node-1.example:65535"), Optional(HostPort{"node-1.example", 65535}));
  EXPECT_THAT(parse_host_port("[::1]:10190"), Optional(HostPort{"::1", 10190}));
  EXPECT_THAT(parse_host_port("[::]:80"), Optional(HostPort{"::", 80}));
  EXPECT_THAT(parse_host_port("[fd00::2]:0"), Optional(HostPort{"fd00::2", 0}));
  EXPECT_THAT(parse_host_port("[::ffff:192.0.2.1]:1"), Optional(HostPort{"::ffff:192.0.2.1", 1}));
}

TEST(ParseHostPort, RefusesAPortOutOfRangeAndAHostThatIsNone) {
  for (const std::string bad : {"",
                                ":",
                                "10190",
                                "localhost",
                                "localhost:",
                                ":65536",
                                ":-1",
                                ":http",
                                ":1 ",
                                "::1:80",
                                "[::1]",
                                "[::1]80",
                                "[127.0.0.1]:80",
                                "[]:80",
                                "[::1:80",
                                "[fe80::1%eth0]:80",
                                "[fe80::1%1]:80",
                                "[::1%]:80",
                                "[1::2::3]:80",
                                "[12345::]:80",
                                "300.0.0.1:80",
                                "1.2.3:80",
                                "a b:80",
                                "http://x:80",
                                "x/y:80",
                                "\xc3\xa4:80",
                                ":99999999999999999999"}) {
    EXPECT_EQ(parse_host_port(bad), std::nullopt) << '"' << bad << '"';
  }
  EXPECT_EQ(parse_host_port(std::string("[::1\0]:80", 9)), std::nullopt);
  std::string long_name(254, 'a');
  long_name += ":80";
  EXPECT_EQ(parse_host_port(long_name), std::nullopt);
}

TEST(ParseHostPort, ReadsBackWhatToStringWrites) {
  for (const std::string text : {":10190", "127.0.0.1:80", "[::1]:10190", "localhost:1"}) {
    const auto address = parse_host_port(text);
    ASSERT_TRUE(address.has_value()) << text;
    EXPECT_EQ(to_string(*address), text);
  }
}

TEST(AddScopes, UnitesWordsWithCommas) {
  Scopes scopes;
  EXPECT_TRUE(add_scopes("containers,units", scopes));
  EXPECT_TRUE(add_scopes("pods", scopes));
  EXPECT_EQ(scopes, (Scopes{.containers = true, .pods = true, .units = true}));
}

TEST(AddScopes, RefusesUnknownAndEmptyWords) {
  for (const std::string bad : {"", ",", "containers,", ",pods", "container", "all units"}) {
    Scopes scopes;
    EXPECT_FALSE(add_scopes(bad, scopes)) << '"' << bad << '"';
  }
}

TEST(IsTelemetryPath, IsAnAbsoluteUrlPathThatTheAgentDoesNotUseItself) {
  for (const std::string good : {"/metrics", "/a/b", "/-", "/probe_1.txt"}) {
    EXPECT_TRUE(is_telemetry_path(good)) << '"' << good << '"';
  }
  for (const std::string bad : {"", "/", "metrics", "/-/healthy", "/a b", "/a?b", "/a#b", "/%41",
                                "/a\n", "/\xc3\xa4", "/<b>"}) {
    EXPECT_FALSE(is_telemetry_path(bad)) << '"' << bad << '"';
  }
  EXPECT_FALSE(is_telemetry_path("/" + std::string(255, 'a')));
}

TEST(IsDirectoryPath, IsNotEmptyAndHasNoControlBytes) {
  EXPECT_TRUE(is_directory_path("/host"));
  EXPECT_TRUE(is_directory_path("tests/fixtures/a b"));
  EXPECT_FALSE(is_directory_path(""));
  EXPECT_TRUE(is_directory_path_or_empty(""));
  EXPECT_FALSE(is_directory_path("/a\nb"));
  EXPECT_FALSE(is_directory_path(std::string("/a\0", 3)));
  EXPECT_FALSE(is_directory_path(std::string(4096, 'a')));
}

TEST(Printable, EscapesControlBytesAndBoundsTheLength) {
  EXPECT_EQ(printable("a\x1b\xff", 3), "a\\x1b\\xff");
  EXPECT_EQ(printable("a\x1b\xff", 2), "a\\x1b...");
}

TEST(InQuotes, EscapesControlBytesAndBoundsTheLength) {
  EXPECT_EQ(in_quotes("a b"), "`a b`");
  EXPECT_EQ(in_quotes("\x1b[31m\n\xff"), "`\\x1b[31m\\x0a\\xff`");
  EXPECT_EQ(in_quotes(std::string(100, 'x')), "`" + std::string(60, 'x') + "...`");
}

}  // namespace
}  // namespace cgmon
