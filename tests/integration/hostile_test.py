#!/usr/bin/python3
"""What hostile hands can put into engines' files: the page stays valid and in time, and what is left
out is counted. The files lie in a directory that is the host's root to the agent."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import checks, exposition
from support.agent import Agent, run
from support.cgroups import TestCgroups
from support.checks import expect, expect_equal, wait_until
from support.kernel_reader import Host
from support.prometheus import program

kRoots = ("--path.procfs=/proc", "--path.sysfs=/sys", "--path.cgroupfs=/sys/fs/cgroup")
kFlags = ("--labels.container=*", "--labels.env=*")
kDocker, kBundles = "var/lib/docker/containers", "run/containerd/io.containerd.runtime.v2.task"
kStores = "var/lib/containers/storage/overlay-containers"
kMiB, kGiB = 1 << 20, 1 << 30
kKept, kBytes = 64, 256  # labels of a container, bytes of a label
kLabels, kScrapes = 10_000, 30
kUgly = 'q"u\\o\nt\te\r\x00\x1b[31m\u2028{a="b"} 1'
kSecret = b"root:x:0:0:secret"


def docker_file(name, image="bb:1", **config):
    return json.dumps({
        "Name": f"/{name}",
        "Config": {"Image": image, **config},
        "State": {"Running": True, "StartedAt": "2026-11-23T22:10:03Z"},
    }).encode()  # fmt: skip


class Files:
    """Containers by the name of what is wrong with them; each has a cgroup and some file."""

    def __init__(self, top, tree):
        self.top, self.tree = top, tree
        self.ids = {}

    def container(self, what):
        self.ids[what] = os.urandom(32).hex()
        self.tree.make(f"docker/{self.ids[what]}")
        directory = f"{self.top}/{kDocker}/{self.ids[what]}"
        os.makedirs(directory)
        return directory + "/config.v2.json"

    def write(self, what, data):
        with open(self.container(what), "wb") as file:
            file.write(data)

    def make(self):
        self.tree.make("docker")
        self.named()
        self.labelled()
        self.broken()
        self.no_files()
        # Files that all containers share, and that are read before any of them.
        os.makedirs(f"{self.top}/etc/docker")
        os.mkfifo(f"{self.top}/etc/passwd")
        os.mkfifo(f"{self.top}/etc/docker/daemon.json")
        os.makedirs(f"{self.top}/{kStores}")
        sparse(f"{self.top}/{kStores}/containers.json", 2 * kGiB)

    def named(self):
        self.write("ugly", docker_file(kUgly, kUgly, Labels={kUgly: kUgly}, Env=[f"A={kUgly}"]))
        invalid = docker_file("NAME").replace(b"NAME", b"in\xff\xfe\xc3valid\xed\xa0\x80")
        self.write("invalid", invalid)
        self.write("half a pair", docker_file("NAME").replace(b"NAME", b"half \\ud800 pair"))
        self.write("escaped", docker_file("NAME").replace(b"NAME", b"\\u0000\\ufdd0\\ud83d\\ude00"))
        self.write("long", docker_file("n" * (kMiB - 4096)))
        self.write("empty name", docker_file("", ""))

    def labelled(self):
        many = {f"k{i:05}": "v" for i in range(kLabels)}
        self.write("many", docker_file("many", Labels=many))
        self.write("variables", docker_file("variables", Env=[f"{k}=v" for k in many]))
        self.write("long value", docker_file("long-value", Labels={"a": "v" * (kMiB - 4096)}))
        self.write("long key", docker_file("long-key", Labels={"k" * 100_000: "v"}))
        self.write("alike", docker_file("alike", Labels={"a.b": "1", "a-b": "2", "a b": "3"}))

    def broken(self):
        self.write("too large", docker_file("n" * (kMiB + 1)))
        self.write("nested", b'{"Name":' + b"[" * 500_000)
        self.write("cut", docker_file("cut")[:-9])
        self.write("nothing", b"")
        self.write("zeros", bytes(4096))
        self.write("a number", b"1e999999")

    def no_files(self):
        os.mkfifo(self.container("fifo"))
        os.mkdir(self.container("directory"))
        sparse(self.container("sparse"), 2 * kGiB)
        with open(f"{self.top}-outside", "wb") as file:
            file.write(docker_file("outside", Labels={"secret": kSecret.decode()}))
        os.symlink(f"{self.top}-outside", self.container("link out"))
        os.symlink("../" * 20 + f"{self.top}-outside", self.container("climbing link"))
        os.symlink("/proc/self/environ", self.container("link to proc"))
        loop = self.container("loop")
        os.symlink(os.path.basename(loop), loop)
        try:
            os.mknod(self.container("device"), 0o20600, os.makedev(1, 5))  # /dev/zero
        except PermissionError:
            checks.say("note: no device can be made here; that case is left out")
            self.tree.remove(f"docker/{self.ids.pop('device')}")


def sparse(path, size):
    with open(path, "wb") as file:
        file.truncate(size)


class Hostile:
    """The checks; each sees the same files and the same agent."""

    kNamed = {
        "ugly", "escaped", "long", "many", "variables", "long value", "long key", "alike",
    }  # fmt: skip

    def __init__(self, files, agent, flags):
        self.files, self.agent, self.flags = files, agent, flags

    def all(self):
        return [self.in_time, self.all_there, self.valid, self.names, self.labels, self.failures,
                self.counted_once, self.json]  # fmt: skip

    def cgroup(self, what):
        return self.files.tree.path(f"docker/{self.files.ids[what]}")

    def info(self, page, what):
        return page.sample("container_info", id=self.cgroup(what)).labels

    def in_time(self):
        """No scrape takes a second, the first one included."""
        times = []
        for _ in range(kScrapes):
            began = time.monotonic()
            self.agent.scrape_bytes()
            times.append(time.monotonic() - began)
        expect(max(times) < 1, f"seconds of {kScrapes} scrapes: {times}")
        return f"first {times[0] * 1000:.0f} ms, longest of the others {max(times[1:]) * 1000:.0f} ms"

    def all_there(self):
        """Every cgroup is on the page, whatever is wrong with its container's file."""
        page = self.agent.scrape()
        for what in self.files.ids:
            expect(page.samples("container_memory_usage_bytes", id=self.cgroup(what)), what)
        return f"{len(self.files.ids)} containers"

    def valid(self):
        """promtool takes the page; it is valid UTF-8 and has nothing of a file out of the root."""
        wait_until(lambda: self.agent.scrape().samples("container_info", name="alike"), 20, "names")
        body = self.agent.scrape_bytes()
        done = subprocess.run(
            [program("promtool"), "check", "metrics"], input=body, capture_output=True,
            timeout=60, check=False,
        )  # fmt: skip
        said = (done.stdout + done.stderr).decode()
        expect(done.returncode in (0, 3), f"promtool ended with {done.returncode}: {said}")
        expect("error" not in said.lower(), said)
        body.decode("utf-8")
        expect(kSecret not in body, "what a link out of the root leads to is on the page")
        exposition.parse(body)
        return f"{len(body)} bytes"

    def names(self):
        """Names are repaired and cut, and those of what cannot be read are left out."""
        page = self.agent.scrape()
        for what in self.files.ids:
            labels = self.info(page, what)
            if what not in self.kNamed:
                expect("name" not in labels and "image" not in labels, f"{what}: {labels}")
            for key, text in labels.items():
                if key == "id":
                    continue
                expect(len(text.encode()) <= kBytes, f"{what}: {key} has {len(text.encode())}")
        expect_equal(self.info(page, "long")["name"], "n" * kBytes, "the long name")
        expect('q"u\\o' in self.info(page, "ugly")["name"], "the ugly name")
        expect("\U0001f600" in self.info(page, "escaped")["name"], "the escaped name")

    def labels(self):
        """Of 10,000 labels 64 are shown, of what is alike one; all others are counted."""
        page = self.agent.scrape()

        def own(what):
            return [k for k in self.info(page, what) if k.startswith(("container_label_",
                                                                      "container_env_"))]  # fmt: skip

        expect_equal(len(own("many")), kKept, "labels of many")
        expect_equal(len(own("variables")), kKept, "variables")
        expect_equal(own("alike"), ["container_label_a_b"], "those that are alike")
        expect_equal(own("long key"), [], "the one with the long key")
        dropped = {
            bound: page.value("cgmon_series_dropped_total", bound=bound)
            for bound in ("labels", "label_length", "label_collision")
        }
        expect_equal(dropped["labels"], 2 * (kLabels - kKept), "labels beyond the bound")
        expect_equal(dropped["label_length"], 2, "labels and values that are too long")
        expect_equal(dropped["label_collision"], 2, "labels that are alike")
        return f"{dropped}"

    def failures(self):
        """Each file that cannot be taken is a failure with its reason."""
        page = self.agent.scrape()
        failures = {
            s.labels["reason"]: int(s.value())
            for s in page.samples("cgmon_metadata_failures_total", source="docker")
        }
        wanted = {"too_large", "malformed", "EINVAL", "ENOENT", "ELOOP"}
        expect(wanted <= set(failures), f"failures {failures}, wanted {wanted}")
        broken = set(self.files.ids) - self.kNamed
        unresolved = page.value("cgmon_metadata_unresolved")
        nameless = {w for w in self.files.ids if "name" not in self.info(page, w)}
        expect_equal(nameless, broken, f"containers without a name; {failures}")
        # Other containers of this host have no files in this root.
        kinds = ("container", "sandbox")
        lacking = [s for s in page.samples("container_info")
                   if s.labels["kind"] in kinds and "name" not in s.labels]  # fmt: skip
        expect_equal(int(unresolved), len(lacking), f"containers without metadata; {failures}")
        return f"{failures}, {int(unresolved)} unresolved"

    def counted_once(self):
        """What was left out of labels does not grow from scrape to scrape; failures end, too."""

        def dropped():
            page = self.agent.scrape()
            return [s.value() for s in page.samples("cgmon_series_dropped_total")]

        before = dropped()
        for _ in range(10):
            self.agent.scrape_bytes()
        expect_equal(dropped(), before, "left out")
        expect_equal(self.agent.scrape().value("cgmon_scrape_collector_success", collector="info"),
                     1, "success")  # fmt: skip

    def json(self):
        """The JSON snapshot, the table and detect take the same files."""
        document = json.loads(self.agent.get("/api/v1/snapshot").body)
        expect(len(document["cgroups"]) >= len(self.files.ids), "cgroups in the JSON")
        for words in (("--once",), ("detect",)):
            ended = run(self.agent.binary, *words, *self.flags)
            expect_equal(ended.code, 0, f"exit code of {words}: {ended.stderr!r}")
            expect(b"\x1b" not in ended.stdout, f"an escape sequence from {words}")


def main():
    checks.need_root()
    binary = checks.agent_binary()
    top = tempfile.mkdtemp(prefix="cgmon-hostile-")
    try:
        with TestCgroups(Host()) as tree:
            files = Files(top, tree)
            files.make()
            flags = (f"--path.rootfs={top}", *kRoots, *kFlags)
            with Agent(binary, *flags) as agent:
                return checks.main("hostile", Hostile(files, agent, flags).all(), 100)
    finally:
        shutil.rmtree(top, ignore_errors=True)
        if os.path.exists(f"{top}-outside"):
            os.unlink(f"{top}-outside")


checks.run_or_skip(main)
