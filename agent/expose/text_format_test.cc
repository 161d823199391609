#include "agent/expose/text_format.h"

#include <gtest/gtest.h>

#include <set>

#include "collectors/metrics/tables.h"

namespace cgmon {
namespace {

std::string header(TextFormat format, std::string_view name, SampleType type,
                   std::string_view help = "Help.") {
  std::string text;
  append_header(text, format, name, type, help);
  return text;
}

using enum SampleType;
constexpr TextFormat kOld = TextFormat::prometheus, kNew = TextFormat::openmetrics;

TEST(Header, NamesACounterWithItsSuffixInTextAndWithoutItInOpenMetrics) {
  EXPECT_EQ(header(kOld, "x_total", counter), "# HELP x_total Help.\n# TYPE x_total counter\n");
  EXPECT_EQ(header(kNew, "x_total", counter), "# HELP x Help.\n# TYPE x counter\n");
}

TEST(Header, CallsACounterWithoutTheSuffixUnknownInOpenMetrics) {
  EXPECT_EQ(header(kOld, "container_memory_failcnt", counter),
            "# HELP container_memory_failcnt Help.\n# TYPE container_memory_failcnt counter\n");
  EXPECT_EQ(header(kNew, "container_memory_failcnt", counter),
            "# HELP container_memory_failcnt Help.\n# TYPE container_memory_failcnt unknown\n");
}

TEST(Header, SaysTheUnitWhereTheNameEndsInIt) {
  EXPECT_EQ(header(kNew, "cpu_seconds_total", counter),
            "# HELP cpu_seconds Help.\n# TYPE cpu_seconds counter\n# UNIT cpu_seconds seconds\n");
  EXPECT_EQ(header(kNew, "used_bytes", gauge),
            "# HELP used_bytes Help.\n# TYPE used_bytes gauge\n# UNIT used_bytes bytes\n");
  EXPECT_EQ(header(kNew, "bytes_used", gauge),
            "# HELP bytes_used Help.\n# TYPE bytes_used gauge\n");
  EXPECT_EQ(header(kNew, "kilobytes", gauge), "# HELP kilobytes Help.\n# TYPE kilobytes gauge\n");
  EXPECT_EQ(header(kOld, "used_bytes", gauge),
            "# HELP used_bytes Help.\n# TYPE used_bytes gauge\n");
}

TEST(Header, NamesAnInfoWithoutItsSuffixInOpenMetricsAndIsAGaugeInText) {
  EXPECT_EQ(header(kNew, "build_info", info), "# HELP build Help.\n# TYPE build info\n");
  EXPECT_EQ(header(kOld, "build_info", info), "# HELP build_info Help.\n# TYPE build_info gauge\n");
  EXPECT_EQ(header(kNew, "state", stateset), "# HELP state Help.\n# TYPE state stateset\n");
  EXPECT_EQ(header(kOld, "state", stateset), "# HELP state Help.\n# TYPE state gauge\n");
}

TEST(Header, EscapesHelpAsEachFormatWantsIt) {
  EXPECT_EQ(header(kOld, "x", gauge, "a\\b\nc\"d\""), "# HELP x a\\\\b\\nc\"d\"\n# TYPE x gauge\n");
  EXPECT_EQ(header(kNew, "x", gauge, "a\\b\nc\"d\""),
            "# HELP x a\\\\b\\nc\\\"d\\\"\n# TYPE x gauge\n");
}

TEST(Header, NoTwoFamiliesShareANameInOpenMetrics) {
  std::set<std::string_view> names;
  for (const Family& family : kFamilies) {
    std::string_view base = family.name;
    if (family.kind == Kind::counter && base.ends_with("_total")) base.remove_suffix(6);
    if (family.kind == Kind::info && base.ends_with("_info")) base.remove_suffix(5);
    EXPECT_TRUE(names.insert(base).second) << base;
  }
}

}  // namespace
}  // namespace cgmon
