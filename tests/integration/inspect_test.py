#!/usr/bin/python3
"""`agent inspect` against docker, /proc and the cgroup files: of real containers every path, every
namespace, every directory of the overlay, every limit.

    inspect_test.py [--docker-host unix:///run/docker.sock --docker-root /var/lib/docker]

Without flags it starts a daemon of its own.
"""

import argparse
import calendar
import contextlib
import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import checks, dockerd, json_reader, kernel_reader
from support.agent import kWithoutRights, run
from support.cgroups import TestCgroups, remove_directory
from support.checks import Skip, expect, expect_equal

kNamespaces = ("mnt", "uts", "ipc", "pid", "net", "user", "cgroup", "time")
# In docker's "GraphDriver.Data"; its paths have no links in them.
kOverlay = {"UpperDir": "upper", "WorkDir": "work", "MergedDir": "merged"}
kLimits = ("--cpus", "0.5", "-m", "64m", "--pids-limit", "50")


def namespace_of(pid, kind):
    """The inode, None where this kernel lacks the kind or the process may not be looked into."""
    try:
        return int(re.search(r"\d+", os.readlink(f"/proc/{pid}/ns/{kind}")).group())
    except OSError:
        return None


class Inspect:
    """The checks; each sees the same container."""

    def __init__(self, docker):
        self.docker = docker
        self.binary = checks.agent_binary()
        self.name = f"inspect-{os.getpid()}"
        self.container = docker.run(self.name, *kLimits, command="exec sleep 100000")

    def all(self):
        return [self.names, *self.of_layout(), self.near_and_ambiguous]

    def of_layout(self):
        """What depends on the cgroup layout."""
        return [
            self.directories_exist, self.namespaces, self.overlay, self.limits,
            self.limits_of_ancestors, self.figures, self.text, self.processes_of_units,
            self.hostile, self.without_rights,
        ]  # fmt: skip

    def call(self, *arguments):
        roots = [f"--docker.root={self.docker.data_root}"]
        return run(self.binary, "inspect", *arguments, *roots)

    def report(self, what):
        ended = self.call(what, "-o", "json")
        expect_equal(ended.code, 0, f"exit code for {what!r}; stderr {ended.stderr!r}")
        report = json_reader.loads(ended.stdout.decode())
        expect_equal((report["schema"], report["version"]), ("cgmon.inspect", 1), "schema")
        return report

    def names(self):
        """Name, id, a unique prefix, PID and path, with mount point and without, find the
        container; name, image and times are docker's."""
        cgroup = self.container.cgroup
        driver = self.docker.call("info", "--format", "{{.CgroupDriver}}")
        whats = [self.name, self.container.container_id, self.container.container_id[:12],
                 str(self.container.pid), cgroup.id]  # fmt: skip
        for what in whats + [d["path"] for d in self.report(self.name)["directories"]]:
            found = self.report(what)["cgroup"]
            expect_equal(found["id"], cgroup.id, f"id of {what}")
            expect_equal(found["container_id"], self.container.container_id, "container_id")
            expect_equal((found["name"], found["image"]), (self.name, dockerd.kImage), "names")
            expect_equal(found["managed_by"], "docker", "managed_by")
            expect_equal(found["driver"], driver, "driver")
        for member, key in (("created", "Created"), ("started", "State.StartedAt")):
            text = self.docker.call("inspect", "--format", "{{." + key + "}}", self.name)
            expect_equal(str(found[member]), unix_time(text), member)

    def directories_exist(self):
        """It has a directory in each hierarchy where the kernel puts its process, and no other."""
        shown = sorted(d["path"] for d in self.report(self.name)["directories"])
        for path in shown:
            expect(os.path.isdir(path), f"{path} does not exist")
        paths = self.container.cgroup.paths
        own = [h.point + paths[h.point] for h in self.docker.host.hierarchies
               if paths.get(h.point) == self.container.cgroup.id]  # fmt: skip
        expect_equal(shown, sorted(own), "directories")
        return f"{len(shown)} directories"

    def namespaces(self):
        """Each namespace is the one of /proc/PID/ns, and the host's exactly where PID 1 has it."""
        shown = self.report(self.name)["processes"]
        expect_equal(shown["oldest"], self.container.pid, "the oldest process")
        found = {n["kind"]: n for n in shown["namespaces"]}
        wanted = {k: namespace_of(self.container.pid, k) for k in kNamespaces}
        expect_equal({k: n["inode"] for k, n in found.items()},
                     {k: i for k, i in wanted.items() if i}, "namespaces")  # fmt: skip
        hosts = {k: namespace_of(1, k) for k in found}
        for kind, entry in found.items():
            expect_equal(entry["processes"], 1, f"processes in {kind}")
            same = entry["inode"] == hosts[kind] if hosts[kind] else None
            expect_equal(entry.get("is_host"), same, f"whether {kind} is the host's")
        known = sum(1 for inode in hosts.values() if inode)
        return f"{len(found)} namespaces, {known} of PID 1 to compare with"

    def overlay(self):
        """Each directory of the overlay is the one that docker names, and exists."""
        data = json_reader.loads(
            self.docker.call("inspect", "--format", "{{json .GraphDriver}}", self.name)
        )
        root = self.report(self.name)["root"]
        if data["Name"] != "overlay2":
            expect("upper" not in root or data["Name"] == "overlay", f"{data['Name']}: {root}")
            raise Skip(f"docker's storage driver is {data['Name']}")
        for key, member in kOverlay.items():
            expect_equal(root.get(member), data["Data"][key], member)
            expect(os.path.isdir(root[member]), f"{root[member]} does not exist")
        lower = data["Data"]["LowerDir"].split(":")
        expect_equal([os.path.realpath(d["path"]) for d in root["lower"]], lower, "lower")
        for directory in root["lower"]:
            if os.path.islink(directory["path"]):
                target = os.path.realpath(directory["path"])
                expect_equal(directory.get("target"), target, "target of the link")
        return f"{len(lower)} lower directories"

    def limits(self):
        """Limits are docker's."""
        wanted = {"cpu": "0.5", "memory": 64 << 20, "pids": 50}
        shown = self.limits_of(self.name)
        for resource, number in wanted.items():
            if self.docker.host.serving(resource) is None:
                expect(resource not in shown, f"there is no {resource} controller: {shown}")
                continue
            for member in ("own", "effective"):
                expect_equal(shown[resource][member], number, f"{member} limit of {resource}")
            expect_equal(shown[resource]["set_by"], self.container.cgroup.id, "set_by")

    def limits_of_ancestors(self):
        """A limit of an ancestor counts where it is tighter, and the ancestor is named."""
        pids = self.docker.host.serving("pids")
        if pids is None:
            raise Skip("no hierarchy has the pids controller")
        top = f"/cgmon-test-{os.getpid()}"
        parent = f"{top}/docker"
        if self.docker.call("info", "--format", "{{.CgroupDriver}}") == "systemd":
            parent = top = f"/cgmontest{os.getpid()}.slice"
        name = self.name + "-below"
        parent_option = f"--cgroup-parent={parent.lstrip('/') if top == parent else parent}"
        made = [parent, top]
        try:
            below = self.docker.run(
                name, parent_option, "--pids-limit", "50", command="exec sleep 100000"
            )
            made.insert(0, below.cgroup.id)  # runc may leave it in the v2 tree of a hybrid host
            with open(f"{pids.point}{top}/pids.max", "w", encoding="ascii") as file:
                file.write("49")
            shown = self.limits_of(name)
            self.docker.remove(name)
        finally:
            if top != parent:  # systemd keeps its slices itself
                for hierarchy in self.docker.host.hierarchies:
                    for path in made:
                        remove_directory(hierarchy.point + path)
        expect_equal(shown["pids"]["own"], 50, "own limit")
        expect_equal(shown["pids"]["effective"], 49, "effective limit")
        expect_equal(shown["pids"]["set_by"], top, "set_by")

    def limits_of(self, what):
        return {entry["resource"]: entry for entry in self.report(what)["limits"]}

    def figures(self):
        """Every figure has its file, which exists; of a paused container its line is still there."""
        self.docker.call("pause", self.name)
        try:
            checks.wait_until(self.container.cgroup.frozen, 20, "frozen")
            report = self.report(self.name)
            lines = 0
            for figure in report["figures"]:
                if "file" not in figure:
                    continue
                text = kernel_reader.read(figure["file"])
                moving = "pressure" in figure["file"]
                if "raw" in figure and not moving:
                    expect(figure["raw"] in text, f"{figure} is not in its file: {text[:200]!r}")
                    lines += 1
        finally:
            self.docker.call("unpause", self.name)
        families = {figure["family"] for figure in report["figures"]}
        expect("container_cpu_usage_seconds_total" in families, f"families {sorted(families)}")
        return f"{len(report['figures'])} figures, {lines} lines found in their files"

    def text(self):
        """Every path that the text prints exists."""
        ended = self.call(self.name)
        expect_equal(ended.code, 0, f"exit code; stderr {ended.stderr!r}")
        text = ended.stdout.decode().split("\nMissing:")[0]
        paths = re.findall(r"(?:^|(?<=[\s\"]))/[^\s\"]+", text, re.M)
        paths = [p for p in paths if p != self.container.cgroup.id]
        for path in paths:
            expect(os.path.lexists(path), f"{path} does not exist, in\n{text}")
        expect(len(paths) > 10, f"{len(paths)} paths in\n{text}")
        return f"{len(paths)} paths"

    def processes_of_units(self):
        """This script's own cgroup by its PID: its processes are those of /proc."""
        report = self.report(str(os.getpid()))
        cgroup_id = report["cgroup"]["id"]
        expect(
            any(line.split(":", 2)[2] == cgroup_id
                for line in kernel_reader.read("/proc/self/cgroup").splitlines()),
            f"{cgroup_id} is none of this process'",
        )  # fmt: skip
        expect(report["processes"]["here"] + report["processes"]["below"] >= 1, f"{report}")

    def near_and_ambiguous(self):
        """What is not there is refused with what is near; what may be several lists them."""
        ended = self.call(self.name + "x")
        expect_equal(ended.code, 1, "exit code")
        expect(self.name.encode() in ended.stderr.split(b"did you mean")[-1], f"{ended.stderr!r}")
        other = self.docker.run(self.name + "-other", command="exec sleep 100000")
        common = os.path.commonprefix([other.container_id, self.container.container_id])
        if common and not common.isdigit():  # digits are a process' number first
            ended = self.call(common)
            expect_equal(ended.code, 1, "exit code of an ambiguous id")
            for one in (other, self.container):
                expect(one.container_id.encode() in ended.stderr, f"{ended.stderr!r}")
        self.docker.remove(self.name + "-other")

    def hostile(self):
        """A cgroup with an escape sequence in its name is shown without it."""
        with TestCgroups() as tree:
            path = tree.make(b"esc\x1b[31m\xff\xc2\x9bred")
            for arguments in ((path,), (path, "-o", "json")):
                ended = self.call(*arguments)
                expect_equal(ended.code, 0, f"exit code; stderr {ended.stderr!r}")
                decoded = ended.stdout.decode("utf-8")
                bad = re.findall("[\x00-\x09\x0b-\x1f\x7f-\x9f]", decoded)
                if len(arguments) == 3:
                    bad = [b for b in bad if ord(b) < 0x20]  # JSON escapes those alone
                expect_equal(bad, [], f"control characters in {decoded!r}")

    def without_rights(self):
        """Without root it says what it may not read, and which right would open that."""
        if os.system("command -v setpriv > /dev/null") != 0:
            raise Skip("no setpriv (package util-linux)")
        command = [
            *kWithoutRights, self.binary, "inspect", self.container.container_id,
            "-o", "json", f"--docker.root={self.docker.data_root}",
        ]  # fmt: skip
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if done.returncode == 126 or b"Permission denied" in done.stderr:
            raise Skip(f"nobody cannot run the agent here: {done.stderr.decode().strip()}")
        expect_equal(done.returncode, 0, f"exit code; stderr {done.stderr!r}")
        report = json_reader.loads(done.stdout.decode())
        expect("name" not in report["cgroup"], f"{report['cgroup']}")
        remedies = " ".join(m["remedy"] for m in report["missing"])
        for right in ("CAP_SYS_PTRACE", "CAP_DAC_READ_SEARCH"):
            expect(right in remedies, f"{right} is not among {report['missing']}")
        return "; ".join(m["what"] for m in report["missing"])


def unix_time(text):
    """Docker's RFC 3339 in UTC, digit by digit."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    seconds = calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S"))
    return f"{seconds}.{fraction}".rstrip("0").rstrip(".")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--docker-host")
    parser.add_argument("--docker-root")
    parser.add_argument("--layout", action="store_true", help="only what depends on the layout")
    options = parser.parse_args()
    checks.need_root()
    checks.agent_binary()
    with contextlib.ExitStack() as stack:
        if options.docker_host:
            daemon = dockerd.Docker(options.docker_host, options.docker_root)
        else:
            daemon = dockerd.OwnDockerd()
        docker = stack.enter_context(daemon)
        inspect = Inspect(docker)
        chosen = inspect.of_layout() if options.layout else inspect.all()
        return checks.main("inspect", chosen, limit_seconds=300)


checks.run_or_skip(main)
