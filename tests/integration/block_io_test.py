#!/usr/bin/python3
"""Block I/O of a disk of our own (a loop device), by two cgroups, one with a throttle rule.

The pages are held against the kernel's files of each cgroup alone; the agent reads other ones, which
hold descendants. On v2 every write counts. What v1 counts depends on the kernel and the rules: with
zeros in its files that say nothing the agent shows no number.
"""

import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import checks, kernel_reader
from support.agent import Agent
from support.cgroups import TestCgroups
from support.checks import Skip, expect, expect_equal

kWrites = "container_fs_writes_bytes_total"
kMiB = 1 << 20


class LoopDevice:
    """A disk that nobody else uses."""

    def __enter__(self):
        self._file = tempfile.NamedTemporaryFile(prefix="cgmon-test-disk-", dir="/var/tmp")
        self._file.truncate(64 * kMiB)
        try:
            command = ["losetup", "--find", "--show", self._file.name]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            raise Skip("no losetup (package mount)") from None
        if done.returncode != 0:
            raise Skip(f"no loop device: {done.stderr.strip()}")
        self.name = done.stdout.strip()
        number = os.stat(self.name).st_rdev
        self.number = f"{os.major(number)}:{os.minor(number)}"
        return self

    def __exit__(self, *_):
        subprocess.run(["losetup", "--detach", self.name], check=False)
        self._file.close()


class BlockIo:
    def __init__(self):
        self.host = kernel_reader.Host()
        self.v1 = self.host.serving("blkio")
        if self.v1 is None and self.host.serving("io") is None:
            raise Skip("the kernel has no block I/O controller")

    def directory(self, tree, name):
        return (self.v1 or self.host.serving("io")).point + tree.path(name)

    def write(self, tree, name, disk, mebibytes):
        """Writes past the page cache, as a process of the cgroup."""
        procs = self.directory(tree, name) + "/cgroup.procs"
        command = f'echo $$ > "{procs}" && exec dd if=/dev/zero of="{disk.name}" bs={kMiB} ' \
                  f"count={mebibytes} oflag=direct conv=notrunc status=none"  # fmt: skip
        subprocess.run(["sh", "-c", command], check=True, timeout=60)

    def limit(self, tree, name, disk):
        if self.v1:
            file, text = "blkio.throttle.write_bps_device", f"{disk.number} 1000000000"
        else:
            file, text = "io.max", f"{disk.number} wbps=1000000000"
        with open(f"{self.directory(tree, name)}/{file}", "w", encoding="ascii") as at:
            at.write(text)

    def written(self, tree, name, disk):
        """What the kernel's file says, 0 or None (no line) included."""
        if self.v1:
            text = kernel_reader.read(
                self.directory(tree, name) + "/blkio.throttle.io_service_bytes"
            )
            lines = (line.split() for line in text.splitlines())
            return next((int(n) for d, op, n in (x for x in lines if len(x) == 3)
                         if (d, op) == (disk.number, "Write")), None)  # fmt: skip
        for line in kernel_reader.read(self.directory(tree, name) + "/io.stat").splitlines():
            number, *words = line.split()
            if number == disk.number and words:
                return int(dict(word.split("=") for word in words)["wbytes"])
        return None

    def one_with_a_rule_beside_one_without(self):
        """The one with a rule is counted exactly, the one without is counted or has no number."""
        checks.need_root()
        with LoopDevice() as disk, TestCgroups(self.host) as tree, Agent(
            checks.agent_binary()
        ) as agent:
            for name in ("ruled", "without"):
                tree.make(name)

            def shown(name):
                sample = agent.scrape().sample(kWrites, id=tree.path(name), device=disk.name)
                return None if sample is None else int(sample.value())

            self.write(tree, "without", disk, 1)
            before = self.written(tree, "without", disk)
            expect_equal(shown("without"), before or None, "without a rule anywhere")
            self.limit(tree, "ruled", disk)
            self.write(tree, "ruled", disk, 3)
            expect_equal(self.written(tree, "ruled", disk), 3 * kMiB, "the kernel's file")
            expect_equal(shown("ruled"), 3 * kMiB, "with a rule")
            if not before:
                expect_equal(shown("without"), None, "a zero that says nothing")
            for _ in range(2):
                self.write(tree, "without", disk, 1)
                after = self.written(tree, "without", disk)
                expect_equal(shown("without"), after or None, "written since")
            counts = after != (before or 0)
            parent = agent.scrape().sample(kWrites, id=tree.top, device=disk.name)
            if counts:
                expect_equal(int(parent.value()), after + 3 * kMiB, "the sum of both")
            else:
                expect(parent is None, f"{parent}, which lacks what is not counted")
            kind = "v1" if self.v1 else "v2"
            return f"{kind}; without a rule {'counted' if counts else 'not counted'}"


def main():
    return checks.main("block_io", [BlockIo().one_with_a_rule_beside_one_without], 100)


checks.run_or_skip(main)
