#include "collectors/identity/containers_storage.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>

#include "tests/support/bolt_text.h"
#include "tests/support/tree_files.h"

namespace cgmon {
namespace {

const std::string kId(64, 'a'), kPod(64, 'b');
constexpr std::int64_t kSecond = 1'000'000'000;

struct Storage {
  TreeFiles files;
  std::optional<HostFiles> host;
  std::optional<Users> users;
  std::optional<ContainersStorage> storage;

  ContainersStorage& open(AllowedKeys allowed = {}) {
    host.emplace(files, Roots{});
    users.emplace(*host);
    users->refresh();
    return storage.emplace(*host, *users, std::move(allowed));
  }
};

std::string list_of(const std::string& id, const std::string& name) {
  return R"([{"id":")" + id + R"(","names":[")" + name +
         R"("],"metadata":"{\"image-name\":\"bb:1\"}"}])";
}

TEST(ParseStoredContainers, ReadsPodmansList) {
  const auto list = parse_stored_containers(
      R"([{"id":"aa","names":["web","other"],"image":"f5","layer":"b7",
           "metadata":"{\"image-name\":\"localhost/bb:1\",\"image-id\":\"f5\",\"name\":\"web\",\"created-at\":1700000000}",
           "created":"2026-11-23T22:10:03.5Z","flags":{"MountLabel":""}},
          {"id":"bb","metadata":"{\"name\":\"only-there\"}"},{"names":["no id"]}])");
  ASSERT_TRUE(list);
  ASSERT_EQ(list->size(), 2U);
  EXPECT_EQ((*list)[0].name, "web");
  EXPECT_EQ((*list)[0].image, "localhost/bb:1");
  EXPECT_EQ((*list)[0].image_id, "f5");
  EXPECT_GT((*list)[0].created_at_ns, 0);
  EXPECT_EQ((*list)[1].name, "only-there");
  EXPECT_FALSE(parse_stored_containers("{}"));
  EXPECT_FALSE(parse_stored_containers("[{"));
  EXPECT_FALSE(parse_stored_containers(""));
  EXPECT_TRUE(parse_stored_containers("[]")->empty());
}

TEST(ParseStoredContainers, ReadsCrioNames) {
  const auto list = parse_stored_containers(
      R"([{"id":"aa","names":["k8s_web_shop-0_prod_0f3a_2"],"metadata":"{\"pod-name\":\"p\",\"image-name\":\"nginx:1\",\"metadata-name\":\"web\",\"namespace\":\"prod\",\"attempt\":2}"}])");
  ASSERT_TRUE(list);
  EXPECT_EQ((*list)[0].container, "web");
  EXPECT_EQ((*list)[0].namespace_name, "prod");
  EXPECT_EQ((*list)[0].restarts, 2U);
}

TEST(ParseCrioState, ReadsALife) {
  const std::string times = R"("created":"2026-11-23T10:00:00Z","started":"2026-11-23T10:00:01Z",)";
  const auto runs =
      parse_crio_state("{" + times + R"("finished":"0001-01-01T00:00:00Z","status":"running"})");
  ASSERT_TRUE(runs);
  EXPECT_EQ(runs->state, ContainerState::running);
  EXPECT_EQ(runs->started_at_ns - runs->created_at_ns, kSecond);
  EXPECT_FALSE(runs->exit_code);
  const auto over = parse_crio_state(
      "{" + times +
      R"("finished":"2026-11-23T10:00:09Z","status":"stopped","exitCode":137,"oomKilled":true})");
  ASSERT_TRUE(over);
  EXPECT_EQ(over->state, ContainerState::exited);
  EXPECT_EQ(over->exit_code, 137);
  EXPECT_TRUE(over->oom_killed);
  EXPECT_EQ(over->started_at_ns, 0);
  EXPECT_EQ(parse_crio_state(R"({"status":"x"})")->state, ContainerState::unknown);
  for (const char* const bad : {"", "[]", "{}", R"({"status":1})", R"({"status":"running")"}) {
    EXPECT_FALSE(parse_crio_state(bad)) << bad;
  }
}

TEST(ContainersStorage, ReadsCrioBundleListAndState) {
  Storage at;
  const std::string run = "/run/containers/storage/overlay-containers/";
  const std::string lib = "/var/lib/containers/storage/overlay-containers/";
  at.files
      .set_file(run + kId + "/userdata/config.json",
                R"({"annotations":{"io.container.manager":"cri-o",
        "io.kubernetes.cri-o.KubeName":"shop-0","io.kubernetes.cri-o.Namespace":"prod",
        "io.kubernetes.cri-o.Metadata":"{\"name\":\"web\",\"attempt\":3}",
        "io.kubernetes.cri-o.Labels":"{\"io.kubernetes.container.name\":\"web\",\"tier\":\"front\"}"}})")
      .set_file(lib + "containers.json", list_of(kId, "k8s_web_shop-0_prod_0f3a_3"))
      .set_file(lib + kId + "/userdata/state.json",
                R"({"status":"running","started":"2026-11-23T10:00:01Z"})");
  const auto read = at.open({.labels = {"tier"}, .env = {}}).read(kId, "");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->runtime, "crio");
  EXPECT_EQ(read->name, "k8s_web_shop-0_prod_0f3a_3");
  EXPECT_EQ(read->image, "bb:1");
  EXPECT_EQ(read->container, "web");
  EXPECT_EQ(read->pod, "shop-0");
  EXPECT_EQ(read->namespace_name, "prod");
  EXPECT_EQ(read->life.state, ContainerState::running);
  EXPECT_EQ(read->life.restarts, 3U);
  EXPECT_EQ(read->labels, (std::vector<LabelPair>{{"tier", "front"}}));
}

TEST(ContainersStorage, ReadsPodmansDatabase) {
  Storage at;
  BoltBucket root;
  BoltBucket& container = root.buckets["ctr"].buckets[kId];
  container.values["config"] = R"({"name":"web","rootfsImageName":"own:1","pod":")" + kPod +
                               R"(","labels":{"team":"a","x":"y"}})";
  container.values["state"] =
      R"({"state":6,"exitCode":3,"startedTime":"2026-11-23T10:00:01Z","finishedTime":"2026-11-23T10:00:09Z"})";
  root.buckets["pod"].buckets[kPod].values["config"] = R"({"name":"mypod"})";
  const std::string store = "/var/lib/containers/storage";
  at.files.set_file(store + "/vfs-containers/containers.json", list_of(kId, "web"))
      .set_file(store + "/libpod/bolt_state.db", bolt_text(root));
  ContainersStorage& storage = at.open({.labels = {"team"}, .env = {}});
  const auto read = storage.read(kId, "");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->name, "web");
  EXPECT_EQ(read->image, "own:1");
  EXPECT_EQ(read->pod, "mypod");
  EXPECT_EQ(read->pod_uid, kPod);
  EXPECT_EQ(read->life.state, ContainerState::exited);
  EXPECT_EQ(read->life.exit_code, 3);
  EXPECT_EQ(read->labels, (std::vector<LabelPair>{{"team", "a"}}));
  EXPECT_EQ(storage.pod_name(kPod, ""), "mypod");
  EXPECT_EQ(storage.pod_name(kId, ""), "");
  const auto ended = storage.ended(100);
  ASSERT_EQ(ended.size(), 1U);
  EXPECT_EQ(ended[0].runtime, "podman");
  EXPECT_EQ(ended[0].id, kId);
  EXPECT_EQ(ended[0].metadata.pod, "mypod");
}

TEST(ContainersStorage, FindsTransientConfiguredAndUsersStores) {
  const std::string passwd =
      "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n"
      "bob:x:1001:1001::/home/bob/:/bin/sh\n";
  for (const std::string store :
       {"/var/lib/containers/storage", "/run/containers/storage", "/data/store", "/data/run",
        "/home/ann/.local/share/containers/storage", "/run/user/1001/containers",
        "/home/bob/own"}) {
    Storage at;
    at.files.set_file("/etc/passwd", passwd)
        .set_file("/etc/containers/storage.conf",
                  "[storage]\ndriver = \"overlay\"\nrunroot = \"/data/run\"\n"
                  "graphroot = \"/data/store\"\n[storage.options]\ngraphroot = \"/no\"\n")
        .set_file("/home/bob/.config/containers/storage.conf", "[storage]\ngraphroot = \"~/own\"\n")
        .set_file(store + "/overlay-containers/volatile-containers.json", list_of(kId, "web"));
    const auto read = at.open().read(kId, "1001");
    ASSERT_TRUE(read) << store;
    EXPECT_EQ(read->name, "web");
  }
}

TEST(ContainersStorage, AsksAUsersStoreBeforeOthers) {
  Storage at;
  at.files.set_file("/etc/passwd", "ann:x:1000:1:a:/home/ann:/x\nbob:x:1001:1::/home/bob:/x\n")
      .set_file("/var/lib/containers/storage/overlay-containers/containers.json",
                list_of(kId, "roots"))
      .set_file("/home/bob/.local/share/containers/storage/overlay-containers/containers.json",
                list_of(kId, "bobs"));
  EXPECT_EQ(at.open().read(kId, "1001")->name, "bobs");
  EXPECT_EQ(at.open().read(kId, "")->name, "roots");
  EXPECT_EQ(at.open().read(kId, "1000")->name, "roots");
}

TEST(ContainersStorage, ListsWhatCrioKnowsThatEndedButNoSandbox) {
  Storage at;
  const std::string lib = "/var/lib/containers/storage/overlay-containers/";
  const std::string over = R"({"status":"stopped","exitCode":1,"finished":"2026-11-23T10:00:09Z"})";
  at.files.set_file(lib + kId + "/userdata/state.json", over)
      .set_file(lib + "containers.json", list_of(kId, "k8s_web"))
      .set_file(lib + kPod + "/userdata/state.json", over)
      .set_file(lib + kPod + "/userdata/config.json",
                R"({"annotations":{"io.kubernetes.cri-o.ContainerType":"sandbox"}})");
  const auto ended = at.open().ended(100);
  ASSERT_EQ(ended.size(), 1U);
  EXPECT_EQ(ended[0].runtime, "crio");
  EXPECT_EQ(ended[0].metadata.name, "k8s_web");
  EXPECT_EQ(ended[0].metadata.life.exit_code, 1);
}

TEST(ContainersStorage, SaysWhyNothingIsKnown) {
  Storage at;
  const std::string list =
      "/var/lib/containers/storage/overlay-containers/" + kId + "/userdata/config.json";
  EXPECT_EQ(at.open().read(kId, "").error().error, ENOENT);
  at.files.set_file(list, "{}").set_error(list, EACCES);
  EXPECT_EQ(at.open().read(kId, "").error().error, EACCES);
  at.files.set_error(list, 0).set_file(list, "{");
  EXPECT_EQ(at.open().read(kId, "").error().error, EBADMSG);
}

}  // namespace
}  // namespace cgmon
