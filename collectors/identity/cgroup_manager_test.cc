#include "collectors/identity/cgroup_manager.h"

#include <gtest/gtest.h>

#include <string>

namespace cgmon {
namespace {

const std::string kId(64, 'a'), kUid(32, 'b');

std::string said(std::string_view path) {
  const CgroupManager manager = manager_of(path);
  return std::string(manager.name)
      .append(" ")
      .append(manager.driver)
      .append(" ")
      .append(manager.inside);
}

TEST(CgroupManager, KnowsTheEnginesByTheirPaths) {
  EXPECT_EQ(said("/docker/" + kId), "docker cgroupfs ");
  EXPECT_EQ(said("/system.slice/docker-" + kId + ".scope"), "docker systemd ");
  EXPECT_EQ(said("/my.slice/docker/" + kId), "docker cgroupfs ");
  EXPECT_EQ(said("/machine.slice/libpod-" + kId + ".scope"), "podman systemd ");
  EXPECT_EQ(said("/libpod_parent/libpod-" + kId), "podman cgroupfs ");
  EXPECT_EQ(said("/lxc.payload.web"), "lxc cgroupfs ");
}

TEST(CgroupManager, IsTheKubeletForPodsAndTheirContainers) {
  const std::string slices =
      "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + kUid + ".slice";
  EXPECT_EQ(said(slices), "kubelet systemd ");
  EXPECT_EQ(said(slices + "/cri-containerd-" + kId + ".scope"), "kubelet systemd ");
  EXPECT_EQ(said(slices + "/crio-" + kId + ".scope"), "kubelet systemd ");
  EXPECT_EQ(said("/kubepods/besteffort/pod" + kUid), "kubelet cgroupfs ");
  EXPECT_EQ(said("/kubepods/besteffort/pod" + kUid + "/" + kId), "kubelet cgroupfs ");
}

TEST(CgroupManager, IsSystemdForItsUnitsAndNobodyKnownForPlainDirectories) {
  EXPECT_EQ(said("/system.slice"), "systemd systemd ");
  EXPECT_EQ(said("/system.slice/ssh.service"), "systemd systemd ");
  EXPECT_EQ(said("/system.slice/ssh.service/child"), "  ");
  for (const std::string path :
       {"", "/", "docker", "/docker", "//", "/a/b", "/.slice", "/docker/abc"}) {
    EXPECT_EQ(said(path), "  ") << path;
  }
}

TEST(CgroupManager, LeavesWhatIsInAContainerToWhatRunsThere) {
  const std::string container = "/system.slice/docker-" + kId + ".scope";
  EXPECT_EQ(said(container + "/inner"), "  " + container);
  EXPECT_EQ(said(container + "/system.slice/ssh.service"), "  " + container);
  EXPECT_EQ(said(container + "/docker/" + kId), "  " + container);
}

}  // namespace
}  // namespace cgmon
