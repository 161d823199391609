#include "collectors/parse/flat_keyed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <string>

namespace cgmon {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

constexpr std::array<std::string_view, 3> kWanted = {"total_rss", "cache", "total_inactive_file"};

// memory.stat of a container, Linux 6.1, v1, shortened.
constexpr std::string_view kStat =
    "cache 4980736\n"
    "rss 6504448\n"
    "rss_huge 4194304\n"
    "hierarchical_memory_limit 100663296\n"
    "total_cache 4980737\n"
    "total_rss 6504449\n"
    "total_rss_huge 4194305\n"
    "total_inactive_file 3342336\n";

struct Parsed {
  std::size_t malformed = 0;
  std::map<std::string, std::uint64_t, std::less<>> values;
};

Parsed parse(FlatKeyedParser& parser, std::string_view text) {
  Parsed parsed;
  parsed.malformed = parser.parse(text, [&](std::size_t index, std::uint64_t value) {
    EXPECT_TRUE(parsed.values.emplace(parser.wanted(index), value).second) << "reported twice";
  });
  return parsed;
}

Parsed parse_once(std::string_view text) {
  FlatKeyedParser parser(kWanted);
  return parse(parser, text);
}

TEST(FlatKeyedParser, ReportsWantedKeysAloneAndTheSameEachTime) {
  FlatKeyedParser parser(kWanted);
  for (int pass = 0; pass < 3; ++pass) {
    const Parsed parsed = parse(parser, kStat);
    EXPECT_EQ(parsed.malformed, 0U);
    EXPECT_THAT(parsed.values,
                ElementsAre(Pair("cache", 4980736U), Pair("total_inactive_file", 3342336U),
                            Pair("total_rss", 6504449U)));
  }
}

TEST(FlatKeyedParser, FindsNothingInAnEmptyFile) {
  const Parsed parsed = parse_once("");
  EXPECT_EQ(parsed.malformed, 0U);
  EXPECT_THAT(parsed.values, IsEmpty());
}

TEST(FlatKeyedParser, LeavesAKeyAbsentThatTheFileDoesNotHave) {
  EXPECT_THAT(parse_once("cache 1\n").values, ElementsAre(Pair("cache", 1U)));
}

TEST(FlatKeyedParser, IsNotMisledByAFileWhoseLinesChangeTheirOrder) {
  FlatKeyedParser parser(kWanted);
  EXPECT_THAT(parse(parser, "cache 1\ntotal_rss 2\n").values,
              ElementsAre(Pair("cache", 1U), Pair("total_rss", 2U)));
  EXPECT_THAT(parse(parser, "total_rss 3\ncache 4\n").values,
              ElementsAre(Pair("cache", 4U), Pair("total_rss", 3U)));
  EXPECT_THAT(parse(parser, "new 9\ncache 5\nnewer 9\ntotal_rss 6\n").values,
              ElementsAre(Pair("cache", 5U), Pair("total_rss", 6U)));
  EXPECT_THAT(parse(parser, "total_rss 7\n").values, ElementsAre(Pair("total_rss", 7U)));
}

TEST(FlatKeyedParser, DoesNotTakeAKeyForALongerOneOrTheOtherWayRound) {
  FlatKeyedParser parser(kWanted);
  EXPECT_THAT(parse(parser, "cache_dirty 1\ntotal 2\ncach 3\n").values, IsEmpty());
  EXPECT_THAT(parse(parser, "cache 1\n").values, ElementsAre(Pair("cache", 1U)));
  EXPECT_THAT(parse(parser, "cache_dirty 1\n").values, IsEmpty());
}

TEST(FlatKeyedParser, NeverReportsHalfANumberOfAFileThatWasCutAtAnyByte) {
  const auto whole = parse_once(kStat).values;
  FlatKeyedParser warm(kWanted);
  EXPECT_EQ(parse(warm, kStat).values, whole);
  for (std::size_t size = 0; size < kStat.size(); ++size) {
    const std::string_view cut = kStat.substr(0, size);
    const bool between_lines = cut.empty() || cut.ends_with('\n');
    for (const Parsed& parsed : {parse_once(cut), parse(warm, cut)}) {
      EXPECT_EQ(parsed.malformed, between_lines ? 0U : 1U) << size;
      for (const auto& [key, value] : parsed.values) EXPECT_EQ(value, whole.at(key)) << size;
      EXPECT_EQ(parsed.values.contains("cache"), size >= kStat.find('\n') + 1) << size;
    }
  }
}

TEST(FlatKeyedParser, CountsAMalformedLineAndKeepsTheOthers) {
  for (const std::string bad : {"", "cache", "cache ", " 1", "cache -1", "cache 1 2", "cache 1e9",
                                "cache  1", "cache 18446744073709551616", "cache max"}) {
    const Parsed parsed = parse_once(bad + "\ntotal_rss 4096\n");
    EXPECT_EQ(parsed.malformed, 1U) << '"' << bad << '"';
    EXPECT_THAT(parsed.values, ElementsAre(Pair("total_rss", 4096U))) << '"' << bad << '"';
  }
}

TEST(FlatKeyedParser, ReadsALineThatWasMalformedTheLastTime) {
  for (const std::string bad : {"", "cache", " 1", "cache x"}) {
    FlatKeyedParser parser(kWanted);
    for (int pass = 0; pass < 2; ++pass) {
      EXPECT_EQ(parse(parser, bad + "\ntotal_rss 1\n").malformed, 1U) << '"' << bad << '"';
    }
    EXPECT_THAT(parse(parser, "cache 2\ntotal_rss 3\n").values,
                ElementsAre(Pair("cache", 2U), Pair("total_rss", 3U)))
        << '"' << bad << '"';
  }
}

TEST(FlatKeyedParser, ReadsTheLargestNumber) {
  EXPECT_THAT(parse_once("cache 18446744073709551615\n").values,
              ElementsAre(Pair("cache", UINT64_MAX)));
}

TEST(FlatKeyedParser, ReadsKeysBehindMoreLinesThanItRemembers) {
  std::string text;
  for (int line = 0; line < 2000; ++line) text += "filler" + std::to_string(line) + " 1\n";
  text += "cache 7\n";
  FlatKeyedParser parser(kWanted);
  for (int pass = 0; pass < 2; ++pass) {
    EXPECT_THAT(parse(parser, text).values, ElementsAre(Pair("cache", 7U)));
  }
}

}  // namespace
}  // namespace cgmon
