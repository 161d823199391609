#include "collectors/identity/cgroup_path.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace cgmon {
namespace {

const std::string kId = "6bca4f656c1c3a454d197e337f16b38ecedbdb4fb2df4cb1de4a3444df53960b";

TEST(IdentifyPath, KnowsDockersFourPlaces) {
  struct Place {
    std::string path;
    std::string unit;
  };
  const std::string scope = "docker-" + kId + ".scope";
  for (const Place& place : {
           Place{"/docker/" + kId, ""},             // cgroupfs driver
           Place{"/system.slice/" + scope, scope},  // systemd driver
           Place{"/user.slice/user-1000.slice/user@1000.service/user.slice/" + scope, scope},
           Place{"/actions_job/docker/" + kId, ""},  // cgroupfs driver below a parent
       }) {
    const PathIdentity identity = identify_path(place.path);
    EXPECT_EQ(identity.kind, CgroupKind::container) << place.path;
    EXPECT_EQ(identity.runtime, "docker") << place.path;
    EXPECT_EQ(identity.container_id, kId) << place.path;
    EXPECT_EQ(identity.unit, place.unit) << place.path;
  }
}

TEST(IdentifyPath, TakesOnly64LowercaseHexDigitsForAnId) {
  std::string upper = kId;
  upper[3] = 'A';
  std::string other = kId;
  other[63] = 'g';
  for (const std::string& id :
       {kId.substr(1), kId + "0", upper, other, std::string(), std::string(64, '\0')}) {
    const std::string plain_path = "/docker/" + id, scope_path = "/x/docker-" + id + ".scope";
    const PathIdentity plain = identify_path(plain_path);
    EXPECT_EQ(plain.kind, CgroupKind::other) << id;
    EXPECT_EQ(plain.container_id, "") << id;
    const PathIdentity scope = identify_path(scope_path);
    EXPECT_EQ(scope.kind, CgroupKind::unit) << id;
    EXPECT_EQ(scope.container_id, "") << id;
    EXPECT_EQ(scope.unit, "docker-" + id + ".scope");
  }
}

TEST(IdentifyPath, WantsTheParentOfAPlainIdToBeDocker) {
  for (const std::string& path :
       {"/" + kId, "/x/" + kId, "/dockers/" + kId, "/mydocker/" + kId, "/docker/x/" + kId}) {
    EXPECT_EQ(identify_path(path).kind, CgroupKind::other) << path;
  }
}

TEST(IdentifyPath, TellsAContainerInAContainerFromTheCgroupsInside) {
  const std::string inner(64, 'f');
  const std::string nested_path = "/docker/" + kId + "/docker/" + inner;
  const PathIdentity nested = identify_path(nested_path);
  EXPECT_EQ(nested.kind, CgroupKind::container);
  EXPECT_EQ(nested.container_id, inner);
  for (const char* const below : {"/init", "/docker", "/system.slice/ssh.service/x"}) {
    const std::string path = "/docker/" + kId + below;
    const PathIdentity inside = identify_path(path);
    EXPECT_EQ(inside.kind, CgroupKind::other) << below;
    EXPECT_EQ(inside.container_id, "") << below;
  }
  EXPECT_EQ(identify_path("/docker/" + kId + "/system.slice/ssh.service").kind, CgroupKind::unit);
}

TEST(IdentifyPath, TakesNoMountForAContainer) {
  for (const std::string& name :
       {"var-lib-docker-containers-" + kId + "-mounts-shm.mount", "docker-" + kId + ".mount",
        "docker-" + kId + ".scope.mount", kId + ".mount"}) {
    const std::string path = "/system.slice/" + name;
    const PathIdentity identity = identify_path(path);
    EXPECT_EQ(identity.kind, CgroupKind::unit) << name;
    EXPECT_EQ(identity.container_id, "") << name;
    EXPECT_EQ(identity.unit, name);
  }
}

TEST(IdentifyPath, KnowsSystemdsUnitsBySuffix) {
  for (const char* const unit :
       {"ssh.service", "user@1000.service", "session-1.scope", "docker.socket", "tmp.mount",
        "dev-sda2.swap", "systemd-fsck@dev-disk-by\\x2duuid.service"}) {
    const std::string path = std::string("/system.slice/") + unit;
    const PathIdentity identity = identify_path(path);
    EXPECT_EQ(identity.kind, CgroupKind::unit) << unit;
    EXPECT_EQ(identity.unit, unit);
    EXPECT_EQ(identity.runtime, "");
  }
  const PathIdentity slice = identify_path("/user.slice/user-1000.slice");
  EXPECT_EQ(slice.kind, CgroupKind::slice);
  EXPECT_EQ(slice.unit, "user-1000.slice");
  for (const char* const none : {"/init", "/a.servic", "/.service", "/service", "/a.service.d"}) {
    EXPECT_EQ(identify_path(none).kind, CgroupKind::other) << none;
    EXPECT_EQ(identify_path(none).unit, "") << none;
  }
}

// cg_escape() in systemd: a name that would clash with a kernel file gets one "_".
TEST(IdentifyPath, TakesOneEscapingUnderscoreOffAUnit) {
  EXPECT_EQ(identify_path("/system.slice/_memory.service").unit, "memory.service");
  EXPECT_EQ(identify_path("/system.slice/__x.service").unit, "_x.service");
  EXPECT_EQ(identify_path("/_cpu.slice").kind, CgroupKind::slice);
  EXPECT_EQ(identify_path("/_.service").kind, CgroupKind::other);
  EXPECT_EQ(identify_path("/_init").kind, CgroupKind::other);
}

TEST(IdentifyPath, KnowsTheRoot) {
  EXPECT_EQ(identify_path("/").kind, CgroupKind::root);
  EXPECT_EQ(identify_path("/").unit, "");
}

TEST(IdentifyPath, AcceptsAnyBytes) {
  for (const std::string& path :
       {std::string(), std::string("x"), std::string("//"), std::string("/\xff\xfe"),
        std::string("/a\0b", 4), std::string("/docker-.scope"), std::string("/docker-"),
        std::string("docker"), std::string("/_"), std::string(5000, '/')}) {
    const PathIdentity identity = identify_path(path);
    EXPECT_NE(identity.kind, CgroupKind::container) << path;
    EXPECT_NE(identity.kind, CgroupKind::root) << path;
  }
  const std::string hostile = "/x\n\"\\\xff.service";
  EXPECT_EQ(identify_path(hostile).unit, hostile.substr(1));
}

TEST(IdentifyPath, SurvivesACutAtEveryByte) {
  const std::string path = "/docker/" + kId + "/system.slice/docker-" + kId + ".scope";
  for (std::size_t size = 0; size <= path.size(); ++size) {
    const bool container = size == path.size() || size == 8 + kId.size();
    EXPECT_EQ(identify_path(std::string_view(path).substr(0, size)).kind == CgroupKind::container,
              container)
        << size;
  }
}

}  // namespace
}  // namespace cgmon
