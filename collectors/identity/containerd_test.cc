#include "collectors/identity/containerd.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>

#include "tests/support/tree_files.h"

namespace cgmon {
namespace {

const std::string kId(64, 'a');

std::string status_of(const std::string& more) {
  return R"({"Version":"v1","Pid":7,"CreatedAt":1000000000000000000,)" + more + "}";
}

TEST(ParseCriStatus, ReadsALife) {
  const auto made = parse_cri_status(status_of(R"("StartedAt":0,"FinishedAt":0,"ExitCode":0)"));
  ASSERT_TRUE(made);
  EXPECT_EQ(made->state, ContainerState::created);
  EXPECT_EQ(made->created_at_ns, 1'000'000'000'000'000'000);
  const auto runs = parse_cri_status(status_of(R"("StartedAt":5,"FinishedAt":0,"ExitCode":0)"));
  ASSERT_TRUE(runs);
  EXPECT_EQ(runs->state, ContainerState::running);
  EXPECT_EQ(runs->started_at_ns, 5);
  EXPECT_FALSE(runs->exit_code);
  const auto over = parse_cri_status(
      status_of(R"("StartedAt":5,"FinishedAt":9,"ExitCode":137,"Reason":"OOMKilled")"));
  ASSERT_TRUE(over);
  EXPECT_EQ(over->state, ContainerState::exited);
  EXPECT_EQ(over->finished_at_ns, 9);
  EXPECT_EQ(over->exit_code, 137);
  EXPECT_TRUE(over->oom_killed);
  EXPECT_EQ(over->started_at_ns, 0);
}

TEST(ParseCriStatus, RefusesWhatIsNoneAndBoundsNumbers) {
  const std::string text = status_of(R"("StartedAt":5,"Reason":"x\"y")");
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_FALSE(parse_cri_status(text.substr(0, size))) << size;
  }
  for (const char* const bad : {"[]", "{}", R"({"CreatedAt":"1"})", R"({"a":{"CreatedAt":1}})"}) {
    const auto read = parse_cri_status(bad);
    ASSERT_FALSE(read) << bad;
    EXPECT_EQ(read.error().error, EBADMSG);
  }
  const auto read = parse_cri_status(
      status_of(R"("StartedAt":-5,"FinishedAt":99999999999999999999,"ExitCode":5000000000)"));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->state, ContainerState::created);
}

TEST(ContainerdFiles, ReadsBundlesOfEachDaemonWithTheirStatus) {
  struct Daemon {
    std::string state, root;
  };
  for (const Daemon& daemon :
       {Daemon{"/data/run", "/data/lib"},
        Daemon{"/run/k3s/containerd", "/var/lib/rancher/k3s/agent/containerd"},
        Daemon{"/var/snap/microk8s/common/run/containerd",
               "/var/snap/microk8s/common/var/lib/containerd"}}) {
    TreeFiles files;
    files
        .set_file("/etc/containerd/config.toml",
                  "version = 2\nroot = \"/data/lib\"\nstate = '/data/run'\n[grpc]\n"
                  "root = \"/no\"\n")
        .set_file(daemon.state + "/io.containerd.runtime.v2.task/k8s.io/" + kId + "/config.json",
                  R"({"annotations":{"io.kubernetes.cri.container-name":"web"}})")
        .set_file(daemon.root + "/io.containerd.grpc.v1.cri/containers/" + kId + "/status",
                  status_of(R"("StartedAt":5)"));
    HostFiles host(files, Roots{});
    ContainerdFiles containerd(host);
    for (const char* const space : {"", "k8s.io"}) {
      const auto read = containerd.read(space, kId);
      ASSERT_TRUE(read) << daemon.state;
      EXPECT_EQ(read->container, "web");
      EXPECT_EQ(read->life.state, ContainerState::running);
    }
    EXPECT_EQ(containerd.read("other", kId).error().error, ENOENT);
  }
}

TEST(ContainerdFiles, LooksIntoKnownNamespacesWhereTheyMayNotBeListed) {
  TreeFiles files;
  const std::string tasks = "/run/containerd/io.containerd.runtime.v2.task";
  files.set_file(tasks + "/k8s.io/" + kId + "/config.json", "{}").set_error(tasks, EACCES);
  HostFiles host(files, Roots{});
  ContainerdFiles containerd(host);
  EXPECT_TRUE(containerd.read("", kId));
  EXPECT_EQ(containerd.read("", std::string(64, 'b')).error().error, EACCES);
}

TEST(ContainerdFiles, AsksTheSandboxWhoseNetworkAPodIsIn) {
  const std::string tasks = "/run/containerd/io.containerd.runtime.v2.task/k8s.io/";
  const std::string sandbox = tasks + std::string(64, 'b') + "/config.json";
  TreeFiles files;
  files.set_file(tasks + kId + "/config.json",
                 R"({"annotations":{"io.kubernetes.cri.sandbox-id":")" + std::string(64, 'b') +
                     R"("},"linux":{"namespaces":[{"type":"network","path":"/proc/7/ns/net"}]}})");
  HostFiles host(files, Roots{});
  ContainerdFiles containerd(host);
  EXPECT_EQ(containerd.read("k8s.io", kId)->network, "") << "nobody tells";
  const std::string annotated = R"({"annotations":{"io.kubernetes.cri.container-type":"sandbox"},)";
  files.set_file(sandbox, annotated + R"("linux":{"namespaces":[{"type":"network"}]}})");
  EXPECT_EQ(containerd.read("k8s.io", kId)->network, "pod");
  files.set_file(sandbox, annotated + R"("linux":{"namespaces":[{"type":"pid"}]}})");
  EXPECT_EQ(containerd.read("k8s.io", kId)->network, "host");
}

TEST(ContainerdFiles, ListsWhatHasEnded) {
  TreeFiles files;
  const std::string cri = "/var/lib/containerd/io.containerd.grpc.v1.cri/containers/";
  files.set_file(cri + "a/status", status_of(R"("StartedAt":5,"FinishedAt":9,"ExitCode":3)"))
      .set_file(cri + "b/status", status_of(R"("StartedAt":5)"))
      .set_file(cri + "c/status", "{")
      .add_directory(cri + "d");
  HostFiles host(files, Roots{});
  const auto ended = ContainerdFiles(host).ended(100);
  ASSERT_EQ(ended.size(), 1U);
  EXPECT_EQ(ended[0].id, "a");
  EXPECT_EQ(ended[0].metadata.life.exit_code, 3);
}

}  // namespace
}  // namespace cgmon
