#include "agent/group_query.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace cgmon {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr GroupSet kOn = bit(Group::spec) | bit(Group::cpu) | bit(Group::memory);

std::string error_of(std::string_view query) {
  const Result<GroupSet> groups = groups_asked_for(query, kOn);
  return groups ? "no error" : groups.error().message();
}

TEST(GroupsAskedFor, AreAllWhenNothingIsSaid) {
  EXPECT_EQ(groups_asked_for("", kOn), kAllGroups);
  EXPECT_EQ(groups_asked_for("name=web", kOn), kAllGroups);
}

TEST(GroupsAskedFor, AreThoseToCollectOrAllButThoseToExclude) {
  EXPECT_EQ(groups_asked_for("collect[]=cpu", kOn), bit(Group::cpu));
  EXPECT_EQ(groups_asked_for("collect%5B%5D=cpu&collect[]=spec&x", kOn),
            bit(Group::cpu) | bit(Group::spec));
  EXPECT_EQ(groups_asked_for("exclude[]=cpu", kOn), bit(Group::spec) | bit(Group::memory));
  EXPECT_EQ(groups_asked_for("exclude[]=percpu", kOn), kOn) << "it is off anyway";
}

TEST(GroupsAskedFor, FailWithWhatIsKnownAndTheNearest) {
  EXPECT_EQ(error_of("collect[]=memry"),
            "no collector `memry`; did you mean `memory`? Collectors that are on: spec, cpu, "
            "memory");
  EXPECT_THAT(error_of("exclude[]="), HasSubstr("no collector ``. Collectors that"));
  EXPECT_THAT(error_of("collect[]=cpu&collect[]=percpu"),
              AllOf(HasSubstr("`percpu` is off"), HasSubstr("--collector.percpu")));
  EXPECT_THAT(error_of("collect[]=cpu&exclude[]=memory"), HasSubstr("do not go together"));
  EXPECT_THAT(error_of("collect=cpu"), HasSubstr("did you mean `collect[]`?"));
}

TEST(GroupsAskedFor, SendNoHostileBytesBack) {
  const std::string error = error_of("collect[]=%0d%0aX%1b%ff" + std::string(500, 'x'));
  EXPECT_THAT(error, AllOf(HasSubstr("`??X??xx"), Not(HasSubstr("\r"))));
  EXPECT_LT(error.size(), 300U);
}

}  // namespace
}  // namespace cgmon
