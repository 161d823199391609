"""The workload of a capture: containers in every state that the tests care for, then stillness."""

import os
import subprocess
import time

from support.checks import expect, say, wait_until
from support.dockerd import kImage
from support.kernel_reader import read

kPodUid = "5f1c8a3e-7b2d-4c6a-9e10-d3b4a5968701"
kSandbox, kApp = "a5" * 32, "b6" * 32
kUnconfined = ("--security-opt", "seccomp=unconfined")  # whose lists are most of runc's state files
# Cgroups that say nothing which others do not say as well.
kStopped = (
    "dev-mqueue.mount", "proc-sys-fs-binfmt_misc.automount", "proc-sys-fs-binfmt_misc.mount",
    "sys-fs-fuse-connections.mount", "sys-kernel-config.mount", "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount", "system-modprobe.slice", "systemd-logind.service",
)  # fmt: skip
kRootfs = "/var/lib/cgmon-rootfs"

kBusy = """dd if=/dev/zero of=/tmp/direct bs=64k count=32 oflag=direct
dd if=/tmp/direct of=/dev/null bs=64k iflag=direct
dd if=/dev/zero of=/tmp/buffered bs=64k count=48; sync
x=$(dd if=/dev/zero bs=64k count=96 | tr '\\000' x)
(while :; do :; done) & while :; do sleep 1; done"""
kCalm = """dd if=/dev/zero of=/dev/shm/shared bs=64k count=32
dd if=/dev/zero of=/tmp/f bs=64k count=24; cat /tmp/f >/dev/null
sleep 30000 & sleep 30000 & exec sleep 40000"""
kTooMuch = "dd if=/dev/zero of=/dev/null bs=64M count=1"


class Workload:
    """`make()` in the guest; then `names`, `kept` and `marks` say what stand-ins need.

    Only these containers run, and none of them moves once make() is over.
    """

    kContainers = (
        "web   paused; every limit, labels, throttled, block I/O with a rule, an eth0",
        "db    paused; other limits, shared memory, processes in a cgroup of its own inside",
        "plain paused; no limit at all, block I/O without a rule",
        "hurt  paused; the OOM killer ended one of its processes",
        "gone  exited with 3",
        "hog   ended by the OOM killer (without a memory controller: by itself)",
        "a pod as the kubelet names it, made with ctr: sandbox a5..., container b6... (paused)",
    )

    def __init__(self, docker, driver, make_child):
        self._docker = docker
        self._driver = driver
        self._make_child = make_child
        self.marks = []
        self.names = {}
        self.kept = {kPodUid, kSandbox, kApp}
        self._has_memory = docker.host.serving("memory") is not None

    def _step(self, what):
        """Nothing of the step before has a time after this."""
        time.sleep(0.1)  # a file's time is of the last tick
        self.marks.append(time.time())
        time.sleep(0.1)
        say(f"capture: {what}")

    def _run(self, name, *options, command):
        self._step(name)
        container = self._docker.run(name, *kUnconfined, *options, command=command)
        self.names[name] = container.container_id
        return container

    def _end(self, name, *options, command, codes):
        """A container that ends by itself."""
        self._step(name)
        run = ("run", "--name", name, "--network=none", *kUnconfined, *options, kImage)
        self._docker.call(*run, "/bin/sh", "-c", command, check=False)
        code = self._docker.call("inspect", "-f", "{{.State.ExitCode}}", name)
        expect(code in codes, f"{name} ended with {code}")
        self.names[name] = self._docker.call("inspect", "-f", "{{.Id}}", name)

    def make(self):
        run("systemctl", "stop", *kStopped)
        disk = root_disk()
        rules = [f"--device-{way}-bps={disk}:500mb" for way in ("read", "write")] if disk else []
        web = self._run(
            "web", "--hostname=web-1", "--restart=unless-stopped", "-m", "96m", "--memory-swap",
            "160m", "--memory-reservation", "48m", "--cpus", "0.5", "--cpu-shares", "512",
            "--pids-limit", "60", "--cpuset-cpus", "0-1", *rules, "--ulimit", "nofile=1024:4096",
            "--label", "app=web", "--label", "com.example.tier=front",
            "--label", 'com.example.note=say "hi" \\o/', "--env", "TIER=front", command=kBusy,
        )  # fmt: skip
        give_interface(web.pid)
        db = self._run(
            "db", "-m", "64m", "--cpu-shares", "2048", "--pids-limit", "100", "--shm-size", "16m",
            "--label", "app=db", "--label", "com.example.tier=back", command=kCalm,
        )  # fmt: skip
        wait_until(lambda: len(processes_of(db)) == 3, 60, "db's three processes")
        inner = self._make_child(db)
        for point, path in inner.paths.items():
            os.mkdir(f"{point}{path}/empty")
        plain = self._run("plain", command=kCalm)
        wait_until(lambda: len(processes_of(plain)) == 3, 60, "plain's three processes")
        hurt = self._run("hurt", "-m", "24m", command=f"{kTooMuch}; exec sleep 40000")
        wait_until(lambda: comm(hurt.pid) == "sleep", 60, "hurt is alive after all")
        self._end("gone", "--label", "app=job", command="exit 3", codes=("3",))
        codes = ("137",) if self._has_memory else ("0",)
        self._end(
            "hog", "-m", "24m", "--memory-swap", "24m", command=f"exec {kTooMuch}", codes=codes
        )
        self._make_pod()
        wait_until(lambda: throttled(web), 120, "web is throttled")
        wait_until(lambda: comm_of_children(web), 60, "web is at rest but for its loop")
        self._step("pause")
        subprocess.run(["ip", "link", "set", "vethweb", "down"], check=False)
        for container in (web, db, plain, hurt):
            self._docker.call("pause", container.name)
        run("ctr", "-n", "k8s.io", "tasks", "pause", kApp)
        os.sync()
        time.sleep(3)  # the kernel adds its per-CPU parts up every two seconds
        self._step("read")

    def _make_pod(self):
        """A pod's sandbox and container with the cgroups, annotations and log that kubelet and
        containerd give them; there is no kubelet here."""
        self._step("pod")
        os.makedirs(kRootfs)
        with subprocess.Popen(
            ["docker", "export", "plain"], stdout=subprocess.PIPE
        ) as export:  # no image store is needed that way
            subprocess.run(["tar", "-C", kRootfs, "-x"], stdin=export.stdout, check=True)
        common = {"sandbox-id": kSandbox, "sandbox-name": "shop-0", "sandbox-namespace": "store",
                  "sandbox-uid": kPodUid}  # fmt: skip
        log = f"/var/log/pods/store_shop-0_{kPodUid}"
        self._ctr(kSandbox, {"container-type": "sandbox", "sandbox-log-directory": log, **common})
        image = "registry.example/shop:1.2"
        self._ctr(kApp, {"container-type": "container", "container-name": "shop",
                         "image-name": image, **common})  # fmt: skip
        os.makedirs(f"{log}/shop")
        with open(f"{log}/shop/0.log", "w", encoding="ascii"):
            pass
        os.makedirs("/var/log/containers", exist_ok=True)
        os.symlink(f"{log}/shop/0.log", f"/var/log/containers/shop-0_store_shop-{kApp}.log")

    def _ctr(self, name, annotations):
        if self._driver == "systemd":
            pod = f"kubepods-burstable-pod{kPodUid.replace('-', '_')}.slice"
            where = ["--runc-systemd-cgroup", "--cgroup", f"{pod}:cri-containerd:{name}"]
        else:
            where = ["--cgroup", f"/kubepods/burstable/pod{kPodUid}/{name}"]
        words = [f"--annotation=io.kubernetes.cri.{k}={v}" for k, v in sorted(annotations.items())]
        limit = ["--memory-limit", str(32 << 20)] if self._has_memory and name == kApp else []
        run("ctr", "-n", "k8s.io", "run", "-d", "--rootfs", *where, *words, *limit, kRootfs, name,
            "/bin/sleep", "50000")  # fmt: skip


def run(*command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          errors="replace", check=False)  # fmt: skip
    expect(done.returncode == 0, f"{command[0]} failed: {done.stderr.strip()}")


def root_disk():
    """/dev/vda, of a root that is a whole disk."""
    device = os.stat("/").st_dev
    link = f"/sys/dev/block/{os.major(device)}:{os.minor(device)}"
    return "/dev/" + os.path.basename(os.readlink(link)) if os.path.exists(link) else None


def give_interface(pid):
    """An eth0 with counters, for a container without a network."""
    run("ip", "link", "add", "vethweb", "type", "veth", "peer", "name", "eth0", "netns", str(pid))
    inside = ("nsenter", "-t", str(pid), "-n")
    for command in (
        ("ip", "link", "set", "vethweb", "addrgenmode", "none"),
        (*inside, "ip", "link", "set", "eth0", "addrgenmode", "none"),
        ("ip", "link", "set", "vethweb", "up"),
        ("ip", "addr", "add", "10.9.0.1/24", "dev", "vethweb"),
        (*inside, "ip", "link", "set", "eth0", "up"),
        (*inside, "ip", "addr", "add", "10.9.0.2/24", "dev", "eth0"),
        (*inside, "busybox", "ping", "-c", "3", "-i", "0.2", "10.9.0.1"),
    ):
        run(*command)


def processes_of(container):
    point, path = next(iter(container.cgroup.paths.items()))
    return (read(f"{point}{path}/cgroup.procs") or "").split()


def comm(pid):
    return (read(f"/proc/{pid}/comm") or "").strip()


def comm_of_children(container):
    """Whether only the shells and a sleep are left."""
    return {comm(pid) for pid in processes_of(container)} <= {"sh", "sleep"}


def throttled(container):
    text = container.cgroup.file("cpu", "cpu.stat") or ""
    return any(
        line.startswith("nr_throttled ") and int(line.split()[1]) > 5 for line in text.splitlines()
    )
