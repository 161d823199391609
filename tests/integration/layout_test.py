#!/usr/bin/python3
"""What has to be true of one cgroup layout, in a guest that was booted with it.

    layout_test.py --layout v2-systemd --families FILE --absent FILE --golden FILE

Made for the virtual machine (tests/vm), where /mnt/cgmon is what the host shares and docker runs.
--families: the committed table of what must be there, whose columns are the layouts; --absent: why
other families are not; --golden: what `agent detect` has to say.
"""

import argparse
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import cgroups, checks, compare, dockerd, every_family, exposition, kernel_reader
from support.agent import Agent, run
from support.checks import expect, expect_equal, say, wait_until

kBusy = "while :; do :; done"
kDisk = kernel_reader.disk_name(kernel_reader.disk_of("/var/lib/docker"))
kLimits = (
    "--cpus", "0.5", "-m", "64m", "--pids-limit", "50",
    "--device-read-bps", f"{kDisk}:1gb", "--device-write-bps", f"{kDisk}:1gb",
)  # fmt: skip
kWritten = 4 << 20
# Past the page cache: on v1 what is written back from there counts for the root.
kWrite = f"dd if=/dev/zero of=/file bs={kWritten} count=1 oflag=direct && touch /written"
kTooMuch = "dd if=/dev/zero of=/dev/null bs=64M count=1"
kNoMemory = "the kernel has no memory controller (cgroup_disable=memory)"
# What a container of busybox needs to run the agent.
kAgentMounts = (
    "/mnt/cgmon", "/lib/x86_64-linux-gnu", "/lib64", "/etc/ld.so.conf.d", "/etc/ld.so.cache",
)  # fmt: skip
kScopes = {"H": "the host", "C": "a limited container", "I": "a cgroup in it", "U": "a unit"}
# The clock, and what the daemon and others do to the disk.
kMovesOn = {
    "container_last_seen", "container_fs_measured_timestamp_seconds", "container_fs_inodes_free",
}  # fmt: skip


def kills(cgroup):
    return kernel_reader.counters(cgroup).get(("container_oom_events_total", ()), 0)


class Layout:
    """The checks; each sees the same containers and the same agent."""

    def __init__(self, options, docker, agent):
        self.options = options
        self.docker = docker
        self.agent = agent
        self.host = docker.host
        self.has_memory = self.host.serving("memory") is not None
        self.busy = docker.run("busy", *kLimits, command=f"{kWrite}; {kBusy}")
        wait_until(lambda: self.has_written("busy"), 60, "what busy writes")
        self.inner = cgroups.make_child(self.busy)
        self.other = docker.run("other", command="exec sleep 100000")

    def all(self):
        return [
            self.layout_is_meant, self.families, self.names, self.child, self.oom_kill,
            self.block_io, self.killed_container, self.ended_container, self.detect, self.stand_still,
            self.values_equal, self.every_family, self.in_a_container, self.cgroup_namespace, self.restricted_view,
            self.no_errors,
        ]  # fmt: skip

    def layout_is_meant(self):
        """The machine has the layout and docker the driver that this run is named after."""
        driver = self.docker.call("info", "--format", "{{.CgroupDriver}}")
        expect_equal(self.host.mode, self.options.mode, "layout")
        expect_equal(driver, self.options.driver, "docker's cgroup driver")

    def families(self):
        """Each family is there for the host, a container, a cgroup in it and a unit exactly where
        the committed table says so."""
        unit = "/system.slice/docker.service"
        ids = {"H": "/", "C": self.busy.cgroup.id, "I": self.inner.id, "U": unit}
        page = wait_until(self._page_with_disks, 30, "what the containers have on the disk")
        found = {}
        for letter in kScopes:
            for sample in page.of(ids[letter]):
                found.setdefault(sample.name, {})[letter] = True
        shown = {name: "".join(letters) for name, letters in found.items()}
        write_report("families.tsv", "".join(f"{n}\t{s}\n" for n, s in sorted(shown.items())))
        wanted = expected_families(self.options.families, self.options.layout)
        wrong = [
            f"{name}: shown for {shown.get(name, '-')}, the table has {wanted.get(name, '-')}"
            for name in sorted({*shown, *wanted})
            if shown.get(name, "-") != wanted.get(name, "-")
        ]
        expect(not wrong, f"{len(wrong)} families differ:\n    " + "\n    ".join(wrong))
        return f"{len(shown)} families"

    def _page_with_disks(self):
        page = self.agent.scrape()
        families = ("container_fs_log_bytes", "container_fs_writable_layer_bytes")
        return page if all(page.samples(f, id=self.busy.cgroup.id) for f in families) else None

    def names(self):
        """Containers carry docker's name and image, what is inside them and units do not."""
        page = self.agent.scrape()
        for container in (self.busy, self.other):
            samples = page.of(container.cgroup.id)
            expect(samples, f"no series of {container.name}")
            for sample in samples:
                expect_equal(sample.labels.get("name"), container.name, f"name of {sample}")
                expect_equal(sample.labels.get("image"), container.image, f"image of {sample}")
        for cgroup_id in ("/", self.inner.id, "/system.slice/docker.service"):
            for sample in page.of(cgroup_id):
                named = {"name", "image"} & sample.labels.keys()
                expect(not named, f"{sample} has the labels {sorted(named)}")

    def child(self):
        """A cgroup inside a container is on the page, its counters are the kernel's, and the
        container's include them."""
        rounds = 4
        cgroups = [self.busy.cgroup, self.inner]
        compared = sum(compare.counters_between(self.agent, cgroups) for _ in range(rounds))
        page = self.agent.scrape()
        both = [
            page.value("container_cpu_usage_seconds_total", id=cgroup.id, cpu="total")
            for cgroup in cgroups
        ]
        expect(both[0] >= both[1] > 0, f"CPU time of container and child: {both}")
        return f"{compared} counters in {rounds} scrapes"

    def oom_kill(self):
        """A process that the OOM killer ends in a living container is counted there."""
        if not self.has_memory:
            raise checks.Skip(kNoMemory)
        command = f"{kTooMuch}; exec sleep 100000"
        survivor = self.docker.run("survivor", "-m", "24m", command=command)
        wait_until(lambda: kills(survivor.cgroup), 60, "the OOM killer's visit")
        for name in ("container_oom_events_total", "container_memory_events_oom_kill_total"):
            shown = self.agent.scrape().sample(name, id=survivor.cgroup.id)
            expect(shown, f"no {name}")
            expect_equal(shown.scaled(), kills(survivor.cgroup), name)
            expect(shown.value() >= 1, f"{shown}")

    def has_written(self, name):
        return "written" in self.docker.call("exec", name, "ls", "/").split()

    def block_io(self):
        """Of two containers that write past the cache, one with a limit, v2 counts both. v1 may
        count the one alone; the other then has no number, and the agent says why."""
        limit = ("--device-write-bps", f"{kDisk}:1gb")
        command = f"{kWrite}; exec sleep 100000"
        ruled = self.docker.run("ruled", *limit, command=command)
        without = self.docker.run("without", command=command)
        for container in (ruled, without):
            name = container.name
            wait_until(lambda name=name: self.has_written(name), 60, f"what {name} writes")
        compared = compare.counters_between(self.agent, [ruled.cgroup, without.cgroup])
        page = self.agent.scrape()
        family = "container_fs_writes_bytes_total"
        shown = page.sample(family, id=ruled.cgroup.id, device=kDisk)
        expect(shown is not None and shown.value() >= kWritten, f"{family} of ruled: {shown}")
        reads = page.sample("container_fs_reads_total", id=ruled.cgroup.id, device=kDisk)
        other = page.sample(family, id=without.cgroup.id, device=kDisk)
        not_counted = page.sample(
            "cgmon_unavailable_cgroups", collector="diskIO", reason="not_counted"
        )
        if self.host.mode == "v2":
            expect(other is not None and other.value() >= kWritten, f"{family} of without: {other}")
            expect(not_counted is None, f"v2 counts all: {not_counted}")
            return f"{compared} counters"
        # Linux 6.1, as in the machine: a rule for the direction, or nothing is counted.
        expect(other is None, f"{other}, which this kernel does not count")
        expect(reads is None, f"{reads}: the rule is for writes alone")
        expect(page.sample(family, id="/") is None, "a sum that lacks what is not counted")
        expect(not_counted is not None and not_counted.value() >= 2, f"{not_counted}")
        return f"{compared} counters, {not_counted.value():.0f} cgroups not counted"

    def killed_container(self):
        """A container ended by the OOM killer was there; of it stays what it lost."""
        if not self.has_memory:
            raise checks.Skip(kNoMemory)
        command = f"until [ -e /tmp/go ]; do sleep 0.1; done; exec {kTooMuch}"
        victim = self.docker.run("victim", "-m", "24m", command=command)
        expect(self.agent.scrape().of(victim.cgroup.id), "the container is not on the page")
        self.docker.call("exec", "victim", "touch", "/tmp/go")
        expect_equal(self.docker.call("wait", "victim"), "137", "its exit code")
        # Not docker's OOMKilled: on v1 the container can be gone before docker hears of the kill.
        log = subprocess.check_output(["dmesg"], text=True, errors="replace").splitlines()
        killed = [line for line in log if "oom-kill:" in line and victim.container_id in line]
        expect(killed, "the kernel's log has no oom-kill of the container")
        self._is_gone(victim, but_for="container_oom_events_total")
        sample = self.agent.scrape().sample("container_oom_kills_total", name="victim")
        expect(sample or self.options.mode == "v1", "no container_oom_kills_total of it")

    def ended_container(self):
        """A container that exits is on no page after its end."""
        command = "until [ -e /tmp/go ]; do sleep 0.1; done; exit 3"
        brief = self.docker.run("brief", command=command)
        expect(self.agent.scrape().of(brief.cgroup.id), "the container is not on the page")
        self.docker.call("exec", "brief", "touch", "/tmp/go")
        expect_equal(self.docker.call("wait", "brief"), "3", "its exit code")
        self._is_gone(brief)

    def _is_gone(self, container, but_for=None):
        page = self.agent.scrape()
        ids = [i for i in page.ids() if container.container_id in i]
        shown = {sample.name for i in ids for sample in page.of(i)} - {but_for}
        expect_equal(shown, set(), f"series of {container.name} after its end")

    def detect(self):
        """`agent detect` says what the golden file says."""
        ended = run(self.agent.binary, "detect")
        expect_equal(ended.code, 0, f"exit code; stderr {ended.stderr!r}")
        with open(self.options.golden, encoding="utf-8") as file:
            wanted, said = plain(file.read()), plain(ended.stdout.decode())
        write_report("detect.txt", ended.stdout.decode())
        self._detects_docker(ended.stdout.decode())
        missing = [line for line in wanted if line not in said]
        more = [line for line in said if line not in wanted]
        expect(wanted == said, "\n".join([f"missing {missing}", f"unexpected {more}", *said]))

    def _detects_docker(self, text):
        """Engines and who makes their cgroups are not of the golden file's host, but of this one."""
        driver = self.options.driver
        row = rf"^docker +/var/lib/docker +\d+ containers? +{driver} \(daemon.json\)$"
        expect(re.search(row, text, re.MULTILINE), f"no row of docker with {driver} in\n{text}")
        expect_equal("two managers" in text, driver == "cgroupfs", f"the note on managers in\n{text}")

    def stand_still(self):
        """The containers can be paused."""
        for container in (self.busy, self.other):
            self.docker.call("pause", container.name)
            wait_until(container.cgroup.frozen, 20, f"{container.name} frozen")

    def values_equal(self):
        """While paused every figure of the container and of the cgroup in it is the kernel's."""
        compared = 0
        for cgroup in (self.busy.cgroup, self.inner):
            page, figures = compare.still(self.agent, cgroup)
            for key, wanted in figures.items():
                compared += compare.between(page, cgroup.id, key, wanted, wanted)
        return f"{compared} figures equal, digit for digit"

    def every_family(self):
        """Of every family, all collectors on, the loaded container has what the kernel has, or none
        and the reason is known."""
        absent = every_family.reasons_of(self.options.absent, self.options.mode)
        found = every_family.judge(self.agent.binary, self.docker, self.busy, absent)
        lines = "".join(f"{family}\t{what}\n" for family, what in found.items())
        write_report("families-truth.tsv", lines)
        wrong = every_family.failures(found)
        expect(not wrong, f"{len(wrong)} of {len(found)} families:\n    " + "\n    ".join(wrong))
        return every_family.summary(found)

    def in_a_container(self):
        """The agent in a container that has the host's / read-only at /host sees what it sees
        outside: the same cgroups, series, names and values."""
        mount = ("--pid=host", "-v", "/:/host:ro,rslave")
        told = self._agent_in_container(*mount, arguments=("detect", "--path.rootfs=/host"))
        expect("the whole host" in told, f"detect in the container says\n{told}")
        inside = self._agent_in_container(
            *mount, arguments=("--path.rootfs=/host", "--once", "-o", "prometheus")
        )
        return self._same_as_outside(exposition.parse(inside.encode()))

    def cgroup_namespace(self):
        """The agent in a private cgroup namespace, mounts as they are, sees the same, too."""
        done = subprocess.run(
            ["unshare", "-C", self.agent.binary, "--once", "-o", "prometheus"],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False,
        )  # fmt: skip
        expect_equal(done.returncode, 0, f"exit code; stderr {done.stderr!r}")
        return self._same_as_outside(exposition.parse(done.stdout))

    def restricted_view(self):
        """The agent in a plain container sees itself, no other container, and says so."""
        told = self._agent_in_container(arguments=("detect",))
        expect("RESTRICTED" in told, f"detect in the container says\n{told}")
        expect("/:/host:ro,rslave" in told, f"no remedy in\n{told}")
        page = exposition.parse(
            self._agent_in_container(arguments=("--once", "-o", "prometheus")).encode()
        )
        expect_equal(page.value("cgmon_view_restricted"), 1.0, "cgmon_view_restricted")
        foreign = [i for i in page.ids() if self.busy.container_id in i]
        expect_equal(foreign, [], "ids of another container")
        own = page.samples("container_cpu_usage_seconds_total", cpu="total")
        expect(any(s.value() > 0 for s in own), f"no CPU time of its own cgroup, ids {page.ids()}")
        return f"ids {sorted(page.ids())}"

    def _agent_in_container(self, *options, arguments):
        mounts = [word for path in kAgentMounts for word in ("-v", f"{path}:{path}:ro")]
        return self.docker.call(
            "run", "--rm", "--network=none", *mounts, *options, dockerd.kImage,
            "/mnt/cgmon/bin/agent", *arguments,
        ) + "\n"  # fmt: skip

    def _same_as_outside(self, page):
        outside = self.agent.scrape()
        compared = 0
        for cgroup_id in (self.busy.cgroup.id, self.inner.id, self.other.cgroup.id):
            views = [
                {(s.name, tuple(sorted(s.labels.items()))): s.text for s in p.of(cgroup_id)}
                for p in (page, outside)
            ]
            expect(views[1], f"{cgroup_id} is not on the page outside")
            different = [
                f"{key}: inside {views[0].get(key)}, outside {views[1].get(key)}"
                for key in sorted({*views[0], *views[1]})
                if views[0].get(key) != views[1].get(key) and key[0] not in kMovesOn
            ]
            listed = "\n    ".join(different)
            expect(not different, f"{len(different)} series differ:\n    {listed}")
            compared += len(views[1])
        units = [{i for i in p.ids() if i.endswith(".service")} for p in (page, outside)]
        expect_equal(sorted(units[0]), sorted(units[1]), "units")
        return f"{compared} series equal"

    def no_errors(self):
        """Every collector succeeded and no read failed."""
        page = self.agent.scrape()
        collectors = page.samples("cgmon_scrape_collector_success")
        expect(collectors, "no cgmon_scrape_collector_success on the page")
        for sample in collectors:
            expect_equal(sample.value(), 1.0, f"{sample}")
        for sample in page.samples("cgmon_read_errors_total"):
            expect_equal(sample.value(), 0.0, f"{sample}")


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def write_report(name, text):
    if os.path.isdir("/mnt/report"):
        write("/mnt/report/" + name, text)


def expected_families(path, layout):
    """{family: letters of the scopes that have it} of one column."""
    with open(path, encoding="ascii") as file:
        rows = [line.split() for line in file if line.strip() and not line.startswith("#")]
    expect(layout in rows[0], f"{path} has no column {layout}")
    column = rows[0].index(layout)
    return {row[0]: row[column] for row in rows[1:] if row[column] != "-"}


def plain(text):
    """Lines of `agent detect` without what differs from machine to machine."""
    text = re.sub(r"^Kernel .*", "Kernel", text, flags=re.MULTILINE)
    text = re.sub(r"^ENGINE .*?\n\n", "", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"^- two managers .*\n(?:  .*\n)*", "", text, flags=re.MULTILINE)
    text = re.sub(r"\nNotes:\n\Z", "", text)
    return re.sub(r"the limit is \d+", "the limit", text).rstrip().split("\n")


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    for name in ("--layout", "--mode", "--driver", "--families", "--absent", "--golden"):
        parser.add_argument(name, required=True)
    parser.add_argument("--check", action="append", help="only these")
    return parser.parse_args()


def main():
    options = parse_arguments()
    binary = checks.agent_binary()
    with dockerd.Docker("unix:///run/docker.sock", "/var/lib/docker") as docker:
        say(f"layout {docker.host.mode}: {docker.host.hierarchies}")
        with Agent(binary) as agent:
            chosen = [
                check
                for check in Layout(options, docker, agent).all()
                if not options.check or check.__name__ in options.check
            ]
            return checks.main("layout", chosen, limit_seconds=400)


checks.run_or_skip(main)
