#include "tests/support/tree_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cerrno>

namespace cgmon {
namespace {

TEST(ParseTree, ReadsEveryKindOfEntry) {
  const auto entries = parse_tree(
      "cgmon-tree 1\n"
      "d / 0755 i=2 t=1795473564.000000000 m=ef53 v=254:1\n"
      "f /odd\\040name\\134x2d 0644 i=7 t=1795474000\n"
      "\tone\n"
      "\t\ttwo\n"
      "\t\n"
      "l /to 0777 i=8 t=5 a=a\\040b\n"
      "f /write-only 0200 i=9 t=5 e=EINVAL\n",
      "x.tree");
  ASSERT_TRUE(entries) << entries.error().message();
  ASSERT_EQ(entries->size(), 4U);
  const TreeEntry& top = (*entries)[0];
  EXPECT_EQ(top.mode, S_IFDIR | 0755U);
  EXPECT_EQ(top.inode, 2U);
  EXPECT_EQ(top.mtime_ns, 1'795'473'564'000'000'000);
  EXPECT_EQ(top.magic, 0xef53U);
  EXPECT_EQ(top.device, (254ULL << 32U) | 1U);
  EXPECT_EQ((*entries)[1].path, "/odd name\\x2d");
  EXPECT_EQ((*entries)[1].content, "one\n\ttwo\n\n");
  EXPECT_EQ((*entries)[2].mode, S_IFLNK | 0777U);
  EXPECT_EQ((*entries)[2].content, "a b");
  EXPECT_EQ((*entries)[3].error, EINVAL);
}

TEST(ParseTree, SkipsTheManifestAboveTheFirstEntryOnly) {
  const auto entries = parse_tree("cgmon-tree 1\n# layout: v2\n#\nd / 0755\n", "x.tree");
  ASSERT_TRUE(entries) << entries.error().message();
  EXPECT_EQ(entries->size(), 1U);
  const auto below = parse_tree("cgmon-tree 1\nd / 0755\n# layout: v2\n", "x.tree");
  ASSERT_FALSE(below);
  EXPECT_EQ(below.error().line, 3U);
}

TEST(ParseTree, KeepsAMissingNewlineAndBytesThatAreNoText) {
  const auto entries = parse_tree(
      "cgmon-tree 1\n"
      "f /open 0644 open\n"
      "\tfirst\n"
      "\tsecond\n"
      "f /bytes 0644 escaped\n"
      "\ta\\000\\377\\134\n"
      "f /empty 0644\n",
      "x.tree");
  ASSERT_TRUE(entries) << entries.error().message();
  EXPECT_EQ((*entries)[0].content, "first\nsecond");
  EXPECT_EQ((*entries)[1].content, std::string("a\0\xff\\\n", 5));
  EXPECT_EQ((*entries)[2].content, "");
}

TEST(ParseTree, NamesTheLineThatItCannotRead) {
  for (const std::string bad : {
           "x /a 0644",
           "f a 0644",
           "f /a",
           "f /a 0844",
           "f /a 0644 i=x",
           "f /a 0644 i=",
           "f /a 0644 t=1.5",
           "f /a 0644 t=1.-00000001",
           "f /a 0644 t=9223372036854775807",
           "f /a 0644 e=ENOTHING",
           "f /a 0644 v=1",
           "f /a 0644 z=1",
           "f /a 0644 word",
           "f /a\\9 0644",
           "f /a\\400 0644",
           "d /a 0755\n\tcontent",
           "",
       }) {
    const auto entries = parse_tree("cgmon-tree 1\nd / 0755\n" + bad + "\n", "x.tree");
    ASSERT_FALSE(entries) << bad;
    EXPECT_EQ(entries.error().path, "x.tree");
    EXPECT_GE(entries.error().line, 3U) << bad;
  }
}

TEST(ParseTree, RefusesWhatIsNoTree) {
  EXPECT_FALSE(parse_tree("", "x"));
  EXPECT_FALSE(parse_tree("cgmon-tree 2\n", "x"));
  EXPECT_FALSE(parse_tree("cgmon-tree 1\n\tcontent of nothing\n", "x"));
  EXPECT_FALSE(parse_tree("cgmon-tree 1\nf /a 0644 open\n", "x")) << "nothing to leave open";
  EXPECT_FALSE(parse_tree("cgmon-tree 1\nf /a 0644 escaped\n\t\\12\n", "x"));
}

}  // namespace
}  // namespace cgmon
