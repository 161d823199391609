#include "collectors/identity/bolt.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/bolt_text.h"

namespace cgmon {
namespace {

Bolt::Read reader_of(const std::string& text) {
  return [&text](std::uint64_t offset, std::span<char> buffer) {
    if (offset > text.size() || buffer.size() > text.size() - offset) return false;
    std::copy_n(text.data() + offset, buffer.size(), buffer.data());
    return true;
  };
}

BoltBucket many(std::size_t count) {
  BoltBucket root;
  for (std::size_t i = 0; i < count; ++i) {
    root.values["key" + std::to_string(1000 + i)] = "value" + std::to_string(i);
    root.buckets["b" + std::to_string(1000 + i)].values["inner"] = std::to_string(i);
  }
  root.buckets["outer"].buckets["middle"].values["long"] = std::string(5000, 'x');
  return root;
}

TEST(Bolt, FindsKeysInSmallAndLargeTreesAndBuckets) {
  for (const std::size_t count : {1, 3, 100, 500}) {
    for (const std::size_t inline_bytes : {0, 200}) {
      const std::string text = bolt_text(many(count), {.inline_bytes = inline_bytes});
      Bolt bolt(reader_of(text));
      ASSERT_TRUE(bolt.is_open());
      std::string value;
      for (std::size_t i = 0; i < count; ++i) {
        const std::string number = std::to_string(1000 + i);
        ASSERT_TRUE(bolt.get({"key" + number}, value)) << number;
        EXPECT_EQ(value, "value" + std::to_string(i));
        ASSERT_TRUE(bolt.get({"b" + number, "inner"}, value)) << number;
        EXPECT_EQ(value, std::to_string(i));
      }
      ASSERT_TRUE(bolt.get({"outer", "middle", "long"}, value));
      EXPECT_EQ(value, std::string(5000, 'x'));
      for (const char* const missing : {"", "a", "key", "key1000x", "zzz"}) {
        EXPECT_FALSE(bolt.get({missing}, value)) << missing;
      }
      EXPECT_FALSE(bolt.get({"outer"}, value)) << "a bucket is no value";
      EXPECT_FALSE(bolt.get({"key1000", "inner"}, value)) << "and a value no bucket";
      EXPECT_TRUE(bolt.unchanged());
    }
  }
}

TEST(Bolt, VisitsWhatABucketHoldsInOrder) {
  const std::string text = bolt_text(many(50));
  Bolt bolt(reader_of(text));
  std::vector<std::string> keys;
  std::size_t buckets = 0;
  ASSERT_TRUE(bolt.each({}, [&](std::string_view key, bool is_bucket, std::string_view) {
    keys.emplace_back(key);
    buckets += is_bucket ? 1 : 0;
    return true;
  }));
  EXPECT_EQ(keys.size(), 101U);
  EXPECT_EQ(buckets, 51U);
  EXPECT_TRUE(std::ranges::is_sorted(keys));
  std::size_t visits = 0;
  EXPECT_TRUE(
      bolt.each({}, [&](std::string_view, bool, std::string_view) { return ++visits < 3; }));
  EXPECT_EQ(visits, 3U);
  EXPECT_FALSE(bolt.each({"none"}, [](std::string_view, bool, std::string_view) { return true; }));
}

TEST(Bolt, TakesTheOtherStateWhereTheNewestIsTorn) {
  std::string text = bolt_text(many(3));
  std::string value;
  text[1024 + 40] ^= 1;  // the younger one's checksum is wrong now
  Bolt older(reader_of(text));
  ASSERT_TRUE(older.is_open());
  EXPECT_FALSE(older.get({"key1000"}, value)) << "that one was empty";
  text[40] ^= 1;
  EXPECT_FALSE(Bolt(reader_of(text)).is_open());
}

TEST(Bolt, KnowsThatTheFileWasWrittenTwiceMeanwhile) {
  const std::string first = bolt_text(many(3));
  std::string text = first;
  Bolt bolt(reader_of(text));
  EXPECT_TRUE(bolt.unchanged());
  // Two states later: both meta pages are younger than what was read.
  BoltBucket other;
  other.values["x"] = "y";
  text = bolt_text(other);
  EXPECT_TRUE(bolt.unchanged()) << "the same numbers of transactions";
  text.assign(first.size(), '\0');
  EXPECT_FALSE(bolt.unchanged());
}

TEST(Bolt, SurvivesAFileThatIsCutOrChangedAtWhicheverByte) {
  BoltBucket root;
  root.values["a"] = "b";
  root.buckets["c"].values["d"] = "e";
  const std::string whole = bolt_text(root, {.page_bytes = 512});
  std::string value;
  const auto try_all = [&](const std::string& text) {
    Bolt bolt(reader_of(text));
    (void)bolt.get({"a"}, value);
    (void)bolt.get({"c", "d"}, value);
    std::size_t visits = 0;
    (void)bolt.each({"c"},
                    [&](std::string_view, bool, std::string_view) { return ++visits < 100'000; });
    EXPECT_LT(visits, 100'000U);
  };
  for (std::size_t size = 0; size < whole.size(); size += 3) try_all(whole.substr(0, size));
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const char byte : {'\0', '\x7f', '\xff'}) {
      std::string text = whole;
      text[at] = byte;
      try_all(text);
    }
  }
}

TEST(Bolt, EndsWhereABranchLeadsBackToItself) {
  std::string text = bolt_text(many(20), {.page_bytes = 1024, .keys_a_page = 2});
  // Each branch's children become the branch itself.
  for (std::size_t page = 2; page * 1024 + 1024 <= text.size(); ++page) {
    if (text[page * 1024 + 8] != 1) continue;
    for (std::size_t i = 0; i < 2; ++i) {
      text[page * 1024 + 16 + i * 16 + 8] = text[page * 1024];
      text[page * 1024 + 16 + i * 16 + 9] = text[page * 1024 + 1];
    }
  }
  Bolt bolt(reader_of(text));
  std::string value;
  EXPECT_FALSE(bolt.get({"key1003"}, value));
  EXPECT_FALSE(bolt.each({}, [](std::string_view, bool, std::string_view) { return true; }));
}

}  // namespace
}  // namespace cgmon
