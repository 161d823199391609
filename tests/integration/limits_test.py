#!/usr/bin/python3
"""The effective limit of memory, CPU and tasks is the tightest on the way up, read file by file.

Cgroups of our own, four levels deep, get limits by chance, 20 times over. What is to be shown is
made of the kernel's files alone: the least from the cgroup up to the top, and the machine's.
"""

import argparse
import os
import random
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import checks, kernel_reader
from support.agent import Agent
from support.cgroups import TestCgroups
from support.checks import Skip, expect, expect_equal
from support.kernel_limits import count
from support.kernel_reader import read

kMiB = 1 << 20
kNames = ["a", "a/b", "a/b/c", "a/b/c/d", "a/e", "a/e/f", "g", "g/h"]
kFamilies = {
    "memory": "container_memory_effective_limit_bytes",
    "cpu": "container_cpu_effective_limit_cores",
    "pids": "container_pids_effective_limit",
}
kUnlimited = float("inf")


def write(path, text):
    """Whether the kernel took it: v1 refuses a quota beyond the parent's."""
    try:
        with open(path, "w", encoding="ascii") as file:
            file.write(str(text))
        return True
    except OSError:
        return False


class Limits:
    def __init__(self):
        self.host = kernel_reader.Host()
        self.random = random.Random(7)

    def all(self):
        return [self.by_chance]

    def _file(self, tree, name, controller, v1, v2):
        hierarchy = self.host.serving(controller)
        if hierarchy is None:
            return None
        path = tree.top + ("/" + name if name else "")
        return f"{hierarchy.point}{path}/{v1 if hierarchy.version == 1 else v2}"

    def _choose(self, tree, name):
        """Gives a cgroup limits, or none."""
        memory = self._file(tree, name, "memory", "memory.limit_in_bytes", "memory.max")
        if memory is not None:
            none = "-1" if memory.endswith("in_bytes") else "max"
            write(memory, self.random.choice([none, self.random.randint(40, 90) * kMiB]))
        pids = self._file(tree, name, "pids", "pids.max", "pids.max")
        if pids is not None:
            write(pids, self.random.choice(["max", self.random.randint(5, 9)]))
        cpu = self._file(tree, name, "cpu", "cpu.cfs_quota_us", "cpu.max")
        if cpu is not None:
            none = "max" if cpu.endswith("max") else "-1"
            write(cpu, self.random.choice([none, self.random.randint(2, 30) * 10000]))
        cpus = self._file(tree, name, "cpuset", "cpuset.cpus", "cpuset.cpus")
        if cpus is not None and os.path.exists(cpus):
            write(cpus, self.random.choice(["0", self.online]))

    def _own(self, tree, name, controller):
        """The limit that the files of one cgroup give."""
        if controller == "memory":
            text = read(self._file(tree, name, controller, "memory.limit_in_bytes", "memory.max"))
            return kUnlimited if text.strip() == "max" or int(text) >= 1 << 62 else int(text)
        if controller == "pids":
            text = read(self._file(tree, name, controller, "pids.max", "pids.max")).strip()
            return kUnlimited if text == "max" else int(text)
        file = self._file(tree, name, controller, "cpu.cfs_quota_us", "cpu.max")
        if file.endswith("cpu.max"):
            quota, period = read(file).split()
        else:
            quota, period = read(file), read(file.replace("quota", "period"))
        cores = kUnlimited if quota.strip() in ("max", "-1") else int(quota) / int(period)
        cpus = self._file(tree, name, "cpuset", "cpuset.effective_cpus", "cpuset.cpus.effective")
        if cpus is not None and os.path.exists(cpus):
            cores = min(cores, count(read(cpus)) or kUnlimited)
        return cores

    def _wanted(self, tree, name, controller):
        """(limit, id of the ancestor that sets it, None, or ... where the files do not say)"""
        chain = [name]
        while chain[-1]:
            chain.append(os.path.dirname(chain[-1]))
        owns = [self._own(tree, at, controller) for at in chain]
        least = min(owns)
        if least > self.machine[controller]:
            return self.machine[controller], None
        if controller == "cpu" and least == int(least):
            return least, ...  # of a CPU set: all below have it, too, and it may be the machine's
        by = chain[owns.index(least)]
        return least, None if by == name else tree.top + ("/" + by if by else "")

    def by_chance(self):
        """Each cgroup's limits, and who sets them, 20 times."""
        with open("/sys/devices/system/cpu/online", encoding="ascii") as file:
            self.online = file.read().strip()
        meminfo = dict(line.split(":") for line in read("/proc/meminfo").splitlines())
        self.machine = {
            "memory": int(meminfo["MemTotal"].split()[0]) * 1024,
            "cpu": count(self.online),
            "pids": min(
                int(read("/proc/sys/kernel/pid_max")), int(read("/proc/sys/kernel/threads-max"))
            ),
        }
        served = [name for name in kFamilies if self.host.serving(name) is not None]
        if not served:
            raise Skip("no controller that has limits")
        by_others = 0
        with TestCgroups(self.host) as tree, Agent(checks.agent_binary()) as agent:
            for name in ["", *kNames]:
                if name:
                    tree.make(name)
                self._prepare(tree, name)
            for turn in range(20):
                for name in ["", *kNames]:
                    self._choose(tree, name)
                page = agent.scrape()
                for name in kNames:
                    for controller in served:
                        by_others += self._compare(page, tree, name, controller, turn)
        expect(by_others > 50, f"{by_others} limits were set by others")
        return f"{by_others} limits set by an ancestor"

    def _prepare(self, tree, name):
        """On v1 a cpuset begins without anything; on v2 the parent hands controllers down."""
        for what in ("cpus", "mems"):
            file = self._file(tree, name, "cpuset", "cpuset." + what, "cpuset." + what)
            if file is not None and self.host.serving("cpuset").version == 1:
                parent = os.path.dirname(os.path.dirname(file))
                write(file, read(f"{parent}/cpuset.{what}").strip())
        if self.host.mode == "v2":
            path = self.host.unified.point + tree.path(name).rstrip("/")
            for controller in ("cpu", "cpuset", "memory", "pids"):
                write(path + "/cgroup.subtree_control", "+" + controller)

    def _compare(self, page, tree, name, controller, turn):
        limit, by = self._wanted(tree, name, controller)
        what = f"{controller} of {name} at turn {turn}"
        shown = page.value(kFamilies[controller], id=tree.path(name))
        # Cores are shown in millionths.
        expect(abs(shown - limit) < 2e-6 or shown == limit, f"{what}: {shown}, wanted {limit}")
        if by is ...:
            return 0
        info = page.sample(
            "container_effective_limit_info", id=tree.path(name), resource=controller
        )
        expect_equal(info and info.labels["limited_by"], by, "who limits " + what)
        return by is not None


def main():
    argparse.ArgumentParser(description=__doc__).parse_args()
    checks.need_root()
    return checks.main("effective limits", Limits().all(), limit_seconds=80)


checks.run_or_skip(main)
