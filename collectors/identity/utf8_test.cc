#include "collectors/identity/utf8.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace cgmon {
namespace {

const std::string kMark = "\xEF\xBF\xBD";  // U+FFFD

std::string marks(std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += kMark;
  return text;
}

TEST(RepairText, LeavesWellFormedTextAlone) {
  for (const std::string text :
       {"", "web-1", "a\"b\\c\n\t", "\x01\x7F", "h\xC3\xA9", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80",
        "\xED\x9F\xBF", "\xEE\x80\x80", "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF0\x9F\x90\xB3",
        "\xF4\x8F\xBF\xBF"}) {
    EXPECT_EQ(repair_text(text, 256), text);
  }
  const std::string with_nul("a\0b", 3);
  EXPECT_EQ(repair_text(with_nul, 256), with_nul);
}

// Unicode 15.0, table 3-7: each class of bytes that is no character.
TEST(RepairText, ReplacesEachByteOfWhatIsNoCharacter) {
  const std::map<std::string, std::size_t> malformed{
      {"\x80", 1},  // continuation alone
      {"\xBF\xBF", 2},
      {"\xC0\xAF", 2},  // overlong
      {"\xC1\xBF", 2},
      {"\xE0\x80\xAF", 3},
      {"\xE0\x9F\xBF", 3},
      {"\xF0\x80\x80\xAF", 4},
      {"\xF0\x8F\xBF\xBF", 4},
      {"\xED\xA0\x80", 3},  // surrogates
      {"\xED\xBF\xBF", 3},
      {"\xF4\x90\x80\x80", 4},  // above U+10FFFF
      {"\xF5\x80\x80\x80", 4},
      {"\xFE", 1},
      {"\xFF", 1},
      {"\xC3", 1},  // cut off
      {"\xE2\x82", 2},
      {"\xF0\x9F\x90", 3},
  };
  for (const auto& [bytes, count] : malformed) {
    EXPECT_EQ(repair_text(bytes, 256), marks(count));
    EXPECT_EQ(repair_text("a" + bytes + "b", 256), "a" + marks(count) + "b");
  }
}

TEST(RepairText, KeepsACharacterThatFollowsACutOffOne) {
  EXPECT_EQ(repair_text("\xC3(", 256), kMark + "(");
  EXPECT_EQ(repair_text("\xE2\x82\xC3\xA9", 256), marks(2) + "\xC3\xA9");
  EXPECT_EQ(repair_text("\xF0\x9F\x90\xE2\x82\xAC", 256), marks(3) + "\xE2\x82\xAC");
}

TEST(RepairText, CutsBetweenCharacters) {
  const std::string text = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x90\xB3";  // 1 + 2 + 3 + 4 bytes
  const std::map<std::size_t, std::size_t> kept{{0, 0}, {1, 1}, {2, 1}, {3, 3}, {4, 3},   {5, 3},
                                                {6, 6}, {7, 6}, {8, 6}, {9, 6}, {10, 10}, {11, 10}};
  for (const auto& [bound, size] : kept) {
    EXPECT_EQ(repair_text(text, bound), text.substr(0, size)) << bound;
  }
}

TEST(RepairText, CountsWhatItPutsInAgainstTheBound) {
  EXPECT_EQ(repair_text(std::string(1000, '\xFF'), 256), marks(85));
  EXPECT_EQ(repair_text("\xFF", 2), "");
}

TEST(RepairPath, LeavesOrdinaryPathsAlone) {
  for (const std::string path : {"", "/", "/docker/x", "/h\xC3\xA9", "/\xF0\x9F\x90\xB3",
                                 "/\xEF\xBF\xBD", "/\xEF\x9D\xBF", "/\xEF\xA0\x80"}) {
    EXPECT_EQ(repair_path(path), path);
  }
}

TEST(RepairPath, WritesAByteThatIsNoTextAsItsStandIn) {
  EXPECT_EQ(repair_path("/\x80"), "/\xEF\x9E\x80");    // U+F780
  EXPECT_EQ(repair_path("/\xBF."), "/\xEF\x9E\xBF.");  // U+F7BF
  EXPECT_EQ(repair_path("/\xC0"), "/\xEF\x9F\x80");    // U+F7C0
  EXPECT_EQ(repair_path("/\xFFx"), "/\xEF\x9F\xBFx");  // U+F7FF
}

TEST(RepairPath, KeepsEveryTwoDifferentPathsApart) {
  const std::string bytes = "/\x80\x9E\x9F\xBF\xC3\xEF\xFF";
  std::map<std::string, std::string> path_of;
  for (const char a : bytes) {
    for (const char b : bytes) {
      for (const char c : bytes) {
        for (const char d : bytes) {
          const std::string path{a, b, c, d};
          const std::string repaired = repair_path(path);
          const auto [at, is_new] = path_of.emplace(repaired, path);
          ASSERT_TRUE(is_new) << repaired;
          ASSERT_EQ(repair_text(repaired, 1000), repaired) << "no valid text";
        }
      }
    }
  }
  EXPECT_EQ(path_of.size(), 4096U);
  // A path that holds a stand-in itself is not the path of the byte that it stands for.
  EXPECT_NE(repair_path("/\xEF\x9E\x80"), repair_path("/\x80"));
}

}  // namespace
}  // namespace cgmon
