#include "agent/enforce/kept.h"

#include <gtest/gtest.h>

namespace cgmon {
namespace {

using enum Kept::How;

Step limit(const char* flag, const char* value) {
  Step step;
  step.limit = flag;
  step.value = value;
  return step;
}

Kept::How how(const Step& step, std::string_view text) { return judge_kept(step, text).how; }

TEST(JudgeKept, ComparesNumbersAndSeesARoundedOne) {
  const Step step = limit("memory", "67108864");
  EXPECT_EQ(how(step, "67108864\n"), exact);
  EXPECT_EQ(how(step, "67104768\n"), other) << "a page less, and not rounded";
  EXPECT_EQ(how(limit("memory", "5000"), "4096\n"), rounded);
  EXPECT_EQ(how(step, "max\n"), other);
  EXPECT_EQ(how(step, "65536\n"), other) << "in KiB";
  EXPECT_EQ(how(step, ""), other);
  Step pages = limit("hugetlb", "9000000");
  EXPECT_EQ(how(pages, "8388608\n"), other);
  pages.unit = std::uint64_t{2} << 20U;
  EXPECT_EQ(how(pages, "8388608\n"), rounded);
}

TEST(JudgeKept, ComparesTexts) {
  const Step step = limit("cpus", "50000 100000");
  EXPECT_EQ(how(step, "50000 100000\n"), exact);
  EXPECT_EQ(how(step, "max 100000\n"), other);
  EXPECT_EQ(how(step, "500 1000\n"), other);
}

TEST(JudgeKept, FindsTheLineOfADevice) {
  const Step step = limit("io", "8:0 rbps=1048576");
  const char* const text = "8:16 rbps=1048576 wbps=max\n8:0 rbps=1048576 wbps=max riops=max\n";
  EXPECT_EQ(how(step, text), exact);
  EXPECT_EQ(judge_kept(step, text).effective, "8:0 rbps=1048576 wbps=max riops=max");
  EXPECT_EQ(how(step, "8:0 rbps=1024 wbps=max\n"), other);
  EXPECT_EQ(how(step, "18:0 rbps=1048576\n"), other);
  EXPECT_EQ(how(limit("io", "8:0 1048576"), "8:0 1048576\n"), exact) << "of v1";
  EXPECT_EQ(how(limit("misc", "sev 5"), "sev 5\n"), exact);
  EXPECT_EQ(how(limit("misc", "sev 5"), "sev max\n"), other);
}

TEST(JudgeKept, ComparesListsOfCpus) {
  EXPECT_EQ(how(limit("cpuset", "0,1,2"), "0-2\n"), exact);
  EXPECT_EQ(how(limit("cpuset", "0-2"), "0-1\n"), other);
}

TEST(JudgeKept, FindsADeviceInTheList) {
  Step deny = limit("device", "a"), allow = limit("device", "c 1:3 rwm");
  deny.read_back = allow.read_back = "/x/devices.list";
  EXPECT_EQ(how(deny, ""), exact);
  EXPECT_EQ(how(deny, "a *:* rwm\n"), other);
  EXPECT_EQ(how(allow, "c 1:5 rwm\nc 1:3 rwm\n"), exact);
  EXPECT_EQ(how(allow, "c 1:30 rwm\nc 1:3 r\n"), other);
}

}  // namespace
}  // namespace cgmon
