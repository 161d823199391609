#include "collectors/parse/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace cgmon
