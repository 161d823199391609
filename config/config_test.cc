#include "config/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace cgmon {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr auto kGroups = std::to_array<GroupOption>({{"cpu", true}, {"percpu", false}});

/// What merging `yaml` over the defaults fails with; the Config must be as before.
std::string error_of(const std::string& yaml) {
  Config config = default_config(kGroups);
  const Result<void> merged = merge_yaml(yaml, "agent.yaml", config);
  EXPECT_EQ(config, merged ? config : default_config(kGroups)) << yaml;
  return merged ? "no error" : merged.error().message();
}

Config merged(const std::string& yaml) {
  Config config = default_config(kGroups);
  const Result<void> done = merge_yaml(yaml, "agent.yaml", config);
  EXPECT_TRUE(done.has_value()) << (done ? "" : done.error().message());
  return config;
}

TEST(DefaultConfig, HasASwitchForEachGroupInOrder) {
  EXPECT_THAT(default_config(kGroups).collectors,
              ElementsAre(CollectorSwitch{"cpu", true}, CollectorSwitch{"percpu", false}));
}

TEST(MergeYaml, LeavesTheDefaultsWhereTheFileSaysNothing) {
  for (const std::string text : {"", "\n", "# a comment\n", "---\n", "web:\n", "web: {}\n",
                                 "web:\n  # threads: 2\nlog: {}\n", "{}", "\xef\xbb\xbf"}) {
    EXPECT_EQ(merged(text), default_config(kGroups)) << '"' << text << '"';
  }
}

TEST(MergeYaml, SetsEachKindOfValue) {
  const Config config = merged(R"(
web:
  listen-address: ["127.0.0.1:1", "[::1]:2"]
  telemetry-path: '/m'
  min-interval: 0
  disable-exporter-metrics: true
  threads: 2
path: {rootfs: /host, procfs: "/p q"}
docker: {root: [/a, /b]}
limits: {cgroups: 5}
log: {level: debug}
only: [containers, "pods,units"]
collector: {cpu: false, percpu: true}
)");
  EXPECT_THAT(config.web.listen_addresses,
              ElementsAre(HostPort{"127.0.0.1", 1}, HostPort{"::1", 2}));
  EXPECT_EQ(config.web.telemetry_path, "/m");
  EXPECT_EQ(config.web.min_interval, milliseconds{0});
  EXPECT_TRUE(config.web.disable_exporter_metrics);
  EXPECT_EQ(config.web.threads, 2U);
  EXPECT_EQ(config.path.rootfs, "/host");
  EXPECT_EQ(config.path.procfs, "/p q");
  EXPECT_THAT(config.docker.roots, ElementsAre("/a", "/b"));
  EXPECT_EQ(config.limits.cgroups, 5U);
  EXPECT_EQ(config.limits.depth, 64U);
  EXPECT_EQ(config.log.level, LogLevel::debug);
  EXPECT_EQ(config.only, (Scopes{.containers = true, .pods = true, .units = true}));
  EXPECT_THAT(config.collectors,
              ElementsAre(CollectorSwitch{"cpu", false}, CollectorSwitch{"percpu", true}));
}

TEST(MergeYaml, TakesOneValueWhereAListMayStand) {
  EXPECT_THAT(merged("web: {listen-address: localhost:9}").web.listen_addresses,
              ElementsAre(HostPort{"localhost", 9}));
  EXPECT_EQ(merged("only: units,pods").only, (Scopes{.pods = true, .units = true}));
}

TEST(MergeYaml, ReplacesAListAndTakesAnEmptyOneForTheDefault) {
  Config config = default_config(kGroups);
  config.docker.roots = {"/old"};
  config.only = Scopes{.pods = true};
  ASSERT_TRUE(merge_yaml("docker: {root: [/new]}\nonly: []", "f", config).has_value());
  EXPECT_THAT(config.docker.roots, ElementsAre("/new"));
  EXPECT_EQ(config.only, std::nullopt);
}

TEST(MergeYaml, NamesAnUnknownKeyWithItsPlaceAndTheNearestKnownOne) {
  EXPECT_EQ(error_of("log:\n  level: info\nweb:\n  listen-adress: :80\n"),
            "agent.yaml:4: column 3: unknown key `web.listen-adress`: expected listen-address, "
            "telemetry-path, min-interval, threads, disable-exporter-metrics; did you mean "
            "`web.listen-address`?");
  EXPECT_EQ(
      error_of("wbe: {}"),
      "agent.yaml:1: column 1: unknown key `wbe`: expected web, only, filter, collector, labels, "
      "path, docker, limits, log; did you mean `web`?");
  EXPECT_EQ(error_of("threads: 4"),
            "agent.yaml:1: column 1: unknown key `threads`: expected web, only, filter, collector, "
            "labels, "
            "path, docker, limits, log; did you mean `web.threads`?");
  EXPECT_EQ(error_of("collector: {perpcu: true}"),
            "agent.yaml:1: column 13: unknown key `collector.perpcu`: expected disable-defaults, "
            "cpu, percpu; did "
            "you mean `collector.percpu`?");
}

TEST(MergeYaml, SuggestsNothingForAKeyThatIsNearNone) {
  EXPECT_EQ(
      error_of("tls: {cert: x}"),
      "agent.yaml:1: column 1: unknown key `tls`: expected web, only, filter, collector, labels, "
      "path, docker, limits, log");
}

TEST(MergeYaml, RefusesTheConfigurationFilesOwnFlag) {
  EXPECT_THAT(error_of("config: {file: other.yaml}"), HasSubstr("unknown key `config`"));
}

TEST(MergeYaml, TellsThatDotsAreNesting) {
  EXPECT_EQ(error_of("web.threads: 4"),
            "agent.yaml:1: column 1: unknown key `web.threads`: expected nesting in place of dots, "
            "`web: {threads: ...}`");
  EXPECT_EQ(error_of("collector.cpu: true"),
            "agent.yaml:1: column 1: unknown key `collector.cpu`: expected nesting in place of "
            "dots, `collector: {cpu: ...}`");
}

TEST(MergeYaml, NamesAValueOfTheWrongTypeWithWhatWasExpected) {
  EXPECT_EQ(error_of("limits:\n  depth: deep\n"),
            "agent.yaml:2: column 10: `limits.depth`: expected a whole number from 1 to 1024, got "
            "`deep`");
  EXPECT_EQ(error_of("limits: {depth: \"64\"}"),
            "agent.yaml:1: column 17: `limits.depth`: expected a whole number from 1 to 1024, got "
            "the text `64`");
  EXPECT_EQ(error_of("limits: {depth: [64]}"),
            "agent.yaml:1: column 17: `limits.depth`: expected a whole number from 1 to 1024, got "
            "a list");
  EXPECT_EQ(error_of("limits: {depth: {x: 1}}"),
            "agent.yaml:1: column 17: `limits.depth`: expected a whole number from 1 to 1024, got "
            "a map");
  EXPECT_EQ(error_of("web:\n  min-interval: 500\n"),
            "agent.yaml:2: column 17: `web.min-interval`: expected a duration like 500ms, 2s or "
            "1m, from 0 to 1h, got `500`");
  EXPECT_EQ(error_of("web: {disable-exporter-metrics: yes}"),
            "agent.yaml:1: column 33: `web.disable-exporter-metrics`: expected true or false, got "
            "`yes`");
  EXPECT_EQ(error_of("collector: {cpu: on}"),
            "agent.yaml:1: column 18: `collector.cpu`: expected true or false, got `on`");
  EXPECT_EQ(error_of("log: {level: loud}"),
            "agent.yaml:1: column 14: `log.level`: expected one of trace, debug, info, warn, "
            "error, got `loud`");
  EXPECT_EQ(error_of("path: {rootfs: \"\"}"),
            "agent.yaml:1: column 16: `path.rootfs`: expected a directory's path, got the text ``");
  EXPECT_EQ(error_of("web: {telemetry-path: metrics}"),
            "agent.yaml:1: column 23: `web.telemetry-path`: expected a URL path like /metrics, "
            "neither / nor below /-/, got `metrics`");
}

TEST(MergeYaml, NamesAValueOutOfRange) {
  EXPECT_EQ(error_of("web: {threads: 65}"),
            "agent.yaml:1: column 16: `web.threads`: expected a whole number from 1 to 64, got "
            "`65`");
  EXPECT_EQ(error_of("web: {min-interval: 61m}"),
            "agent.yaml:1: column 21: `web.min-interval`: expected a duration like 500ms, 2s or "
            "1m, from 0 to 1h, got `61m`");
  EXPECT_THAT(error_of("limits: {cgroups: 99999999999999999999}"), HasSubstr("`limits.cgroups`"));
}

TEST(MergeYaml, NamesTheElementOfAListThatDoesNotFit) {
  EXPECT_EQ(error_of("web:\n  listen-address:\n    - :80\n    - :65536\n"),
            "agent.yaml:4: column 7: `web.listen-address`: expected an address like :10190, "
            "127.0.0.1:10190 or [::1]:10190, without a scope id (%eth0), with a port from 0 to "
            "65535, got `:65536`");
  EXPECT_THAT(
      error_of("web:\n  listen-address: ['[fe80::1%eth0]:80']\n"),
      AllOf(HasSubstr("without a scope id"), HasSubstr("got the text `[fe80::1%eth0]:80`")));
  EXPECT_EQ(error_of("only: [pods, [units]]"),
            "agent.yaml:1: column 14: `only`: expected containers, pods, units or all, several "
            "with commas, got a list");
  EXPECT_EQ(error_of("docker: {root: [/a, {b: c}]}"),
            "agent.yaml:1: column 21: `docker.root`: expected a directory's path, got a map");
}

TEST(MergeYaml, NamesTheKeyOfAMissingValue) {
  EXPECT_EQ(error_of("web:\n  threads:\n\n\nlog: {}\n"),
            "agent.yaml:2: column 3: `web.threads`: expected a whole number from 1 to 64, got "
            "nothing");
  EXPECT_EQ(error_of("collector: {cpu: ~}"),
            "agent.yaml:1: column 13: `collector.cpu`: expected true or false, got nothing");
}

TEST(MergeYaml, RefusesAKeyThatIsGivenTwice) {
  EXPECT_EQ(error_of("web:\n  threads: 1\n  threads: 2\n"),
            "agent.yaml:3: column 3: `web.threads`: expected once, already given on line 2");
  EXPECT_EQ(error_of("web: {}\nlog: {}\nweb: {}\n"),
            "agent.yaml:3: column 1: `web`: expected once, already given on line 1");
}

TEST(MergeYaml, RefusesADocumentOrASectionThatIsNoMap) {
  const std::string sections = "web, only, filter, collector, labels, path, docker, limits, log";
  EXPECT_EQ(error_of("- web\n"),
            "agent.yaml:1: column 1: expected a map of " + sections + ", got a list");
  EXPECT_EQ(error_of("hello"),
            "agent.yaml:1: column 1: expected a map of " + sections + ", got `hello`");
  EXPECT_EQ(error_of("log: debug"),
            "agent.yaml:1: column 6: `log`: expected a map of level, format, got `debug`");
  EXPECT_EQ(error_of("{[a]: b}"), "agent.yaml:1: column 2: expected a key, got a list");
}

TEST(MergeYaml, RefusesAliasesTagsAndSeveralDocuments) {
  EXPECT_EQ(error_of("docker: {root: &a [/x]}\npath: {rootfs: *a}"),
            "agent.yaml:2: column 16: expected a value, got an alias");
  EXPECT_EQ(error_of("web: {threads: !!int 4}"),
            "agent.yaml:1: column 16: expected a value without a tag, got the tag "
            "`tag:yaml.org,2002:int`");
  EXPECT_EQ(error_of("web: {}\n---\nlog: {}\n"),
            "agent.yaml: expected one YAML document, got several");
}

TEST(MergeYaml, ReportsBrokenYamlWithItsPlace) {
  EXPECT_EQ(error_of("web:\n  threads: [1\n"),
            "agent.yaml:3: column 1: expected YAML: end of sequence flow not found");
  EXPECT_EQ(error_of("web:\n\tthreads: 1\n"),
            "agent.yaml:2: column 9: expected YAML: illegal map value");
}

TEST(MergeYaml, EscapesHostileBytesInItsMessages) {
  EXPECT_THAT(error_of("\"\\e[31m\": 1"), HasSubstr("unknown key `\\x1b[31m`"));
  EXPECT_THAT(error_of("log: {level: \"a\\nb\"}"), HasSubstr("got the text `a\\x0ab`"));
  std::string long_key(900, 'k');
  long_key += ": 1";
  EXPECT_THAT(error_of(long_key), HasSubstr(std::string(60, 'k').append("...`")));
  // In the parser's own words, too.
  EXPECT_THAT(error_of("a: \"\\\x1b\""), HasSubstr("unknown escape character: \\x1b"));
  const std::string long_version = error_of("%YAML " + std::string(900, 'k') + "\n---\na: 1\n");
  EXPECT_THAT(long_version, HasSubstr("kkk"));
  EXPECT_LT(long_version.size(), 200U);
}

TEST(MergeYaml, SurvivesDeepNesting) {
  constexpr int kDepth = 10'000;
  for (const std::string open : {"[", "{a: ", "- ", "? ", "a:\n "}) {
    std::string text;
    for (int i = 0; i < kDepth; ++i) text += open;
    EXPECT_THAT(error_of(text), HasSubstr("agent.yaml:1: column ")) << open;
  }
  std::string indented;
  for (std::size_t i = 0; i < 1'000; ++i) indented += std::string(i, ' ') + "web:\n";
  EXPECT_THAT(error_of(indented),
              HasSubstr("agent.yaml:9: column 9: expected at most 8 levels of nesting"));
}

TEST(MergeYaml, SurvivesAnAliasBomb) {
  std::string bomb = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n";
  for (int i = 1; i < 30; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    const std::string name = "a" + std::to_string(i);
    bomb.append(name).append(": &").append(name).append(" [");
    for (int j = 0; j < 9; ++j) bomb += (j == 0 ? "" : ", ") + before;
    bomb += "]\n";
  }
  EXPECT_EQ(error_of(bomb), "agent.yaml:2: column 10: expected a value, got an alias");
}

TEST(MergeYaml, SurvivesEveryByteReplacedByWhatMeansSomethingToYaml) {
  const std::string text =
      "web:\n  listen-address: [\":1\", ':2']\nonly: [pods]\nlog: {level: info}\n";
  constexpr auto kBytes = std::to_array("\n\t \"'#%&*-:?@[]`{|}>!,~\\<=\x7f\x80\xff");
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (const char byte : kBytes) {
      std::string broken = text;
      broken[i] = byte;
      Config config = default_config(kGroups);
      const Result<void> done = merge_yaml(broken, "f", config);
      EXPECT_TRUE(done || done.error().path == "f") << i << ' ' << int{byte};
    }
  }
}

class MergeYamlFile : public ::testing::Test {
 protected:
  MergeYamlFile() {
    std::string pattern = ::testing::TempDir() + "config_test_XXXXXX";
    if (::mkdtemp(pattern.data()) != nullptr) directory_ = pattern;
  }
  MergeYamlFile(const MergeYamlFile&) = delete;
  MergeYamlFile& operator=(const MergeYamlFile&) = delete;
  ~MergeYamlFile() override {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  [[nodiscard]] std::string write(const std::string& text) const {
    std::string path = directory_ + "/agent.yaml";
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }

  std::string directory_;
  Config config_ = default_config(kGroups);
};

TEST_F(MergeYamlFile, ReadsTheFileAndNamesItInErrors) {
  const std::string path = write("web: {threads: 9}");
  ASSERT_TRUE(merge_yaml_file(path, config_).has_value());
  EXPECT_EQ(config_.web.threads, 9U);
  const Result<void> done = merge_yaml_file(write("\nwebb: {}\n"), config_);
  ASSERT_FALSE(done.has_value());
  EXPECT_THAT(done.error().message(), HasSubstr(path + ":2: column 1: unknown key `webb`"));
}

TEST_F(MergeYamlFile, SaysWhyItCannotReadAFile) {
  const std::string missing = directory_ + "/missing.yaml";
  Result<void> done = merge_yaml_file(missing, config_);
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().message(),
            missing + ": can't open the configuration file: No such file or directory");
  done = merge_yaml_file(directory_, config_);
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().message(),
            directory_ + ": can't read the configuration file: Is a directory");
}

TEST_F(MergeYamlFile, TakesOneMebibyteAndNoMore) {
  const std::string text = "web: {threads: 9}\n#";
  const std::string full = text + std::string((1U << 20U) - text.size(), 'x');
  ASSERT_TRUE(merge_yaml_file(write(full), config_).has_value());
  EXPECT_EQ(config_.web.threads, 9U);
  const std::string path = write(full + "x");
  const Result<void> done = merge_yaml_file(path, config_);
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().message(), path + ": expected a configuration file of at most 1 MiB");
}

TEST_F(MergeYamlFile, StopsReadingAFileWithoutEnd) {
  const Result<void> done = merge_yaml_file("/dev/zero", config_);
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().message(), "/dev/zero: expected a configuration file of at most 1 MiB");
}

TEST(ResolvePaths, DerivesTheEmptyOnesFromTheirParents) {
  PathConfig path;
  resolve_paths(path);
  EXPECT_EQ(path, (PathConfig{"/", "/proc", "/sys", "/sys/fs/cgroup"}));
  path = {.rootfs = "/host/"};
  resolve_paths(path);
  EXPECT_EQ(path, (PathConfig{"/host/", "/host/proc", "/host/sys", "/host/sys/fs/cgroup"}));
  path = {.rootfs = "/host", .procfs = "/p", .sysfs = "/s"};
  resolve_paths(path);
  EXPECT_EQ(path, (PathConfig{"/host", "/p", "/s", "/s/fs/cgroup"}));
}

}  // namespace
}  // namespace cgmon
