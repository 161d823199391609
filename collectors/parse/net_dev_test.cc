#include "collectors/parse/net_dev.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace cgmon {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct Parsed {
  std::size_t malformed = 0;
  std::vector<std::pair<std::string, InterfaceCounts>> interfaces;
};

Parsed parse(std::string_view text) {
  Parsed parsed;
  parsed.malformed = parse_net_dev(text, [&](std::string_view name, const InterfaceCounts& counts) {
    parsed.interfaces.emplace_back(name, counts);
  });
  return parsed;
}

constexpr std::string_view kHead =
    "Inter-|   Receive                                                |  Transmit\n"
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop "
    "fifo colls carrier compressed\n";

// A docker host, Linux 6.1.
constexpr std::string_view kInterfaces =
    "    lo:  192812    2064    0    0    0     0          0         0   192812    2064    0    0 "
    "   0     0       0          0\n"
    "  eth0: 85219243   60231    1    2    3     4          5         6  1203456   14021    7    8 "
    "   9    10      11         12\n"
    "vethd5c1a0b: 1296      16    0    0    0     0          0         0     1086      13    0    "
    "0 "
    "   0     0       0          0\n";

std::string real_text() { return std::string(kHead) + std::string(kInterfaces); }

TEST(ParseNetDev, HandsOnWhatEachInterfaceReceivedAndSent) {
  const Parsed parsed = parse(real_text());
  EXPECT_EQ(parsed.malformed, 0U);
  ASSERT_EQ(parsed.interfaces.size(), 3U);
  EXPECT_EQ(parsed.interfaces[1].first, "eth0");
  EXPECT_THAT(parsed.interfaces[1].second.receive, ElementsAre(85219243U, 60231U, 1U, 2U));
  EXPECT_THAT(parsed.interfaces[1].second.transmit, ElementsAre(1203456U, 14021U, 7U, 8U));
  EXPECT_EQ(parsed.interfaces[2].first, "vethd5c1a0b");
}

TEST(ParseNetDev, ReadsOldKernelsThatLeaveNoBlankAndNamesWithColons) {
  const Parsed parsed =
      parse("eth0:12 1 0 0 0 0 0 0 34 2 0 0 0 0 0 0\neth0:1: 5 1 0 0 0 0 0 0 6 2 0 0 0 0 0 0\n");
  EXPECT_EQ(parsed.malformed, 0U);
  ASSERT_EQ(parsed.interfaces.size(), 2U);
  EXPECT_EQ(parsed.interfaces[0].second.receive[0], 12U);
  EXPECT_EQ(parsed.interfaces[1].first, "eth0:1");
}

TEST(ParseNetDev, ReadsTheLargestNumbers) {
  const Parsed parsed =
      parse("e: 18446744073709551615 0 0 0 0 0 0 0 18446744073709551615 0 0 0 0 0 0 0\n");
  EXPECT_EQ(parsed.malformed, 0U);
  EXPECT_EQ(parsed.interfaces.at(0).second.transmit[0], UINT64_MAX);
}

TEST(ParseNetDev, SaysNothingOfALineThatWasCutAtAnyByte) {
  const std::string text = real_text();
  const Parsed whole = parse(text);
  for (std::size_t size = 0; size < text.size(); ++size) {
    const Parsed parsed = parse(text.substr(0, size));
    ASSERT_LE(parsed.interfaces.size(), 3U);
    for (std::size_t i = 0; i < parsed.interfaces.size(); ++i) {
      EXPECT_EQ(parsed.interfaces[i].first, whole.interfaces[i].first) << size;
      EXPECT_EQ(parsed.interfaces[i].second.transmit, whole.interfaces[i].second.transmit) << size;
    }
    const bool at_line = size == 0 || text[size - 1] == '\n';
    EXPECT_EQ(parsed.malformed, at_line ? 0U : 1U) << size;
  }
}

TEST(ParseNetDev, CountsMalformedLinesAndKeepsTheOthers) {
  for (const std::string bad :
       {"", "eth0", "eth0: ", "eth0: 1 2 3", "eth0: 1 1 0 0 0 0 0 0 2 2 0 0 0 0 0",
        "eth0: 1 1 0 0 0 0 0 0 2 2 0 0 0 0 0 0 0", "eth0: -1 1 0 0 0 0 0 0 2 2 0 0 0 0 0 0",
        "eth0: 18446744073709551616 1 0 0 0 0 0 0 2 2 0 0 0 0 0 0",
        ": 1 1 0 0 0 0 0 0 2 2 0 0 0 0 0 0"}) {
    const Parsed parsed = parse(bad + '\n' + std::string(kInterfaces));
    EXPECT_EQ(parsed.malformed, 1U) << bad;
    EXPECT_EQ(parsed.interfaces.size(), 3U) << bad;
  }
}

TEST(ParseNetDev, ReadsAThousandInterfaces) {
  std::string text(kHead);
  for (int i = 0; i < 1000; ++i) {
    text +=
        "cali" + std::to_string(i) + ": " + std::to_string(i) + " 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n";
  }
  const Parsed parsed = parse(text);
  EXPECT_EQ(parsed.malformed, 0U);
  ASSERT_EQ(parsed.interfaces.size(), 1000U);
  EXPECT_EQ(parsed.interfaces[999].second.receive[0], 999U);
}

TEST(ParseNetDev, HasNothingOfAnEmptyFile) { EXPECT_THAT(parse("").interfaces, IsEmpty()); }

TEST(InterfacesLeftOut, AreTheLoopbackAndTheEndsOfContainersOnTheHost) {
  for (const char* const name :
       {"lo", "veth0", "vethd5c1a0b", "docker0", "docker_gwbridge", "nerdctl0", "VETH1"}) {
    EXPECT_TRUE(is_left_out(name)) << name;
  }
  for (const char* const name :
       {"eth0", "", "lo0", "vet", "cali1234", "br-1234", "wlan0", "local"}) {
    EXPECT_FALSE(is_left_out(name)) << name;
  }
}

}  // namespace
}  // namespace cgmon
