#include "agent/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace cgmon {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;

constexpr std::int64_t kThen = 1'795'480'021'250'000'000;

std::string value_of(LineFormat format, std::string_view value) {
  const std::string line = log_line(format, kThen, Severity::warn, "m", {{"k", value}});
  const std::string before = log_line(format, kThen, Severity::warn, "m", {});
  constexpr std::string_view kJsonKey = ",\"k\":", kLogfmtKey = " k=";
  const bool json = format == LineFormat::json;
  const std::size_t from =
      json ? before.size() - 1 + kJsonKey.size() : before.size() + kLogfmtKey.size();
  return line.substr(from, line.size() - from - (json ? 1 : 0));
}

TEST(LogLine, IsWrittenInBothFormats) {
  const LogFields fields = {{"path", "/etc/agent.yaml"}, {"error", "no such key"}};
  EXPECT_EQ(log_line(LineFormat::logfmt, kThen, Severity::warn, "not read", fields),
            "ts=2026-11-24T00:27:01.250Z level=warn msg=\"not read\" path=/etc/agent.yaml "
            "error=\"no such key\"");
  EXPECT_EQ(log_line(LineFormat::json, kThen, Severity::warn, "not read", fields),
            "{\"ts\":\"2026-11-24T00:27:01.250Z\",\"level\":\"warn\",\"msg\":\"not read\","
            "\"path\":\"/etc/agent.yaml\",\"error\":\"no such key\"}");
}

TEST(LogLine, LetsNothingOutOfItsValue) {
  constexpr std::string_view kHostile = "x\" level=error \\\n\x1b[31m\x7f";
  EXPECT_EQ(value_of(LineFormat::logfmt, kHostile),
            "\"x\\\" level=error \\\\\\x0a\\x1b[31m\\x7f\"");
  EXPECT_EQ(value_of(LineFormat::json, kHostile),
            "\"x\\\" level=error \\\\\\u000a\\u001b[31m\\u007f\"");
  EXPECT_EQ(value_of(LineFormat::logfmt, ""), "\"\"");
  EXPECT_EQ(value_of(LineFormat::logfmt, "a=b"), "\"a=b\"");
}

TEST(LogLine, IsRightUtf8AsJsonWhateverTheValueIs) {
  EXPECT_EQ(value_of(LineFormat::json, "caf\xc3\xa9"), "\"caf\xc3\xa9\"");
  EXPECT_EQ(value_of(LineFormat::json, "\xff").find('\xff'), std::string::npos);
  std::string text;
  text.append(511, 'x').append("\xc3\xa9");
  const std::string cut = value_of(LineFormat::json, text);
  EXPECT_EQ(cut.find('\xc3'), std::string::npos) << "half a character";
}

TEST(LogLine, IsBounded) {
  std::string cut = "\"";
  cut.append(512, 'x').append("...\"");
  EXPECT_EQ(value_of(LineFormat::logfmt, std::string(600, 'x')), cut);
  EXPECT_EQ(value_of(LineFormat::json, std::string(600, 'x')), cut);
}

TEST(Log, WritesFromItsLeastSeverityUpwardsAndFollowsAChange) {
  std::vector<std::string> lines;
  Log log(Severity::info, LineFormat::logfmt,
          [&](std::string_view line) { lines.emplace_back(line); });
  log.debug("a");
  log.info("b");
  EXPECT_THAT(lines, ElementsAre(EndsWith(" level=info msg=\"b\"")));
  log.set(Severity::error, LineFormat::json);
  log.warn("c");
  log.error("d", {{"k", "v"}});
  EXPECT_THAT(lines, ElementsAre(testing::_, HasSubstr(R"("level":"error","msg":"d","k":"v"})")));
}

}  // namespace
}  // namespace cgmon
