#include "agent/logfmt.h"

#include <gtest/gtest.h>

namespace cgmon {
namespace {

TEST(LogfmtValue, KeepsPlainText) { EXPECT_EQ(logfmt_value("/docker/web 1"), "\"/docker/web 1\""); }

TEST(LogfmtValue, LetsNothingOutOfItsValue) {
  EXPECT_EQ(logfmt_value("x\" level=error \\\n\x1b[31m\x7f"),
            "\"x\\\" level=error \\\\\\x0a\\x1b[31m\\x7f\"");
}

TEST(LogfmtValue, IsBounded) {
  EXPECT_EQ(logfmt_value(std::string(600, 'x')), '"' + std::string(512, 'x') + "...\"");
}

}  // namespace
}  // namespace cgmon
