#include "agent/expose/terminal_text.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <utility>

namespace cgmon {
namespace {

TEST(TerminalSafe, LeavesReadableTextOfAnyScriptAsItIs) {
  for (const std::string text : {"web-1", "dev-disk-by\\x2duuid.swap", "größe", "データベース", "🐳",
                                 "नमस्ते", "\xEF\xBF\xBD"}) {
    EXPECT_EQ(terminal_safe(text), text);
  }
}

TEST(TerminalSafe, SpellsOutWhatWouldMoveTheCursorOrReorderALine) {
  // NOLINTBEGIN(misc-misleading-bidirectional): what it is about
  const std::array<std::pair<std::string, std::string>, 9> cases{{
      {"\x1b[31mred\x07", "\\x1b[31mred\\x07"},
      {"a\tb\nc\rd", R"(a\x09b\x0ac\x0dd)"},
      {std::string("a\0b\x7f", 4), "a\\x00b\\x7f"},
      {"\xC2\x85\xC2\x9B", "\\u0085\\u009b"},
      {"x\xE2\x80\xAEgnp", "x\\u202egnp"},
      {"\xE2\x80\xA8\xE2\x81\xA6\xD8\x9C", R"(\u2028\u2066\u061c)"},
      {"zero\xE2\x80\x8Bwidth\xEF\xBB\xBF", "zero\\u200bwidth\\ufeff"},
      {"\xF3\xA0\x80\x81", "\\U000e0001"},
      {"soft\xC2\xADhyphen", "soft\\u00adhyphen"},
  }};
  // NOLINTEND(misc-misleading-bidirectional)
  for (const auto& [text, safe] : cases) EXPECT_EQ(terminal_safe(text), safe);
}

TEST(TerminalSafe, SpellsOutEachByteThatIsNoUtf8) {
  EXPECT_EQ(terminal_safe("a\xff\xfe"), "a\\xff\\xfe");
  EXPECT_EQ(terminal_safe("\xC0\xAF"), "\\xc0\\xaf");                    // overlong
  EXPECT_EQ(terminal_safe("\xE0\x80\xAF"), "\\xe0\\x80\\xaf");           // overlong
  EXPECT_EQ(terminal_safe("\xED\xA0\x80"), "\\xed\\xa0\\x80");           // surrogate
  EXPECT_EQ(terminal_safe("\xF4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");  // above U+10FFFF
  EXPECT_EQ(terminal_safe("cut\xE3\x83"), "cut\\xe3\\x83");
}

TEST(TerminalSafe, MakesOneByteOutOfNoByteThatATerminalObeys) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string safe = terminal_safe(std::string(1, static_cast<char>(byte)));
    EXPECT_EQ(safe.size(), byte >= 0x20 && byte < 0x7F ? 1U : 4U) << byte;
  }
}

TEST(TerminalSafe, LetsNoHeapOfMarksGrowOverOtherLines) {
  std::string heap = "a";
  for (int i = 0; i < 6; ++i) heap += "\xCC\x81";
  EXPECT_EQ(terminal_safe(heap), "a\xCC\x81\xCC\x81\xCC\x81\xCC\x81\\u0301\\u0301");
}

TEST(DisplayWidth, CountsColumnsNotBytes) {
  EXPECT_EQ(display_width(""), 0U);
  EXPECT_EQ(display_width("web-1"), 5U);
  EXPECT_EQ(display_width("größe…"), 6U);
  EXPECT_EQ(display_width("データ"), 6U);
  EXPECT_EQ(display_width("🐳한"), 4U);
  EXPECT_EQ(display_width("e\xCC\x81"), 1U);
}

TEST(Shortened, KeepsTheStartAndTheEndOfALongName) {
  EXPECT_EQ(shortened("system.slice", 12), "system.slice");
  EXPECT_EQ(shortened("system.slice", 11), "syste…slice");
  EXPECT_EQ(shortened("system.slice", 4), "s…ce");
  EXPECT_EQ(shortened("system.slice", 1), "…");
  EXPECT_EQ(shortened("system.slice", 0), "");
}

TEST(Shortened, NeverCutsACharacterNorGetsTooWide) {
  const std::string name = "ab🐳データe\xCC\x81ベース한국어-größe";
  for (std::size_t width = 0; width <= display_width(name) + 1; ++width) {
    const std::string text = shortened(name, width);
    EXPECT_LE(display_width(text), width);
    EXPECT_EQ(terminal_safe(text), text) << width;  // cut characters would be spelt out
  }
  EXPECT_EQ(shortened("データベース", 6), "デ…ス");
}

}  // namespace
}  // namespace cgmon
