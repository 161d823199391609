#include "agent/cli_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/cli.h"

namespace cgmon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Result<RunSpec> spec_of(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "run");
  arguments.insert(arguments.end(), {"--", "true"});
  const Result<Invocation> invocation = parse_command_line(arguments, {});
  if (!invocation) return tl::unexpected(invocation.error());
  return invocation->run;
}

std::string error_of(std::vector<std::string> arguments) {
  const Result<RunSpec> spec = spec_of(std::move(arguments));
  return spec ? "no error" : spec.error().message();
}

std::string error_in_file(std::string_view text) {
  const Result<RunFile> file = parse_run_file(text, "run.yaml");
  return file ? "no error" : file.error().message();
}

TEST(RunFlags, AreReadIntoBaseUnits) {
  const auto spec = spec_of({"--cpus=0.5", "--memory=64M", "--io=8:0:rbps=1M,wiops=7",
                             "--io=/dev/vda:wbps=2K", "--timeout=2s", "--best-effort"});
  ASSERT_TRUE(spec) << spec.error().message();
  EXPECT_EQ(spec->microcores, 500'000U);
  EXPECT_EQ(spec->memory, std::uint64_t{64} << 20U);
  ASSERT_EQ(spec->io.size(), 2U);
  EXPECT_EQ(spec->io[0].device, "8:0");
  EXPECT_EQ(spec->io[0].write_iops, 7U);
  EXPECT_EQ(spec->io[1].write_bps, 2048U);
  EXPECT_TRUE(spec->best_effort);
  EXPECT_FALSE(spec->force);
}

TEST(RunFlags, SayWhatIsExpected) {
  EXPECT_EQ(error_of({"--cpus=0"}),
            "`--cpus`: expected a number of CPUs like 0.5, at least 0.01, got `0` (see --help)");
  EXPECT_EQ(error_of({"--memory=1", "--memory=2"}),
            "`--memory`: expected once, given 2 times (see --help)");
  EXPECT_THAT(error_of({"--io=8:0:rbps=1,rbs=2"}), HasSubstr("expected DEVICE:rbps=N"));
}

TEST(RunFile, HasTheOptionsOfTheLine) {
  const auto file = parse_run_file(
      "command: [sh, -c, \"exit 3\"]\ncpus: 0.5\nio: [8:0:rbps=1M, 8:16:rbps=2M]\n"
      "best-effort: true\nforce: false\ninterval: 50ms\n",
      "run.yaml");
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_THAT(file->command, ElementsAre("sh", "-c", "exit 3"));
  const auto spec = run_spec(file->words, file->command);
  ASSERT_TRUE(spec) << spec.error().message();
  EXPECT_EQ(spec->microcores, 500'000U);
  EXPECT_EQ(spec->io.size(), 2U);
  EXPECT_EQ(spec->interval, std::chrono::milliseconds{50});
  EXPECT_TRUE(spec->best_effort);
  EXPECT_FALSE(spec->force);
}

TEST(RunFile, NamesFileAndLineOfWhatIsWrong) {
  EXPECT_THAT(error_in_file("cpus: 1\nmemry: 1M\n"),
              AllOf(HasSubstr("run.yaml:2:"), HasSubstr("did you mean `memory`?")));
  EXPECT_THAT(
      error_in_file("\n\nmemory: much\n"),
      AllOf(HasSubstr("run.yaml:3:"), HasSubstr("expected bytes like"), HasSubstr("`much`")));
  EXPECT_THAT(error_in_file("cpus: 1\ncpus: 2\n"), HasSubstr("run.yaml:2: column 1: `cpus`"));
  EXPECT_THAT(error_in_file("command: true\n"), HasSubstr("run.yaml:1:"));
  EXPECT_THAT(error_in_file("command: []\n"), HasSubstr("expected a value"));
  EXPECT_THAT(error_in_file("io:\nmemory: 1M\n"), HasSubstr("run.yaml:1:"));
  EXPECT_THAT(error_in_file("memory: [1M, 2M]\n"), HasSubstr("run.yaml:1:"));
  EXPECT_THAT(error_in_file("force: 1\n"), HasSubstr("expected true or false"));
  EXPECT_THAT(error_in_file("- cpus\n"), HasSubstr("expected a map"));
  EXPECT_THAT(error_in_file("spec: other.yaml\n"), HasSubstr("unknown key"));
  EXPECT_THAT(error_in_file("web.threads: 2\n"), HasSubstr("unknown key"));
  EXPECT_EQ(error_in_file(""), "no error");
}

TEST(RunFile, GivesWayToTheLine) {
  EXPECT_THAT(error_of({"--spec=/nonexistent.yaml"}), HasSubstr("/nonexistent.yaml"));
}

}  // namespace
}  // namespace cgmon
