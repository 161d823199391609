#!/usr/bin/python3
"""Holds the agent's page against the kernel's files for two docker containers under load.

On the host, with a docker daemon of its own (root):

    CGMON_AGENT=build/dev/agent tests/integration/truth_test.py

In a guest (any layout, python3-minimal is enough), with the daemon that runs there; the directory
that is shared holds the agent's binary and tests/integration:

    CGMON_AGENT=/mnt/host/agent /mnt/host/integration/truth_test.py \\
        --docker-host unix:///run/docker.sock --docker-root /var/lib/docker

--expect-mode v1|hybrid|v2 fails where the host has another layout than the caller meant.
"""

import argparse
import calendar
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import checks, compare, dockerd, every_family, kernel_reader
from support.agent import Agent
from support.checks import expect, expect_equal, say, wait_until

kHere = os.path.dirname(os.path.abspath(__file__))
kAbsent = os.path.join(os.path.dirname(kHere), "vm", "absent_families.tsv")
kMiB = 1 << 20
kBusy = "while :; do :; done"
# dd fills a buffer of 20 MiB and then waits for more input that never comes.
kAllocate = (
    "{ head -c 20971520 /dev/zero; exec sleep 100000; } | dd of=/dev/null bs=20M iflag=fullblock"
)
kLimits = ("--cpus", "0.5", "-m", "64m", "--pids-limit", "50")
kRounds = 8
kNoMemory = "the kernel has no memory controller (cgroup_disable=memory)"


class Truth:
    """The checks; each sees the same two containers and the same agent."""

    def __init__(self, docker, agent):
        self.docker = docker
        self.agent = agent
        self.host = docker.host
        self.has_memory = self.host.serving("memory") is not None
        suffix = f"-{os.getpid()}"
        self.busy = docker.run("busy" + suffix, *kLimits, command=kBusy)
        self.holder = docker.run(
            "holder" + suffix, *kLimits, "--memory-reservation", "32m", command=kAllocate
        )
        self.free = docker.run("free" + suffix, command="exec sleep 100000")
        self.limited = [self.busy, self.holder]
        self.containers = [*self.limited, self.free]

    def all(self):
        return [
            self.load_is_there,
            self.names,
            self.times,
            self.counters_between,
            self.pressure,
            self.root,
            self.pause_them,
            self.gauges_equal,
            self.every_family,
            self.working_set,
            self.limits_as_given,
            self.no_quota_no_throttling,
            self.gone_container,
            self.no_errors,
        ]

    def load_is_there(self):
        """The load is real: the busy loop is throttled by its quota, the other holds its 20 MiB."""

        def throttled():
            figures = kernel_reader.counters(self.busy.cgroup)
            return (
                figures[("container_cpu_cfs_throttled_periods_total", ())]
                > 5 * kernel_reader.kScale
            )

        def holds():
            figures = kernel_reader.gauges(self.holder.cgroup)
            return figures[("container_memory_rss", ())] >= 20 * kMiB * kernel_reader.kScale

        wait_until(throttled, 60, "six throttled periods of the busy loop")
        if self.has_memory:
            wait_until(holds, 60, "20 MiB of anonymous memory of the other")

    def names(self):
        """Every series of a container has docker's id, name and image, and no label is empty."""
        page = wait_until(self._page_with_all, 10, "all containers on the page, with their names")
        note = []
        for container in self.containers:
            samples = page.of(container.cgroup.id)
            for sample in samples:
                expect_equal(sample.labels.get("name"), container.name, f"name of {sample}")
                expect_equal(sample.labels.get("image"), container.image, f"image of {sample}")
            note.append(f"{len(samples)} series of {container.name}")
        return ", ".join(note)

    def _page_with_all(self):
        page = self.agent.scrape()
        return page if all(page.of(c.cgroup.id) for c in self.containers) else None

    def times(self):
        """Start time is docker's StartedAt to the second, last seen is the clock within 1 s."""
        before = time.time()
        page = self.agent.scrape()
        after = time.time()
        for container in self.containers:
            started = calendar.timegm(time.strptime(container.started_at[:19], "%Y-%m-%dT%H:%M:%S"))
            shown = page.value("container_start_time_seconds", id=container.cgroup.id)
            expect_equal(
                int(shown), started, f"start of {container.name}, StartedAt {container.started_at}"
            )
            seen = page.value("container_last_seen", id=container.cgroup.id)
            expect(
                before - 1 <= seen <= after + 1,
                f"last seen of {container.name} is {seen}, the clock had {before} to {after}",
            )

    def counters_between(self):
        """Each counter lies between the kernel's file just before and just after the scrape."""
        compared = 0
        cgroups = [container.cgroup for container in self.containers]
        for _ in range(kRounds):
            compared += compare.counters_between(self.agent, cgroups)
        return f"{compared} counters in {kRounds} scrapes"

    def pressure(self):
        """Pressure of each container is there where the kernel has it (v2, hybrid), else absent."""
        page = self.agent.scrape()
        families = [f for f in page.families if f.startswith("container_pressure_")]
        for container in self.containers:
            there = [f for f in families if page.samples(f, id=container.cgroup.id)]
            directory = container.cgroup.pressure_directory()
            served = directory and kernel_reader.read(f"{directory}/cpu.pressure")
            if self.host.mode == "v1":
                expect_equal(there, [], f"pressure of {container.name} on a v1 host")
            elif served:
                expect_equal(len(there), 6, f"pressure families of {container.name}: {there}")
            else:
                expect_equal(there, [], f"pressure of {container.name}, and the kernel has none")
        return f"layout {self.host.mode}, {len(there)} families of each container"

    def root(self):
        """The host (id="/") has its pressure and CPU time, between the kernel's own figures."""
        top = kernel_reader.root(self.host)

        def figures():
            directory, version = top.directory("cpuacct" if top.directory("cpuacct")[0] else "cpu")
            if version == 2:
                stat = kernel_reader.flat(kernel_reader.read(directory + "/cpu.stat"))
                usage = stat["usage_usec"] * 1000
            else:
                usage = int(kernel_reader.read(directory + "/cpuacct.usage"))
            found = kernel_reader.host_pressure()
            found.put_scaled("container_cpu_usage_seconds_total", usage, cpu="total")
            return found

        before = figures()
        page = self.agent.scrape()
        after = figures()
        if kernel_reader.read("/proc/pressure/cpu") is not None:
            expect(len(before) >= 6, f"the kernel's own figures are incomplete: {sorted(before)}")
        for key, least in before.items():
            if key[0] == "container_pressure_cpu_stalled_seconds_total":
                continue  # system-wide it is always 0, and some kernels have no such line
            compare.between(page, "/", key, least, after[key])
        return f"{len(before)} figures"

    def pause_them(self):
        """The containers can be paused, so that their figures stand still."""
        for container in self.containers:
            self.docker.call("pause", container.name)
        for container in self.containers:
            wait_until(container.cgroup.frozen, 20, f"{container.name} frozen")

    def gauges_equal(self):
        """While paused every gauge and every counter equals the kernel's figure."""
        compared = 0
        for container in self.containers:
            page, figures = compare.still(self.agent, container.cgroup)
            for key, wanted in figures.items():
                compared += compare.between(page, container.cgroup.id, key, wanted, wanted)
        return f"{compared} figures equal, digit for digit"

    def every_family(self):
        """Of every family, all collectors on, the loaded container has what the kernel has, or none
        and the reason is known."""
        if not os.path.exists(kAbsent):
            raise checks.Skip("no table of reasons; in a guest layout_test.py has this check")
        absent = every_family.reasons_of(kAbsent, self.host.mode)
        argument = f"--docker.root={self.docker.data_root}"
        found = every_family.judge(
            self.agent.binary, self.docker, self.holder, absent, (argument,)
        )
        every_family.write_report(found)
        wrong = every_family.failures(found)
        expect(not wrong, f"{len(wrong)} of {len(found)} families:\n    " + "\n    ".join(wrong))
        return every_family.summary(found)

    def working_set(self):
        """Working set is usage less inactive file memory, not below 0, by the reader too."""
        if not self.has_memory:
            raise checks.Skip(kNoMemory)
        note = []
        for container in self.containers:
            page, figures = compare.still(self.agent, container.cgroup)
            cgroup_id = container.cgroup.id
            usage, inactive, shown = (
                int(page.value("container_memory_" + name, id=cgroup_id))
                for name in ("usage_bytes", "total_inactive_file_bytes", "working_set_bytes")
            )
            expect_equal(
                shown, max(0, usage - inactive), f"working set of {container.name} by the page"
            )
            wanted = figures[("container_memory_working_set_bytes", ())] // kernel_reader.kScale
            expect_equal(shown, wanted, f"working set of {container.name} by the kernel's files")
            note.append(f"{container.name} {shown} = {usage} - {inactive}")
        return ", ".join(note)

    def limits_as_given(self):
        """Limits are docker's: 0.5 CPUs, 64 MiB, 50 tasks, 32 MiB reserved; 0 for none."""
        page = self.agent.scrape()
        for container in self.limited:
            wanted = {
                "container_spec_cpu_quota": 50000,
                "container_spec_cpu_period": 100000,
                "container_spec_cpu_quota_cores": 0.5,
                "container_threads_max": 50,
            }
            if self.has_memory:
                wanted["container_spec_memory_limit_bytes"] = 64 * kMiB
            for name, value in wanted.items():
                expect_equal(
                    page.value(name, id=container.cgroup.id), value, f"{name} of {container.name}"
                )
        if not self.has_memory:
            return f"CPU and tasks only: {kNoMemory}"
        reserved = page.value(
            "container_spec_memory_reservation_limit_bytes", id=self.holder.cgroup.id
        )
        expect_equal(reserved, 32 * kMiB, "memory reservation")
        unlimited = page.value("container_spec_memory_limit_bytes", id=self.free.cgroup.id)
        expect_equal(unlimited, 0, "memory limit of the container that has none")
        rss = page.value("container_memory_rss", id=self.holder.cgroup.id)
        expect(20 * kMiB <= rss < 24 * kMiB, f"the 20 MiB holder has rss {rss}")
        return "CPU, tasks and memory"

    def no_quota_no_throttling(self):
        """A container without a quota has no quota series and no throttling series."""
        page = self.agent.scrape()
        for name in (
            "container_spec_cpu_quota",
            "container_spec_cpu_quota_cores",
            "container_cpu_cfs_periods_total",
            "container_cpu_cfs_throttled_periods_total",
            "container_cpu_cfs_throttled_seconds_total",
        ):
            expect(
                page.samples(name, id=self.busy.cgroup.id),
                f"{name} of the limited container is missing",
            )
            expect_equal(page.samples(name, id=self.free.cgroup.id), [], f"{name} without a quota")

    def gone_container(self):
        """A removed container is not on the next page."""
        self.docker.call("unpause", self.free.name)
        self.docker.remove(self.free.name)
        self.containers.remove(self.free)
        expect_equal(
            self.agent.scrape().of(self.free.cgroup.id), [], "series of the removed container"
        )

    def no_errors(self):
        """Every collector succeeded and no read failed."""
        page = self.agent.scrape()
        collectors = page.samples("cgmon_scrape_collector_success")
        expect(collectors, "no cgmon_scrape_collector_success on the page")
        for sample in collectors:
            expect_equal(sample.value(), 1.0, f"{sample}")
        for sample in page.samples("cgmon_read_errors_total"):
            expect_equal(sample.value(), 0.0, f"{sample}")


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    dockerd.add_arguments(parser)
    parser.add_argument("--expect-mode", choices=["v1", "hybrid", "v2"])
    return parser.parse_args()


def main():
    options = parse_arguments()
    binary = checks.agent_binary()
    with dockerd.running(options) as docker:
        mode = docker.host.mode
        driver = docker.call("info", "--format", "{{.CgroupDriver}}")
        say(f"layout {mode}, docker's driver {driver}, data root {docker.data_root}")
        if options.expect_mode:
            expect_equal(mode, options.expect_mode, "layout of this host")
        with Agent(binary, f"--docker.root={docker.data_root}") as agent:
            return checks.main("truth", Truth(docker, agent).all(), limit_seconds=240)


checks.run_or_skip(main)
