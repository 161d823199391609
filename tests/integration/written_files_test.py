#!/usr/bin/python3
"""Files that only a write changes: the kernel tells of the write, and the next page shows it.

First the kernel alone: who writes a limit, the watch of the directory has an event by the time the
write is over. What it does not tell of, and what it tells of besides, is said, too. Then the agent,
which reads such files when it is told and else once a minute.
"""

import argparse
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import checks, dockerd, kernel_reader
from support.agent import Agent
from support.cgroups import TestCgroups
from support.checks import Skip, expect, expect_equal
from support.inotify import ModifiedFiles

kMiB = 1 << 20
# By the controller that has it on v1 and v2: the file and two values that it takes.
kLimits = [
    ("memory", "memory.limit_in_bytes", "memory.max", 64 * kMiB, 96 * kMiB),
    ("memory", "memory.soft_limit_in_bytes", "memory.low", 16 * kMiB, 32 * kMiB),
    ("cpu", "cpu.shares", "cpu.weight", 200, 300),
    ("cpu", "cpu.cfs_quota_us", "cpu.max", 20000, 30000),
    ("pids", "pids.max", "pids.max", 50, 60),
    ("core", "cgroup.max.depth", "cgroup.max.depth", 5, 6),  # v2, also of a hybrid host
]


def limits(host, tree, name):
    """[(file of the cgroup, hierarchy's mount point, two values)] that this host has."""
    found = []
    for controller, v1, v2, one, other in kLimits:
        hierarchy = host.unified if controller == "core" else host.serving(controller)
        if hierarchy is None:
            continue
        file = hierarchy.point + tree.path(name) + "/" + (v1 if hierarchy.version == 1 else v2)
        if os.path.exists(file):
            found.append((file, hierarchy, one, other))
    expect(found, "no limit file at all on this host")
    return found


def write(path, value):
    with open(path, "w", encoding="ascii") as file:
        file.write(str(value))


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    expect_equal(done.returncode, 0, f"exit code of {command}, which said {done.stderr.strip()!r}")
    return done.stdout.strip()


class Place:
    """An empty directory of ours, or a file of some size in it."""

    def __enter__(self):
        self.path = f"/var/tmp/cgmon-test-{os.getpid()}"
        os.mkdir(self.path)
        return self

    def __exit__(self, *_):
        for name in os.listdir(self.path):
            os.unlink(f"{self.path}/{name}")
        os.rmdir(self.path)

    def file(self, size):
        path = self.path + "/file"
        with open(path, "wb") as file:
            file.truncate(size)
        return path


def mount_of(hierarchy, point):
    if hierarchy.version == 2:
        return f"mount -t cgroup2 none {point}"
    options = sorted(hierarchy.controllers)
    return f"mount -t cgroup -o {','.join(options)} none {point}"


class Kernel:
    """What inotify tells, and what not."""

    def __init__(self):
        self.host = kernel_reader.Host()

    def all(self):
        return [
            self.by_anybody,
            self.through_a_descriptor_opened_before,
            self.in_other_namespaces,
            self.of_what_is_refused,
            self.of_controllers_handed_down,
            self.besides,
        ]

    def by_anybody(self):
        """A write to a limit by another process is told, also of the value that was there."""
        with TestCgroups(self.host) as tree:
            tree.make("a")
            files = limits(self.host, tree, "a")
            with ModifiedFiles({os.path.dirname(f) for f, *_ in files}) as watch:
                for file, _, one, other in files:
                    for value in (one, other, other):
                        run("sh", "-c", f"echo {value} > {file}")
                        expect_equal(watch.take(), [file], f"events after writing {value}")
        return ", ".join(os.path.basename(f) for f, *_ in files)

    def through_a_descriptor_opened_before(self):
        """So is one through a descriptor that was open before the watch."""
        with TestCgroups(self.host) as tree:
            tree.make("a")
            for file, _, one, _ in limits(self.host, tree, "a"):
                descriptor = os.open(file, os.O_WRONLY)
                with ModifiedFiles([os.path.dirname(file)]) as watch:
                    os.write(descriptor, str(one).encode())
                    expect_equal(watch.take(), [file], "events")
                os.close(descriptor)

    def in_other_namespaces(self):
        """So is one in another mount namespace, by the same mount, a bind mount or a mount of its
        own, and one in a cgroup namespace, by a mount made there."""
        with TestCgroups(self.host) as tree, Place() as place:
            point = place.path
            tree.make("a")
            for file, hierarchy, one, other in limits(self.host, tree, "a"):
                inside = file[len(hierarchy.point) :]
                name = inside.rsplit("/", 1)[1]
                enter = f"echo $$ > {os.path.dirname(file)}/cgroup.procs"
                ways = {
                    "same mount": (["-m"], f"echo {one} > {file}"),
                    "bind mount": (
                        ["-m"],
                        f"mount --bind {hierarchy.point} {point} && echo {other} > {point}{inside}",
                    ),
                    "own mount": (
                        ["-m"],
                        f"{mount_of(hierarchy, point)} && echo {one} > {point}{inside}",
                    ),
                }
                with ModifiedFiles([os.path.dirname(file)]) as watch:
                    for way, (flags, script) in ways.items():
                        run("unshare", *flags, "sh", "-ec", script)
                        expect_equal(watch.take(), [file], f"events of a write by {way}")
                    # A namespace's own root may refuse writes (nsdelegate): then there is nothing.
                    script = (
                        f"{enter}; exec unshare -C -m sh -c"
                        f" '{mount_of(hierarchy, point)} && echo {other} > {point}/{name}'"
                    )
                    done = subprocess.run(["sh", "-ec", script], capture_output=True, check=False)
                    if done.returncode == 0:
                        events = [p for p in watch.take() if p == file]
                        expect_equal(events, [file], "events of a write in a cgroup namespace")
                    else:
                        watch.take()

    def of_what_is_refused(self):
        """A write that the kernel refuses does no harm: told or not, the value stays."""
        with TestCgroups(self.host) as tree:
            tree.make("a")
            file, _, one, _ = limits(self.host, tree, "a")[0]
            write(file, one)
            with ModifiedFiles([os.path.dirname(file)]) as watch:
                try:
                    write(file, "nonsense")
                    raise AssertionError("the kernel took it")
                except OSError:
                    pass
                events = watch.take()
            expect_equal(int(kernel_reader.read(file)), one, file)
            return f"{len(events)} events"

    def of_controllers_handed_down(self):
        """A controller taken away from a cgroup's children and given back resets their limits, and
        is told in the parent's directory alone."""
        if self.host.mode != "v2":
            raise Skip("v1 has no cgroup.subtree_control")
        with TestCgroups(self.host) as tree:
            tree.make("a")
            file = next(f for f, *_ in limits(self.host, tree, "a") if f.endswith("pids.max"))
            write(file, 77)
            parent = os.path.dirname(os.path.dirname(file))
            with ModifiedFiles([os.path.dirname(file)]) as watch, ModifiedFiles([parent]) as above:
                write(parent + "/cgroup.subtree_control", "-pids")
                write(parent + "/cgroup.subtree_control", "+pids")
                expect_equal(watch.take(), [], "events in the child's directory")
                expect_equal(
                    set(above.take()), {parent + "/cgroup.subtree_control"}, "events above"
                )
            expect_equal(kernel_reader.read(file).strip(), "max", "pids.max after it came back")

    def besides(self):
        """What the watches of directories tell besides: processes that are moved in and, on v2,
        what the kernel itself notes in *.events."""
        with TestCgroups(self.host) as tree:
            tree.make("a")
            directories = [os.path.dirname(f) for f, *_ in limits(self.host, tree, "a")]
            memory = self.host.serving("memory")
            with ModifiedFiles(set(directories)) as watch:
                enter = "; ".join(f"echo $$ > {d}/cgroup.procs" for d in sorted(set(directories)))
                run("sh", "-c", f"{enter}; true")
                moved = watch.take()
                names = {os.path.basename(path) for path in moved}
                expect("cgroup.procs" in names, f"told of {names} when a process moved in")
                note = f"a process that came and went: {len(moved)} events, {sorted(names)}"
                if memory is None or memory.version == 1:
                    return note
                directory = memory.point + tree.path("a")
                write(directory + "/memory.max", 16 * kMiB)
                watch.take()
                with Place() as place:
                    file = place.file(64 * kMiB)
                    script = (
                        f"echo $$ > {directory}/cgroup.procs; end=$(($(date +%s) + 3));"
                        f" while [ $(date +%s) -lt $end ]; do cat {file} > /dev/null; done"
                    )
                    started = time.monotonic()
                    run("sh", "-c", script)
                    seconds = time.monotonic() - started
                events = watch.take()
            names = {os.path.basename(path) for path in events}
            return (
                f"{note}; at its memory limit: {len(events) / seconds:.0f} events a second,"
                f" {sorted(names)}"
            )


class Reads:
    """That the agent reads limits when it is told, not each time, or a right page shows nothing."""

    def __init__(self, agent):
        self._agent = agent
        page = agent.scrape()
        expect_equal(page.value("cgmon_watch_failures_total"), 0.0, "failed watches")
        self._all = self._first = page.value("cgmon_reads_total")
        self._quiet = min(self._more() for _ in range(5))

    def _more(self):
        before, self._first = self._first, self._agent.scrape().value("cgmon_reads_total")
        return self._first - before

    def said(self):
        expect(self._quiet < self._all, f"{self._quiet} reads a scrape, {self._all} the first")
        return f"{self._all:.0f} reads at first, {self._quiet:.0f} while nobody writes"


class Shown:
    """What the agent makes of it."""

    def __init__(self, options):
        self.options = options
        self.host = kernel_reader.Host()

    def all(self):
        return [
            self.on_the_next_page,
            self.after_controllers_came_back,
            self.without_reading_it_again,
            self.by_systemd,
            self.by_docker,
        ]

    def _limit(self, agent, cgroup_id):
        return agent.scrape().value("container_spec_memory_limit_bytes", id=cgroup_id)

    def on_the_next_page(self):
        """A limit that was written is on the next page, 60 times: by this process, in another mount
        namespace, there by a bind mount and by a mount of its own."""
        memory = self.host.serving("memory")
        if memory is None:
            raise Skip("no memory controller")
        name = "memory.limit_in_bytes" if memory.version == 1 else "memory.max"
        with (
            TestCgroups(self.host) as tree,
            Place() as place,
            Agent(checks.agent_binary()) as agent,
        ):
            cgroup_id = tree.make("a")
            file = memory.point + cgroup_id + "/" + name
            there = place.path + cgroup_id + "/" + name
            ways = [
                None,
                f"echo $0 > {file}",
                f"mount --bind {memory.point} {place.path} && echo $0 > {there}",
                f"{mount_of(memory, place.path)} && echo $0 > {there}",
            ]
            reads = Reads(agent)
            for turn in range(60):
                wanted = (100 + turn) * kMiB
                way = ways[turn % len(ways)]
                if way is None:
                    write(file, wanted)
                else:
                    run("unshare", "-m", "sh", "-ec", way, str(wanted))
                expect_equal(self._limit(agent, cgroup_id), float(wanted), f"limit at turn {turn}")
                expect_equal(self._limit(agent, cgroup_id), float(wanted), "limit once more")
            return reads.said()

    def after_controllers_came_back(self):
        """Limits that are reset as a controller is taken away and handed down again are on the next
        page."""
        if self.host.mode != "v2":
            raise Skip("v1 has no cgroup.subtree_control")
        with TestCgroups(self.host) as tree, Agent(checks.agent_binary()) as agent:
            cgroup_id = tree.make("a")
            parent = self.host.unified.point + tree.top
            for turn in range(1, 11):
                write(f"{parent}/a/pids.max", turn)
                shown = agent.scrape().value("container_threads_max", id=cgroup_id)
                expect_equal(shown, float(turn), "limit as written")
                write(parent + "/cgroup.subtree_control", "-pids")
                write(parent + "/cgroup.subtree_control", "+pids")
                shown = agent.scrape().value("container_threads_max", id=cgroup_id)
                expect_equal(shown, 0.0, "limit after the controller came back")

    def without_reading_it_again(self):
        """While nobody writes, a scrape reads fewer files than the first one by those."""
        with TestCgroups(self.host) as tree, Agent(checks.agent_binary()) as agent:
            for number in range(50):
                tree.make(f"many-{number}")

            def reads():
                return agent.scrape().value("cgmon_reads_total")

            first = reads()
            counts = []
            for _ in range(5):
                second = reads()
                counts.append(second - first)
                first = second
            per_cgroup = len(limits(self.host, tree, "many-0")) - 1  # cgroup.max.depth is not read
            for number in range(50):
                for file, _, one, _ in limits(self.host, tree, f"many-{number}"):
                    write(file, one)
            told = reads() - first
            least = min(counts)
            expect(
                told >= least + 50 * per_cgroup,
                f"{told} reads after 50 × {per_cgroup} writes, {least} without any",
            )
            return f"{least:.0f} reads a scrape, {told:.0f} after limits of 50 cgroups were written"

    def by_systemd(self):
        """systemctl set-property: the next page shows the new limits."""
        if not os.path.isdir("/run/systemd/system") or not dockerd.find_program("systemctl"):
            raise Skip("no systemd")
        unit = f"cgmon-test-{os.getpid()}.service"
        run("systemd-run", f"--unit={unit}", "sleep", "600")
        try:
            with Agent(checks.agent_binary()) as agent:
                cgroup_id = f"/system.slice/{unit}"
                run("systemctl", "set-property", "--runtime", unit, "MemoryMax=200M", "CPUQuota=50%")
                reads = Reads(agent)
                for turn in range(1, 11):
                    run(
                        "systemctl",
                        "set-property",
                        "--runtime",
                        unit,
                        f"MemoryMax={200 + turn}M",
                        f"CPUQuota={50 + turn}%",
                        f"TasksMax={100 + turn}",
                        f"CPUWeight={100 + turn}",
                    )
                    page = agent.scrape()
                    for family, wanted in {
                        "container_spec_memory_limit_bytes": (200 + turn) * kMiB,
                        "container_spec_cpu_quota_cores": (50 + turn) / 100,
                        "container_threads_max": 100 + turn,
                    }.items():
                        expect_equal(page.value(family, id=cgroup_id), wanted, f"{family}, {turn}")
                return reads.said()
        finally:
            run("systemctl", "stop", unit)

    def by_docker(self):
        """docker update: the next page shows the new limits."""
        with dockerd.running(self.options) as docker:
            container = docker.run("cgmon-written", command="sleep 600")
            with Agent(checks.agent_binary(), f"--docker.root={docker.data_root}") as agent:
                reads = Reads(agent)
                for turn in range(1, 6):
                    docker.call(
                        "update",
                        f"--memory={100 + turn}m",
                        f"--memory-swap={200 + turn}m",
                        f"--cpus={0.5 + turn / 10}",
                        f"--pids-limit={100 + turn}",
                        f"--cpu-shares={500 + turn}",
                        container.name,
                    )
                    page = agent.scrape()
                    for family, wanted in {
                        "container_spec_memory_limit_bytes": (100 + turn) * kMiB,
                        "container_spec_cpu_quota_cores": round(0.5 + turn / 10, 3),
                        "container_threads_max": 100 + turn,
                    }.items():
                        samples = page.samples(family, id=container.cgroup.id)
                        expect_equal([s.value() for s in samples], [wanted], f"{family}, {turn}")
                return reads.said()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    dockerd.add_arguments(parser)
    parser.add_argument("--check", action="append", help="only these")
    options = parser.parse_args()
    checks.need_root()
    chosen = [
        check
        for check in Kernel().all() + Shown(options).all()
        if not options.check or check.__name__ in options.check
    ]
    return checks.main("written files", chosen, limit_seconds=200)


checks.run_or_skip(main)
