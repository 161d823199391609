"""What the kernel's files say, read and computed independently of the agent.

Numbers are integers scaled by 10^9 (so that seconds and fractions compare exactly), keyed by
(family, labels) as the agent's page should have them.
"""

import os
import re

kScale = 10**9
kUnlimited = 1 << 62
_NOT_CONTROLLERS = re.compile(
    r"rw|ro|xattr|noprefix|cpuset_v2_mode|clone_children|release_agent=.*|nsdelegate|memory_\w+|"
    r"favordynmods|pids_localevents"
)


def read(path):
    """Text of a kernel file; None where it is not there or the kernel does not serve it."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno in (19, 95):  # ENODEV: cgroup died; EOPNOTSUPP: not served
            return None
        raise


def flat(text):
    """{"key": int} of a flat-keyed file."""
    pairs = (line.split() for line in (text or "").splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2}


class Hierarchy:
    def __init__(self, point, version, controllers):
        self.point = point
        self.version = version
        self.controllers = controllers  # v1: names and "name=..."; v2: those enabled at its root

    def __repr__(self):
        return f"v{self.version} {self.point} {','.join(sorted(self.controllers))}"


class Host:
    """The hierarchies of this host, by /proc/self/mountinfo."""

    def __init__(self):
        seen, self.hierarchies = set(), []
        for line in read("/proc/self/mountinfo").splitlines():
            fields = line.split(" ")
            dash = fields.index("-", 6)
            kind, options = fields[dash + 1], fields[dash + 3].split(",")
            if kind not in ("cgroup", "cgroup2") or fields[2] in seen:
                continue
            if fields[3] != "/":
                raise AssertionError(f"run this on the host: a cgroup mount shows {fields[3]} only")
            seen.add(fields[2])
            point = re.sub(r"\\(\d{3})", lambda m: chr(int(m[1], 8)), fields[4])
            if kind == "cgroup2":
                names = (read(point + "/cgroup.controllers") or "").split()
                self.hierarchies.append(Hierarchy(point, 2, set(names)))
            else:
                names = {o for o in options if not _NOT_CONTROLLERS.fullmatch(o)}
                self.hierarchies.append(Hierarchy(point, 1, names))
        self.unified = next((h for h in self.hierarchies if h.version == 2), None)
        versions = {h.version for h in self.hierarchies}
        self.mode = {frozenset({2}): "v2", frozenset({1}): "v1"}.get(frozenset(versions), "hybrid")

    def serving(self, controller):
        """The hierarchy that serves a controller, or None. v2 wins where it has it."""
        if self.unified and controller in self.unified.controllers:
            return self.unified
        return next(
            (h for h in self.hierarchies if h.version == 1 and controller in h.controllers), None
        )

    def paths_of(self, pid):
        """{mount point: cgroup path} of a process, in every hierarchy."""
        paths = {}
        for line in read(f"/proc/{pid}/cgroup").splitlines():
            number, names, path = line.split(":", 2)
            path = path.removesuffix(" (deleted)")
            for hierarchy in self.hierarchies:
                if hierarchy.version == 2 and number == "0" and names == "":
                    paths[hierarchy.point] = path
                elif (
                    hierarchy.version == 1
                    and names
                    and set(names.split(",")) <= hierarchy.controllers
                ):
                    paths[hierarchy.point] = path
        return paths


class Cgroup:
    """One cgroup, with its directory in every hierarchy."""

    def __init__(self, host, paths):
        self.host = host
        self.paths = paths
        master = host.serving("memory") or host.serving("cpu")
        if host.mode == "v2":
            master = host.unified
        self.id = paths[master.point]

    def directory(self, controller):
        hierarchy = self.host.serving(controller)
        if hierarchy is None or hierarchy.point not in self.paths:
            return None, 0
        return hierarchy.point + self.paths[hierarchy.point], hierarchy.version

    def file(self, controller, name):
        directory, _ = self.directory(controller)
        return None if directory is None else read(f"{directory}/{name}")

    def pressure_directory(self):
        unified = self.host.unified
        return (
            unified.point + self.paths[unified.point]
            if unified and unified.point in self.paths
            else None
        )

    def frozen(self):
        if self.host.mode == "v2":
            text = read(
                f"{self.host.unified.point}{self.paths[self.host.unified.point]}/cgroup.events"
            )
            return flat(text).get("frozen") == 1
        return (self.file("freezer", "freezer.state") or "").strip() == "FROZEN"


def root(host):
    """The host's own cgroup, `id="/"`."""
    return Cgroup(host, {h.point: "/" for h in host.hierarchies})


class Figures(dict):
    """{(family, ((label, value), …)): number × 10^9}."""

    def put(self, family, number, **labels):
        if number is not None:
            self[(family, tuple(sorted(labels.items())))] = number * kScale

    def put_scaled(self, family, scaled, **labels):
        if scaled is not None:
            self[(family, tuple(sorted(labels.items())))] = scaled


def counters(cgroup):
    figures = Figures()
    _cpu_counters(cgroup, figures)
    _memory_counters(cgroup, figures)
    _pressure_counters(cgroup.pressure_directory(), figures)
    _io_counters(cgroup, figures)
    return figures


def gauges(cgroup):
    figures = Figures()
    _cpu_gauges(cgroup, figures)
    _memory_gauges(cgroup, figures)
    _pids_gauges(cgroup, figures)
    _io_gauges(cgroup, figures)
    return figures


def host_pressure():
    """The host's own pressure, from /proc/pressure; empty where the kernel has PSI off."""
    figures = Figures()
    _pressure_counters("/proc/pressure", figures, suffix="")
    return figures


def _number(text):
    """First field as a number, "max" and -1 as None."""
    if text is None or not text.split():
        return None
    field = text.split()[0]
    return None if field in ("max", "-1") else int(field)


def _limit(text):
    """A limit as cAdvisor prints it: 0 for unlimited; None where the file is not there."""
    if text is None:
        return None
    number = _number(text)
    return 0 if number is None or number >= kUnlimited else number


def quota(cgroup):
    """(quota µs or None, period µs) of the cgroup's own CPU limit."""
    _, version = cgroup.directory("cpu")
    if version == 2:
        fields = (cgroup.file("cpu", "cpu.max") or "max 0").split()
        return _number(fields[0]), int(fields[1])
    return (
        _number(cgroup.file("cpu", "cpu.cfs_quota_us")),
        int(cgroup.file("cpu", "cpu.cfs_period_us") or 0),
    )


def _cpu_counters(cgroup, figures):
    _, version = cgroup.directory("cpu")
    stat = flat(cgroup.file("cpu", "cpu.stat"))
    if version == 2:
        usage, user, system = (stat[k + "_usec"] * 1000 for k in ("usage", "user", "system"))
        throttled = stat.get("throttled_usec", 0) * 1000
    else:
        ticks = flat(cgroup.file("cpuacct", "cpuacct.stat"))
        tick = kScale // os.sysconf("SC_CLK_TCK")
        usage = int(cgroup.file("cpuacct", "cpuacct.usage"))
        user, system = ticks["user"] * tick, ticks["system"] * tick
        throttled = stat.get("throttled_time", 0)
    figures.put_scaled("container_cpu_usage_seconds_total", usage, cpu="total")
    figures.put_scaled("container_cpu_user_seconds_total", user)
    figures.put_scaled("container_cpu_system_seconds_total", system)
    if quota(cgroup)[0] is not None:
        figures.put("container_cpu_cfs_periods_total", stat["nr_periods"])
        figures.put("container_cpu_cfs_throttled_periods_total", stat["nr_throttled"])
        figures.put_scaled("container_cpu_cfs_throttled_seconds_total", throttled)


def _memory_counters(cgroup, figures):
    directory, version = cgroup.directory("memory")
    if directory is None:
        return
    stat = flat(cgroup.file("memory", "memory.stat"))
    for kind in ("pgfault", "pgmajfault"):
        own, all_below = stat.get(kind), stat.get(kind if version == 2 else "total_" + kind)
        figures.put("container_memory_failures_total", own, failure_type=kind, scope="container")
        figures.put(
            "container_memory_failures_total", all_below, failure_type=kind, scope="hierarchy"
        )
    if version == 2:
        events = flat(cgroup.file("memory", "memory.events"))
        figures.put("container_memory_failcnt", events.get("max"))
        figures.put("container_memory_events_oom_total", events.get("oom"))
        kills = events.get("oom_kill")
    else:
        figures.put("container_memory_failcnt", _number(cgroup.file("memory", "memory.failcnt")))
        kills = flat(cgroup.file("memory", "memory.oom_control")).get("oom_kill")
    figures.put("container_memory_events_oom_kill_total", kills)
    figures.put("container_oom_events_total", kills)


def _pressure_counters(directory, figures, suffix=".pressure"):
    if directory is None:
        return
    for resource in ("cpu", "memory", "io"):
        for line in (read(f"{directory}/{resource}{suffix}") or "").splitlines():
            word, *fields = line.split()
            total = int(dict(f.split("=") for f in fields)["total"]) * 1000
            kind = {"some": "waiting", "full": "stalled"}[word]
            figures.put_scaled(f"container_pressure_{resource}_{kind}_seconds_total", total)


def _cpu_gauges(cgroup, figures):
    _, version = cgroup.directory("cpu")
    limit, period = quota(cgroup)
    figures.put("container_spec_cpu_period", period)
    figures.put("container_spec_cpu_quota", limit)
    if limit is not None:
        figures.put_scaled("container_spec_cpu_quota_cores", limit * kScale // period)
    if version == 2:
        weight = int(cgroup.file("cpu", "cpu.weight"))
        figures.put("container_spec_cpu_weight", weight)
        figures.put("container_spec_cpu_shares", 2 + (weight - 1) * 262142 // 9999)
    else:
        figures.put("container_spec_cpu_shares", int(cgroup.file("cpu", "cpu.shares")))


def _memory_gauges(cgroup, figures):
    directory, version = cgroup.directory("memory")
    if directory is None:
        return
    stat = flat(cgroup.file("memory", "memory.stat"))
    files = {
        1: (
            "memory.usage_in_bytes",
            "memory.max_usage_in_bytes",
            "memory.limit_in_bytes",
            "memory.memsw.limit_in_bytes",
            "memory.soft_limit_in_bytes",
        ),
        2: ("memory.current", "memory.peak", "memory.max", "memory.swap.max", "memory.low"),
    }[version]
    keys = {
        1: (
            "total_cache",
            "total_rss",
            "total_mapped_file",
            "total_active_file",
            "total_inactive_file",
        ),
        2: ("file", "anon", "file_mapped", "active_file", "inactive_file"),
    }[version]
    usage, peak, limit, swap_limit, reservation = (cgroup.file("memory", name) for name in files)
    figures.put("container_memory_usage_bytes", _number(usage))
    figures.put("container_memory_max_usage_bytes", _number(peak))
    figures.put("container_spec_memory_limit_bytes", _limit(limit))
    figures.put("container_spec_memory_swap_limit_bytes", _limit(swap_limit))
    figures.put("container_spec_memory_reservation_limit_bytes", _limit(reservation))
    names = ("cache", "rss", "mapped_file", "total_active_file_bytes", "total_inactive_file_bytes")
    for name, key in zip(names, keys):
        figures.put(f"container_memory_{name}", stat.get(key))
    swap = (
        stat.get("total_swap")
        if version == 1
        else _number(cgroup.file("memory", "memory.swap.current"))
    )
    figures.put("container_memory_swap", swap)
    working_set = max(0, int(usage) - stat[keys[4]])
    figures.put("container_memory_working_set_bytes", working_set)


def _pids_gauges(cgroup, figures):
    figures.put("container_threads", _number(cgroup.file("pids", "pids.current")))
    figures.put("container_threads_max", _limit(cgroup.file("pids", "pids.max")))


def disk_name(number):
    """"/dev/vda" of "254:0", by the kernel's link; None for a number that it does not know."""
    try:
        return "/dev/" + os.path.basename(os.readlink(f"/sys/dev/block/{number}"))
    except FileNotFoundError:
        return None


def disk_of(path):
    """"MAJ:MIN" of the disk that holds a file."""
    device = os.stat(path).st_dev
    return f"{os.major(device)}:{os.minor(device)}"


def io_rules(cgroup):
    """{(device number, "r" or "w", "bps" or "iops"): limit} of the cgroup itself."""
    directory, version = cgroup.directory("io")
    if version == 2:
        rules = {}
        for line in (read(directory + "/io.max") or "").splitlines():
            number, *words = line.split()
            for key, value in (word.split("=") for word in words):
                if value != "max":
                    rules[(number, key[0], key[1:])] = int(value)
        return rules
    directory, _ = cgroup.directory("blkio")
    if directory is None:
        return {}
    return {
        (line.split()[0], word[0], unit): int(line.split()[1])
        for word in ("read", "write")
        for unit in ("bps", "iops")
        for line in (read(f"{directory}/blkio.throttle.{word}_{unit}_device") or "").splitlines()
    }


def _io_gauges(cgroup, figures):
    names = {"rbps": "read_bytes", "wbps": "write_bytes", "riops": "reads", "wiops": "writes"}
    for (number, way, unit), limit in io_rules(cgroup).items():
        family = f"container_spec_io_{names[way + unit]}_per_second"
        figures.put(family, limit, device=disk_name(number))


def _io_counters(cgroup, figures):
    directory, version = cgroup.directory("io")
    if version == 2:
        for line in (read(directory + "/io.stat") or "").splitlines():
            number, *words = line.split()
            stat = {key: value for key, value in (word.split("=") for word in words)}
            for way, key in (("reads", "r"), ("writes", "w")):
                if f"{key}bytes" in stat:
                    _put_io(figures, number, way, int(stat[f"{key}bytes"]), int(stat[f"{key}ios"]))
        return
    directory, _ = cgroup.directory("blkio")
    if directory is None:
        return
    # v1 may count only what has a rule: of the rest the page may have numbers or none. A sum with
    # parts of both is no number, so this is for cgroups below which nothing was counted.
    ruled = {(number, way) for number, way, _ in io_rules(cgroup)}
    if has_io_below(directory):
        return
    totals = {}
    for file in ("io_service_bytes", "io_serviced"):
        for line in (read(f"{directory}/blkio.throttle.{file}") or "").splitlines():
            words = line.split()
            if len(words) == 3 and (words[0], words[1][0].lower()) in ruled:
                totals[(file, words[0], words[1])] = int(words[2])
    for (file, number, word), count in totals.items():
        if file == "io_service_bytes" and word in ("Read", "Write"):
            _put_io(
                figures, number, f"{word.lower()}s", count, totals[("io_serviced", number, word)]
            )


def has_io_below(directory):
    """Whether v1 has counted block I/O of a cgroup below this one."""
    files = (f"{below}/blkio.throttle.io_service_bytes" for below, _, _ in os.walk(directory)
             if below != directory)  # fmt: skip
    return any(int(line.split()[-1]) for file in files for line in (read(file) or "").splitlines())


def _put_io(figures, number, way, count_bytes, operations):
    name, (major, minor) = disk_name(number), number.split(":")
    figures.put(f"container_fs_{way}_bytes_total", count_bytes, device=name)
    figures.put(f"container_fs_{way}_total", operations, device=name)
    figures.put(
        "container_blkio_device_usage_total",
        count_bytes,
        device=name,
        major=major,
        minor=minor,
        operation=way[:-1].capitalize(),
    )
