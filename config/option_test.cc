#include "config/option.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace cgmon {
namespace {

TEST(OptionTable, HasEachNameOnceAndFindsIt) {
  std::set<std::string_view> seen;
  for (const Option& option : all_options()) {
    EXPECT_TRUE(seen.insert(option.name).second) << option.name;
    EXPECT_EQ(find_option(option.name), &option);
  }
  EXPECT_EQ(find_option("web"), nullptr);
  EXPECT_EQ(find_option(""), nullptr);
}

TEST(OptionTable, DescribesEachOptionByOneSentenceAndItsValue) {
  for (const Option& option : all_options()) {
    EXPECT_TRUE(option.help.ends_with('.')) << option.name;
    EXPECT_EQ(option.help.find(". "), std::string_view::npos) << option.name;
    EXPECT_EQ(option.value_name.empty(), is_flag(option)) << option.name;
    EXPECT_NE(option.default_text.empty(), option.derived_default.empty()) << option.name;
    EXPECT_FALSE(expected_value(option).empty()) << option.name;
  }
}

TEST(OptionTable, SaysTheDefaultsThatAConfigHas) {
  for (const Option& option : all_options()) {
    if (option.default_text.empty()) continue;
    Config config;
    const std::vector<std::string> values = {std::string(option.default_text)};
    ASSERT_TRUE(assign(option, values, config).has_value()) << option.name;
    EXPECT_EQ(config, Config{}) << option.name;
  }
}

TEST(OptionTable, LeavesDerivedDefaultsEmpty) {
  const Config config;
  EXPECT_THAT(config.path.procfs + config.path.sysfs + config.path.cgroupfs, ::testing::IsEmpty());
  EXPECT_THAT(config.docker.roots, ::testing::IsEmpty());
  EXPECT_EQ(config.only, std::nullopt);
}

TEST(OptionTable, EachOptionChangesAFieldOfItsOwn) {
  const std::vector<std::string> candidates = {
      "true", "17", "1001", "70000", "7s", ":17", "pods", "debug", "json", "/elsewhere", "docker"};
  std::vector<Config> changed;
  for (const Option& option : all_options()) {
    Config config;
    for (const std::string& candidate : candidates) {
      if (assign(option, std::vector{candidate}, config).has_value()) break;
    }
    EXPECT_NE(config, Config{}) << option.name;
    EXPECT_THAT(changed, ::testing::Not(::testing::Contains(config))) << option.name;
    changed.push_back(config);
  }
}

TEST(Assign, HoldsTheBoundsOfCountsAndDurations) {
  for (const Option& option : all_options()) {
    Config config;
    const auto takes = [&](const std::string& text) {
      return assign(option, std::vector{text}, config).has_value();
    };
    if (const auto* const count = std::get_if<CountField>(&option.field)) {
      EXPECT_TRUE(takes(std::to_string(count->min))) << option.name;
      EXPECT_TRUE(takes(std::to_string(count->max))) << option.name;
      EXPECT_FALSE(takes(std::to_string(std::uint64_t{count->max} + 1))) << option.name;
      EXPECT_FALSE(takes("99999999999999999999")) << option.name;
      EXPECT_FALSE(takes("-1")) << option.name;
      if (count->min > 0) {
        EXPECT_FALSE(takes(std::to_string(count->min - 1))) << option.name;
      }
      EXPECT_EQ(count->get(config), count->max) << option.name;
    }
    if (const auto* const duration = std::get_if<DurationField>(&option.field)) {
      EXPECT_TRUE(takes(std::to_string(duration->max.count()) + "ms")) << option.name;
      EXPECT_FALSE(takes(std::to_string(duration->max.count() + 1) + "ms")) << option.name;
      EXPECT_FALSE(takes("99999999999999999999h")) << option.name;
      EXPECT_EQ(duration->get(config), duration->max) << option.name;
    }
  }
}

TEST(Assign, NamesTheBadValueAmongSeveralAndKeepsTheOldOnes) {
  Config config;
  const std::vector<std::string> values = {":1", ":2", ":x"};
  const auto assigned = assign(*find_option("web.listen-address"), values, config);
  ASSERT_FALSE(assigned.has_value());
  EXPECT_EQ(assigned.error().index, 2U);
  EXPECT_EQ(config, Config{});
}

TEST(Assign, GivesARepeatableOptionItsDefaultWhenThereIsNoValue) {
  for (const Option& option : all_options()) {
    if (!is_repeatable(option)) continue;
    Config config{.docker = {.roots = {"/a"}},
                  .labels = {{"b"}, {"c"}},
                  .filter = {{"d"}, {"e"}, {"f"}, {"g"}, {"h"}, {"i"}},
                  .only = Scopes{.pods = true}};
    config.web.listen_addresses = {{"", 1}};
    Config expected = config;
    ASSERT_TRUE(assign(option, {}, config).has_value()) << option.name;
    if (option.name == "docker.root") expected.docker.roots.clear();
    if (option.name == "labels.container") expected.labels.container.clear();
    if (option.name == "labels.env") expected.labels.env.clear();
    if (option.name == "filter.include-path") expected.filter.include_paths.clear();
    if (option.name == "filter.exclude-path") expected.filter.exclude_paths.clear();
    if (option.name == "filter.include-runtime") expected.filter.include_runtimes.clear();
    if (option.name == "filter.exclude-runtime") expected.filter.exclude_runtimes.clear();
    if (option.name == "filter.include-namespace") expected.filter.include_namespaces.clear();
    if (option.name == "filter.exclude-namespace") expected.filter.exclude_namespaces.clear();
    if (option.name == "only") expected.only.reset();
    if (option.name == "web.listen-address") expected.web.listen_addresses = {{"", 10190}};
    EXPECT_EQ(config, expected) << option.name;
  }
}

TEST(Assign, TakesSeveralPatternsOfOneValue) {
  const Option& option = *find_option("labels.container");
  Config config;
  const std::vector<std::string> values{"com.example.*,team", "tier"};
  ASSERT_TRUE(assign(option, values, config).has_value());
  EXPECT_THAT(config.labels.container, ::testing::ElementsAre("com.example.*", "team", "tier"));
  for (const char* const wrong : {"", ",", "a,", "a b", "a\n"}) {
    const std::vector<std::string> one{"ok", wrong};
    const auto assigned = assign(option, one, config);
    ASSERT_FALSE(assigned.has_value()) << wrong;
    EXPECT_EQ(assigned.error().index, 1U);
  }
}

TEST(Assign, RefusesPatternsThatCouldMatchNothing) {
  const auto takes = [](std::string_view name, const std::string& value) {
    Config config;
    const std::vector<std::string> values{value};
    return assign(*find_option(name), values, config).has_value();
  };
  for (const char* const good : {"/", "/system.slice/*", "*.mount", "/a b", "/?/\\x2d,*"}) {
    EXPECT_TRUE(takes("filter.exclude-path", good)) << good;
  }
  for (const char* const bad : {"", "system.slice", "/a,", "/[ab]", "/{a,b}", "/a\nb"}) {
    EXPECT_FALSE(takes("filter.include-path", bad)) << bad;
  }
  for (const char* const good : {"docker", "docker,podman", "*", "cr?o", "nerd*"}) {
    EXPECT_TRUE(takes("filter.include-runtime", good)) << good;
  }
  for (const char* const bad : {"", "dcoker", "Docker", "docker,", "docker,x", "do cker"}) {
    EXPECT_FALSE(takes("filter.exclude-runtime", bad)) << bad;
  }
  for (const char* const good : {"prod", "kube-*", "a1-?"}) {
    EXPECT_TRUE(takes("filter.include-namespace", good)) << good;
  }
  for (const char* const bad : {"", "Prod", "a/b", "a.b", "[a]"}) {
    EXPECT_FALSE(takes("filter.exclude-namespace", bad)) << bad;
  }
}

TEST(ValuesOf, AreWhatAFlagWouldSay) {
  Config config;
  for (const Option& option : all_options()) {
    const std::vector<std::string> values = values_of(option, config);
    if (!option.default_text.empty()) {
      EXPECT_THAT(values, ::testing::ElementsAre(option.default_text)) << option.name;
    }
    if (!values.empty() && !values[0].empty()) {
      EXPECT_TRUE(assign(option, values, config).has_value()) << option.name;
    }
    EXPECT_EQ(config, Config{}) << option.name;
  }
  config.web.listen_addresses = {{"", 1}, {"::1", 2}};
  config.only = Scopes{.containers = true, .units = true};
  EXPECT_THAT(values_of(*find_option("web.listen-address"), config),
              ::testing::ElementsAre(":1", "[::1]:2"));
  EXPECT_THAT(values_of(*find_option("only"), config),
              ::testing::ElementsAre("containers", "units"));
}

TEST(OptionTable, HasWordsThatTheOptionTakes) {
  for (const Option& option : all_options()) {
    std::string_view rest = option.words;
    while (!rest.empty()) {
      const std::string word(rest.substr(0, rest.find(' ')));
      rest.remove_prefix(std::min(word.size() + 1, rest.size()));
      Config config;
      EXPECT_TRUE(assign(option, std::vector{word}, config).has_value()) << option.name << word;
    }
  }
}

TEST(Differences, AreNoneOfEqualConfigsAndNameEachChangeWithBothValues) {
  const std::vector<GroupOption> groups = {{"cpu", true}, {"percpu", false}};
  const Config defaults = default_config(groups);
  EXPECT_THAT(differences(defaults, defaults), ::testing::IsEmpty());
  Config config = defaults;
  config.limits.depth = 9;
  config.web.listen_addresses = {{"", 1}, {"::1", 2}};
  config.collectors[1].enabled = true;
  std::string text;
  for (const Difference& one : differences(config, defaults)) {
    text += one.name + ' ' + one.value + ' ' + one.other + (one.fixed_at_start ? " fixed\n" : "\n");
  }
  EXPECT_EQ(text,
            "web.listen-address :1,[::1]:2 :10190 fixed\n"
            "limits.depth 9 64\n"
            "collector.percpu true false\n");
}

TEST(CopyValue, TakesOneOptionAlong) {
  Config from, to;
  from.limits.depth = 9;
  from.only = Scopes{.pods = true};
  copy_value(*find_option("limits.depth"), from, to);
  EXPECT_EQ(to.limits.depth, 9U);
  EXPECT_EQ(to.only, std::nullopt);
}

TEST(FindCollector, FindsTheSwitchOfAGroupByItsOptionName) {
  Config config = default_config(std::vector<GroupOption>{{"cpu", true}, {"percpu", false}});
  ASSERT_NE(find_collector("collector.percpu", config), nullptr);
  EXPECT_FALSE(find_collector("collector.percpu", config)->enabled);
  EXPECT_EQ(find_collector("percpu", config), nullptr);
  EXPECT_EQ(find_collector("collector.", config), nullptr);
  EXPECT_EQ(find_collector("collector.disk", config), nullptr);
}

}  // namespace
}  // namespace cgmon
