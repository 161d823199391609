#!/usr/bin/python3
"""Figures of the processes of a docker container held against /proc and what was started."""

import argparse
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import checks, dockerd
from support.agent import Agent, kWithoutRights
from support.checks import expect, expect_equal, wait_until

kSwitches = ("--collector.process", "--collector.cpuLoad")
# The shell, three that sleep and one that sleeps with seven more descriptors; none ends or begins.
kFiles = "exec 3</dev/null 4<&3 5<&3 6<&3 7<&3 8<&3 9<&3"
kCommand = (
    f"sleep 100000 & sleep 100000 & sleep 100000 & ({kFiles}; exec sleep 100000) & touch /ready; wait"
)


class Processes:
    def __init__(self, docker, binary):
        self.docker, self.binary = docker, binary
        limits = ("--ulimit", "nofile=120:240", "--oom-score-adj", "77")
        self.container = docker.run(f"many-{os.getpid()}", *limits, command=kCommand)
        wait_until(lambda: len(self.pids()) == 5, 20, "five processes")

    def pids(self):
        controller = "pids" if self.docker.host.serving("pids") else "memory"
        return (self.container.cgroup.file(controller, "cgroup.procs") or "").split()

    def all(self):
        return [self.equals_proc, self.limits, self.tasks, self.without_rights, self.off]

    def agent(self, *arguments, **options):
        return Agent(self.binary, f"--docker.root={self.docker.data_root}", *arguments, **options)

    def value(self, page, family, **labels):
        return page.value(family, id=self.container.cgroup.id, **labels)

    def equals_proc(self):
        """Processes, open files and sockets are those of /proc, and the nearest to its limit."""
        files = {pid: os.listdir(f"/proc/{pid}/fd") for pid in self.pids()}
        links = [os.readlink(f"/proc/{p}/fd/{f}") for p, fds in files.items() for f in fds]
        with self.agent(*kSwitches) as agent:
            page = agent.scrape()
            expect_equal(self.value(page, "container_processes"), 5, "processes")
            expect_equal(self.value(page, "container_processes_zombie"), 0, "zombies")
            expect_equal(self.value(page, "container_file_descriptors"), len(links), "open files")
            sockets = sum(link.startswith("socket:") for link in links)
            expect_equal(self.value(page, "container_sockets"), sockets, "sockets")
            highest = max(len(fds) for fds in files.values()) * 10**6 // 120 / 10**6
            shown = self.value(page, "container_file_descriptors_highest_ratio")
            expect_equal(shown, highest, "the process that is nearest to its limit")
            return f"{len(links)} descriptors, {highest} of the limit"

    def limits(self):
        """Soft limit and OOM score are those that docker was told."""
        with self.agent(*kSwitches) as agent:
            page = agent.scrape()
            soft = self.value(page, "container_ulimits_soft", ulimit="max_open_files")
            expect_equal(soft, 120, "soft limit of open files")
            expect_equal(self.value(page, "container_oom_score_adj"), 77, "OOM score")

    def tasks(self):
        """All of them sleep, and stop when they are told to."""

        def states(agent):
            page = agent.scrape()
            return {
                s.labels["state"]: int(s.text)
                for s in page.samples("container_tasks_state", id=self.container.cgroup.id)
            }

        asleep = {"running": 0, "sleeping": 5, "stopped": 0, "uninterruptible": 0}
        with self.agent(*kSwitches) as agent:
            wait_until(lambda: states(agent) == asleep, 10, "five tasks that sleep")
            self.docker.call("kill", "--signal=STOP", self.container.name)
            stopped = {**asleep, "sleeping": 4, "stopped": 1}
            wait_until(lambda: states(agent) == stopped, 10, "the first one is stopped")
            self.docker.call("kill", "--signal=CONT", self.container.name)

    def without_rights(self):
        """Without rights the number is there, and no part of the open files, with the reason."""
        with self.agent(*kSwitches, prefix=kWithoutRights) as agent:
            page = agent.scrape()
            expect_equal(self.value(page, "container_processes"), 5, "processes")
            there = page.samples("container_file_descriptors", id=self.container.cgroup.id)
            expect_equal(there, [], "open files")
            reasons = page.samples(
                "cgmon_unavailable_cgroups", collector="process", reason="permission"
            )
            expect(reasons, "no reason")

    def off(self):
        """Nobody is gone through where nobody asks."""
        with self.agent() as agent:
            expect_equal(agent.scrape().samples("container_processes"), [], "processes")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    dockerd.add_arguments(parser)
    options = parser.parse_args()
    binary = checks.agent_binary()
    with dockerd.running(options) as docker:
        return checks.main("processes", Processes(docker, binary).all(), limit_seconds=100)


checks.run_or_skip(main)
