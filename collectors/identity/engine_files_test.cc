#include "collectors/identity/engine_files.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>

#include "tests/support/faulty_files.h"
#include "tests/support/tree_files.h"

namespace cgmon {
namespace {

const std::string kId(64, 'a');

MetadataQuestion about(std::string_view runtime, std::string_view id = kId) {
  return {.runtime = runtime, .id = id, .path = {}, .pod_uid = {}, .engine_namespace = {}};
}

TEST(EngineFiles, ReadsContainerdsBundlesOfEachPlace) {
  for (const std::string place :
       {"/run/containerd", "/run/k3s/containerd", "/var/snap/microk8s/common/run/containerd"}) {
    TreeFiles files;
    files.set_file(place + "/io.containerd.runtime.v2.task/k8s.io/" + kId + "/config.json",
                   R"({"annotations":{"io.kubernetes.cri.container-name":"web"}})");
    EngineFiles engines(files, Roots{}, {});
    const auto read = engines.read(about("containerd"));
    ASSERT_TRUE(read) << place;
    EXPECT_EQ(read->container, "web");
  }
}

TEST(EngineFiles, NamesAPodByItsLogsWhereAnnotationsDoNot) {
  TreeFiles files;
  files.set_file("/run/containerd/io.containerd.runtime.v2.task/k8s.io/" + kId + "/config.json",
                 "{}");
  files.set_file("/var/log/pods/prod_shop-0_0f3a/web/0.log", "");
  EngineFiles engines(files, Roots{}, {});
  MetadataQuestion question = about("containerd");
  question.pod_uid = "0f3a";
  const auto read = engines.read(question);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->pod, "shop-0");
  EXPECT_EQ(read->namespace_name, "prod");
}

TEST(EngineFiles, NamesPodmansContainersOfRootAndOfUsers) {
  for (const std::string home : {"/var/lib/containers", "/home/u1/.local/share/containers"}) {
    TreeFiles files;
    files.set_file("/etc/passwd", "root:x:0:0::/root:/bin/sh\nu1:x:1000:1000::/home/u1:/bin/sh\n");
    files.set_file(
        home + "/storage/overlay-containers/containers.json",
        R"([{"id":")" + kId + R"(","names":["web"],"metadata":"{\"image-name\":\"bb:1\"}"}])");
    EngineFiles engines(files, Roots{}, {});
    const auto read = engines.read(about("podman"));
    ASSERT_TRUE(read) << home;
    EXPECT_EQ(read->name, "web");
    EXPECT_EQ(read->image, "bb:1");
    EXPECT_TRUE(read->complete);
    EXPECT_EQ(engines.read(about("podman", std::string(64, 'b'))).error().error, ENOENT);
  }
}

TEST(EngineFiles, SaysWhyNothingIsKnown) {
  TreeFiles files;
  const std::string path =
      "/run/containerd/io.containerd.runtime.v2.task/k8s.io/" + kId + "/config.json";
  files.set_file(path, "{}").set_error(path, EACCES);
  EngineFiles engines(files, Roots{}, {});
  EXPECT_EQ(engines.read(about("containerd")).error().error, EACCES);
  EXPECT_EQ(engines.read(about("rkt")).error().error, ENOSYS);
  for (const char* const id : {"", ".", "..", "../../etc", "a/b"}) {
    EXPECT_EQ(engines.read(about("containerd", id)).error().error, ENOSYS) << id;
  }
}

TEST(EngineFiles, NamesByLogDirectoriesWhatItMayNotRead) {
  TreeFiles files;
  const std::string bundle =
      "/run/containerd/io.containerd.runtime.v2.task/k8s.io/" + kId + "/config.json";
  files.set_file(bundle, "{}").set_error(bundle, EACCES);
  files.set_file("/var/log/pods/prod_shop-0_0f3a/web/2.log", "");
  files.add_link("/var/log/containers/shop-0_prod_web-" + kId + ".log", "x");
  EngineFiles engines(files, Roots{}, {});
  MetadataQuestion question = about("containerd");
  question.pod_uid = "0f3a";
  const auto read = engines.read(question);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->pod, "shop-0");
  EXPECT_EQ(read->namespace_name, "prod");
  EXPECT_EQ(read->container, "web");
  EXPECT_EQ(read->life.restarts, 2U);
  EXPECT_FALSE(read->complete) << "its image may be readable later";
}

TEST(EngineFiles, NamesAPodByItself) {
  TreeFiles files;
  files.add_directory("/var/log/pods/prod_shop-0_0f3a");
  EngineFiles engines(files, Roots{}, {});
  MetadataQuestion question{.kind = CgroupKind::pod};
  question.pod_uid = "0f3a";
  const auto read = engines.read(question);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->pod, "shop-0");
  question.pod_uid = "0f3b";
  EXPECT_EQ(engines.read(question).error().error, ENOENT);
}

TEST(EngineFiles, KnowsAContainerOfAnyNameWhereItsEngineHasItThere) {
  TreeFiles files;
  files.set_file("/run/containerd/io.containerd.runtime.v2.task/testns/ktask/config.json",
                 R"({"linux":{"cgroupsPath":"/testns/ktask"}})");
  EngineFiles engines(files, Roots{}, {});
  MetadataQuestion question{.kind = CgroupKind::other};
  question.id = "ktask";
  question.path = "/testns/ktask";
  question.engine_namespace = "testns";
  const auto read = engines.read(question);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->runtime, "containerd");
  EXPECT_EQ(read->name, "ktask");
  question.path = "/elsewhere/ktask";
  EXPECT_EQ(engines.read(question).error().error, ENOENT) << "a namesake is not it";
  question.engine_namespace = "other";
  EXPECT_EQ(engines.read(question).error().error, ENOENT);
}

TEST(EngineFiles, KnowsDockersContainersBelowADirectoryOfSomebodysChoice) {
  TreeFiles files;
  files.set_file("/var/lib/docker/containers/" + kId + "/config.v2.json", R"({"Name":"/web"})");
  EngineFiles engines(files, Roots{}, {});
  MetadataQuestion question{.kind = CgroupKind::other};
  question.id = kId;
  const std::string path = "/x/" + kId;
  question.path = path;
  const auto read = engines.read(question);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->runtime, "docker");
  EXPECT_EQ(read->name, "web");
}

TEST(EngineFiles, NamesUsersAndMachines) {
  TreeFiles files;
  files.set_file("/etc/passwd", "ann:x:1000:1000::/home/ann:/bin/sh\n")
      .set_file("/run/systemd/machines/deb", "NAME=deb\nSERVICE=systemd-nspawn\n")
      .add_link("/run/systemd/machines/unit:machine-deb.scope", "deb");
  EngineFiles engines(files, Roots{}, {});
  MetadataQuestion user{.kind = CgroupKind::user};
  user.uid = "1000";
  EXPECT_EQ(engines.read(user)->user, "ann");
  user.uid = "1001";
  EXPECT_EQ(engines.read(user)->user, "") << "one of a directory service: no failure";
  files.set_file("/etc/passwd", "bob:x:1001:1001::/home/bob:/bin/sh\n");
  EXPECT_EQ(engines.read(user)->user, "bob") << "users come later, too";
  MetadataQuestion machine{.kind = CgroupKind::machine};
  machine.unit = "machine-deb.scope";
  EXPECT_EQ(engines.read(machine)->name, "deb");
  machine.unit = "machine-vm.scope";
  EXPECT_EQ(engines.read(machine).error().error, ENOENT);
}

TEST(EngineFiles, ListsWhatHasEndedOfAllEnginesTheNewestFirst) {
  TreeFiles files;
  const std::string other(64, 'b'), third(64, 'c');
  files
      .set_file("/var/lib/docker/containers/" + kId + "/config.v2.json",
                R"({"Name":"/d","State":{"Running":false,"ExitCode":1,
                "StartedAt":"2026-11-23T09:00:00Z","FinishedAt":"2026-11-23T10:00:00Z"}})")
      .set_file("/var/lib/containerd/io.containerd.grpc.v1.cri/containers/" + other + "/status",
                R"({"CreatedAt":1,"StartedAt":2,"ExitCode":2,"FinishedAt":)" +
                    std::to_string(parse_rfc3339("2026-11-23T11:00:00Z")) + "}")
      .add_link("/var/log/containers/shop-0_prod_web-" + other + ".log", "x")
      .set_file("/var/lib/containers/storage/overlay-containers/" + third + "/userdata/state.json",
                R"({"status":"stopped","exitCode":3,"finished":"2026-11-23T10:30:00Z"})");
  EngineFiles engines(files, Roots{}, {});
  const std::int64_t now = parse_rfc3339("2026-11-23T12:00:00Z");
  const EndedContainers ended = engines.ended(now);
  ASSERT_EQ(ended.containers.size(), 3U);
  EXPECT_EQ(ended.containers[0].runtime, "containerd");
  EXPECT_EQ(ended.containers[0].metadata.container, "web");
  EXPECT_EQ(ended.containers[1].runtime, "crio");
  EXPECT_EQ(ended.containers[2].runtime, "docker");
  EXPECT_EQ(engines.ended(now, {.containers = 1}).dropped, 2U);
  EXPECT_EQ(engines.ended(now + std::int64_t{24} * 3600 * 1'000'000'000).containers.size(), 0U);
}

TEST(EngineFiles, KeepsNoHandleWhicheverCallFails) {
  TreeFiles files;
  files.set_file("/etc/passwd", "u1:x:1000:1000::/home/u1:/bin/sh\n");
  files.set_file("/var/lib/containers/storage/overlay-containers/containers.json",
                 R"([{"id":")" + kId + R"(","names":["web"]}])");
  bool named = false;
  for (std::size_t n = 1; n < 200; ++n) {
    FaultyFiles faulty(files, {.nth = n, .error = EIO});
    {
      EngineFiles engines(faulty, Roots{}, {});
      const auto read = engines.read(about("podman"));
      if (read) {
        EXPECT_EQ(read->name, "web");
      }
      named |= read.has_value();
    }
    EXPECT_EQ(files.open_handles(), 0U) << n;
    if (!faulty.fired()) break;
  }
  EXPECT_TRUE(named);
}

TEST(DockerEnded, ListsTheNewestThatEndedAndCountsTheRest) {
  TreeFiles files;
  const auto add = [&](char digit, const std::string& state) {
    files.set_file("/var/lib/docker/containers/" + std::string(64, digit) + "/config.v2.json",
                   R"({"Name":"/)" + std::string(1, digit) + R"(","State":)" + state + "}");
  };
  const std::string began = R"("StartedAt":"2026-11-23T00:00:00Z",)";
  add('a', R"({"Running":false,"ExitCode":3,)" + began + R"("FinishedAt":"2026-11-23T10:00:00Z"})");
  add('b', R"({"Running":false,"ExitCode":137,"OOMKilled":true,)" + began +
               R"("FinishedAt":"2026-11-23T11:00:00Z"})");
  add('c', R"({"Running":false,)" + began + R"("FinishedAt":"2026-11-20T11:00:00Z"})");
  add('d', R"({"Running":true,)" + began + R"("FinishedAt":"2026-11-23T11:00:00Z"})");
  add('e', R"({"Running":false,"StartedAt":"0001-01-01T00:00:00Z"})");
  DockerFiles docker(files, Roots{}, {});
  const std::int64_t now = parse_rfc3339("2026-11-23T12:00:00Z");
  const EndedContainers ended = docker.ended(now);
  ASSERT_EQ(ended.containers.size(), 2U);
  EXPECT_EQ(ended.containers[0].metadata.name, "b");
  EXPECT_EQ(ended.containers[0].metadata.life.exit_code, 137);
  EXPECT_TRUE(ended.containers[0].metadata.life.oom_killed);
  EXPECT_EQ(ended.containers[1].metadata.life.exit_code, 3);
  EXPECT_EQ(ended.dropped, 0U);
  const EndedContainers one = docker.ended(now, {.containers = 1});
  EXPECT_EQ(one.containers.size(), 1U);
  EXPECT_EQ(one.dropped, 1U);
}

TEST(ParseDockerConfig, ReadsStateAndAllowedKeysAlone) {
  const std::string text =
      R"({"Name":"/web","Image":"sha256:ab","RestartCount":4,"Driver":"overlay2",
    "State":{"Running":true,"Paused":true,"Pid":77,"ExitCode":0,"StartedAt":"2026-11-23T00:00:00Z",
    "Health":{"Status":"healthy"}},
    "Config":{"Image":"nginx","Env":["TOKEN=secret","TIER=front","none"],"Labels":{"team":"a","key":"b"}}})";
  const auto read = parse_docker_config(text, {.labels = {"team"}, .env = {"TIER"}});
  ASSERT_TRUE(read);
  EXPECT_EQ(read->life.state, ContainerState::paused);
  EXPECT_EQ(read->life.health, Health::healthy);
  EXPECT_EQ(read->life.restarts, 4U);
  EXPECT_FALSE(read->life.exit_code) << "it has not ended";
  EXPECT_EQ(read->init_pid, 77U);
  EXPECT_EQ(read->image_id, "sha256:ab");
  EXPECT_EQ(read->labels, (std::vector<LabelPair>{{"team", "a"}}));
  EXPECT_EQ(read->env, (std::vector<LabelPair>{{"TIER", "front"}}));
  EXPECT_TRUE(parse_docker_config(text)->env.empty()) << "nothing is allowed by default";
}

TEST(ParseDockerConfig, CountsWhatItLeavesOutOfAllowedKeys) {
  std::string labels = R"("long":")" + std::string(kMaxLabelBytes + 1, 'x') + '"';
  for (int i = 0; i < 999; ++i) labels += ",\"key" + std::to_string(i) + R"(":"v")";
  const auto read =
      parse_docker_config(R"({"Name":"/web","Config":{"Labels":{)" + labels + R"(,"other":"v"}}})",
                          {.labels = {"long", "key*"}, .env = {}});
  ASSERT_TRUE(read);
  EXPECT_EQ(read->labels.size(), kMaxContainerLabels);
  EXPECT_EQ(read->left_out.container_labels, 1000U - kMaxContainerLabels);
  EXPECT_EQ(read->left_out.label_length, 1U);
}

}  // namespace
}  // namespace cgmon
