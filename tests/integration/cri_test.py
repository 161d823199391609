#!/usr/bin/python3
"""Pods of containerd and CRI-O: bundles as these engines document them, over cgroups of our own.

The cgroups have the kubelet's shape, with either driver, below a cgroup root of their own. Sandbox
and containers of a pod run in one network namespace. The bundles lie in a directory that is the
host's root to the agent.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import checks, kernel_reader
from support.agent import Agent, dies_with_us
from support.cgroups import TestCgroups
from support.checks import Skip, expect, expect_equal, wait_until
from support.kernel_reader import Host

kBundles = "run/containerd/io.containerd.runtime.v2.task/k8s.io"
kStored = "run/containers/storage/overlay-containers"
kPause, kImage = "registry.k8s.io/pause:3.9", "registry.example/shop/web:1.25"
kIdentity = ("name", "image", "container", "pod", "namespace")
# Two interfaces with names that are not left out, linked to each other.
kLink = "ip link add eth0 type veth peer name eth1 && ip link set eth0 up && ip link set eth1 up"
kFrame = """
import socket
link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
link.bind(("eth0", 0))
for _ in range(10):
    link.send(b"\\xff" * 6 + b"\\x02" * 6 + b"\\x88\\xb5" + bytes(86))
"""


def some_id():
    return os.urandom(32).hex()


def some_uid():
    digits = os.urandom(16).hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


class Pod:
    """A pod with a sandbox and one container, in cgroups as `driver` names them."""

    def __init__(self, tree, engine, driver, qos):
        self.tree, self.engine, self.driver, self.qos = tree, engine, driver, qos
        self.uid, self.sandbox, self.web = some_uid(), some_id(), some_id()
        self.name, self.namespace = f"shop-{engine}-{driver}", "prod"
        # Guaranteed pods lie in the kubelet's cgroup itself.
        if driver == "systemd":
            middle = f"-{qos}" if qos else ""
            path = ["kubepods.slice"] + ([f"kubepods{middle}.slice"] if qos else [])
            path.append(f"kubepods{middle}-pod{self.uid.replace('-', '_')}.slice")
        else:
            path = ["kubepods"] + ([qos] if qos else []) + [f"pod{self.uid}"]
        self.above = ["/".join(path[: at + 1]) for at in range(len(path))]
        self.cgroup = self.above[-1]
        self.processes = {}

    def leaf(self, container):
        name = {
            ("containerd", "systemd"): f"cri-containerd-{container}.scope",
            ("containerd", "cgroupfs"): container,
            ("crio", "systemd"): f"crio-{container}.scope",
            ("crio", "cgroupfs"): f"crio-{container}",
        }[self.engine, self.driver]
        return f"{self.cgroup}/{name}"

    def make(self, top):
        for cgroup in self.above:
            if not os.path.isdir(self.tree.directories(cgroup)[0]):
                self.tree.make(cgroup)
        for container in (self.sandbox, self.web):
            self.tree.make(self.leaf(container))
        self.write_bundles(top)
        self.start(self.sandbox, "unshare", "--net")
        sandbox = self.processes[self.sandbox].pid
        own = os.readlink("/proc/self/ns/net")
        wait_until(lambda: _namespace(sandbox) not in (None, own), 10, "the pod's namespace")
        inside(sandbox, "sh", "-c", kLink)
        self.start(self.web, "nsenter", f"--net=/proc/{sandbox}/ns/net")

    def start(self, container, *prefix):
        def enter():
            for directory in self.tree.directories(self.leaf(container)):
                # v1's takes processes only after its CPUs were set, all the way down.
                if os.path.exists(directory + "/cpuset.memory_migrate"):
                    continue
                with open(directory + "/cgroup.procs", "w", encoding="ascii") as file:
                    file.write("0")

        self.processes[container] = subprocess.Popen(
            dies_with_us([*prefix, "sleep", "300"]), preexec_fn=enter
        )

    def end(self):
        for process in self.processes.values():
            process.kill()
            process.wait()
        self.processes = {}

    def write_bundles(self, top):
        for container, kind in ((self.sandbox, "sandbox"), (self.web, "container")):
            if self.engine == "containerd":
                path, annotations = f"{top}/{kBundles}/{container}", self.containerd(kind)
            else:
                path = f"{top}/{kStored}/{container}/userdata"
                annotations = self.crio(container, kind)
            os.makedirs(path)
            bundle = {
                "ociVersion": "1.0.2-dev",
                "process": {"args": ["/pause"], "env": ["PATH=/bin"], "cwd": "/"},
                "root": {"path": "rootfs"},
                "annotations": annotations,
                "linux": {"cgroupsPath": self.leaf(container)},
            }
            with open(path + "/config.json", "w", encoding="utf-8") as file:
                json.dump(bundle, file)

    def containerd(self, kind):
        what = {
            "container-type": kind,
            "sandbox-id": self.sandbox,
            "sandbox-name": self.name,
            "sandbox-namespace": self.namespace,
            "sandbox-uid": self.uid,
        }
        if kind == "sandbox":
            what["sandbox-log-directory"] = f"/var/log/pods/prod_{self.name}_{self.uid}"
            what["podsandbox.image-name"] = kPause
        else:
            what |= {"container-name": "web", "image-name": kImage}
        return {f"io.kubernetes.cri.{key}": value for key, value in what.items()}

    def crio_name(self, kind):
        word = "POD" if kind == "sandbox" else "web"
        return f"k8s_{word}_{self.name}_{self.namespace}_{self.uid}_0"

    def crio(self, container, kind):
        labels = {
            "io.kubernetes.container.name": "POD" if kind == "sandbox" else "web",
            "io.kubernetes.pod.name": self.name,
            "io.kubernetes.pod.namespace": self.namespace,
            "io.kubernetes.pod.uid": self.uid,
            "app": "shop",
        }
        what = {
            "ContainerType": kind,
            "ContainerID": container,
            "ContainerName": self.crio_name(kind),
            "Name": self.crio_name(kind),
            "Namespace": self.namespace,
            "KubeName": self.name,
            "SandboxID": self.sandbox,
            "SandboxName": self.crio_name("sandbox"),
            "ImageName": kPause if kind == "sandbox" else kImage,
            "Labels": json.dumps(labels),
            "Created": "2026-11-23T22:10:03.5Z",
        }
        annotations = {f"io.kubernetes.cri-o.{key}": value for key, value in what.items()}
        return annotations | {"io.container.manager": "cri-o"}

    def wanted(self):
        """{cgroup: its identity labels}, in the order of kIdentity."""
        pod = (self.name, self.namespace)
        if self.engine == "containerd":
            names = {"sandbox": self.sandbox, "container": self.web}
            word = ""
        else:
            names = {kind: self.crio_name(kind) for kind in ("sandbox", "container")}
            word = "POD"
        return {
            self.cgroup: ("", "", "", *pod),
            self.leaf(self.sandbox): (names["sandbox"], kPause, word, *pod),
            self.leaf(self.web): (names["container"], kImage, "web", *pod),
        }


def _namespace(pid):
    try:
        return os.readlink(f"/proc/{pid}/ns/net")
    except FileNotFoundError:
        return None


def inside(pid, *command):
    done = subprocess.run(
        ["nsenter", f"--net=/proc/{pid}/ns/net", *command], capture_output=True, text=True,
        check=False, timeout=30,
    )  # fmt: skip
    if done.returncode != 0:
        raise Skip(f"{' '.join(command[:3])}: {done.stderr.strip()}")


class Pods:
    """The checks; each sees the same pods."""

    def __init__(self, pods, tree, agent):
        self.pods, self.tree, self.agent = pods, tree, agent

    def all(self):
        return [self.identity, self.once, self.info, self.network, self.nothing_unread]

    def identity(self):
        """Pods, sandboxes and containers have the six labels that the kubelet gives them."""
        page = self.agent.scrape()
        for pod in self.pods:
            for cgroup, wanted in pod.wanted().items():
                sample = page.sample("container_last_seen", id=self.tree.path(cgroup))
                expect(sample is not None, f"{cgroup} is not on the page")
                shown = tuple(sample.labels.get(key, "") for key in kIdentity)
                expect_equal(shown, wanted, f"{kIdentity} of {cgroup}")
        return f"{len(self.pods)} pods, {3 * len(self.pods)} cgroups"

    def once(self):
        """Each container has one series set: no other cgroup has its name or its labels."""
        page = self.agent.scrape()
        for pod in self.pods:
            owners = {
                s.labels.get("id")
                for family in page.families.values()
                for s in family.samples
                if s.labels.get("container") == "web" and s.labels.get("pod") == pod.name
                and not s.name.startswith("container_oom_kills")
            }
            expect_equal(owners, {self.tree.path(pod.leaf(pod.web))}, f"cgroups of {pod.name}'s web")
        for cgroup in {c for pod in self.pods for c in pod.above[:-1]}:
            for sample in page.samples("container_last_seen", id=self.tree.path(cgroup)):
                expect_equal(set(sample.labels), {"id"}, f"labels of {cgroup}")

    def info(self):
        """container_info has kind, runtime, the pod's uid and its class."""
        page = self.agent.scrape()
        for pod in self.pods:
            for cgroup, kind in (
                (pod.cgroup, "pod"), (pod.leaf(pod.sandbox), "sandbox"),
                (pod.leaf(pod.web), "container"),
            ):  # fmt: skip
                labels = page.sample("container_info", id=self.tree.path(cgroup)).labels
                runtime = "" if kind == "pod" else pod.engine
                expect_equal(labels.get("kind"), kind, f"kind of {cgroup}")
                expect_equal(labels.get("runtime", ""), runtime, f"runtime of {cgroup}")
                expect_equal(labels.get("pod_uid"), pod.uid, f"pod_uid of {cgroup}")
                expect_equal(labels.get("qos"), pod.qos or "guaranteed", f"class of {cgroup}")

    def network(self):
        """A pod's network is on its sandbox, once an interface, and counts what was sent."""
        families = [f"container_network_{way}_bytes_total" for way in ("receive", "transmit")]

        def shown(family):
            page = self.agent.scrape()
            return {
                (s.labels["id"], s.labels["interface"]): int(s.text)
                for s in page.samples(family)
                if s.labels.get("namespace") == "prod"
            }

        before = [shown(f) for f in families]
        sandboxes = {
            (self.tree.path(p.leaf(p.sandbox)), name) for p in self.pods for name in ("eth0", "eth1")
        }
        for family, figures in zip(families, before):
            expect_equal(set(figures), sandboxes, f"who has {family}")
        for pod in self.pods:
            inside(pod.processes[pod.sandbox].pid, sys.executable, "-c", kFrame)
        grown = [
            {key: value - old[key] for key, value in shown(f).items()}
            for f, old in zip(families, before)
        ]
        for pod in self.pods:
            sandbox = self.tree.path(pod.leaf(pod.sandbox))
            expect(grown[1][sandbox, "eth0"] >= 1000, f"sent by {pod.name}: {grown[1]}")
            expect(grown[0][sandbox, "eth1"] >= 1000, f"received by {pod.name}: {grown[0]}")
            # The kernel sends by itself, too: it looks for routers.
            least = self._sent(pod)
            now = shown(families[1])[sandbox, "eth0"]
            most = self._sent(pod)
            expect(
                least <= now <= most,
                f"sent by {pod.name}: {now}, as its container sees it {least} to {most}",
            )
        return f"{len(sandboxes)} interfaces of {len(self.pods)} pods"

    def _sent(self, pod):
        text = kernel_reader.read(f"/proc/{pod.processes[pod.web].pid}/net/dev")
        sent = next(line for line in text.splitlines() if "eth0:" in line).split(":")[1]
        return int(sent.split()[8])

    def nothing_unread(self):
        """No container of them is without its metadata."""
        page = self.agent.scrape()
        for sample in page.samples("cgmon_metadata_failures_total"):
            expect(
                sample.labels["source"] not in ("containerd", "crio"), f"failures: {sample}"
            )


def main():
    checks.need_root()
    binary = checks.agent_binary()
    top = tempfile.mkdtemp(prefix="cgmon-cri-")
    pods = []
    try:
        with TestCgroups(Host()) as tree:
            try:
                for engine in ("containerd", "crio"):
                    for driver, qos in (("systemd", "burstable"), ("cgroupfs", "besteffort")):
                        pods.append(Pod(tree, engine, driver, qos))
                    pods.append(Pod(tree, engine, "systemd", ""))
                    pods.append(Pod(tree, engine, "cgroupfs", ""))
                    for pod in pods[-2:]:
                        pod.name += "-guaranteed"
                for pod in pods:
                    pod.make(top)
                roots = ("--path.procfs=/proc", "--path.sysfs=/sys", "--path.cgroupfs=/sys/fs/cgroup")
                with Agent(binary, f"--path.rootfs={top}", *roots) as agent:
                    return checks.main("cri", Pods(pods, tree, agent).all(), limit_seconds=70)
            finally:
                for pod in pods:
                    pod.end()
    finally:
        shutil.rmtree(top, ignore_errors=True)


checks.run_or_skip(main)
