#include "agent/expose/table_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace cgmon {
namespace {

using ::testing::IsSupersetOf;

TEST(TableColumns, HaveKeysAndRanksOfTheirOwn) {
  std::set<std::string_view> keys{"name", "id"};
  std::set<unsigned> ranks;
  for (const TableColumnInfo& column : kTableColumns) {
    EXPECT_TRUE(keys.insert(column.key).second) << column.key;
    EXPECT_TRUE(ranks.insert(column.rank).second) << column.key;
  }
}

TEST(SortKey, IsReadFromItsNameWithAMinusForTheOtherWayRound) {
  const auto memory = parse_sort_key("-memory");
  ASSERT_TRUE(memory);
  EXPECT_EQ(memory->by, SortKey::By::column);
  EXPECT_EQ(memory->column, TableColumn::memory);
  EXPECT_TRUE(memory->reversed);
  EXPECT_EQ(parse_sort_key("name")->by, SortKey::By::name);
  EXPECT_EQ(parse_sort_key("-id")->by, SortKey::By::id);
  for (const std::string& key : sort_keys()) EXPECT_TRUE(parse_sort_key(key)) << key;
  for (const char* const bad : {"", "-", "--cpu", "CPU", "cpu ", "memory,cpu"}) {
    EXPECT_FALSE(parse_sort_key(bad)) << bad;
  }
}

TEST(TableFilter, KnowsItsKeysAndTheKindsOfCgroups) {
  for (const std::string& key : filter_keys()) EXPECT_TRUE(parse_filter_key(key)) << key;
  EXPECT_EQ(parse_filter_key("runtime"), TableFilter::Of::runtime);
  EXPECT_FALSE(parse_filter_key("Kind"));
  EXPECT_THAT(kind_names(), IsSupersetOf({"container", "pod", "unit", "slice", "root", "other"}));
}

TEST(TableFilter, WantsOneOfEachKindOfCriterion) {
  const CgroupLabels web{
      .id = "/docker/1", .image = "nginx:1.25", .kind = CgroupKind::container, .runtime = "docker"};
  using enum TableFilter::Of;
  using Filters = std::vector<TableFilter>;
  EXPECT_TRUE(passes({}, web, "web"));
  EXPECT_TRUE(passes(Filters{{kind, "container"}, {name, "w*"}}, web, "web"));
  EXPECT_TRUE(passes(Filters{{kind, "unit"}, {kind, "container"}}, web, "web"));
  EXPECT_FALSE(passes(Filters{{kind, "unit"}, {name, "web"}}, web, "web"));
  EXPECT_TRUE(passes(Filters{{image, "nginx:*"}, {runtime, "docker"}, {id, "/docker/*"}}, web, ""));
  EXPECT_FALSE(passes(Filters{{runtime, "podman"}}, web, "web"));
}

}  // namespace
}  // namespace cgmon
