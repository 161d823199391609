#!/usr/bin/env python3
"""Reads a living host, each file once, into the entries of a .tree file.

    observe.py [--only DIRECTORY]... FILE.tree

writes this host as it is, or only the cgroups at and below each DIRECTORY; with root's rights. See
__main__.py for what makes fixtures of it.
"""

import argparse
import errno
import glob
import os
import re
import stat
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tree

kCgroup = "/sys/fs/cgroup"
# Read where they exist; links are kept as links.
kHostFiles = (
    "/proc/cgroups", "/proc/cmdline", "/proc/diskstats", "/proc/loadavg", "/proc/meminfo",
    "/proc/partitions", "/proc/pressure/*", "/proc/stat", "/proc/sys/fs/file-nr", "/proc/uptime",
    "/proc/vmstat", *(f"/proc/sys/kernel/{name}" for name in ("hostname", "osrelease", "pid_max")),
    "/proc/sys/kernel/random/boot_id",
    "/sys/dev/block/*", "/sys/devices/system/cpu/online", "/sys/devices/system/cpu/possible",
    "/sys/devices/system/node/online", "/sys/devices/system/node/node*/cpulist",
    "/sys/devices/system/node/node*/meminfo", "/sys/devices/system/node/node*/distance",
    "/sys/kernel/mm/hugepages/*/nr_hugepages", "/sys/kernel/mm/hugepages/*/free_hugepages",
    "/etc/hostname", "/etc/machine-id", "/etc/os-release", "/usr/lib/os-release", "/etc/passwd",
    "/run/systemd/machines/*", "/run/systemd/transient/*.scope",
    "/var/log/containers/*", "/var/log/pods/*/*/*",
)  # fmt: skip
kDiskFiles = ("dev", "dm/name", "partition", "queue/scheduler", "size", "stat")
kEngineFiles = (
    "/etc/docker/daemon.json", "/var/lib/docker/containers/*/config.v2.json",
    "/var/lib/docker/containers/*/hostconfig.json", "/var/lib/docker/image/overlay2/repositories.json",
    "/var/lib/docker/image/overlay2/layerdb/mounts/*/mount-id",
    "/run/docker/runtime-runc/moby/*/state.json",
    "/run/containerd/runc/*/*/state.json",
    # Not docker's: its containers are in runc's state.
    "/run/containerd/io.containerd.runtime.v2.task/k8s.io/*/config.json",
    "/run/containerd/io.containerd.runtime.v2.task/k8s.io/*/init.pid",
)  # fmt: skip
# Of every process; of those in containers also; and of a container's first process.
kProcessFiles = ("cgroup", "comm", "stat")
kContainedFiles = ("ns/*", "schedstat", "status")
kFirstFiles = ("limits", "mountinfo", "net/dev")
# Threads, whose processes are in cgroup.procs, and v1's switches, which no reader has a use for.
kLeftOut = {"tasks", "cgroup.clone_children", "notify_on_release"}
kMaxBytes = 1 << 18


class Host:
    """What `entries()` reads. `contained(cgroup path)`: is this a container's?"""

    def __init__(self, contained=lambda path: False):
        self.mounts = mount_table()
        self.tops = [p for p, (kind, _) in self.mounts.items() if kind in ("cgroup", "cgroup2")]
        self._contained = contained

    def entries(self):
        paths = {kCgroup, "/proc/self/mountinfo", "/proc/1/mountinfo"}
        for top in self.tops:
            paths.update(below(top))
        paths.update(p for p in glob.glob(kCgroup + "/*") if os.path.islink(p))
        paths.update(self._process_paths(paths))
        for pattern in (*kHostFiles, *kEngineFiles):
            paths.update(glob.glob(pattern))
        for link in glob.glob("/sys/dev/block/*"):
            disk = os.path.realpath(link)
            if read_text(disk + "/size")[0] != "0\n":  # a loop device without a file
                files = [f"{disk}/{name}" for name in kDiskFiles]
                paths.update(path for path in files if os.path.exists(path))
        return self.read(paths)

    def read(self, paths):
        entries = [read_entry(path) for path in sorted(tree.with_parents(paths))]
        entries = [entry for entry in entries if entry is not None]
        for entry in entries:
            if entry.kind == "d" and entry.path in self.mounts:
                entry.mount = (magic(entry.path), self.mounts[entry.path][1])
        return entries

    def _process_paths(self, paths):
        pids = {"1", "self"}
        for path in paths:
            if path.endswith("/cgroup.procs"):
                pids.update(read_text(path)[0].split())
        for pid in pids - {"0"}:
            cgroups = read_text(f"/proc/{pid}/cgroup")[0].split("\n")
            names = [*kProcessFiles]
            if any(self._contained(line) for line in cgroups):
                names += kContainedFiles
                if re.search(r"(?m)^NSpid:.*\t1$", read_text(f"/proc/{pid}/status")[0]):
                    names += kFirstFiles
            elif pid in ("1", "self"):
                names += ["ns/*"]
            for name in names:
                yield from glob.glob(f"/proc/{pid}/{name}")


def mount_table():
    """{mount point: (file system, device number)}; the last mount hides the ones before."""
    table = {}
    for line in read_text("/proc/self/mountinfo")[0].splitlines():
        fields = line.split(" ")
        kind = fields[fields.index("-", 6) + 1]
        table[re.sub(r"\\(\d{3})", lambda m: chr(int(m[1], 8)), fields[4])] = (kind, fields[2])
    return table


def magic(path):
    return subprocess.check_output(["stat", "-f", "-c", "%t", "--", path], text=True).strip()


def below(top):
    for directory, _, files in os.walk(top):
        yield directory
        yield from (os.path.join(directory, name) for name in files if name not in kLeftOut)


def read_text(path):
    """(text, errno's name). A file that is gone is empty."""
    try:
        with open(path, "rb") as file:
            raw = file.read(kMaxBytes)
        return raw.decode("utf-8", "surrogateescape"), None
    except OSError as error:
        return "", errno.errorcode[error.errno]


def read_link(path):
    entry = tree.Entry(path, "l", 0o777)
    try:
        entry.content = os.readlink(path)
        entry.inode = os.stat(path).st_ino if "/ns/" in path else None
    except PermissionError as error:
        entry.error = errno.errorcode[error.errno]
    return entry


def read_entry(path):
    """None for what has gone in the meantime."""
    try:
        # What a link at the end of the way leads to is another path.
        status = os.lstat(path) if path != "/proc/self" else os.stat(path)
        if stat.S_ISLNK(status.st_mode):
            return read_link(path)
    except (FileNotFoundError, ProcessLookupError):
        return None
    kinds = {stat.S_IFDIR: "d", stat.S_IFREG: "f", stat.S_IFSOCK: "s", stat.S_IFIFO: "p",
             stat.S_IFCHR: "c", stat.S_IFBLK: "b"}  # fmt: skip
    entry = tree.Entry(path, kinds[stat.S_IFMT(status.st_mode)], stat.S_IMODE(status.st_mode))
    in_cgroups = path.startswith(kCgroup)
    if entry.kind == "f":
        entry.content, entry.error = read_text(path)
        if entry.error in ("ENOENT", "ENODEV", "ESRCH"):
            return None
    if in_cgroups and (entry.kind == "d" or path.endswith("/cgroup.procs")):
        entry.mtime_ns = status.st_mtime_ns
    if in_cgroups and entry.kind == "d":
        entry.inode = status.st_ino
    return entry


def main():
    parser = argparse.ArgumentParser(description=__doc__, usage=argparse.SUPPRESS)
    parser.add_argument("--only", action="append", metavar="DIRECTORY")
    parser.add_argument("file")
    options = parser.parse_args()
    host = Host()
    if options.only:
        entries = host.read({path for top in options.only for path in below(top)})
    else:
        entries = host.entries()
    tree.write(entries, [], options.file)


if __name__ == "__main__":
    main()
