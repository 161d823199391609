#include "collectors/identity/oci_bundle.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>

namespace cgmon {
namespace {

const std::string kId(64, 'c');

TEST(ParseBundle, ReadsWhatContainerdsCriPluginWrites) {
  const auto read = parse_bundle(R"({"ociVersion":"1.0.2","annotations":{
    "io.kubernetes.cri.container-type":"container","io.kubernetes.cri.container-name":"web",
    "io.kubernetes.cri.image-name":"docker.io/library/nginx:1.25",
    "io.kubernetes.cri.sandbox-name":"shop-0","io.kubernetes.cri.sandbox-namespace":"prod",
    "io.kubernetes.cri.sandbox-uid":"0f3a"}})",
                                 kId);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->container, "web");
  EXPECT_EQ(read->image, "docker.io/library/nginx:1.25");
  EXPECT_EQ(read->pod, "shop-0");
  EXPECT_EQ(read->namespace_name, "prod");
  EXPECT_EQ(read->pod_uid, "0f3a");
  EXPECT_EQ(read->runtime, "containerd");
  EXPECT_EQ(read->name, kId);
  EXPECT_FALSE(read->sandbox);
}

TEST(ParseBundle, KnowsASandbox) {
  const auto read = parse_bundle(R"({"annotations":{"io.kubernetes.cri.container-type":"sandbox",
    "io.kubernetes.cri.podsandbox.image-name":"registry.k8s.io/pause:3.9"}})",
                                 kId);
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->sandbox);
  EXPECT_EQ(read->image, "registry.k8s.io/pause:3.9");
}

TEST(ParseBundle, ReadsTheLabelsThatCrioKeepsAsJsonInAnAnnotation) {
  const auto read = parse_bundle(R"({"annotations":{"io.container.manager":"cri-o",
    "io.kubernetes.cri-o.Name":"k8s_web_shop-0_prod_0f3a_2","io.kubernetes.cri-o.ContainerType":"container",
    "io.kubernetes.cri-o.ImageName":"quay.io/web:2","io.kubernetes.cri-o.Created":"2026-11-23T22:10:03.5Z",
    "io.kubernetes.cri-o.Labels":"{\"io.kubernetes.container.name\":\"web\",\"io.kubernetes.pod.name\":\"shop-0\",\"io.kubernetes.pod.namespace\":\"prod\",\"io.kubernetes.pod.uid\":\"0f3a\"}"}})",
                                 kId);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->runtime, "crio");
  EXPECT_EQ(read->name, "k8s_web_shop-0_prod_0f3a_2");
  EXPECT_EQ(read->container, "web");
  EXPECT_EQ(read->pod, "shop-0");
  EXPECT_EQ(read->namespace_name, "prod");
  EXPECT_EQ(read->pod_uid, "0f3a");
  EXPECT_EQ(read->image, "quay.io/web:2");
  EXPECT_EQ(read->life.created_at_ns % 1'000'000'000, 500'000'000);
}

TEST(ParseBundle, NamesNerdctlsContainersByTheirNameAndCtrsByTheirId) {
  EXPECT_EQ(parse_bundle(R"({"annotations":{"nerdctl/name":"db"}})", kId)->name, "db");
  EXPECT_EQ(parse_bundle("{}", "task1")->name, "task1");
  const auto podman = parse_bundle(R"({"annotations":{"io.container.manager":"libpod"}})", kId);
  EXPECT_EQ(podman->name, "") << "that is in containers.json";
  EXPECT_FALSE(podman->complete);
}

std::string_view network_of(const std::string& annotations, const std::string& namespaces) {
  const auto read = parse_bundle(
      "{\"annotations\":{" + annotations + "},\"linux\":{\"namespaces\":[" + namespaces + "]}}",
      kId);
  return read ? read->network : "malformed";
}

TEST(ParseBundle, TellsWhoseNetworkItIs) {
  const std::string sandbox = R"("io.kubernetes.cri.container-type":"sandbox",)";
  const std::string pod =
      R"("io.kubernetes.cri.sandbox-id":"ab","io.kubernetes.cri.sandbox-uid":"1")";
  const std::string pids = R"({"type":"pid"})", net = R"({"type":"pid"},{"type":"network"})";
  const std::string netns = R"({"type":"network","path":"/var/run/netns/x"})";
  const std::string joined = R"({"path":"/proc/7/ns/net","type":"network"},{"type":"pid"})";
  EXPECT_EQ(network_of("", ""), "");
  EXPECT_EQ(network_of("", pids), "host");
  EXPECT_EQ(network_of("", net), "own");
  EXPECT_EQ(network_of("", netns), "own");
  EXPECT_EQ(network_of("", joined), "container");
  EXPECT_EQ(network_of(sandbox + pod, netns), "own");
  EXPECT_EQ(network_of(sandbox + pod, pids), "host");
  EXPECT_EQ(network_of(pod, joined), "pod");
  EXPECT_EQ(network_of(pod, netns), "pod");
  EXPECT_EQ(network_of(R"("io.kubernetes.cri-o.HostNetwork":"true")", netns), "host");
}

TEST(ParseBundle, RefusesWhatIsNoObjectAtWhicheverByteItEnds) {
  const std::string text =
      R"({"annotations":{"nerdctl/name":"d\"b","x":[1,{"y":null}]},"linux":{"cgroupsPath":"/a/b"}})";
  for (std::size_t size = 0; size < text.size(); ++size) {
    const auto read = parse_bundle(text.substr(0, size), kId);
    ASSERT_FALSE(read) << size;
    EXPECT_EQ(read.error().error, EBADMSG);
  }
  EXPECT_FALSE(parse_bundle("[]", kId));
  EXPECT_EQ(parse_bundle(text, kId)->name, "d\"b");
}

TEST(ParseBundle, BoundsHostileTexts) {
  const std::string name(1 << 20, 'x');
  std::string text = R"({"annotations":{"nerdctl/name":")" + name + '"';
  for (int i = 0; i < 10'000; ++i) text += ",\"k" + std::to_string(i) + R"(":"v")";
  const auto read = parse_bundle(text + "}}", kId);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->name, std::string(kMaxLabelBytes, 'x'));
}

}  // namespace
}  // namespace cgmon
