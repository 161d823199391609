#!/usr/bin/env python3
"""Two captures of one host, with other ids, numbers and times, are the same but for measurements."""

import os
import random
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import stand_ins
import tree

kStep = 25.0  # seconds between the steps of a workload; another number each time


class MadeUp:
    """A small host; every name that a kernel or an engine would choose comes from `seed`."""

    def __init__(self, seed, usage="1000"):
        self.dice = random.Random(seed)
        self.entries = []
        self.web, self.layer = self.hex(64), self.hex(64)
        self.boot = time.time() - 300 - self.dice.random() * 1000
        self.marks = [self.boot + 60, self.boot + 60 + kStep + self.dice.random()]
        first = self.dice.randrange(300, 4000)
        self.pids = [str(first), str(first + self.dice.randrange(1, 9))]
        self.kernel_thread = str(self.dice.randrange(10, 250))
        self._cgroups(usage)
        self._processes()
        self._engine()

    def hex(self, digits):
        return "".join(self.dice.choice("0123456789abcdef") for _ in range(digits))

    def file(self, path, content):
        entry = tree.Entry(path, "f", 0o644)
        entry.content = content
        self.entries.append(entry)

    def _cgroups(self, usage):
        for path in ("/sys/fs/cgroup", f"/sys/fs/cgroup/docker/{self.web}"):
            entry = tree.Entry(path, "d", 0o755)
            entry.inode = 1 if path.endswith("/cgroup") else self.dice.randrange(10, 10**6)
            entry.mtime_ns = int((self.marks[0] + self.dice.random()) * 10**9)
            self.entries.append(entry)
        threads = [*self.pids, str(int(self.pids[1]) + 4000)]
        self.file(f"/sys/fs/cgroup/docker/{self.web}/cgroup.threads", "\n".join(threads) + "\n")
        # v2 lists in no order.
        listed = self.dice.sample(self.pids, 2)
        self.file(f"/sys/fs/cgroup/docker/{self.web}/cgroup.procs", "\n".join(listed) + "\n")
        self.file(f"/sys/fs/cgroup/docker/{self.web}/memory.current", usage + "\n")
        self.file("/sys/fs/cgroup/cgroup.procs", f"2\n{self.kernel_thread}\n")

    def _stat(self, pid, comm, flags, age):
        ticks = int((self.marks[0] - self.boot + age) * stand_ins.kTicks)
        fields = [pid, f"({comm})", "S", "1", pid, pid, "0", "-1", str(flags)]
        fields += ["0"] * 12 + [str(ticks), *["0"] * 30]
        for number in stand_ins.kAddresses:
            fields[number - 1] = str(self.dice.randrange(2**40))
        self.file(f"/proc/{pid}/stat", " ".join(fields) + "\n")

    def _processes(self):
        hierarchies = [("memory", "/docker/" + self.web), ("cpu,cpuacct", "/docker/" + self.web)]
        numbers = self.dice.sample(range(2, 9), 2)
        lines = sorted(zip(numbers, hierarchies, strict=True), reverse=True)
        cgroup = "".join(f"{n}:{names}:{path}\n" for n, (names, path) in lines)
        for age, pid in enumerate(self.pids):
            self._stat(pid, "a (b) c", 0, age)
            self.file(f"/proc/{pid}/cgroup", cgroup)
        self.file(
            f"/proc/{self.pids[1]}/status", f"Pid:\t{self.pids[1]}\nNSpid:\t{self.pids[1]}\t7\n"
        )
        self._stat("2", "kthreadd", stand_ins.kKernelThread, -80)
        self._stat(self.kernel_thread, "kworker/0:1", stand_ins.kKernelThread, -80)
        self.file("/proc/self/cgroup", cgroup)
        mounts = [(f"/var/lib/docker/overlay2/{self.layer}/merged", "overlay"), ("/sys", "sysfs")]
        device, lines = self.dice.randrange(20, 90), [
            "30 1 254:0 / / rw shared:1 - ext4 /dev/vda rw\n"
        ]
        for number, (point, kind) in enumerate(self.dice.sample(mounts, 2)):
            ids = f"{device + 40 + number} 30 0:{device + number}"
            lines.append(f"{ids} / {point} rw shared:{device + number} - {kind} {kind} rw\n")
        for pid in ("1", "self"):
            self.file(f"/proc/{pid}/mountinfo", "".join(lines))

    def _engine(self):
        root, started = "/var/lib/docker", time.gmtime(self.marks[1] + 2)
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S.5Z", started)
        self.file(f"{root}/image/overlay2/layerdb/mounts/{self.web}/mount-id", self.layer)
        config = f'{{"ID":"{self.web}","Image":"sha256:{self.hex(64)}","Pid":{self.pids[0]},'
        config += f'"Hostname":"{self.web[:12]}","StartedAt":"{stamp}",'
        config += '"FinishedAt":"0001-01-01T00:00:00Z"}'
        self.file(f"{root}/containers/{self.web}/config.v2.json", config)

    def changed(self):
        made = stand_ins.StandIns(self.entries, {"web": self.web}, (), self.boot, self.marks)
        return "\n".join(line for entry in made.apply(self.entries) for line in entry.lines())


class StandIns(unittest.TestCase):
    maxDiff = None

    def test_two_captures_of_one_host_are_the_same(self):
        first = MadeUp(1).changed()
        for seed in range(2, 30):
            self.assertEqual(MadeUp(seed).changed(), first)

    def test_a_measured_value_is_the_only_line_that_differs(self):
        first, second = (
            MadeUp(seed, usage).changed().split("\n") for seed, usage in ((1, "5"), (2, "6"))
        )
        self.assertEqual(
            [pair for pair in zip(first, second, strict=True) if pair[0] != pair[1]],
            [("\t5", "\t6")],
        )

    def test_nothing_of_a_name_is_left(self):
        host = MadeUp(3)
        text = host.changed()
        for real in (host.web, host.web[:12], host.layer, f"/proc/{host.pids[0]}", "kworker"):
            self.assertNotIn(real, text)

    def test_what_belongs_together_still_does(self):
        text = MadeUp(4).changed()
        container = stand_ins.digest("cgmon web")
        self.assertIn(f"d /sys/fs/cgroup/docker/{container} ", text)
        self.assertIn("\t1000\n\t1001\nf /sys/fs/cgroup/docker", text)
        self.assertIn("\t1000 (a (b) c) S 1 1000 1000 0 -1 0 ", text)
        self.assertIn(f'"Pid":1000,"Hostname":"{container[:12]}"', text)
        self.assertIn("Pid:\t1001\n\tNSpid:\t1001\t7", text)
        self.assertIn("/proc/1001/cgroup 0644\n\t2:memory:/docker/", text)
        self.assertIn('"FinishedAt":"0001-01-01T00:00:00Z"', text)

    def test_a_time_is_that_of_the_last_step_before_it(self):
        times = stand_ins.Times(1000.0, [1060.0, 1090.0])
        self.assertEqual(
            [times.step(t) for t in (1000, 1059.9, 1060, 1089, 1090.5)], [0, 0, 10, 10, 20]
        )
        self.assertEqual(times.ticks(70 * stand_ins.kTicks), 10 * stand_ins.kTicks)


class Format(unittest.TestCase):
    def test_bytes_that_are_hard_to_see_are_escaped(self):
        entry = tree.Entry("/odd name\\x2d\n\udcff", "f", 0o200)
        entry.content = "a\0\udcff\\\tb c\n"
        self.assertEqual(
            entry.lines(),
            ["f /odd\\040name\\134x2d\\012\\377 0200 escaped", "\ta\\000\\377\\134\tb c"],
        )

    def test_a_directory_stands_before_what_is_in_it(self):
        paths = ["/a.b", "/a/b", "/a", "/a/b.c", "/a/b/c", "/"]
        entries = tree.in_order(tree.Entry(path, "d", 0o755) for path in paths)
        self.assertEqual([e.path for e in entries], ["/", "/a", "/a/b", "/a/b/c", "/a/b.c", "/a.b"])


if __name__ == "__main__":
    unittest.main()
