"""Cgroups of our own, below /cgmon-test-PID in every mounted hierarchy; removed at the end."""

import errno
import os
import signal

from support.checks import wait_until
from support.kernel_reader import Cgroup, Host, read


class TestCgroups:
    """`with TestCgroups(host) as tree: tree.make("a")`. Touches nothing but its own directories."""

    def __init__(self, host=None, tag=""):
        self.host = host or Host()
        self.top = f"/cgmon-test-{os.getpid()}{tag}"
        self._made = []  # directories, in the order made

    def __enter__(self):
        for point in self._points():
            self._mkdir(point + self.top)
        if self.host.mode == "v2":
            self._delegate()
        return self

    def __exit__(self, *_):
        self.remove_all()

    def _points(self):
        return [h.point for h in self.host.hierarchies]

    def _delegate(self):
        # Children have a controller's files only if the parent hands it down.
        directory = self.host.unified.point + self.top
        with open(directory + "/cgroup.controllers", encoding="ascii") as file:
            offered = file.read().split()
        for name in offered:
            with open(directory + "/cgroup.subtree_control", "w", encoding="ascii") as file:
                file.write("+" + name)

    def _mkdir(self, directory):
        os.mkdir(directory)
        self._made.append(directory)
        # The first look-up after mkdir allocates the name's cache entry, which outlives rmdir and
        # is charged to who looked. Engines look at once, to put a process in; so do we, else the
        # agent would be charged 192 bytes for every directory that ever was.
        os.stat(directory)

    def path(self, name):
        """The cgroup's path, which is also its `id` (str, or bytes for bytes)."""
        return self.top.encode() + b"/" + name if isinstance(name, bytes) else f"{self.top}/{name}"

    def directories(self, name):
        path = self.path(name)
        return [(p.encode() if isinstance(path, bytes) else p) + path for p in self._points()]

    def make(self, name):
        for directory in self.directories(name):
            self._mkdir(directory)
        return self.path(name)

    def remove(self, name):
        for directory in self.directories(name):
            os.rmdir(directory)
            self._made.remove(directory)

    def remove_all(self):
        # Bytes and str stand side by side in the list: deepest first is the reverse of making.
        for directory in reversed(self._made):
            remove_directory(directory)
        self._made.clear()


def remove_directory(directory):
    """rmdir of a cgroup of ours; what still runs in it is killed first, by pid."""

    def gone():
        try:
            os.rmdir(directory)
            return True
        except FileNotFoundError:
            return True
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
        for pid in processes(directory):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        return False

    wait_until(gone, 10, f"rmdir {directory!r}")


def processes(directory):
    name = b"/cgroup.procs" if isinstance(directory, bytes) else "/cgroup.procs"
    try:
        with open(directory + name, encoding="ascii") as file:
            return [int(line) for line in file if line.strip() != "0"]
    except (FileNotFoundError, OSError):
        return []


def make_child(container):
    """A cgroup "inner" in the container's, in every hierarchy, with its processes and, on v2, with
    controllers of its own: what a manager of processes inside would make."""
    host, paths = container.docker.host, {}
    for hierarchy in host.hierarchies:
        path = container.cgroup.paths[hierarchy.point]
        if path == "/":
            continue  # runc leaves it there in hierarchies that it does not know, as misc
        parent, inner = hierarchy.point + path, hierarchy.point + path + "/inner"
        os.mkdir(inner)
        if "cpuset" in hierarchy.controllers and hierarchy.version == 1:
            for name in ("cpuset.cpus", "cpuset.mems"):
                _write(f"{inner}/{name}", read(f"{parent}/{name}"))
        for pid in read(parent + "/cgroup.procs").split():
            _write(inner + "/cgroup.procs", pid)
        if host.mode == "v2":
            _write(parent + "/cgroup.subtree_control", "+cpu +memory +pids")
        paths[hierarchy.point] = path + "/inner"
    return Cgroup(host, paths)


def _write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
