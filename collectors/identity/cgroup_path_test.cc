#include "collectors/identity/cgroup_path.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

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
  EXPECT_EQ(slice.kind, CgroupKind::user);
  EXPECT_EQ(slice.unit, "user-1000.slice");
  EXPECT_EQ(slice.uid, "1000");
  EXPECT_EQ(identify_path("/system.slice").kind, CgroupKind::slice);
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

const std::string kUid = "12345678-9abc-4def-8123-456789abcdef";
const std::string kUidInSlice = "12345678_9abc_4def_8123_456789abcdef";
const std::string kHash = "0123456789abcdef0123456789abcdef";

/// What is known of a path, as "kind key=value …".
std::string said(const std::string& path) {
  const PathIdentity is = identify_path(path);
  std::string text = name_of(is.kind);
  const auto add = [&](const char* key, std::string_view value) {
    if (!value.empty()) text.append(" ").append(key).append("=").append(value);
  };
  add("by", is.runtime);
  add("id", is.container_id == kId ? "ID" : is.container_id);
  add("maybe", is.possible_id == kId ? "ID" : is.possible_id);
  add("ns", is.engine_namespace);
  add("name", is.name);
  add("pod", is.pod_uid == kUid ? "UID" : is.pod_uid);
  add("qos", is.qos);
  add("uid", is.uid);
  add("job", is.job_id);
  add("step", is.step_id);
  add("task", is.task_id);
  add("in", is.outer);
  return text;
}

TEST(IdentifyPath, KnowsEachEngineByItsPaths) {
  const std::string pod =
      "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + kUidInSlice + ".slice";
  const std::string vm = "/machine.slice/machine-qemu\\x2d1\\x2dmy\\x2dvm.scope";
  const std::string docker = "container by=docker id=ID";
  const std::string podman = "container by=podman id=ID";
  const std::vector<std::pair<std::string, std::string>> kPaths = {
      {"/docker/buildkit/0123456789abcdefghijklmno", "other"},
      {"/x/" + kId, "other maybe=ID"},
      {"/x/y/z/" + kId, "other maybe=ID"},
      {"/x/y/z", "other"},
      {"/system.slice/x", "other"},
      {"/x.slice/docker-" + kId + ".scope", docker},
      {"/testns/ktask", "other maybe=ktask ns=testns"},
      {"/testns/ktask/init", "other"},
      {"/default/web", "other maybe=web ns=default"},
      {"/a b/c", "other"},
      {"/default/" + kId, "container by=nerdctl id=ID ns=default"},
      {"/system.slice/nerdctl-" + kId + ".scope", "container by=nerdctl id=ID"},
      {"/k8s.io/" + kId, "container by=containerd id=ID ns=k8s.io"},
      {pod, "pod pod=UID qos=burstable"},
      {pod + "/cri-containerd-" + kId + ".scope",
       "container by=containerd id=ID pod=UID qos=burstable"},
      {pod + "/crio-" + kId + ".scope", "container by=crio id=ID pod=UID qos=burstable"},
      {pod + "/crio-" + kId + ".scope/container", "other in=" + pod + "/crio-" + kId + ".scope"},
      {pod + "/crio-conmon-" + kId + ".scope", "unit pod=UID qos=burstable"},
      {"/kubepods.slice", "slice"},
      {"/kubepods.slice/kubepods-besteffort.slice", "slice qos=besteffort"},
      {"/kubepods.slice/kubepods-pod" + kHash + ".slice", "pod pod=" + kHash + " qos=guaranteed"},
      {"/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod" + kUidInSlice + ".slice",
       "pod pod=UID qos=guaranteed"},
      {"/kubepods.slice/kubepods-pod1.slice", "slice"},
      {"/mykubepods-pod" + kUidInSlice + ".slice", "slice"},
      {"/kubepods/pod" + kUid, "pod pod=UID qos=guaranteed"},
      {"/kubepods/besteffort", "other qos=besteffort"},
      {"/kubepods/besteffort/pod" + kUid, "pod pod=UID qos=besteffort"},
      {"/kubepods/besteffort/pod" + kUid + "/" + kId,
       "container by=containerd id=ID pod=UID qos=besteffort"},
      {"/kubepods/besteffort/pod" + kUid + "/crio-" + kId,
       "container by=crio id=ID pod=UID qos=besteffort"},
      {"/pod" + kUid, "other"},
      {"/system.slice/kubepods-burstable-pod" + kUidInSlice + ".slice:cri-containerd:" + kId,
       "container by=containerd id=ID pod=UID qos=burstable"},
      {"/system.slice:docker:" + kId, docker},
      {"/system.slice:other:" + kId, "other"},
      {"/machine.slice/libpod-" + kId + ".scope", podman},
      {"/machine.slice/libpod-" + kId + ".scope/container",
       "other in=/machine.slice/libpod-" + kId + ".scope"},
      {"/libpod_parent/libpod-" + kId, podman},
      {"/libpod_parent/" + kId, "pod by=podman pod=" + kId},
      {"/libpod_parent/" + kId + "/libpod-" + kId, podman + " pod=" + kId},
      {"/machine.slice/libpod-conmon-" + kId + ".scope", "unit"},
      {"/machine.slice/machine-libpod_pod_" + kId + ".slice", "pod by=podman pod=" + kId},
      {"/machine.slice/machine-libpod_pod_" + kId + ".slice/libpod-" + kId + ".scope",
       podman + " pod=" + kId},
      {"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + kId + ".scope",
       podman + " uid=1000"},
      {"/user.slice/user-1000.slice/user@1000.service/user.slice/user-libpod_pod_" + kId + ".slice",
       "pod by=podman pod=" + kId + " uid=1000"},
      {"/lxc.payload.web", "container by=lxc id=web name=web"},
      {"/lxc.payload.web/init.scope", "unit in=/lxc.payload.web"},
      {"/lxc.monitor.web", "other"},
      {"/lxc/101", "container by=lxc id=101 name=101"},
      {"/lxc/101/ns", "other in=/lxc/101"},
      {"/lxc.monitor/101", "other maybe=101 ns=lxc.monitor"},
      {"/machine.slice/systemd-nspawn@my\\x2ddeb.service", "machine by=nspawn name=my-deb"},
      {"/machine.slice/systemd-nspawn@deb.service/payload",
       "other in=/machine.slice/systemd-nspawn@deb.service"},
      {"/machine.slice/machine-deb.scope", "machine by=nspawn name=deb"},
      {vm, "machine by=libvirt name=my-vm"},
      {vm + "/libvirt/emulator", "other in=" + vm},
      {"/machine/qemu-1-my-vm.libvirt-qemu", "machine by=libvirt name=my-vm"},
      {"/slurm", "other"},
      {"/slurm/uid_1000", "user by=slurm uid=1000"},
      {"/slurm_node1/uid_1000/job_42", "job by=slurm uid=1000 job=42"},
      {"/slurm/uid_1000/job_42/step_batch", "step by=slurm uid=1000 job=42 step=batch"},
      {"/slurm/uid_1000/job_42/step_0/task_0", "task by=slurm uid=1000 job=42 step=0 task=0"},
      {"/system.slice/slurmstepd.scope", "unit"},
      {"/system.slice/slurmstepd.scope/system", "other"},
      {"/system.slice/slurmstepd.scope/job_4/step_0/user", "other job=4 step=0"},
      {"/system.slice/n1_slurmstepd.scope/job_4/step_0/user/task_special",
       "task by=slurm job=4 step=0 task=special"},
      {"/x/job_4", "other maybe=job_4 ns=x"},
      {"/system.slice/condor.service/htcondor/condor_var_lib_condor_execute_slot1_1@host",
       "job by=htcondor name=slot1_1@host"},
      {"/torque/12.server", "job by=torque job=12.server"},
      {"/system.slice/pbs_jobs.service/jobid/7.pbs", "job by=pbs job=7.pbs"},
      {"/lsf/cluster1/job.5.1234.99", "job by=lsf job=5"},
      {"/ecs/" + kHash, "task by=ecs task=" + kHash},
      {"/ecs/" + kHash + "/" + kId, docker + " task=" + kHash},
      {"/ecstasks.slice/ecstasks-" + kHash + ".slice/docker-" + kId + ".scope",
       docker + " task=" + kHash},
      {"/nomad.slice/share.slice/" + kUid + ".redis.scope",
       "task by=nomad job=" + kUid + " task=redis"},
      {"/system.slice/garden.service/garden/good/" + kUid, "container by=garden id=" + kUid},
      {"/garden/" + kUid + "/init", "other in=/garden/" + kUid},
      {"/garden/good", "other maybe=good ns=garden"},
      {"/mesos/" + kUid, "container by=mesos id=" + kUid},
      {"/user.slice/user-1000.slice/session-3.scope", "unit uid=1000"},
      {"/user.slice/user-1000.slice/user@1000.service", "unit uid=1000"},
      {"/user.slice/user-1000.slice/user@1000.service/app.slice/app-gnome-term-7.scope",
       "unit uid=1000"},
      {"/user.slice/user-x.slice", "slice"},
  };
  for (const auto& [path, expected] : kPaths) EXPECT_EQ(said(path), expected) << path;
}

TEST(IdentifyPath, KnowsTheUnitAndTheSliceThatACgroupLiesIn) {
  const std::string path = "/a.slice/a-b.slice/docker-" + kId + ".scope";
  EXPECT_EQ(identify_path(path).slice, "a-b.slice");
  const PathIdentity child = identify_path("/system.slice/ssh.service/child");
  EXPECT_EQ(child.kind, CgroupKind::other);
  EXPECT_EQ(child.unit, "ssh.service");
  EXPECT_EQ(child.slice, "system.slice");
}

TEST(IdentifyPath, ChainsContainersInContainers) {
  const std::string node = "/system.slice/docker-" + kId + ".scope";
  const std::string inner(64, 'f');
  EXPECT_EQ(said(node +
                 "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/"
                 "kubelet-kubepods-besteffort-pod" +
                 kUidInSlice + ".slice/cri-containerd-" + inner + ".scope"),
            "container by=containerd id=" + inner + " pod=UID qos=besteffort in=" + node);
  EXPECT_EQ(said("/docker/" + kId + "/kubelet/kubepods/pod" + kUid),
            "pod pod=UID qos=guaranteed in=/docker/" + kId);
  EXPECT_EQ(said("/docker/" + kId + "/docker/" + inner + "/init"),
            "other in=/docker/" + kId + "/docker/" + inner);
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
