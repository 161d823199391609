#include "collectors/parse/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace cgmon {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Settings, AreReadInTomlYamlAndJson) {
  EXPECT_THAT(settings("[a.b.options]\n  SystemdCgroup = true\n", "SystemdCgroup"),
              ElementsAre("true"));
  EXPECT_THAT(settings("cgroup_manager=\"cgroupfs\" # own", "cgroup_manager"),
              ElementsAre("cgroupfs"));
  EXPECT_THAT(settings("kind: K\ncgroupDriver: systemd\r\n", "cgroupDriver"),
              ElementsAre("systemd"));
  EXPECT_THAT(settings("{\n\t\"cgroupDriver\" : \"systemd\",\n}", "cgroupDriver"),
              ElementsAre("systemd"));
}

TEST(Settings, AreAllThatAFileGivesInItsOrder) {
  EXPECT_THAT(settings("a = 1\nb = 2\na = 3\n", "a"), ElementsAre("1", "3"));
}

TEST(Settings, AreNoneInCommentsInOtherKeysAndWithoutAValue) {
  for (const char* const text : {"", "a", "a =", "a = \"\"", "a = # 1", "# a = 1", "#a = 1",
                                 "ab = 1", "b = a = 1", "a 1", "= 1", "a\n= 1"}) {
    EXPECT_THAT(settings(text, "a"), IsEmpty()) << text;
  }
}

TEST(Settings, AreNoPartOfALongerText) {
  for (const char* const text :
       {"a: b c", "a = b c", "a = \"b\" c", "a = \"b", "a = [b]", "a = {b}", "a = \"b\\\"c\"",
        "\"a = b", "\"a\" b = c", "a = b\rc"}) {
    EXPECT_THAT(settings(text, "a"), IsEmpty()) << text;
  }
}

std::vector<std::string> texts_of(std::string_view toml) {
  std::vector<std::string> found;
  visit_settings(toml, [&](const Setting& setting) {
    if (!setting.is_text) return;
    found.push_back(std::string(setting.table) + '/' + std::string(setting.key) + '=' +
                    std::string(setting.value));
  });
  return found;
}

TEST(VisitSettings, FindsTextsInTheirTables) {
  EXPECT_THAT(
      texts_of("version = 2\nroot = \"/a b\"  # where\r\n  state='/c'\n\n[grpc]\n"
               "address = \"/run/x\"\n[plugins.\"io.x\"]\n  y = \"#z\"\n"),
      ElementsAre("/root=/a b", "/state=/c", "grpc/address=/run/x", "plugins.\"io.x\"/y=#z"));
}

TEST(VisitSettings, SkipsWhatItDoesNotUnderstand) {
  for (const char* const text :
       {"", "=", "a", "a=", "a=1", "a=\"", "a=\"b", "a=\"b\" c", "a=\"b\\\"c\"", "#a=\"b\"",
        "a=[\"b\"]", "a={b=\"c\"}", "a=\"\"\"b", "=\"b\"", "\"\"=\"b\""}) {
    EXPECT_THAT(texts_of(text), IsEmpty()) << text;
  }
  EXPECT_THAT(texts_of("a = \"\"\"\nroot = \"/not\"\n\"\"\"\nroot = \"/yes\""),
              ElementsAre("/root=/yes"))
      << "lines of a text are none of the file";
}

}  // namespace
}  // namespace cgmon
