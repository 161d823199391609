"""Puts stand-ins where a host has numbers and names that are new each time, so that two captures of
one layout differ in what was measured and in little else.

Ids, UUIDs, inodes and process numbers come from the names of what they belong to, or count up in
the order of the file. Times are those of the last step of the workload before them: boot, each
container, pause; 10 s apart. What is not a name is as the kernel or the engine wrote it, but for
kernel threads, which are left out (kthreadd aside), and addresses in /proc/PID/stat, which are 0, as
for readers without rights.
"""

import calendar
import hashlib
import os
import re
import time

import tree

kBoot = 1_795_479_000
kStepSeconds = 10
kTicks = os.sysconf("SC_CLK_TCK")
kKernelThread = 0x00200000  # PF_KTHREAD, include/linux/sched.h
# proc(5), /proc/PID/stat, from 1: start and end of code, stack, registers, wchan, data, heap, words
kAddresses = (26, 27, 28, 29, 30, 35, 45, 46, 47, 48, 49, 50, 51)
kStatPids = (1, 4, 5, 6, 8)
kStatusPids = "Tgid|Ngid|Pid|PPid|TracerPid|NStgid|NSpid|NSpgid|NSsid"
kHex = "(?<![0-9a-f]){}(?![0-9a-f])"
kLongId = re.compile(kHex.format("[0-9a-f]{64}"))
kShortId = re.compile(kHex.format("[0-9a-f]{12}"))
kUuid = re.compile(kHex.format("[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"))
kMachineId = re.compile(kHex.format("[0-9a-f]{32}"))
kLayerLink = re.compile(r"(?<=overlay2/l/)[A-Z0-9]{26}")
kTime = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)")
kPipe = re.compile(r"(?<=pipe_ino=)\d+|(?<=pipe:\[)\d+")
kQuotedShortId = re.compile('(?<=")[0-9a-f]{12}(?=")')  # docker's name of itself, in hooks
kLabels = re.compile(r'(?<="labels":\[")[^]]*(?="\])')


def digest(words):
    return hashlib.sha256(words.encode("utf-8", "surrogateescape")).hexdigest()


class Counter:
    """{real: stand-in}, counting up from `first` in the order of asking."""

    def __init__(self, first=1, text="{}"):
        self.known = {}
        self._first = first
        self._text = text

    def __call__(self, real):
        if real not in self.known:
            self.known[real] = self._text.format(self._first + len(self.known))
        return self.known[real]


class Names:
    """Ids, UUIDs and the like: in any text."""

    def __init__(self, containers, kept):
        self._ids = {real: digest(f"cgmon {name}") for name, real in containers.items()}
        self._kept = set(kept)
        self._uuids = {}
        self._links = {}
        self._daemons = {}
        self._pipes = Counter(11000)

    def learn(self, owner, texts):
        """Names the ids in `texts` that are still unknown after `owner`."""
        count = 0
        for real in kLongId.findall("\n".join(texts)):
            if real not in self._ids and real not in self._kept:
                count += 1
                self._ids[real] = digest(f"cgmon {owner} {count}")

    def _long(self, match):
        if match[0] in self._kept:
            return match[0]
        return self._ids.setdefault(match[0], digest(f"cgmon id {len(self._ids)}"))

    def _short(self, match):
        for real, stand_in in self._ids.items():
            if real.startswith(match[0]):
                return stand_in[:12]
        return match[0]

    def _uuid(self, match):
        if match[0] in self._kept:
            return match[0]
        made = digest(f"cgmon uuid {len(self._uuids)}")
        made = "-".join((made[:8], made[8:12], made[12:16], made[16:20], made[20:32]))
        return self._uuids.setdefault(match[0], made)

    def _link(self, match):
        made = digest(f"cgmon link {len(self._links)}")[:26].upper()
        return self._links.setdefault(match[0], made)

    def _daemon(self, match):
        if any(made.startswith(match[0]) for made in self._ids.values()):
            return match[0]  # a short id that has its stand-in by now
        return self._daemons.setdefault(match[0], digest(f"cgmon daemon {len(self._daemons)}")[:12])

    def __call__(self, text):
        text = kLongId.sub(self._long, text)
        text = kUuid.sub(self._uuid, text)
        text = kShortId.sub(self._short, text)
        text = kQuotedShortId.sub(self._daemon, text)
        text = kPipe.sub(lambda match: self._pipes(match[0]), text)
        return kLayerLink.sub(self._link, text)


class Times:
    """`marks`: real seconds of the steps after boot, in their order."""

    def __init__(self, boot, marks):
        self._boot = boot
        self._marks = marks

    def step(self, real):
        """Seconds from boot to the last step before `real`."""
        return kStepSeconds * sum(real >= mark for mark in self._marks)

    def seconds(self, real):
        return kBoot + self.step(real)

    def ticks(self, real):
        return self.step(self._boot + int(real) / kTicks) * kTicks

    def text(self, match):
        real = calendar.timegm(time.strptime(match[1], "%Y-%m-%dT%H:%M:%S"))
        if real < 10**9:
            return match[0]
        made = time.gmtime(self.seconds(real + float(match[2] or 0)))
        return time.strftime("%Y-%m-%dT%H:%M:%S.123456789Z", made)


class Processes:
    """Stand-ins of process numbers: by cgroup, and by age in it."""

    def __init__(self, files, names):
        stats = {}
        for path, text in files.items():
            match = re.fullmatch(r"/proc/(\d+)/stat", path)
            if match and text:
                stats[match[1]] = text.rpartition(")")[2].split()
        self.left_out = {
            pid for pid, fields in stats.items() if int(fields[6]) & kKernelThread and pid != "2"
        }
        by_cgroup = {}
        for pid, fields in stats.items():
            if pid not in self.left_out and pid not in ("1", "2"):
                lines = names(files.get(f"/proc/{pid}/cgroup", "")).splitlines()
                cgroup = max((line.split(":", 2)[2] for line in lines), key=len, default="")
                by_cgroup.setdefault(cgroup, []).append((int(fields[19]), int(pid)))
        self.known = {"0": "0", "1": "1", "2": "2"}
        for number, cgroup in enumerate(sorted(by_cgroup)):
            for order, (_, pid) in enumerate(sorted(by_cgroup[cgroup])):
                self.known[str(pid)] = str(1000 + 100 * number + order)
        self._ended = Counter(900)

    def __call__(self, pid):
        return self.known.get(pid) or self._ended(pid)


class StandIns:
    """Changes entries in place. `containers`: {name: id}; `kept`: names that are ours already."""

    def __init__(self, entries, containers, kept, boot, marks):
        files = {entry.path: entry.content for entry in entries if entry.kind == "f"}
        self._names = Names(containers, kept)
        for name, real in sorted(containers.items()):
            owned = [path for path in files if real in path and not path.startswith("/sys/")]
            # First the file that has the one id; the order in the others is the engine's.
            owned.sort(key=lambda path: (not path.endswith("mount-id"), path.replace(real, "")))
            self._names.learn(name, [files[path] for path in owned])
        self._times = Times(boot, marks)
        self._processes = Processes(files, self._names)
        self._mounts = Counter(20)
        self._peers = Counter(1)
        self._devices = Counter(20, "0:{}")
        self._name_spaces = Counter(4026533000)
        self._own_spaces = {e.content for e in entries if e.path.startswith("/proc/1/ns/")}
        self._numbers = self._hierarchies(files["/proc/self/cgroup"])
        self._files = files

    @staticmethod
    def _hierarchies(text):
        """{number of a hierarchy: stand-in}: systemd mounts them in another order each time."""
        lines = [line.split(":", 2) for line in text.splitlines()]
        known = sorted((names, number) for number, names, _ in lines if number != "0")
        return {"0": "0"} | {number: str(i + 1) for i, (_, number) in enumerate(known)}

    def apply(self, entries):
        gone = {f"/proc/{pid}" for pid in self._processes.left_out}
        kept = [e for e in entries if "/".join(e.path.split("/")[:3]) not in gone]
        for path in ("/proc/self/mountinfo", "/proc/1/mountinfo"):  # these number the mounts
            self._mountinfo(self._files[path])
        for entry in kept:
            entry.path = self._path(entry.path)
        kept = tree.in_order(kept)
        for entry in kept:
            self._change(entry)
        return kept

    def _path(self, path):
        path = self._names(path)
        return re.sub(r"^/proc/(\d+)(?=/|$)", lambda m: f"/proc/{self._processes(m[1])}", path)

    def _change(self, entry):
        if entry.mtime_ns is not None:
            entry.mtime_ns = self._times.seconds(entry.mtime_ns / 10**9) * 10**9
        if entry.kind == "d" and entry.inode is not None and entry.inode > 1:
            entry.inode = int(digest(entry.path)[:7], 16) + 2
        if entry.mount and entry.mount[1].startswith("0:"):
            entry.mount = (entry.mount[0], self._devices(entry.mount[1]))
        if entry.kind == "l":
            self._link(entry)
        elif entry.kind == "f":
            entry.content = self._content(entry.path, entry.content)

    def _link(self, entry):
        match = re.fullmatch(r"(\w+):\[(\d+)\]", entry.content)
        if match and entry.content not in self._own_spaces:
            entry.inode = int(self._name_spaces(match[2]))
            entry.content = f"{match[1]}:[{entry.inode}]"
        else:
            entry.content = self._names(entry.content)

    def _content(self, path, text):
        name = os.path.basename(path)
        if name == "mountinfo":
            return self._mountinfo(text)
        if name in ("cgroup.procs", "cgroup.threads"):
            # Threads that are not the first of a process come and go.
            pids = [p for p in text.split() if p in self._processes.known]
            return "".join(f"{p}\n" for p in sorted((self._processes(p) for p in pids), key=int))
        if path == "/proc/cgroups":
            return self._proc_cgroups(text)
        if path == "/etc/machine-id":
            return kMachineId.sub(digest("cgmon machine")[:32], text)
        if path == "/proc/stat":
            return re.sub(r"(?m)^btime .*", f"btime {kBoot}", text)
        if path == "/proc/uptime":
            return f"{self._times.step(time.time())}.00 " + text.split()[1] + "\n"
        if path == "/proc/loadavg":
            return text.rpartition(" ")[0] + " 0\n"
        if name == "init.pid":
            return self._processes(text)
        if re.fullmatch(r"/proc/\w+/cgroup", path):
            return self._proc_cgroup(text)
        if re.fullmatch(r"/proc/\w+/stat", path):
            return self._proc_stat(text)
        if re.fullmatch(r"/proc/\w+/status", path):
            first = lambda match: match[1] + self._processes(match[2])  # noqa: E731
            return re.sub(rf"(?m)^((?:{kStatusPids}):\t)(\d+)", first, text)
        if name.endswith(".json"):
            return self._json(text)
        if path.startswith(("/proc/", "/sys/")) and name != "boot_id":
            return text
        return self._names(text)

    def _json(self, text):
        text = self._names(kTime.sub(self._times.text, text))
        # runc writes them in the order of a Go map.
        text = kLabels.sub(lambda match: '","'.join(sorted(match[0].split('","'))), text)
        pid = lambda match: match[1] + self._processes(match[2])  # noqa: E731
        text = re.sub(r'("(?:Pid|init_process_pid)":)(\d+)', pid, text)
        text = re.sub(r"(/proc/)(\d+)(?=/ns/|/exe\")", pid, text)
        ticks = lambda match: match[1] + str(self._times.ticks(match[2]))  # noqa: E731
        return re.sub(r'("init_process_start":)(\d+)', ticks, text)

    def _proc_stat(self, text):
        head, _, tail = text.rpartition(") ")
        pid, _, comm = head.partition(" ")
        fields = [pid, comm, *tail.rstrip("\n").split(" ")]
        for number in kStatPids:
            if fields[number - 1] != "-1":
                fields[number - 1] = self._processes(fields[number - 1])
        for number in kAddresses:
            fields[number - 1] = "0"
        fields[21] = str(self._times.ticks(fields[21]))
        return f"{fields[0]} {fields[1]}) " + " ".join(fields[2:]) + "\n"

    def _proc_cgroup(self, text):
        lines = [line.split(":", 2) for line in self._names(text).splitlines()]
        lines = [(self._numbers.get(number, number), *rest) for number, *rest in lines]
        lines.sort(key=lambda line: -int(line[0]))
        return "".join(":".join(line) + "\n" for line in lines)

    def _proc_cgroups(self, text):
        lines = [line.split("\t") for line in text.splitlines()]
        lines = [[f[0], self._numbers.get(f[1], f[1]), *f[2:]] for f in lines]
        return "".join("\t".join(line) + "\n" for line in lines)

    def _mountinfo(self, text):
        """Sorted by mount point: parents stay before children, and what hides behind what hides."""
        lines = [line.split(" ") for line in self._names(text).splitlines()]
        lines.sort(key=lambda fields: fields[4].split("/"))
        ids = [self._mounts(fields[0]) for fields in lines]
        changed = []
        for number, (_, parent, device, *rest) in zip(ids, lines, strict=True):
            if device.startswith("0:"):
                device = self._devices(device)
            line = " ".join((number, self._mounts(parent), device, *rest))
            line = re.sub(r"net:\[(\d+)\]", lambda m: f"net:[{self._name_spaces(m[1])}]", line)
            peers = lambda match: match[1] + self._peers(match[2])  # noqa: E731
            changed.append(re.sub(r"((?:shared|master|propagate_from):)(\d+)", peers, line) + "\n")
        return "".join(changed)
