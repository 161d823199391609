// config/agent.yaml is the reference of all options: it is read as a user would read it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "collectors/metrics/family.h"
#include "config/config.h"
#include "config/option.h"
#include "config/scalar.h"

namespace cgmon {
namespace {

using ::testing::HasSubstr;

constexpr const char* kReference = "config/agent.yaml";

/// The groups that can be switched: all but the first, which is always on.
std::vector<GroupOption> switchable_groups() {
  std::vector<GroupOption> groups;
  for (const GroupInfo& group : kGroups) {
    if (group.name != info(Group::spec).name) {
      groups.push_back({group.name, group.on_by_default, group.help});
    }
  }
  return groups;
}

std::vector<std::string> reference_lines() {
  std::ifstream file(kReference);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

std::string reference_text() {
  std::string text;
  for (const std::string& line : reference_lines()) text.append(line).append("\n");
  return text;
}

/// Each key by its dotted name, with the comment above it as one line of words. Keys of the
/// reference stand on lines of their own, at most two levels deep.
std::map<std::string, std::string> comments_by_key() {
  std::map<std::string, std::string> comments;
  std::string section;
  std::string comment;
  for (const std::string& line : reference_lines()) {
    const std::size_t start = line.find_first_not_of(' ');
    if (start == std::string::npos) {
      comment.clear();
    } else if (line[start] == '#') {
      comment.append(line, std::min(start + 2, line.size())).append(" ");
    } else {
      const std::string key = line.substr(start, line.find(':') - start);
      if (start == 0) section = key;
      comments[start == 0 ? key : section + "." + key] = comment;
      comment.clear();
    }
  }
  return comments;
}

TEST(Reference, HasTheValuesOfTheDefaults) {
  const std::vector<GroupOption> groups = switchable_groups();
  Config config = default_config(groups);
  // Another value everywhere, so that a key that the file leaves out shows.
  config.web = {.listen_addresses = {}, .telemetry_path = "", .min_interval = {}, .threads = 0};
  config.web.disable_exporter_metrics = true;
  config.path = {"x", "x", "x", "x"};
  config.docker.roots = {"x"};
  config.labels = {{"x"}, {"x"}};
  config.filter = {{"x"}, {"x"}, {"x"}, {"x"}, {"x"}, {"x"}};
  config.limits = {0, 0, 0, 0, 0};
  config.log = {LogLevel::trace, LogFormat::json};
  config.collector_defaults_disabled = true;
  config.only = Scopes{.pods = true};
  for (CollectorSwitch& collector : config.collectors) collector.enabled = !collector.enabled;

  const Result<void> done = merge_yaml_file(kReference, config);

  ASSERT_TRUE(done.has_value()) << done.error().message();
  EXPECT_EQ(config, default_config(groups));
}

TEST(Reference, ExplainsEachOptionWithItsDefaultAndUnit) {
  const std::map<std::string, std::string> comments = comments_by_key();
  for (const Option& option : all_options()) {
    const auto found = comments.find(std::string(option.name));
    ASSERT_NE(found, comments.end()) << option.name;
    EXPECT_THAT(found->second, HasSubstr(std::string(option.help))) << option.name;
    const std::string_view value =
        option.default_text.empty() ? option.derived_default : option.default_text;
    EXPECT_THAT(found->second, HasSubstr("Default: " + std::string(value) + " ")) << option.name;
    if (option.unit.empty()) continue;
    std::string unit = "Unit: " + std::string(option.unit) + ", from ";
    if (const auto* const count = std::get_if<CountField>(&option.field)) {
      unit += std::to_string(count->min) + " to " + std::to_string(count->max);
    } else {
      const auto& duration = std::get<DurationField>(option.field);
      unit += to_string(duration.min) + " to " + to_string(duration.max);
    }
    EXPECT_THAT(found->second, HasSubstr(unit + ".")) << option.name;
  }
}

TEST(Reference, ExplainsEachCollector) {
  const std::map<std::string, std::string> comments = comments_by_key();
  for (const GroupOption& group : switchable_groups()) {
    const auto found = comments.find("collector." + std::string(group.name));
    ASSERT_NE(found, comments.end()) << group.name;
    EXPECT_THAT(found->second, HasSubstr(std::string(group.help))) << group.name;
    EXPECT_THAT(found->second, HasSubstr(group.default_on ? "Default: true" : "Default: false"));
  }
}

TEST(Reference, FitsInAHundredColumns) {
  for (const std::string& line : reference_lines()) EXPECT_LE(line.size(), 100U) << line;
}

TEST(Reference, CutAtEveryByteIsTakenOrRefusedWithItsName) {
  const std::string text = reference_text();
  ASSERT_GT(text.size(), 1'000U);
  const std::vector<GroupOption> groups = switchable_groups();
  std::size_t refused = 0;
  for (std::size_t size = 0; size < text.size(); ++size) {
    Config config = default_config(groups);
    const Result<void> done = merge_yaml(text.substr(0, size), "cut.yaml", config);
    if (done) continue;
    ++refused;
    EXPECT_EQ(done.error().path, "cut.yaml") << size;
    EXPECT_EQ(config, default_config(groups)) << size;
  }
  EXPECT_GT(refused, 0U);
}

}  // namespace
}  // namespace cgmon
