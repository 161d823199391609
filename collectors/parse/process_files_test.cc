#include "collectors/parse/process_files.h"

#include <gtest/gtest.h>

#include <string>

namespace cgmon {
namespace {

constexpr std::string_view kStat = "812 (a ) b) S 1 812 812 0 -1 4194560 250 0 0 0\n";
constexpr std::string_view kLimits =
    "Limit                     Soft Limit           Hard Limit           Units     \n"
    "Max cpu time              unlimited            unlimited            seconds   \n"
    "Max open files            1024                 524288               files     \n"
    "Max locked memory         8388608              8388608              bytes     \n";

TEST(ParseTaskState, IsTheLetterBehindTheName) {
  EXPECT_EQ(parse_task_state(kStat), 'S');
  EXPECT_EQ(parse_task_state("1 (x) Z 0"), 'Z');
}

TEST(ParseTaskState, IsNoneOfATextThatWasCutBeforeIt) {
  const std::size_t whole = kStat.find(" 1 812");
  for (std::size_t size = 0; size <= whole; ++size) {
    EXPECT_EQ(parse_task_state(kStat.substr(0, size)), std::nullopt) << size;
  }
  for (const char* const bad : {"", ")", "1 (x)", "1 (x) 5 0", "1 x S 0", "1 (x)  S 0"}) {
    EXPECT_EQ(parse_task_state(bad), std::nullopt) << bad;
  }
}

TEST(ParseOpenFilesLimit, IsTheSoftOne) {
  EXPECT_EQ(parse_open_files_limit(kLimits), Value::of(1024));
  EXPECT_EQ(parse_open_files_limit("Max open files            unlimited   5 files\n"),
            Value::unlimited());
}

TEST(ParseOpenFilesLimit, IsAbsentOfATextThatWasCutOrIsMalformed) {
  const std::size_t whole = kLimits.find("Max locked");
  for (std::size_t size = 0; size < whole; ++size) {
    EXPECT_TRUE(parse_open_files_limit(kLimits.substr(0, size)).is_absent()) << size;
  }
  for (const char* const bad :
       {"Max open files \n", "Max open files -1 5\n", "Max open files 18446744073709551616 5\n"}) {
    EXPECT_TRUE(parse_open_files_limit(bad).is_absent()) << bad;
  }
}

TEST(ParseProcessStat, RefusesWhatIsCutOrNoNumber) {
  const std::string text =
      "7 (a) S 0 1 1 0 -1 4 5 6 7 8 9 10 11 12 20 0 1 0 3002 1 2 18446744073709551615\n";
  const auto stat = parse_process_stat(text);
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->name, "a");
  EXPECT_EQ(stat->cpu_ticks, 19U);
  const std::size_t needed = text.find(" 18446744073709551615");
  for (std::size_t size = 0; size < needed; ++size) {
    EXPECT_FALSE(parse_process_stat(text.substr(0, size))) << size;
  }
  std::string overflow = text;
  overflow.replace(overflow.find(" 9 10"), 5, " 18446744073709551615 1");
  EXPECT_FALSE(parse_process_stat(overflow));
  EXPECT_FALSE(parse_process_stat(") ("));
}

TEST(ParseOomScoreAdj, HasASign) {
  EXPECT_EQ(parse_oom_score_adj("0\n"), Value::of(0));
  EXPECT_EQ(parse_oom_score_adj("1000\n"), Value::of(1000));
  EXPECT_EQ(parse_oom_score_adj("-998\n"), Value::of(static_cast<std::uint64_t>(-998LL)));
}

TEST(ParseOomScoreAdj, IsAbsentWhereItIsCutOrNoSuchNumber) {
  for (const char* const bad : {"", "\n", "-", "-\n", "5", "1001\n", "--5\n", "x\n", "5 \n"}) {
    EXPECT_TRUE(parse_oom_score_adj(bad).is_absent()) << bad;
  }
}

}  // namespace
}  // namespace cgmon
