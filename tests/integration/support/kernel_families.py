"""Every further family of a cgroup, read from the kernel independently of the agent.

Where a family has no figure it has the reason instead: what the kernel, asked again, does not have.
"""

import os
import re

from support import kernel_processes, kernel_reader
from support.kernel_reader import Figures, flat, kScale, kUnlimited, read

# Of a figure in microseconds, to seconds scaled by 10^9.
kMicro = kScale // 10**6


class Absent(Exception):
    """The kernel has no such figure; the text says why, in words for a table."""


# family: (v1's key, v2's key) of memory.stat
kMemoryStat = {
    "container_memory_file_dirty_bytes": ("total_dirty", "file_dirty"),
    "container_memory_file_writeback_bytes": ("total_writeback", "file_writeback"),
    "container_memory_shmem_bytes": ("total_shmem", "shmem"),
    "container_memory_workingset_refault_file_total": ("total_workingset_refault_file", "workingset_refault_file"),
    "container_memory_workingset_refault_anon_total": ("total_workingset_refault_anon", "workingset_refault_anon"),
    "container_memory_pgscan_total": (None, "pgscan"),
    "container_memory_pgsteal_total": (None, "pgsteal"),
    "container_memory_swapcached_bytes": ("total_swapcached", "swapcached"),
}  # fmt: skip
kLists = ("inactive_anon", "active_anon", "inactive_file", "active_file", "unevictable")
kKernelParts = (
    "kernel_stack", "pagetables", "sec_pagetables", "percpu", "vmalloc", "slab_reclaimable",
    "slab_unreclaimable",
)  # fmt: skip
kReclaimers = ("kswapd", "direct", "khugepaged", "proactive")
kPageEvents = (
    "workingset_activate_anon", "workingset_activate_file", "workingset_restore_anon",
    "workingset_restore_file", "workingset_nodereclaim", "pgrefill", "pgactivate", "pgdeactivate",
    "pglazyfree", "pglazyfreed", "thp_fault_alloc", "thp_collapse_alloc", "thp_swpout",
    "thp_swpout_fallback", "pgdemote_kswapd", "pgdemote_direct", "pgdemote_khugepaged",
    "pgdemote_proactive", "pgpromote_success", "pswpin", "pswpout", "swpin_zero", "swpout_zero",
    "zswpin", "zswpout", "zswpwb",
)  # fmt: skip
kMemoryEvents = ("low", "high", "max", "oom", "oom_kill", "oom_group_kill")
kDetail = {
    "container_memory_swapcached_bytes", "container_memory_lru_bytes", "container_memory_kernel_bytes",
    "container_memory_thp_bytes", "container_memory_reclaim_scanned_pages_total",
    "container_memory_reclaim_stolen_pages_total", "container_memory_page_events_total",
    "container_memory_sock_bytes", "container_memory_events_oom_group_kill_total",
    "container_memory_events_local_total", "container_cpu_nice_seconds_total",
    "container_cpu_force_idle_seconds_total", "container_spec_cpu_idle",
    "container_spec_cpu_uclamp_min_ratio", "container_spec_cpu_uclamp_max_ratio",
    "container_cpuset_effective_mems", "container_memory_migrate", "container_frozen_seconds_total",
    "container_cgroup_populated", "container_cgroup_descendants", "container_cgroup_dying_descendants",
    "container_processes", "container_file_descriptors", "container_sockets", "container_tasks_state",
    "container_processes_zombie", "container_ulimits_soft", "container_oom_score_adj",
    "container_spec_memory_swap_high_bytes", "container_spec_memory_zswap_max_bytes",
    "container_spec_io_weight", "container_fs_discards_bytes_total", "container_fs_discards_total",
}  # fmt: skip


class Reader:
    """Figures of one cgroup, and for families without one the reasons."""

    def __init__(self, cgroup, processes=True):
        self.cgroup = cgroup
        self.figures, self.reasons = Figures(), {}
        for part in (self._cpu, self._memory, self._pids, self._state, self._swap, self._io):
            part()
        self._resources()
        self._numa()
        if processes:
            self._v1_operations()
            kernel_processes.put_figures(cgroup, self.figures)

    def _try(self, family, figure, **labels):
        """Takes what `figure` returns (× 10^9), or the reason that it raises."""
        try:
            self.figures.put_scaled(family, figure(), **labels)
        except Absent as why:
            self.reasons.setdefault(family, str(why))

    def _text(self, controller, name):
        directory, _ = self.cgroup.directory(controller)
        if directory is None:
            raise Absent(f"no hierarchy has the {controller} controller")
        text = read(f"{directory}/{name}")
        if text is None:
            raise Absent(f"the kernel has no {name} here")
        return text

    def _core(self, name):
        directory = self.cgroup.pressure_directory()
        if directory is None:
            raise Absent("v2 tree only")
        text = read(f"{directory}/{name}")
        if text is None:
            raise Absent(f"the kernel has no {name} here")
        return text

    @staticmethod
    def _key(text, name, key):
        if key is None:
            raise Absent("v2 only")
        found = flat(text)
        if key not in found:
            raise Absent(f"the kernel's {name} has no {key}")
        return found[key] * kScale

    def _of(self, controller, v1, v2):
        """(file, key, scale) of the version that serves; None is a version without it."""
        _, version = self.cgroup.directory(controller)
        if version == 0:
            raise Absent(f"no hierarchy has the {controller} controller")
        source = v1 if version == 1 else v2
        if source is None:
            raise Absent("v2 only" if version == 1 else "v1 only")
        name, key, scale = source
        text = self._text(controller, name)
        if key:
            return self._key(text, name, key) // kScale * scale
        word = text.split()[0]
        if word in ("max", "-1") or int(word) >= kUnlimited:
            raise Absent("no limit")
        return int(word) * scale

    def _unless_zero(self, *source):
        figure = self._of(*source)
        if figure == 0:
            raise Absent("set to 0, which is none")
        return figure

    def _cpu(self):
        own, _ = kernel_reader.quota(self.cgroup)
        for family, v1, v2 in (
            ("burst_periods_total", ("nr_bursts", kScale), ("nr_bursts", kScale)),
            ("burst_seconds_total", ("burst_time", 1), ("burst_usec", kMicro)),
        ):
            def figure(v1=v1, v2=v2):
                if own is None:
                    raise Absent("no CPU quota")
                return self._of("cpu", ("cpu.stat", *v1), ("cpu.stat", *v2))

            self._try("container_cpu_cfs_" + family, figure)
        self._try("container_spec_cpu_burst_seconds", lambda: self._unless_zero(
            "cpu", ("cpu.cfs_burst_us", "", kMicro), ("cpu.max.burst", "", kMicro)))  # fmt: skip
        self._try("container_cpu_throttled_seconds_total", self._throttled)
        self._try("container_cpu_nice_seconds_total", lambda: self._nice("nice_usec"))
        self._try("container_cpu_force_idle_seconds_total",
                  lambda: self._nice("core_sched.force_idle_usec"))  # fmt: skip
        idle = ("cpu.idle", "", kScale)
        self._try("container_spec_cpu_idle", lambda: self._of("cpu", idle, idle))
        for end in ("min", "max"):
            self._try(f"container_spec_cpu_uclamp_{end}_ratio", lambda end=end: self._clamp(end))
        names = {"container_cpuset_effective_cpus": "cpus", "container_cpuset_effective_mems": "mems"}
        for family, what in names.items():
            self._try(family, lambda what=what: self._set(what))
        self._try("container_memory_migrate", lambda: self._of(
            "cpuset", ("cpuset.memory_migrate", "", kScale), None))  # fmt: skip

    def _throttled(self):
        """Of a cgroup with a quota, its own or one above it."""
        cgroup = self.cgroup
        directory, version = cgroup.directory("cpu")
        point = cgroup.host.serving("cpu").point
        while directory != point:
            text = read(directory + ("/cpu.max" if version == 2 else "/cpu.cfs_quota_us"))
            if text and text.split()[0] not in ("max", "-1"):
                return self._of("cpu", ("cpu.stat.local", "throttled_time", 1),
                                ("cpu.stat.local", "throttled_usec", kMicro))  # fmt: skip
            directory = os.path.dirname(directory)
        raise Absent("no CPU quota here or above")

    def _nice(self, key):
        return self._key(self._core("cpu.stat"), "cpu.stat", key) // kScale * kMicro

    def _clamp(self, end):
        if self.cgroup.directory("cpu")[1] == 1:
            raise Absent("v2 only")
        word = self._text("cpu", f"cpu.uclamp.{end}").split()[0]
        if word == "max" or float(word) == 0:
            raise Absent("no clamp")
        return round(float(word) * kScale / 100)

    def _set(self, what):
        _, version = self.cgroup.directory("cpuset")
        name = f"cpuset.{what}.effective" if version == 2 else f"cpuset.effective_{what}"
        number = _in_list(self._text("cpuset", name))
        if what == "cpus":
            top = _in_list(read(f"{self.cgroup.host.serving('cpuset').point}/{name}") or "")
            if number >= top:
                raise Absent("it may use all CPUs")
        return number * kScale

    def _memory(self):
        for family, (v1, v2) in kMemoryStat.items():
            self._try(family, lambda v1=v1, v2=v2: self._stat(v1, v2))
        for name in kLists:
            self._try("container_memory_lru_bytes",
                      lambda name=name: self._stat("total_" + name, name), lru=name)  # fmt: skip
        for part in kKernelParts:
            self._try("container_memory_kernel_bytes",
                      lambda part=part: self._stat(None, part), part=part)  # fmt: skip
        self._try("container_memory_kernel_bytes", self._other_kernel, part="other")
        for backing, v1 in (("anon", "total_rss_huge"), ("file", None), ("shmem", None)):
            self._try("container_memory_thp_bytes",
                      lambda b=backing, v1=v1: self._stat(v1, b + "_thp"), backing=backing)  # fmt: skip
        for by in kReclaimers:
            for family, word in (("scanned", "pgscan"), ("stolen", "pgsteal")):
                self._try(f"container_memory_reclaim_{family}_pages_total",
                          lambda key=f"{word}_{by}": self._stat(None, key), by=by)  # fmt: skip
        for event in ("pgpgin", "pgpgout"):
            self._try("container_memory_page_events_total",
                      lambda event=event: self._v1_stat("total_" + event), event=event)  # fmt: skip
        for event in kPageEvents:
            self._try("container_memory_page_events_total",
                      lambda event=event: self._stat(None, event), event=event)  # fmt: skip
        self._try("container_memory_kernel_usage", lambda: self._of(
            "memory", ("memory.kmem.usage_in_bytes", "", kScale),
            ("memory.stat", "kernel", kScale)))  # fmt: skip
        self._try("container_memory_sock_bytes", lambda: self._of(
            "memory", ("memory.kmem.tcp.usage_in_bytes", "", kScale),
            ("memory.stat", "sock", kScale)))  # fmt: skip
        self._try("container_memory_unreclaimable_bytes", self._unreclaimable)
        self._memory_events()
        for word in ("high", "low", "min"):
            source = (f"memory.{word}", "", kScale)
            self._try(f"container_spec_memory_{word}_bytes",
                      lambda source=source: self._unless_zero("memory", None, source))  # fmt: skip
        self._try("container_memory_under_oom", self._under_oom)

    def _stat(self, v1, v2):
        source = [(key and ("memory.stat", key, kScale)) or None for key in (v1, v2)]
        return self._of("memory", *source)

    def _v1_stat(self, key):
        return self._of("memory", ("memory.stat", key, kScale), None)

    def _other_kernel(self):
        rest = self._stat(None, "kernel")
        for part in kKernelParts:
            try:
                rest -= self._stat(None, part)
            except Absent:
                pass  # part of the rest on this kernel
        return max(0, rest)

    def _unreclaimable(self):
        current = ("memory.usage_in_bytes", "", kScale), ("memory.current", "", kScale)
        rest = self._of("memory", *current)
        for key in ("active_file", "inactive_file"):
            rest -= self._stat("total_" + key, key)
        if self.cgroup.directory("memory")[1] == 2:
            rest -= self._stat(None, "slab_reclaimable")
        return max(0, rest)

    def _memory_events(self):
        for event in ("high", "max"):
            self._try(f"container_memory_events_{event}_total", lambda event=event: self._of(
                "memory", None, ("memory.events", event, kScale)))  # fmt: skip
        self._try("container_memory_events_low_total", self._low)
        self._try("container_memory_events_oom_group_kill_total", lambda: self._of(
            "memory", None, ("memory.events", "oom_group_kill", kScale)))  # fmt: skip
        for event in kMemoryEvents:
            self._try("container_memory_events_local_total", lambda event=event: self._of(
                "memory", None, ("memory.events.local", event, kScale)), event=event)  # fmt: skip

    def _low(self):
        figure = self._of("memory", None, ("memory.events", "low", kScale))
        protected = [self._text("memory", "memory." + word).strip() for word in ("low", "min")]
        if protected == ["0", "0"]:
            raise Absent("neither memory.low nor memory.min is set")
        return figure

    def _under_oom(self):
        if not self._of("memory", ("memory.oom_control", "oom_kill_disable", kScale), None):
            raise Absent("its OOM killer is on")
        return self._of("memory", ("memory.oom_control", "under_oom", kScale), None)

    def _pids(self):
        peak, events = ("pids.peak", "", kScale), ("pids.events", "max", kScale)
        self._try("container_pids_peak", lambda: self._of("pids", peak, peak))
        self._try("container_pids_events_max_total", lambda: self._of("pids", events, events))
        self._try("container_pressure_irq_stalled_seconds_total", self._irq)

    def _irq(self):
        text = self._core("irq.pressure")
        return int(re.search(r"^full .*total=(\d+)", text, re.MULTILINE)[1]) * kMicro

    def _state(self):
        self._try("container_frozen", lambda: self.cgroup.frozen() * kScale)
        self._try("container_frozen_seconds_total", lambda: self._key(
            self._core("cgroup.stat.local"), "cgroup.stat.local", "frozen_usec") // 10**6)  # fmt: skip
        self._try("container_cgroup_populated", lambda: self._key(
            self._core("cgroup.events"), "cgroup.events", "populated"))  # fmt: skip
        for word in ("descendants", "dying_descendants"):
            self._try(f"container_cgroup_{word}", lambda word=word: self._key(
                self._core("cgroup.stat"), "cgroup.stat", "nr_" + word))  # fmt: skip

    def _swap(self):
        meminfo = re.search(r"^SwapTotal:\s+(\d+)", read("/proc/meminfo"), re.MULTILINE)
        for family in (
            "container_spec_memory_swap_max_bytes", "container_memory_swap_peak_bytes",
            "container_memory_swap_events_total", "container_memory_zswap_bytes",
            "container_memory_zswapped_bytes", "container_spec_memory_swap_high_bytes",
            "container_spec_memory_zswap_max_bytes",
        ):  # fmt: skip
            if int(meminfo[1]) == 0 and self.cgroup.host.serving("memory"):
                self.reasons[family] = "the host has no swap"

    def _io(self):
        """Reasons alone, and what is discarded; kernel_reader has the figures."""
        rules = kernel_reader.io_rules(self.cgroup)
        ways = {"rbps": "read_bytes", "wbps": "write_bytes", "riops": "reads", "wiops": "writes"}
        for word, name in ways.items():
            if not any(way + unit == word for _, way, unit in rules):
                self.reasons[f"container_spec_io_{name}_per_second"] = "no such limit"
        _, version = self.cgroup.directory("io")
        if version == 2:
            return self._io_v2()
        counted = ("reads_bytes_total", "writes_bytes_total", "reads_total", "writes_total",
                   "discards_bytes_total", "discards_total")  # fmt: skip
        for ways, names in (("rw", counted), ("r", counted[0:4:2]), ("w", counted[1:])):
            if not any(way in ways for _, way, _ in rules):
                for name in names:
                    self.reasons["container_fs_" + name] = "v1 counts what has a limit, and it has none"
        if not rules:
            self.reasons["container_blkio_device_usage_total"] = "v1 counts what has a limit, and it has none"
        for word in ("usage", "wait", "indebt", "indelay"):
            self.reasons[f"container_fs_io_cost_{word}_seconds_total"] = "v2 only"
        for name in ("container_fs_io_delay_seconds", "container_spec_io_latency_target_seconds"):
            self.reasons[name] = "v2 only"
        files = {"reads_merged_total": "io_merged", "writes_merged_total": "io_merged",
                 "read_seconds_total": "io_service_time", "write_seconds_total": "io_service_time",
                 "io_time_seconds_total": "io_service_time", "io_current": "io_queued"}  # fmt: skip
        for name, file in files.items():
            self._try("container_fs_" + name, lambda file=file: self._debug_file(file))
        self._try("container_spec_io_weight", lambda: self._of(
            "blkio", ("blkio.bfq.weight", "", kScale), None))  # fmt: skip

    def _v1_operations(self):
        """v1's other operations, where both directions of the device are counted."""
        directory, version = self.cgroup.directory("blkio")
        if version != 1 or kernel_reader.has_io_below(directory):
            return
        ways = {(number, way) for number, way, _ in kernel_reader.io_rules(self.cgroup)}
        for file, discards in (("io_service_bytes", "discards_bytes_total"), ("io_serviced", "discards_total")):
            for line in (read(f"{directory}/blkio.throttle.{file}") or "").splitlines():
                number, word, count = (line.split() + ["", ""])[:3]
                if not {(number, "r"), (number, "w")} <= ways or word in ("Read", "Write"):
                    continue
                device, (major, minor) = kernel_reader.disk_name(number), number.split(":")
                if word == "Discard":
                    self.figures.put("container_fs_" + discards, int(count), device=device)
                if file == "io_service_bytes":
                    self.figures.put("container_blkio_device_usage_total", int(count), device=device,
                                     major=major, minor=minor, operation=word)  # fmt: skip

    def _debug_file(self, file):
        for name in (f"blkio.bfq.{file}_recursive", f"blkio.{file}_recursive"):
            self._text("blkio", name)  # raises where there is none
        return None

    def _io_v2(self):
        for name in ("reads_merged_total", "writes_merged_total", "read_seconds_total",
                     "write_seconds_total", "io_time_seconds_total", "io_current"):  # fmt: skip
            self.reasons["container_fs_" + name] = "v1 only"
        lines = [line.split() for line in (self.cgroup.file("io", "io.stat") or "").splitlines()]
        keys = {word.split("=")[0] for line in lines for word in line[1:]}
        wanted = {f"container_fs_io_cost_{w}_seconds_total": f"cost.{w}"
                  for w in ("usage", "wait", "indebt", "indelay")}  # fmt: skip
        for family, key in {**wanted, "container_fs_io_delay_seconds": "delay_nsec"}.items():
            if key not in keys:
                self.reasons[family] = f"the kernel's io.stat has no {key}"
        if "rbytes" not in keys:
            for way in ("reads", "writes", "discards"):
                for name in (f"container_fs_{way}_total", f"container_fs_{way}_bytes_total"):
                    self.reasons[name] = "no I/O, so no line in io.stat"
            self.reasons["container_blkio_device_usage_total"] = "no I/O, so no line in io.stat"
        for number, *words in lines:
            stat, name = dict(word.split("=") for word in words), kernel_reader.disk_name(number)
            if "dbytes" in stat:
                put = self.figures.put
                put("container_fs_discards_bytes_total", int(stat["dbytes"]), device=name)
                put("container_fs_discards_total", int(stat["dios"]), device=name)
        directory, _ = self.cgroup.directory("io")
        for name in ("latency_target_seconds", "weight"):
            file = "io.latency" if name[0] == "l" else "io.weight"
            text = read(f"{directory}/{file}")
            if not text:
                why = "no target is set" if text == "" else f"the kernel has no {file} here"
                self.reasons["container_spec_io_" + name] = why
            elif name == "weight":
                for number, weight in (line.split() for line in text.splitlines()):
                    device = {} if number == "default" else {"device": kernel_reader.disk_name(number)}
                    self.figures.put("container_spec_io_weight", int(weight), **device)

    def _resources(self):
        """Reasons where a controller, its file or its devices are not there; huge pages' figures."""
        for controller, names in {
            "rdma": ("rdma_usage rdma.current", "spec_rdma_limit rdma.max"),
            "misc": ("misc_usage misc.current", "misc_peak misc.peak", "spec_misc_limit misc.max",
                     "misc_events_max_total misc.events"),
            "dmem": ("dmem_usage_bytes dmem.current", "spec_dmem_limit_bytes dmem.max"),
        }.items():  # fmt: skip
            for family, file in (name.split() for name in names):
                self._try("container_" + family, lambda c=controller, f=file: self._devices(c, f))
        directory, version = self.cgroup.directory("hugetlb")
        names = ("hugetlb_usage_bytes", "hugetlb_faulted_bytes", "hugetlb_max_usage_bytes",
                 "hugetlb_failcnt", "spec_hugetlb_limit_bytes",
                 "spec_hugetlb_reservation_limit_bytes")  # fmt: skip
        sizes = {f.split(".")[1] for f in os.listdir(directory or "/var/empty") if f.startswith("hugetlb.")} \
            if directory else set()  # fmt: skip
        for name in names:
            if not sizes:
                self.reasons["container_" + name] = "no hugetlb files here"
        files = ((".rsvd.usage_in_bytes", ".usage_in_bytes", ".rsvd.max_usage_in_bytes", ".rsvd.failcnt",
                  ".limit_in_bytes", ".rsvd.limit_in_bytes") if version == 1 else
                 (".rsvd.current", ".current", None, ".events", ".max", ".rsvd.max"))  # fmt: skip
        for size in sizes:
            for name, file in zip(names, files):
                key = "max" if file == ".events" else ""
                source = file and (f"hugetlb.{size}{file}", key, kScale)
                # v1 rounds "no limit" down to a whole page of that size.
                self._try("container_" + name, lambda s=source: self._of("hugetlb", s, s),
                          pagesize=size)  # fmt: skip
                if not file:
                    self.reasons["container_" + name] = "v1 only"

    def _devices(self, controller, file):
        text = self._text(controller, file)
        if not text.strip():
            raise Absent(f"{file} is empty: no such device")
        if not re.search(r"[ =]\d", text):
            raise Absent("no limit")

    def _numa(self):
        """v1 counts pages of the cgroup and of all below, v2 bytes of all below."""
        directory, version = self.cgroup.directory("memory")
        page = os.sysconf("SC_PAGE_SIZE")
        text = read(f"{directory}/memory.numa_stat") if directory else None
        if not text:
            for unit in ("pages", "bytes"):
                self.reasons["container_memory_numa_" + unit] = "the kernel has no memory.numa_stat here"
            return
        put = self.figures.put
        for line in text.splitlines():
            kind, *nodes = line.split()
            kind = kind.split("=")[0]
            scope = "hierarchy" if version == 2 or kind.startswith("hierarchical_") else "container"
            kind = kind.removeprefix("hierarchical_")
            for node, number in (word[1:].split("=") for word in nodes):
                number = int(number) * (page if version == 1 else 1)
                if kind in ("anon", "file", "unevictable"):
                    put("container_memory_numa_pages", number // page, scope=scope, type=kind, node=node)
                parts = ("anon", "file", "unevictable") if version == 1 else (
                    "anon", "file", "kernel_stack", "pagetables", "sec_pagetables",
                    "slab_reclaimable", "slab_unreclaimable")  # fmt: skip
                if scope == "hierarchy" and kind in parts:
                    put("container_memory_numa_bytes", number, part=kind, node=node)


def per_cpu(cgroup):
    """v1's CPU time of each CPU, which takes the place of the total; {} on v2."""
    figures = Figures()
    words = (cgroup.file("cpuacct", "cpuacct.usage_percpu") or "").split()
    for number, nanoseconds in enumerate(words):
        name = f"cpu{number:02}"
        figures.put_scaled("container_cpu_usage_seconds_total", int(nanoseconds), cpu=name)
    return figures


def _in_list(text):
    """How many are in a list like "0-3,8"."""
    number = 0
    for part in text.strip().split(","):
        first, _, last = part.partition("-")
        number += int(last or first) - int(first) + 1 if first else 0
    return number


def by_default(cgroup, counters):
    """Those that are on by default: the counters, or the gauges."""
    found = Reader(cgroup, processes=False).figures.items()
    return {
        key: number
        for key, number in found
        if key[0] not in kDetail
        and not re.search("hugetlb|numa", key[0])
        and key[0].endswith("_total") == counters
    }
