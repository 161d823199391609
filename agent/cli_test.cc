#include "agent/cli.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "config/option.h"

namespace cgmon {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::vector<GroupOption>& groups() {
  static const std::vector<GroupOption> all = {{"cpu", true, "CPU time."},
                                               {"percpu", false, "Per CPU."}};
  return all;
}

Invocation parsed(const std::vector<std::string>& arguments) {
  Result<Invocation> invocation = parse_command_line(arguments, groups());
  EXPECT_TRUE(invocation.has_value()) << (invocation ? "" : invocation.error().message());
  return invocation ? *std::move(invocation) : Invocation{};
}

std::string error_of(const std::vector<std::string>& arguments) {
  const Result<Invocation> invocation = parse_command_line(arguments, groups());
  return invocation ? "no error" : invocation.error().message();
}

/// A configuration file that goes with the test.
class CommandLineWithFile : public ::testing::Test {
 protected:
  CommandLineWithFile() {
    std::string pattern = ::testing::TempDir() + "cli_test_XXXXXX";
    if (::mkdtemp(pattern.data()) != nullptr) directory_ = pattern;
  }
  CommandLineWithFile(const CommandLineWithFile&) = delete;
  CommandLineWithFile& operator=(const CommandLineWithFile&) = delete;
  ~CommandLineWithFile() override {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  [[nodiscard]] std::string config_file(const std::string& text) const {
    std::string path = directory_ + "/agent.yaml";
    std::ofstream(path, std::ios::binary) << text;
    return "--config.file=" + path;
  }

  std::string directory_;
};

TEST(CommandLine, ServesWithTheDefaultsWhenNothingIsSaid) {
  const Invocation invocation = parsed({});
  Config expected = default_config(groups());
  resolve_paths(expected.path);
  EXPECT_EQ(invocation.command, Command::serve);
  EXPECT_EQ(invocation.config, expected);
}

TEST(CommandLine, SetsEachKindOfFlag) {
  const Invocation invocation =
      parsed({"--web.listen-address=:1", "--web.listen-address", "[::1]:2", "--web.threads", "2",
              "--web.min-interval=0", "--web.disable-exporter-metrics", "--docker.root=/a",
              "--docker.root=/b", "--only=pods,units", "--only=containers", "--log.level=warn",
              "--no-collector.cpu", "--collector.percpu", "--path.procfs", ""});
  const Config& config = invocation.config;
  EXPECT_THAT(config.web.listen_addresses, ElementsAre(HostPort{"", 1}, HostPort{"::1", 2}));
  EXPECT_EQ(config.web.threads, 2U);
  EXPECT_EQ(config.web.min_interval, milliseconds{0});
  EXPECT_TRUE(config.web.disable_exporter_metrics);
  EXPECT_THAT(config.docker.roots, ElementsAre("/a", "/b"));
  EXPECT_EQ(config.only, (Scopes{.containers = true, .pods = true, .units = true}));
  EXPECT_EQ(config.log.level, LogLevel::warn);
  EXPECT_THAT(config.collectors,
              ElementsAre(CollectorSwitch{"cpu", false}, CollectorSwitch{"percpu", true}));
  EXPECT_EQ(config.path.procfs, "/proc");
}

TEST(CommandLine, HasAFlagForEveryOptionOfTheTable) {
  for (const Option& option : all_options()) {
    const std::string flag = "--" + std::string(option.name);
    if (option.default_text.empty()) {
      EXPECT_THAT(error_of({flag + "=\n"}), HasSubstr("expected " + expected_value(option)));
    } else {
      parsed({flag + "=" + std::string(option.default_text)});
    }
  }
}

TEST(CommandLine, LetsTheLastOfASwitchAndItsOppositeCount) {
  EXPECT_TRUE(parsed({"--no-collector.cpu", "--collector.cpu"}).config.collectors[0].enabled);
  EXPECT_FALSE(parsed({"--collector.cpu", "--no-collector.cpu"}).config.collectors[0].enabled);
  EXPECT_FALSE(parsed({"--collector.cpu=false"}).config.collectors[0].enabled);
}

TEST(CommandLine, UnderstandsOnceAndItsOptions) {
  Invocation invocation = parsed({"--once"});
  EXPECT_EQ(invocation.command, Command::once);
  EXPECT_EQ(invocation.once.output, OutputFormat::table);
  EXPECT_EQ(invocation.once.interval, milliseconds{1000});
  EXPECT_EQ(invocation.config.only, std::nullopt);
  invocation = parsed({"--once", "-o", "prometheus", "--interval=2s", "--only=all"});
  EXPECT_EQ(invocation.once.output, OutputFormat::prometheus);
  EXPECT_EQ(invocation.once.interval, milliseconds{2000});
  EXPECT_EQ(invocation.config.only, Scopes{.all = true});
  EXPECT_EQ(parsed({"--output=table", "--once"}).once.output, OutputFormat::table);
  EXPECT_EQ(parsed({"--output=json", "--once"}).once.output, OutputFormat::json);
}

TEST(CommandLine, ReadsWhatTheTableIsToLookLike) {
  const OnceOptions once =
      parsed({"--once", "-o", "wide", "--sort=-memory,name", "--filter", "kind=container",
              "--filter=name=web*", "--limit=7", "--no-trunc", "--color=always"})
          .once;
  EXPECT_EQ(once.output, OutputFormat::table);
  EXPECT_TRUE(once.table.wide);
  ASSERT_EQ(once.table.sort.size(), 2U);
  EXPECT_EQ(once.table.sort[0].column, TableColumn::memory);
  EXPECT_TRUE(once.table.sort[0].reversed);
  EXPECT_EQ(once.table.sort[1].by, SortKey::By::name);
  ASSERT_EQ(once.table.filters.size(), 2U);
  EXPECT_EQ(once.table.filters[0].of, TableFilter::Of::kind);
  EXPECT_EQ(once.table.filters[1].pattern, "web*");
  EXPECT_EQ(once.table.limit, 7U);
  EXPECT_TRUE(once.table.whole_ids);
  EXPECT_EQ(once.color, ColorChoice::always);
}

TEST(CommandLine, KnowsWhatToInspect) {
  Invocation invocation = parsed({"inspect", "web"});
  EXPECT_EQ(invocation.command, Command::inspect);
  EXPECT_EQ(invocation.inspect.what, "web");
  EXPECT_FALSE(invocation.inspect.as_json);
  invocation = parsed({"inspect", "/a/b", "-o", "json", "--path.procfs=/p"});
  EXPECT_EQ(invocation.inspect.what, "/a/b");
  EXPECT_TRUE(invocation.inspect.as_json);
  EXPECT_EQ(error_of({"inspect"}), "`inspect`: expected NAME|ID|PID|PATH, got none (see --help)");
  EXPECT_EQ(error_of({"inspect", "a", "b"}), "unexpected argument `b` (see --help)");
  EXPECT_EQ(error_of({"inspect", "a", "-o", "table"}),
            "`--output`: expected text or json, got `table` (see --help)");
  EXPECT_EQ(error_of({"inspect", "a", "--sort=cpu"}), "`--sort` needs `--once` (see --help)");
  EXPECT_EQ(error_of({"inspect", "a", "--once"}),
            "`--once` does not go with the command `inspect` (see --help)");
}

TEST(CommandLine, RefusesWhatNoTableHas) {
  EXPECT_EQ(error_of({"--once", "--sort=memroy"}),
            "`--sort`: unknown key `memroy`; did you mean `memory`? (see --help)");
  EXPECT_EQ(error_of({"--once", "--sort=cpu,"}),
            "`--sort`: unknown key ``, known are name, id, cpu, cpu-limit, memory, memory-share, "
            "memory-peak, swap, pids, throttled, psi-cpu, psi-memory, psi-io, full-cpu, "
            "full-memory, full-io, io-read, io-write, oom-kills, state, runtime, pod, image, "
            "processes (see --help)");
  EXPECT_EQ(error_of({"--once", "--filter", "web"}),
            "`--filter`: expected KEY=PATTERN, got `web` (see --help)");
  EXPECT_EQ(error_of({"--once", "--filter", "nme=web"}),
            "`--filter`: unknown key `nme`; did you mean `name`? (see --help)");
  EXPECT_EQ(error_of({"--once", "--filter=kind=contaner"}),
            "`--filter`: unknown kind `contaner`; did you mean `container`? (see --help)");
  EXPECT_EQ(error_of({"--once", "--limit=0"}),
            "`--limit`: expected a number from 1 to 1000000, got `0` (see --help)");
  EXPECT_EQ(error_of({"--once", "--color=yes"}),
            "`--color`: expected auto, always or never, got `yes` (see --help)");
  EXPECT_EQ(error_of({"--once", "-o", "prometheus", "--limit=3"}),
            "`--limit` is of the table and does not go with `--output`=prometheus (see --help)");
  EXPECT_EQ(error_of({"--sort=cpu"}), "`--sort` needs `--once` (see --help)");
}

TEST(CommandLine, UnderstandsDetectWithFlagsOnEitherSide) {
  for (const auto& arguments : {std::vector<std::string>{"detect", "--path.rootfs=/host"},
                                std::vector<std::string>{"--path.rootfs", "/host", "detect"}}) {
    const Invocation invocation = parsed(arguments);
    EXPECT_EQ(invocation.command, Command::detect);
    EXPECT_EQ(invocation.config.path,
              (PathConfig{"/host", "/host/proc", "/host/sys", "/host/sys/fs/cgroup"}));
  }
}

TEST(CommandLine, UnderstandsMetricsWithAndWithoutAName) {
  EXPECT_EQ(parsed({"metrics"}).command, Command::metrics);
  EXPECT_EQ(parsed({"metrics"}).argument, "");
  EXPECT_EQ(parsed({"metrics", "container_memory_rss"}).argument, "container_memory_rss");
  EXPECT_EQ(parsed({"metrics", "detect"}).argument, "detect");
}

TEST(CommandLine, UnderstandsTheOtherCommands) {
  EXPECT_EQ(parsed({"man"}).command, Command::man);
  const Invocation completion = parsed({"completion", "zsh"});
  EXPECT_EQ(completion.command, Command::completion);
  EXPECT_EQ(completion.argument, "zsh");
  EXPECT_EQ(error_of({"completion"}), "`completion`: expected SHELL, got none (see --help)");
  EXPECT_THAT(error_of({"completion", "bsh"}), HasSubstr("did you mean `bash`?"));
  EXPECT_EQ(error_of({"check-config"}), "`check-config`: expected FILE, got none (see --help)");
  EXPECT_EQ(error_of({"man", "page"}), "unexpected argument `page` (see --help)");
}

TEST_F(CommandLineWithFile, ChecksAFileWithoutResolvingItsPaths) {
  const std::string file =
      config_file("limits: {depth: 9}\npath: {rootfs: /host}\n").substr(sizeof("--config.file"));
  const Invocation invocation = parsed({"check-config", file});
  EXPECT_EQ(invocation.command, Command::check_config);
  EXPECT_EQ(invocation.config.limits.depth, 9U);
  EXPECT_EQ(invocation.config.path, (PathConfig{.rootfs = "/host"}));
  EXPECT_EQ(error_of({"check-config", "a", "--config.file=b"}),
            "`--config.file` does not go with the command `check-config` (see --help)");
  std::ofstream(file) << "limits: {dept: 9}\n";
  EXPECT_THAT(error_of({"check-config", file}),
              HasSubstr("agent.yaml:1: column 10: unknown key `limits.dept`"));
}

TEST_F(CommandLineWithFile, SwitchesOffAllCollectorsThatAreNotNamed) {
  const auto both = [](bool cpu, bool percpu) {
    return ElementsAre(CollectorSwitch{"cpu", cpu}, CollectorSwitch{"percpu", percpu});
  };
  EXPECT_THAT(parsed({"--collector.disable-defaults"}).config.collectors, both(false, false));
  EXPECT_THAT(parsed({"--collector.percpu", "--collector.disable-defaults"}).config.collectors,
              both(false, true));
  const std::string file = config_file("collector: {cpu: true, disable-defaults: true}");
  EXPECT_THAT(parsed({file}).config.collectors, both(true, false));
  EXPECT_THAT(parsed({file, "--no-collector.cpu", "--collector.percpu"}).config.collectors,
              both(false, true));
  EXPECT_THAT(parsed({file, "--no-collector.disable-defaults"}).config.collectors,
              both(true, false));
}

TEST(CommandLine, PutsHelpAndVersionBeforeOtherMistakes) {
  EXPECT_EQ(parsed({"--help", "--bogus"}).command, Command::help);
  EXPECT_EQ(parsed({"detect", "-h"}).command, Command::help);
  EXPECT_EQ(parsed({"--bogus", "--help"}).help_text, help_text(groups()));
  EXPECT_EQ(parsed({"--version", "--web.threads=x"}).command, Command::version);
}

TEST_F(CommandLineWithFile, LetsFlagsOverrideTheFileAndTheFileTheDefaults) {
  const std::string file = config_file(
      "web: {threads: 9, listen-address: [':1', ':2']}\nlimits: {depth: 9}\n"
      "collector: {cpu: false, percpu: true}\n");
  const Config config =
      parsed({"--web.threads=7", file, "--web.listen-address=:3", "--collector.cpu"}).config;
  EXPECT_EQ(config.web.threads, 7U);
  EXPECT_THAT(config.web.listen_addresses, ElementsAre(HostPort{"", 3}));
  EXPECT_EQ(config.limits.depth, 9U);
  EXPECT_EQ(config.limits.samples, 500'000U);
  EXPECT_THAT(config.collectors,
              ElementsAre(CollectorSwitch{"cpu", true}, CollectorSwitch{"percpu", true}));
}

TEST_F(CommandLineWithFile, LetsANegatedFlagOverrideTheFile) {
  const std::string file = config_file("web: {disable-exporter-metrics: true}");
  EXPECT_FALSE(
      parsed({file, "--no-web.disable-exporter-metrics"}).config.web.disable_exporter_metrics);
}

TEST_F(CommandLineWithFile, DerivesPathsAfterTheMerge) {
  const std::string file = config_file("path: {sysfs: /s, procfs: ''}");
  EXPECT_EQ(parsed({"detect", file, "--path.rootfs=/r"}).config.path,
            (PathConfig{"/r", "/r/proc", "/s", "/s/fs/cgroup"}));
}

TEST_F(CommandLineWithFile, ReportsTheFilesErrorsWithTheirPlace) {
  EXPECT_EQ(error_of({config_file("web:\n  treads: 1\n")}),
            directory_ +
                "/agent.yaml:2: column 3: unknown key `web.treads`: expected listen-address, "
                "telemetry-path, min-interval, threads, disable-exporter-metrics; did you mean "
                "`web.threads`?");
  EXPECT_EQ(error_of({"--config.file", directory_ + "/none"}),
            directory_ + "/none: can't open the configuration file: No such file or directory");
}

TEST(WrongUsage, NamesAnUnknownFlagAndTheNearestOne) {
  EXPECT_EQ(error_of({"--web.treads=2"}),
            "unknown flag `--web.treads`; did you mean `--web.threads`? (see --help)");
  EXPECT_EQ(error_of({"-web.threads=2"}),
            "unknown flag `-web.threads`; did you mean `--web.threads`? (see --help)");
  EXPECT_EQ(error_of({"--listen-address", ":1"}),
            "unknown flag `--listen-address`; did you mean `--web.listen-address`? (see --help)");
  EXPECT_EQ(error_of({"detect", "--no-colector.cpu"}),
            "unknown flag `--no-colector.cpu`; did you mean `--no-collector.cpu`? (see --help)");
  EXPECT_EQ(error_of({"--one"}), "unknown flag `--one`; did you mean `--once`? (see --help)");
  EXPECT_EQ(error_of({"--socket=80"}), "unknown flag `--socket` (see --help)");
  EXPECT_EQ(error_of({"--collector.disk"}), "unknown flag `--collector.disk` (see --help)");
}

TEST(WrongUsage, NamesAnUnknownCommandOrArgument) {
  EXPECT_EQ(error_of({"detct"}), "unknown command `detct`; did you mean `detect`? (see --help)");
  EXPECT_EQ(error_of({"serve"}), "unknown command `serve` (see --help)");
  EXPECT_EQ(error_of({""}), "unknown command `` (see --help)");
  EXPECT_EQ(error_of({"--", "foo"}), "unknown command `foo` (see --help)");
  EXPECT_EQ(error_of({"metrics", "a", "b"}), "unexpected argument `b` (see --help)");
  EXPECT_EQ(error_of({"detect", "metrics"}), "unexpected argument `metrics` (see --help)");
}

TEST(WrongUsage, SaysWhatAValueHasToBe) {
  EXPECT_EQ(error_of({"--web.threads=0"}),
            "`--web.threads`: expected a whole number from 1 to 64, got `0` (see --help)");
  EXPECT_EQ(error_of({"--web.min-interval", "-1s"}),
            "`--web.min-interval`: expected a duration like 500ms, 2s or 1m, from 0 to 1h, got "
            "`-1s` (see --help)");
  EXPECT_EQ(error_of({"--web.listen-address=:1", "--web.listen-address=:x"}),
            "`--web.listen-address`: expected an address like :10190, 127.0.0.1:10190 or "
            "[::1]:10190, without a scope id (%eth0), with a port from 0 to 65535, got `:x` (see "
            "--help)");
  EXPECT_EQ(error_of({"--only=pods,foo"}),
            "`--only`: expected containers, pods, units or all, several with commas, got "
            "`pods,foo` (see --help)");
  EXPECT_EQ(error_of({"--no-collector.cpu=maybe"}),
            "`--collector.cpu`: expected true or false, got `maybe` (see --help)");
  EXPECT_EQ(error_of({"--once", "-o", "xml"}),
            "`--output`: expected table, wide, prometheus or json, got `xml` (see --help)");
  EXPECT_EQ(error_of({"--once", "--interval=1"}),
            "`--interval`: expected a duration like 500ms, 2s or 1m, from 100ms to 1h, got `1` "
            "(see --help)");
  EXPECT_EQ(error_of({"--once=5"}), "`--once`: expected no value, got `5` (see --help)");
}

TEST(WrongUsage, SaysThatAValueIsMissing) {
  EXPECT_EQ(error_of({"--web.threads"}),
            "`--web.threads`: expected a value, got none (see --help)");
  EXPECT_EQ(error_of({"--web.threads=", "--once"}),
            "`--web.threads`: expected a value after =, got none (see --help)");
  EXPECT_EQ(error_of({"--path.rootfs", "--once"}),
            "`--path.rootfs`: expected a value, got the flag `--once` (see --help)");
  EXPECT_EQ(error_of({"--config.file", "--once"}),
            "`--config.file`: expected a value, got the flag `--once` (see --help)");
}

TEST(WrongUsage, SaysThatAFlagIsGivenTwice) {
  EXPECT_EQ(error_of({"--web.threads=2", "--web.threads=3"}),
            "`--web.threads`: expected once, given 2 times (see --help)");
  EXPECT_EQ(error_of({"--config.file=a", "--config.file=b"}),
            "`--config.file`: expected once, given 2 times (see --help)");
}

TEST(WrongUsage, SaysWhichFlagsDoNotGoTogether) {
  EXPECT_EQ(error_of({"-o", "table"}), "`--output` needs `--once` (see --help)");
  EXPECT_EQ(error_of({"--interval=1s"}), "`--interval` needs `--once` (see --help)");
  EXPECT_EQ(error_of({"detect", "--format=xml"}),
            "`--format`: expected text or json, got `xml` (see --help)");
  EXPECT_EQ(error_of({"--format=json"}), "`--format` needs the command `detect` (see --help)");
  EXPECT_TRUE(parsed({"detect", "--format=json"}).detect_as_json);
  EXPECT_FALSE(parsed({"detect", "--format=text"}).detect_as_json);
  EXPECT_EQ(error_of({"detect", "--once"}),
            "`--once` does not go with the command `detect` (see --help)");
  EXPECT_EQ(error_of({"metrics", "--once"}),
            "`--once` does not go with the command `metrics` (see --help)");
}

TEST(WrongUsage, EscapesHostileBytesAndStaysOneLine) {
  EXPECT_EQ(error_of({"--\x1b[31m=5"}), "unknown flag `--\\x1b[31m` (see --help)");
  EXPECT_EQ(error_of({"a\nb"}), "unknown command `a\\x0ab` (see --help)");
  EXPECT_LT(error_of({"--" + std::string(1U << 20U, 'x')}).size(), 200U);
}

TEST(HelpText, FitsInAHundredColumns) {
  std::istringstream lines(help_text(groups()));
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(line.size(), 100U) << line;
    EXPECT_FALSE(line.ends_with(' ')) << line;
  }
}

TEST(HelpText, NamesEveryFlagOnceWithItsDefault) {
  const std::string text = help_text(groups());
  for (const Option& option : all_options()) {
    const std::string name(option.name);
    const std::string flag = is_flag(option)
                                 ? "  --[no-]" + name
                                 : "  --" + name + "=" + std::string(option.value_name) + " ";
    const std::size_t place = text.find(flag);
    ASSERT_NE(place, std::string::npos) << flag;
    EXPECT_EQ(text.find(flag, place + 1), std::string::npos) << flag;
    EXPECT_LT(text.find("Default:", place) - place, 400U) << flag;
  }
  for (const std::string flag :
       {"--[no-]collector.cpu ", "--[no-]collector.percpu ", "--once ", "-o, --output=FORMAT ",
        "--interval=DURATION ", "--config.file=FILE ", "-h, --help ", "--version "}) {
    EXPECT_THAT(text, HasSubstr("  " + flag));
  }
}

TEST(HelpText, ShowsExamplesThatAreRightUsage) {
  std::istringstream lines(help_text(groups()));
  int examples = 0;
  for (std::string line; std::getline(lines, line);) {
    constexpr std::string_view kPrompt = "  $ agent";
    if (!line.starts_with(kPrompt)) continue;
    ++examples;
    std::istringstream words(line.substr(kPrompt.size(), line.find('>') - kPrompt.size()));
    std::vector<std::string> arguments;
    for (std::string word; words >> word;) {
      // What the example's user has and this test does not.
      if (!word.starts_with("--config.file=") && !word.ends_with("pressure")) {
        arguments.push_back(word);
      }
    }
    EXPECT_THAT(error_of(arguments), ::testing::AnyOf("no error", HasSubstr("can't open"))) << line;
  }
  EXPECT_GE(examples, 8);
}

}  // namespace
}  // namespace cgmon
