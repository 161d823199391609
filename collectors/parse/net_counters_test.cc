#include "collectors/parse/net_counters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

namespace cgmon {
namespace {

using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

struct Parsed {
  std::size_t malformed = 0;
  std::map<std::string, std::uint64_t> counters;
};

Parsed parse(std::string_view text) {
  Parsed parsed;
  parsed.malformed = parse_net_counters(
      text, [&](std::string_view protocol, std::string_view name, std::uint64_t value) {
        parsed.counters[std::string(protocol) + ' ' + std::string(name)] = value;
      });
  return parsed;
}

// Linux 6.1, shortened.
constexpr std::string_view kSnmp =
    "Tcp: RtoAlgorithm MaxConn ActiveOpens OutRsts\n"
    "Tcp: 1 -1 12 7\n"
    "Udp: InDatagrams RcvbufErrors\n"
    "Udp: 48 18446744073709551615\n";

TEST(ParseNetCounters, JoinsNamesWithValues) {
  const Parsed parsed = parse(kSnmp);
  EXPECT_EQ(parsed.malformed, 0U);
  EXPECT_THAT(parsed.counters,
              UnorderedElementsAre(Pair("Tcp RtoAlgorithm", 1U), Pair("Tcp ActiveOpens", 12U),
                                   Pair("Tcp OutRsts", 7U), Pair("Udp InDatagrams", 48U),
                                   Pair("Udp RcvbufErrors", UINT64_MAX)));
}

TEST(ParseNetCounters, SaysNothingWrongOfATextThatWasCutAtAnyByte) {
  const Parsed whole = parse(kSnmp);
  for (std::size_t size = 0; size < kSnmp.size(); ++size) {
    for (const auto& [name, value] : parse(kSnmp.substr(0, size)).counters) {
      EXPECT_EQ(whole.counters.at(name), value) << size;
    }
  }
}

TEST(ParseNetCounters, CountsMalformedPairsAndKeepsTheOthers) {
  for (const std::string bad :
       {"Tcp: A B\nUdp: 1 2\n", "Tcp A\nTcp 1\n", "Tcp: A B\nTcp: 1\n", "Tcp: A\nTcp: 1 2\n",
        "Tcp: A\nTcp: x\n", "\n\n", "Tcp: A\nTcp: 18446744073709551616\n", "Tcp: A\nTcp: -\n"}) {
    const Parsed parsed = parse(bad + std::string(kSnmp));
    EXPECT_EQ(parsed.malformed, 1U) << bad;
    EXPECT_EQ(parsed.counters.at("Udp InDatagrams"), 48U) << bad;
  }
}

TEST(ParseNetCounters, HasNothingOfAnEmptyFile) { EXPECT_THAT(parse("").counters, IsEmpty()); }

}  // namespace
}  // namespace cgmon
