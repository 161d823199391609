#include "collectors/parse/named_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace cgmon {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct Parsed {
  std::size_t malformed = 0;
  std::vector<std::string> values;
};

Parsed nested(std::string_view text) {
  Parsed parsed;
  parsed.malformed = parse_nested_keyed(text, [&](auto name, auto key, auto value) {
    parsed.values.push_back(std::string(name) + '|' + std::string(key) + '|' + std::string(value));
    return value != "bad";
  });
  return parsed;
}

Parsed named(std::string_view text) {
  Parsed parsed;
  parsed.malformed = parse_named_values(text, [&](auto name, auto value) {
    parsed.values.push_back(std::string(name) + '|' + std::string(value));
    return value != "bad";
  });
  return parsed;
}

Parsed operations(std::string_view text) {
  Parsed parsed;
  parsed.malformed = parse_operations(text, [&](auto name, auto operation, std::uint64_t value) {
    parsed.values.push_back(std::string(name) + '|' + std::string(operation) + '|' +
                            std::to_string(value));
  });
  return parsed;
}

// io.stat of a v2 root, Linux 6.1: loop devices without keys, with a blank at the end.
constexpr std::string_view kIoStat =
    "7:7 \n254:16 rbytes=14336 wbytes=0\n254:0 rbytes=219120640 wbytes=14581760\n";
constexpr std::string_view kRdma = "mlx5_0 hca_handle=2 hca_object=max\n";
constexpr std::string_view kNuma = "total=51 N0=40 N1=11\nhierarchical_file=7 N0=7 N1=0\n";
constexpr std::string_view kRules = "254:0 524288000\n8:16 max\n";
constexpr std::string_view kBlkio =
    "254:0 Read 3784704\n254:0 Write 2146304\n254:0 Total 5931008\nTotal 5931008\n";

TEST(ParseNestedKeyed, HandsOnEachPairWithItsName) {
  EXPECT_THAT(nested(kIoStat).values,
              ElementsAre("254:16|rbytes|14336", "254:16|wbytes|0", "254:0|rbytes|219120640",
                          "254:0|wbytes|14581760"));
  EXPECT_EQ(nested(kIoStat).malformed, 0U);
  EXPECT_THAT(nested(kRdma).values, ElementsAre("mlx5_0|hca_handle|2", "mlx5_0|hca_object|max"));
  EXPECT_THAT(nested(kNuma).values,
              ElementsAre("total=51|N0|40", "total=51|N1|11", "hierarchical_file=7|N0|7",
                          "hierarchical_file=7|N1|0"));
}

TEST(ParseNestedKeyed, CountsAMalformedLineAndKeepsTheOthers) {
  for (const std::string bad :
       {"", " ", "1:1 rbytes", "1:1 =3", "1:1 rbytes=bad", "1:1 rbytes=1 x"}) {
    const Parsed parsed = nested("0:1 a=1\n" + bad + "\n0:2 b=2\n");
    EXPECT_EQ(parsed.malformed, 1U) << '"' << bad << '"';
    EXPECT_EQ(parsed.values.front(), "0:1|a|1");
    EXPECT_EQ(parsed.values.back(), "0:2|b|2") << '"' << bad << '"';
  }
}

TEST(ParseNamedValues, HandsOnEachNameWithItsValue) {
  EXPECT_THAT(named(kRules).values, ElementsAre("254:0|524288000", "8:16|max"));
  EXPECT_THAT(named("default 100\n").values, ElementsAre("default|100"));
  EXPECT_THAT(named("drm/0000:03:00.0/vram0 8514437120\n").values,
              ElementsAre("drm/0000:03:00.0/vram0|8514437120"));
}

TEST(ParseNamedValues, CountsAMalformedLineAndKeepsTheOthers) {
  for (const std::string bad : {"", "a", "a ", "a 1 2", "a bad"}) {
    const Parsed parsed = named("x 1\n" + bad + "\ny 2\n");
    EXPECT_EQ(parsed.malformed, 1U) << '"' << bad << '"';
    EXPECT_EQ(parsed.values.back(), "y|2") << '"' << bad << '"';
  }
}

TEST(ParseOperations, HandsOnEachOperationAndLeavesTheSumOverDevicesOut) {
  EXPECT_THAT(operations(kBlkio).values,
              ElementsAre("254:0|Read|3784704", "254:0|Write|2146304", "254:0|Total|5931008"));
  EXPECT_EQ(operations(kBlkio).malformed, 0U);
  // A disk on which nothing is counted.
  EXPECT_THAT(operations("Total 0\n").values, IsEmpty());
  EXPECT_EQ(operations("Total 0\n").malformed, 0U);
}

TEST(ParseOperations, CountsAMalformedLineAndKeepsTheOthers) {
  for (const std::string bad : {"", "Total", "Total x", "1:1 Read", "1:1 Read -1", "1:1 Read 1 2",
                                "1:1 Read 18446744073709551616"}) {
    const Parsed parsed = operations("0:1 Read 5\n" + bad + "\n0:2 Write 6\n");
    EXPECT_EQ(parsed.malformed, 1U) << '"' << bad << '"';
    EXPECT_THAT(parsed.values, ElementsAre("0:1|Read|5", "0:2|Write|6")) << '"' << bad << '"';
  }
}

// Of a file that is cut anywhere, only whole lines' values are handed on, and it is noticed.
TEST(ParseNamedLines, NoticeACutAtEveryByte) {
  const auto check = [](std::string_view text, Parsed (*parse)(std::string_view)) {
    const Parsed whole = parse(text);
    for (std::size_t length = 0; length < text.size(); ++length) {
      const std::string_view part = text.substr(0, length);
      const bool at_line_end = part.empty() || part.ends_with('\n');
      const Parsed parsed = parse(part);
      EXPECT_EQ(parsed.malformed, at_line_end ? 0U : 1U) << length << " bytes of " << text;
      ASSERT_LE(parsed.values.size(), whole.values.size());
      for (std::size_t i = 0; i < parsed.values.size(); ++i) {
        EXPECT_EQ(parsed.values[i], whole.values[i]) << length << " bytes of " << text;
      }
    }
  };
  for (const std::string_view text : {kIoStat, kRdma, kNuma}) check(text, nested);
  check(kRules, named);
  check(kBlkio, operations);
}

TEST(ParseNamedLines, AcceptAnyBytes) {
  std::string bytes;
  for (int i = 0; i < 512; ++i) bytes += static_cast<char>(i * 7);
  for (std::size_t start = 0; start < bytes.size(); ++start) {
    const std::string text = bytes.substr(start) + '\n';
    EXPECT_GT(nested(text).malformed + named(text).malformed + operations(text).malformed, 0U);
  }
  EXPECT_EQ(nested("").malformed + named("").malformed + operations("").malformed, 0U);
}

}  // namespace
}  // namespace cgmon
