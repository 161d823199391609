#include "collectors/identity/kubernetes_logs.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/tree_files.h"

namespace cgmon {
namespace {

const std::string kId(64, 'a');

TEST(ParsePodLogName, SplitsFromTheRight) {
  const PodLogName parts = parse_pod_log_name("prod_shop-0_0f3a");
  EXPECT_EQ(parts.namespace_name, "prod");
  EXPECT_EQ(parts.pod, "shop-0");
  EXPECT_EQ(parts.uid, "0f3a");
  for (const char* const text : {"", "_", "__", "a_b", "a__c", "_b_c", "a_b_", "a_b_c_d"}) {
    EXPECT_EQ(parse_pod_log_name(text).uid, "") << text;
  }
}

TEST(ParseContainerLogName, SplitsFromTheRight) {
  const std::string name = "shop-0_prod_web-" + kId + ".log";
  const ContainerLogName parts = parse_container_log_name(name);
  EXPECT_EQ(parts.pod, "shop-0");
  EXPECT_EQ(parts.namespace_name, "prod");
  EXPECT_EQ(parts.container, "web");
  EXPECT_EQ(parts.id, kId);
  for (const std::string& text :
       {std::string(), std::string(".log"), kId + ".log", "-" + kId + ".log", "a_b-" + kId + ".log",
        "a__b-" + kId + ".log", "a_b_c" + kId + ".log", "a_b_c-" + kId,
        "a_b_c-" + std::string(63, 'a') + "G.log", "a_b_c_d-" + kId + ".log"}) {
    EXPECT_EQ(parse_container_log_name(text).id, "") << text;
  }
}

TEST(ParseLogNumber, TakesLogsThatAreRotatedToo) {
  EXPECT_EQ(parse_log_number("0.log"), 0U);
  EXPECT_EQ(parse_log_number("17.log"), 17U);
  EXPECT_EQ(parse_log_number("3.log.20261123-101112.gz"), 3U);
  for (const char* const text :
       {"", ".log", "x.log", "1", "1.txt", "1.logs", "-1.log", "99999999999999999999.log"}) {
    EXPECT_FALSE(parse_log_number(text)) << text;
  }
}

TEST(KubernetesLogs, NamesContainersAndPodsAndCountsRestarts) {
  TreeFiles files;
  files.set_file("/var/log/pods/prod_shop-0_0f3a/web/0.log", "")
      .set_file("/var/log/pods/prod_shop-0_0f3a/web/4.log", "")
      .set_file("/var/log/pods/prod_shop-0_0f3a/web/notes", "")
      .add_directory("/var/log/pods/junk")
      .add_link("/var/log/containers/shop-0_prod_web-" + kId + ".log",
                "/var/log/pods/prod_shop-0_0f3a/web/4.log")
      .add_link("/var/log/containers/other", "/");
  HostFiles host(files, Roots{});
  KubernetesLogs logs(host);
  ContainerMetadata metadata;
  EXPECT_FALSE(logs.name_container(std::string(64, 'b'), metadata));
  EXPECT_FALSE(logs.name_pod("0f3", metadata));
  ASSERT_TRUE(logs.name_container(kId, metadata));
  EXPECT_EQ(metadata.pod, "shop-0");
  EXPECT_EQ(metadata.namespace_name, "prod");
  EXPECT_EQ(metadata.container, "web");
  metadata.pod_uid = "0f3a";
  logs.count_restarts(metadata);
  EXPECT_EQ(metadata.life.restarts, 4U);

  ContainerMetadata pod;
  ASSERT_TRUE(logs.name_pod("0f3a", pod));
  EXPECT_EQ(pod.pod, "shop-0");
  EXPECT_EQ(pod.namespace_name, "prod");
}

TEST(KubernetesLogs, DoesNotFollowNamesOutOfTheirDirectory) {
  TreeFiles files;
  files.set_file("/var/log/9.log", "").set_file("/var/log/pods/a_b_c/x/9.log", "");
  HostFiles host(files, Roots{});
  KubernetesLogs logs(host);
  for (const char* const name : {"..", ".", "../x", "x/../x"}) {
    ContainerMetadata metadata{.container = name, .pod = "b", .namespace_name = "a"};
    metadata.pod_uid = "c";
    logs.count_restarts(metadata);
    EXPECT_FALSE(metadata.life.restarts) << name;
  }
}

}  // namespace
}  // namespace cgmon
