"""Effective limits of a cgroup, read file by file from the cgroup up to the top."""

import os

from support.kernel_reader import Figures, kScale, kUnlimited, read

kNone = float("inf")


def _number(text):
    """Of the first word; no limit is infinite, and so is a file that is not there."""
    word = (text or "max").split()[0]
    return kNone if word in ("max", "-1") or int(word) >= kUnlimited else int(word)


def _memory(directory, version):
    name = "memory.max" if version == 2 else "memory.limit_in_bytes"
    return _number(read(f"{directory}/{name}"))


def _pids(directory, _version):
    return _number(read(f"{directory}/pids.max"))


def _quota(directory, version):
    """Millionths of a core, as they are shown."""
    if version == 2:
        quota, period = (read(f"{directory}/cpu.max") or "max 1").split()
    else:
        quota, period = (read(f"{directory}/cpu.cfs_{w}_us") or "-1" for w in ("quota", "period"))
    limit = _number(quota)
    return limit if limit == kNone else limit * 10**6 // int(period)


def count(cpus):
    """How many are in a list like "0-3,8"."""
    number = 0
    for part in cpus.strip().split(","):
        first, _, last = part.partition("-")
        number += int(last or first) - int(first) + 1 if part else 0
    return number


def _cpus(directory, version):
    name = "cpuset.cpus.effective" if version == 2 else "cpuset.effective_cpus"
    number = count(read(f"{directory}/{name}") or "")
    return number * 10**6 if number else kNone


class Reader:
    """`figures`, and `reasons` for a family without one."""

    def __init__(self, cgroup):
        self.cgroup = cgroup
        self.figures, self.reasons = Figures(), {}
        meminfo = dict(line.split(":") for line in read("/proc/meminfo").splitlines())
        kernel = "/proc/sys/kernel/"
        online = count(read("/sys/devices/system/cpu/online"))
        self._put("memory", "container_memory_effective_limit_bytes",
                  [("memory", _memory)], int(meminfo["MemTotal"].split()[0]) * 1024, 1)  # fmt: skip
        self._put("pids", "container_pids_effective_limit", [("pids", _pids)],
                  min(int(read(kernel + "pid_max")), int(read(kernel + "threads-max"))), 1)  # fmt: skip
        self._put("cpu", "container_cpu_effective_limit_cores",
                  [("cpu", _quota), ("cpuset", _cpus)], online * 10**6, 10**6)  # fmt: skip
        if not any(family == "container_effective_limit_info" for family, _ in self.figures):
            self.reasons["container_effective_limit_info"] = (
                "no ancestor has a tighter limit than it has itself"
            )

    def _put(self, resource, family, sources, machine, unit):
        """The least of all above; who sets it, where that is an ancestor. `unit`: a whole one."""
        chain = []
        for controller, own in sources:
            for at, limit in enumerate(self._chain(controller, own)):
                chain += [kNone] * (at + 1 - len(chain))
                chain[at] = min(chain[at], limit)
        if not chain:
            return
        least = min(chain)
        self.figures.put_scaled(family, min(least, machine) * kScale // unit)
        above = chain.index(least)
        if least < machine and above > 0:
            path = self.cgroup.id
            for _ in range(above):
                path = os.path.dirname(path)
            self.figures.put("container_effective_limit_info", 1, resource=resource, limited_by=path)

    def _chain(self, controller, own):
        """The limits from the cgroup up to the top of its hierarchy."""
        directory, version = self.cgroup.directory(controller)
        if directory is None:
            return
        point = self.cgroup.host.serving(controller).point
        while True:
            yield own(directory, version)
            if directory in (point, "/"):
                return
            directory = os.path.dirname(directory)
