#include "agent/reload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "agent/cli.h"

namespace cgmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::vector<GroupOption> kTwoGroups = {{"cpu", true}, {"percpu", false}};

class Reload : public ::testing::Test {
 protected:
  Reload() {
    std::string pattern = ::testing::TempDir() + "reload_test_XXXXXX";
    if (::mkdtemp(pattern.data()) != nullptr) directory_ = pattern;
    arguments_ = {"--web.threads=3", "--config.file=" + directory_ + "/agent.yaml"};
  }
  Reload(const Reload&) = delete;
  Reload& operator=(const Reload&) = delete;
  ~Reload() override {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  void write(const std::string& text) const { std::ofstream(directory_ + "/agent.yaml") << text; }
  Config start(const std::string& text) {
    write(text);
    return parse_command_line(arguments_, kTwoGroups)->config;
  }
  Result<Reloaded> again(const Config& running) { return reload(arguments_, kTwoGroups, running); }

  std::string directory_;
  std::vector<std::string> arguments_;
};

TEST_F(Reload, ChangesNothingWhenTheFileIsTheSame) {
  const Config running = start("limits: {depth: 9}");
  const auto reloaded = again(running);
  ASSERT_TRUE(reloaded.has_value());
  EXPECT_EQ(reloaded->config, running);
  EXPECT_THAT(reloaded->changed, IsEmpty());
  EXPECT_THAT(reloaded->need_restart, IsEmpty());
}

TEST_F(Reload, TakesWhatCanChangeAndKeepsWhatIsFixed) {
  const Config running = start("limits: {depth: 9}");
  write(
      "limits: {samples: 5000}\ncollector: {percpu: true}\nonly: [pods]\nlog: {level: debug}\n"
      "web: {telemetry-path: /other, threads: 5}\npath: {rootfs: /host}\n");
  const auto reloaded = again(running);
  ASSERT_TRUE(reloaded.has_value());
  Config expected = running;
  expected.limits.depth = 64;
  expected.limits.samples = 5000;
  expected.collectors[1].enabled = true;
  expected.only = Scopes{.pods = true};
  expected.log.level = LogLevel::debug;
  EXPECT_EQ(reloaded->config, expected);
  std::vector<std::string> changed, fixed;
  for (const Difference& one : reloaded->changed) changed.push_back(one.name);
  for (const Difference& one : reloaded->need_restart) fixed.push_back(one.name);
  EXPECT_THAT(changed, ElementsAre("only", "limits.depth", "limits.samples", "log.level",
                                   "collector.percpu"));
  EXPECT_THAT(fixed, ElementsAre("web.telemetry-path", "path.rootfs", "path.procfs", "path.sysfs",
                                 "path.cgroupfs"))
      << "the flag still wins over web.threads";
}

TEST_F(Reload, FailsWithThePlaceOfAMistakeAndWhenTheFileIsGone) {
  const Config running = start("");
  write("limits:\n  dept: 9\n");
  const auto broken = again(running);
  ASSERT_FALSE(broken.has_value());
  EXPECT_THAT(broken.error().message(), HasSubstr("agent.yaml:2: column 3: unknown key"));
  EXPECT_THAT(broken.error().message(), HasSubstr("did you mean `limits.depth`?"));
  std::filesystem::remove(directory_ + "/agent.yaml");
  const auto gone = again(running);
  ASSERT_FALSE(gone.has_value());
  EXPECT_THAT(gone.error().message(), HasSubstr("No such file"));
}

}  // namespace
}  // namespace cgmon
