#include "collectors/identity/toml_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace cgmon {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> texts_of(std::string_view toml) {
  std::vector<std::string> found;
  visit_toml(toml, [&](std::string_view table, std::string_view key, std::string_view value) {
    found.push_back(std::string(table) + '/' + std::string(key) + '=' + std::string(value));
  });
  return found;
}

TEST(VisitToml, FindsTextsInTheirTables) {
  EXPECT_THAT(
      texts_of("version = 2\nroot = \"/a b\"  # where\r\n  state='/c'\n\n[grpc]\n"
               "address = \"/run/x\"\n[plugins.\"io.x\"]\n  y = \"#z\"\n"),
      ElementsAre("/root=/a b", "/state=/c", "grpc/address=/run/x", "plugins.\"io.x\"/y=#z"));
}

TEST(VisitToml, SkipsWhatItDoesNotUnderstand) {
  for (const char* const text :
       {"", "=", "a", "a=", "a=1", "a=\"", "a=\"b", "a=\"b\" c", "a=\"b\\\"c\"", "#a=\"b\"",
        "a=[\"b\"]", "a={b=\"c\"}", "a=\"\"\"b"}) {
    EXPECT_THAT(texts_of(text), IsEmpty()) << text;
  }
  EXPECT_THAT(texts_of("a = \"\"\"\nroot = \"/not\"\n\"\"\"\nroot = \"/yes\""),
              ElementsAre("/root=/yes"))
      << "lines of a text are none of the file";
}

}  // namespace
}  // namespace cgmon
