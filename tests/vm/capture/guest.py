#!/usr/bin/python3
"""In the guest: makes the workload and leaves the host's .tree in /mnt/report.

    guest.py NAME DRIVER
"""

import os
import re
import subprocess
import sys
import time

kHere = os.path.dirname(os.path.abspath(__file__))
kTests = os.path.join(os.path.dirname(os.path.dirname(kHere)), "integration")
sys.path[:0] = [kHere, kTests]
import observe
import stand_ins
import tree
import workload
from support import cgroups, dockerd
from support.checks import say


def first_line(*command):
    return subprocess.check_output(command, text=True).splitlines()[0]


def manifest(name, driver, host):
    with open("/proc/cmdline", encoding="ascii") as file:
        command_line = file.read().strip()
    with open("/etc/os-release", encoding="utf-8") as file:
        distribution = re.search(r'(?m)^PRETTY_NAME="(.*)"', file.read())[1]
    versions = [first_line(*c) for c in (("systemctl", "--version"), ("docker", "--version"),
                                         ("ctr", "--version"), ("runc", "--version"))]  # fmt: skip
    return [
        f"A virtual machine, made again with: ./dev capture {name}",
        f"layout: {host.mode}; docker's cgroup driver: {driver}",
        f"kernel: {os.uname().sysname} {os.uname().release}, {distribution}",
        f"programs: {'; '.join(versions)}",
        f"command line: {command_line}",
        "containers:",
        *("  " + line for line in workload.Workload.kContainers),
        "Ids, inodes, process numbers, mount numbers and times are stand-ins; kernel threads but",
        "kthreadd, and threads but the first of a process, are left out: tests/vm/capture.",
    ]


def main():
    name, driver = sys.argv[1:]
    boot = time.time() - float(open("/proc/uptime", encoding="ascii").read().split()[0])
    with dockerd.Docker("unix:///run/docker.sock", "/var/lib/docker") as docker:
        made = workload.Workload(docker, driver, cgroups.make_child)
        made.make()
        ids = set(made.names.values()) | made.kept
        host = observe.Host(contained=lambda line: any(i in line for i in ids))
        entries = host.entries()
        say(f"capture: {len(entries)} paths read")
        changed = stand_ins.StandIns(entries, made.names, made.kept, boot, made.marks).apply(
            entries
        )
        tree.write(changed, manifest(name, driver, docker.host), "/mnt/report/host.tree")
        # The machine ends as it is: what stands still need not be taken down.
        os._exit(0)


if __name__ == "__main__":
    main()
