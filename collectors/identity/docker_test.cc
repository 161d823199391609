#include "collectors/identity/docker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

namespace cgmon {
namespace {

// Written by dockerd 20.10.24; health, network and paths cut out.
const std::string kConfig =
    R"({"StreamConfig":{},"State":{"Running":true,"Paused":true,"Restarting":false,)"
    R"("OOMKilled":false,"RemovalInProgress":false,"Dead":false,"Pid":290,"ExitCode":0,"Error":"",)"
    R"("StartedAt":"2026-11-23T22:54:27.11503041Z","FinishedAt":"0001-01-01T00:00:00Z",)"
    R"("Health":null},"ID":"6bca4f656c1c3a454d197e337f16b38ecedbdb4fb2df4cb1de4a3444df53960b",)"
    R"("Created":"2026-11-23T22:54:18.69868999Z","Managed":false,"Path":"/bin/sh",)"
    R"("Args":["-c","(while :; do :; done) \u0026 sleep 1"],"Config":{"Hostname":"web-1",)"
    R"("Env":["TIER=front"],"Cmd":["/bin/sh"],"Image":"bb:1","Volumes":null,"Labels":{"app":"web",)"
    R"("com.example.note":"say \"hi\" \\o/","Name":"/label","Image":"label"}},)"
    R"("Image":"sha256:cf96e6852cd66e02df57e28a1432824c511e6ae23696f0dfef9b2241bbf4fa48",)"
    R"("NetworkSettings":{"Networks":{"none":{"IPAMConfig":null}},"Ports":{}},"Name":"/web",)"
    R"("Driver":"overlay2","MountPoints":{},"LocalLogCacheMeta":{"HaveNotifyEnabled":false}})";

constexpr std::int64_t kCreatedAt = 1'795'474'458'698'689'990;
constexpr std::int64_t kStartedAt = 1'795'474'467'115'030'410;

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, text.npos) << from;
  return at == text.npos ? text : text.replace(at, from.size(), to);
}

TEST(ParseDockerConfig, ReadsWhatDockerdWrote) {
  const auto metadata = parse_docker_config(kConfig);
  ASSERT_TRUE(metadata);
  EXPECT_EQ(metadata->name, "web");
  EXPECT_EQ(metadata->image, "bb:1") << "the one that the user typed, not the digest";
  EXPECT_EQ(metadata->life.created_at_ns, kCreatedAt);
  EXPECT_EQ(metadata->life.started_at_ns, kStartedAt);
}

TEST(ParseDockerConfig, SaysNothingOfAFileThatWasCutAtAnyByte) {
  for (std::size_t size = 0; size < kConfig.size(); ++size) {
    const auto metadata = parse_docker_config(std::string_view(kConfig).substr(0, size));
    ASSERT_FALSE(metadata) << size;
    EXPECT_EQ(metadata.error().error, EBADMSG);
  }
}

TEST(ParseDockerConfig, KnowsNoStartWhileTheContainerDoesNotRun) {
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {R"("Running":true)", R"("Running":false)"},
           {R"("Running":true)", R"("Running":"true")"},
           {R"("Running":true)", R"("Running":1)"},
           {R"("Running":true,)", ""},
           {R"("2026-11-23T22:54:27.11503041Z")", R"("0001-01-01T00:00:00Z")"},
           {R"("2026-11-23T22:54:27.11503041Z")", "1795474467"},
           {R"("State":{)", R"("state":{)"}}) {
    const auto metadata = parse_docker_config(replaced(kConfig, from, to));
    ASSERT_TRUE(metadata) << to;
    EXPECT_EQ(metadata->name, "web") << to;
    EXPECT_EQ(metadata->life.started_at_ns, 0) << to;
  }
}

TEST(ParseDockerConfig, TakesNothingOfTheWrongTypeForAName) {
  for (const char* const wrong : {"null", "true", "5", "-1.5e3", "[]", "{}", R"(["/x"])",
                                  R"({"Name":"/x"})", R"([{"Image":"x"},"Image","x"])"}) {
    const auto nameless = parse_docker_config(
        replaced(kConfig, R"("Name":"/web")", R"("Name":)" + std::string(wrong)));
    ASSERT_TRUE(nameless) << wrong;
    EXPECT_EQ(nameless->name, "") << wrong;
    EXPECT_EQ(nameless->image, "bb:1") << wrong;
    const auto imageless = parse_docker_config(
        replaced(kConfig, R"("Image":"bb:1")", R"("Image":)" + std::string(wrong)));
    ASSERT_TRUE(imageless) << wrong;
    EXPECT_EQ(imageless->image, "") << wrong;
    for (const char* const key : {"Config", "State"}) {
      const std::string whole = R"({"Name":"/web",")" + std::string(key) + "\":" + wrong + "}";
      const auto metadata = parse_docker_config(whole);
      ASSERT_TRUE(metadata) << whole;
      EXPECT_EQ(metadata->name, "web") << whole;
      EXPECT_EQ(metadata->image, "") << whole;
      EXPECT_EQ(metadata->life.started_at_ns, 0) << whole;
    }
  }
}

TEST(ParseDockerConfig, FindsMembersAtTheirPlaceAlone) {
  const auto metadata = parse_docker_config(
      R"({"Config.Image":"a","Image":"b","Args":["Name","/c"],"X":{"Name":"/d","Image":"e"},)"
      R"("Config":{"Labels":{"Image":"f"},"Name":"/g"},"HostConfig":{"Image":"h"},"Name":"/web"})");
  ASSERT_TRUE(metadata);
  EXPECT_EQ(metadata->name, "web");
  EXPECT_EQ(metadata->image, "");
}

TEST(ParseDockerConfig, TakesAMemberOfTheEmptyKeyForNoneOfTheDocument) {
  const auto metadata = parse_docker_config(R"({"Name":"/web","":{"Name":"/other"}})");
  ASSERT_TRUE(metadata);
  EXPECT_EQ(metadata->name, "web");
  EXPECT_FALSE(parse_docker_config(R"({"":{"Name":"/other"}})"));
}

TEST(ParseDockerConfig, CallsTextWithoutNameAndImageMalformed) {
  for (const std::string text :
       {"", "{}", "[]", "null", "\"/web\"", "5", R"([{"Name":"/web"}])", R"({"Name":"/"})",
        R"({"Name":""})", R"({"Name":"/web"}x)", R"({"Name":"/web",})", "{\"Name\":\"/\xFF\"}",
        R"({"Name":"/web","Pid":1e999})", "\xEF\xBB\xBF"}) {
    const auto metadata = parse_docker_config(text);
    ASSERT_FALSE(metadata) << text;
    EXPECT_EQ(metadata.error().error, EBADMSG) << text;
  }
}

TEST(ParseDockerConfig, SurvivesDepthWithoutBuildingIt) {
  constexpr std::size_t kDepth = 100'000;
  const std::string open(kDepth, '['), close(kDepth, ']');
  EXPECT_FALSE(parse_docker_config(open));
  EXPECT_FALSE(parse_docker_config(open + close));
  const auto arrays = parse_docker_config(R"({"Name":"/web","X":)" + open + close + "}");
  ASSERT_TRUE(arrays);
  EXPECT_EQ(arrays->name, "web");
  std::string objects = R"({"Config":)", ends;
  for (std::size_t i = 0; i < kDepth; ++i) {
    objects += R"({"Image":)";
    ends += '}';
  }
  const auto deep = parse_docker_config(objects + "\"x\"" + ends + R"(,"Name":"/web"})");
  ASSERT_TRUE(deep);
  EXPECT_EQ(deep->name, "web");
  EXPECT_EQ(deep->image, "");
}

TEST(ParseDockerConfig, BoundsAndRepairsTexts) {
  const std::string huge(200'000, 'n');
  const auto bounded =
      parse_docker_config(R"({"Name":"/)" + huge + R"(","Config":{"Image":")" + huge + "\"}}");
  ASSERT_TRUE(bounded);
  EXPECT_EQ(bounded->name, huge.substr(0, 256));
  EXPECT_EQ(bounded->image, huge.substr(0, 256));
  const auto control = parse_docker_config(R"({"Name":"/a\u0000\u001b[31m\n\"\\\u00e9"})");
  ASSERT_TRUE(control);
  EXPECT_EQ(control->name, std::string("a\0\x1B[31m\n\"\\\xC3\xA9", 12)) << "each output escapes";
}

TEST(ParseRfc3339, ReadsTimesAsGoWritesThem) {
  const std::vector<std::pair<std::string, std::int64_t>> times{
      {"1970-01-01T00:00:00Z", 0},
      {"1970-01-01T00:00:00.000000001Z", 1},
      {"2026-11-23T22:54:27.11503041Z", kStartedAt},
      {"2026-11-23T22:54:27Z", 1'795'474'467'000'000'000},
      {"2026-11-23T22:54:27.1Z", 1'795'474'467'100'000'000},
      {"2026-11-23t22:54:27.123456789z", 1'795'474'467'123'456'789},
      {"2026-11-23T22:54:27.1234567899999Z", 1'795'474'467'123'456'789},
      {"2026-11-24T00:54:27+02:00", 1'795'474'467'000'000'000},
      {"2026-11-23T17:24:27-05:30", 1'795'474'467'000'000'000},
      {"2024-02-29T12:00:00Z", 1'709'208'000'000'000'000},
      {"2000-02-29T00:00:00Z", 951'782'400'000'000'000},
      {"2016-12-31T23:59:60Z", 1'483'228'800'000'000'000},
      {"2261-12-31T23:59:59.999999999Z", 9'214'646'399'999'999'999},
  };
  for (const auto& [text, ns] : times) EXPECT_EQ(parse_rfc3339(text), ns) << text;
}

TEST(ParseRfc3339, SaysZeroForWhatIsNoTimeOfAContainer) {
  for (const std::string text : {"",
                                 "x",
                                 "0001-01-01T00:00:00Z",
                                 "1969-12-31T23:59:59Z",
                                 "1970-01-01T00:00:00+02:00",
                                 "2262-01-01T00:00:00Z",
                                 "9999-12-31T23:59:59Z",
                                 "2023-02-29T00:00:00Z",
                                 "1900-02-29T00:00:00Z",
                                 "2026-00-01T00:00:00Z",
                                 "2026-13-01T00:00:00Z",
                                 "2026-11-00T00:00:00Z",
                                 "2026-11-31T00:00:00Z",
                                 "2026-11-23T24:00:00Z",
                                 "2026-11-23T00:60:00Z",
                                 "2026-11-23T00:00:61Z",
                                 "2026-11-23 00:00:00Z",
                                 "2026-11-23T00:00:00",
                                 "2026-11-23T00:00:00.Z",
                                 "2026-11-23T00:00:00,5Z",
                                 "2026-11-23T00:00:00ZZ",
                                 "2026-11-23T00:00:00+0200",
                                 "2026-11-23T00:00:00+02",
                                 "2026-11-23T00:00:00+02:00Z",
                                 "2026-11-23T00:00:00+24:00",
                                 "2026-11-23T00:00:00+00:60",
                                 "2026-11-23T00:00:00+-1:00",
                                 "+026-11-23T00:00:00Z",
                                 "-026-11-23T00:00:00Z",
                                 "2026-1-23T00:00:00Z",
                                 "2026-11-23T00:00:0Z",
                                 "20261123T000000Z",
                                 " 2026-11-23T00:00:00Z"}) {
    EXPECT_EQ(parse_rfc3339(text), 0) << text;
  }
  const std::string_view time = "2026-11-23T22:54:27.115+02:00";
  for (std::size_t size = 0; size < time.size(); ++size) {
    EXPECT_EQ(parse_rfc3339(time.substr(0, size)), 0) << time.substr(0, size);
  }
}

}  // namespace
}  // namespace cgmon
