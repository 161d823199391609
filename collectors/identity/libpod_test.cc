#include "collectors/identity/libpod.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <string>

#include "tests/support/bolt_text.h"
#include "tests/support/faulty_files.h"
#include "tests/support/tree_files.h"

namespace cgmon {
namespace {

// As podman 4.3.1 writes them, shortened.
const std::string kConfig =
    R"({"spec":{"ociVersion":"1.0.2-dev","process":{"args":["/bin/sleep"],"env":["TIER=front","TOKEN=x"]}},
"id":"aa","name":"inpod","pod":"1a8c","lockID":2,"rootfsImageID":"11b0","rootfsImageName":"localhost/own:1",
"labels":{"team":"a","other":"b"},"createdTime":"2026-11-26T16:35:34.236197422Z",
"logPath":"/store/ctr.log","healthcheck":null,"pause":false})";

TEST(ParseLibpodConfig, ReadsNamesAndAllowedKeysAlone) {
  ContainerMetadata metadata{.name = "of the list", .image = "of the list"};
  ASSERT_TRUE(parse_libpod_config(kConfig, {.labels = {"team"}, .env = {"TIER"}}, metadata));
  EXPECT_EQ(metadata.name, "inpod");
  EXPECT_EQ(metadata.image, "localhost/own:1");
  EXPECT_EQ(metadata.image_id, "11b0");
  EXPECT_EQ(metadata.pod_uid, "1a8c");
  EXPECT_EQ(metadata.log_path, "/store/ctr.log");
  EXPECT_GT(metadata.life.created_at_ns, 0);
  EXPECT_FALSE(metadata.sandbox);
  EXPECT_EQ(metadata.labels, (std::vector<LabelPair>{{"team", "a"}}));
  EXPECT_EQ(metadata.env, (std::vector<LabelPair>{{"TIER", "front"}}));
  ContainerMetadata infra;
  ASSERT_TRUE(parse_libpod_config(R"({"name":"1a8c-infra","pause":true})", {}, infra));
  EXPECT_TRUE(infra.sandbox);
}

std::string_view network_of(const std::string& members) {
  ContainerMetadata metadata;
  const bool read = parse_libpod_config(R"({"name":"a",)" + members + "}", {}, metadata);
  return read ? metadata.network : "malformed";
}

TEST(ParseLibpodConfig, TellsWhoseNetworkItIs) {
  const std::string without = R"("spec":{"linux":{"namespaces":[{"type":"pid"}]}},)";
  const std::string with = R"("spec":{"linux":{"namespaces":[{"type":"network"}]}},)";
  const std::string at = R"("spec":{"linux":{"namespaces":[{"type":"network","path":"/n"}]}},)";
  EXPECT_EQ(network_of(R"("createNetNS":false)"), "");
  EXPECT_EQ(network_of(without + R"("createNetNS":false)"), "host");
  EXPECT_EQ(network_of(with + R"("createNetNS":false)"), "none");
  EXPECT_EQ(network_of(at + R"("createNetNS":false)"), "own");
  EXPECT_EQ(network_of(with + R"("createNetNS":true,"networkMode":"bridge")"), "own");
  EXPECT_EQ(network_of(with + R"("netNsCtr":"bb","createNetNS":false)"), "container");
  EXPECT_EQ(network_of(with + R"("netNsCtr":"bb","pod":"1a","createNetNS":false)"), "pod");
}

TEST(ParseLibpodConfig, RefusesWhatIsNoneAtWhicheverByteItEnds) {
  for (std::size_t size = 0; size < kConfig.size(); ++size) {
    ContainerMetadata metadata{.name = "kept"};
    EXPECT_FALSE(parse_libpod_config(kConfig.substr(0, size), {}, metadata)) << size;
    EXPECT_EQ(metadata.name, "kept");
  }
  ContainerMetadata metadata;
  EXPECT_FALSE(parse_libpod_config("{}", {}, metadata)) << "without a name";
}

TEST(ParseLibpodState, KnowsEachState) {
  using enum ContainerState;
  constexpr ContainerState kExpected[] = {unknown, created, created, running, exited,
                                          paused,  exited,  exited,  running, unknown};
  for (int state = 0; state < 10; ++state) {
    ContainerMetadata metadata;
    ASSERT_TRUE(parse_libpod_state(R"({"state":)" + std::to_string(state) +
                                       R"(,"startedTime":"2026-11-26T16:35:34Z",)" +
                                       R"("finishedTime":"2026-11-26T16:35:35Z","exitCode":4})",
                                   metadata));
    EXPECT_EQ(metadata.life.state, kExpected[state]) << state;
    EXPECT_EQ(metadata.life.exit_code.has_value(), kExpected[state] == exited) << state;
    const bool runs = kExpected[state] == running || kExpected[state] == paused;
    EXPECT_EQ(metadata.life.started_at_ns != 0, runs) << state;
  }
}

TEST(ParseLibpodState, ReadsHowItEndedAndKeepsTheRest) {
  ContainerMetadata metadata;
  metadata.life.created_at_ns = 5;
  metadata.life.health = Health::healthy;
  ASSERT_TRUE(parse_libpod_state(
      R"({"state":6,"startedTime":"2026-11-26T16:35:36.79Z","finishedTime":"2026-11-26T16:35:40Z",
          "exitCode":137,"exited":true,"oomKilled":true,"restartCount":2,"pid":77})",
      metadata));
  EXPECT_EQ(metadata.life.exit_code, 137);
  EXPECT_TRUE(metadata.life.oom_killed);
  EXPECT_EQ(metadata.life.restarts, 2U);
  EXPECT_GT(metadata.life.finished_at_ns, 0);
  EXPECT_EQ(metadata.life.created_at_ns, 5);
  EXPECT_EQ(metadata.life.health, Health::healthy);
  EXPECT_EQ(metadata.init_pid, 77U);
  for (const char* const bad : {"", "[]", "{}", R"({"state":"3"})", R"({"state":3)"}) {
    EXPECT_FALSE(parse_libpod_state(bad, metadata)) << bad;
  }
  EXPECT_EQ(metadata.life.exit_code, 137) << "what is no state changes nothing";
}

TEST(LibpodDatabase, SaysWhetherItWasReadToItsEnd) {
  BoltBucket root;
  root.buckets["ctr"].buckets["aa"].values["config"] = kConfig;
  root.buckets["ctr"].buckets["aa"].values["state"] = R"({"state":3})";
  TreeFiles files;
  files.set_file("/store/libpod/bolt_state.db", bolt_text(root));
  for (std::size_t nth = 1;; ++nth) {
    FaultyFiles faulty(
        files,
        {.nth = nth, .lasting = true, .call = FaultyFiles::Call::read, .path_suffix = "state.db"});
    HostFiles host(faulty, Roots{});
    LibpodDatabase database(host);
    ContainerMetadata metadata{.name = "kept"};
    const bool found = database.read("/store", "aa", {}, metadata);
    EXPECT_EQ(found, !faulty.fired()) << nth;
    if (!faulty.fired()) {
      EXPECT_GT(nth, 4U);
      break;
    }
    EXPECT_EQ(metadata.name, "kept") << nth;
    EXPECT_EQ(database.was_busy(), nth > 1) << "once it was begun; " << nth;
  }
  HostFiles host(files, Roots{});
  LibpodDatabase database(host);
  ContainerMetadata metadata;
  EXPECT_FALSE(database.read("/none", "aa", {}, metadata));
  EXPECT_FALSE(database.was_busy()) << "there is none";
}

TEST(LibpodDatabase, TakesNothingOfAHalfWrittenContainer) {
  TreeFiles files;
  BoltBucket root;
  root.buckets["ctr"].buckets["aa"].values["config"] = kConfig;
  files.set_file("/store/libpod/bolt_state.db", bolt_text(root));
  HostFiles host(files, Roots{});
  LibpodDatabase database(host);
  ContainerMetadata metadata{.name = "kept"};
  EXPECT_FALSE(database.read("/store", "aa", {}, metadata)) << "it has no state";
  EXPECT_EQ(metadata.name, "kept");
  EXPECT_FALSE(database.read("/store", "bb", {}, metadata));
  EXPECT_FALSE(database.read("/none", "aa", {}, metadata));
  EXPECT_TRUE(database.ended("/store", {}, 10).empty());
  root.buckets["ctr"].buckets["aa"].values["state"] = R"({"state":3})";
  files.set_file("/store/libpod/bolt_state.db", bolt_text(root));
  EXPECT_TRUE(database.read("/store", "aa", {}, metadata));
  EXPECT_EQ(metadata.name, "inpod");
  EXPECT_TRUE(database.ended("/store", {}, 10).empty()) << "it runs";
  root.buckets["ctr"].buckets["aa"].values["state"] =
      R"({"state":6,"exitCode":3,"finishedTime":"2026-11-26T16:35:40Z"})";
  root.buckets["ctr"].buckets["bb"].values["state"] = R"({"state":6})";
  root.buckets["ctr"].buckets["bb"].values["config"] = R"({"name":"infra","pause":true})";
  root.buckets["pod"].buckets["1a8c"].values["config"] = R"({"name":"shop"})";
  files.set_file("/store/libpod/bolt_state.db", bolt_text(root));
  const auto ended = database.ended("/store", {.labels = {"team"}, .env = {}}, 10);
  ASSERT_EQ(ended.size(), 1U) << "no sandbox";
  EXPECT_EQ(ended[0].id, "aa");
  EXPECT_EQ(ended[0].metadata.name, "inpod");
  EXPECT_EQ(ended[0].metadata.pod, "shop");
  EXPECT_EQ(ended[0].metadata.life.exit_code, 3);
  EXPECT_EQ(ended[0].metadata.labels, (std::vector<LabelPair>{{"team", "a"}}));
  EXPECT_EQ(files.open_handles(), 1U) << "that of the root";
}

}  // namespace
}  // namespace cgmon
