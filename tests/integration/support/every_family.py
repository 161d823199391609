"""Says of each family that the agent has what it is for one loaded container: equal to the kernel (or
to docker), between two readings of the clock, or absent and why. Anything else fails, but for what a
reader of its own compares elsewhere. Where a whole collector has nothing, the agent has to say so, too."""

import calendar
import os
import re
import time

from support import compare, kernel_families, kernel_limits, kernel_reader
from support.agent import Agent, run
from support.checks import expect, expect_equal, wait_until

# Compared by a check of its own, which has what this reader has not.
kElsewhere = {
    "container_fs_writable_layer_bytes": "disk_test",
    "container_fs_writable_layer_files": "disk_test",
    "container_fs_log_bytes": "disk_test",
    "container_fs_usage_bytes": "disk_test",
    "container_fs_inodes_free": "disk_test",
    "container_file_descriptors_highest_ratio": "process_test",
}
# These have the container's name, and no cgroup's id: the container outlives its cgroup.
kByName = {
    "container_state", "container_restarts_total", "container_health_state", "container_exit_code",
    "container_exit_oom_killed", "container_finish_time_seconds", "container_oom_kills_total",
}  # fmt: skip
kNotCompared = "shown, not compared"
kBetween = "between two readings of the clock"
# (what a reader says, the agent's reason, the collectors that say it)
kSaid = (
    ("no hierarchy has the", "controller_off", ("memory", "hugetlb", "rdma", "misc", "dmem")),
    ("the kernel has no memory controller", "controller_off", ("memory", "oom_event", "swap")),
    ("the kernel has PSI off", "psi_off", ("pressure",)),
    ("no v2 hierarchy", "kernel_lacks", ("pressure",)),
    ("the host has no swap", "no_swap", ("swap",)),
)


def collectors_of(binary):
    """{family: collector} as `agent metrics` lists them; one that several have, the first."""
    found, collector = {}, ""
    for line in run(binary, "metrics").stdout.decode().splitlines():
        if match := re.match(r"(\w+)(?: \(.*?\))?: ", line):
            collector = match[1]
        elif match := re.match(r"  (container_\w+) ", line):
            found.setdefault(match[1], collector)
    return found


def groups_and_families(binary):
    """(flags that switch every group on, families in the order of the list)."""
    said = run(binary, "metrics")
    expect_equal(said.code, 0, "exit code of `agent metrics`")
    text = said.stdout.decode()
    flags = re.findall(r"on with (--collector\.\w+)", text)
    families = re.findall(r"^  (container_\w+) ", text, re.MULTILINE)
    expect(len(families) > 100, f"`agent metrics` lists {len(families)} families")
    return flags, list(dict.fromkeys(families))


def judge(binary, docker, container, absent, arguments=()):
    """{family: what it is}, for a paused container. `absent`: {family: reason}."""
    cgroup, began = container.cgroup, time.time()
    flags, families = groups_and_families(binary)
    with Agent(binary, *flags, *arguments) as agent:
        wait_until(
            lambda: agent.scrape().samples("container_fs_writable_layer_bytes", id=cgroup.id),
            30, "the container's writable layer",
        )  # fmt: skip
        page, figures, reasons = wait_until(lambda: _still(agent, cgroup), 20, "figures that stand still")
    figures.update(_of_engine(docker, container))
    now = time.time() + 1
    bounds = {
        "container_last_seen": (began - 1, now),
        "container_fs_measured_timestamp_seconds": (began - 1, now),
    }
    known = {f: _of_host(cgroup.host, f) or absent.get(f) for f in families}
    found = {
        f: _judge(page, _scope(f, container), f, figures, reasons, known, bounds.get(f))
        for f in families
    }
    found["container_info"] = _judge_info(page, docker, container)
    collectors = collectors_of(binary)
    return {f: _as_agent_says(page, collectors[f], what) for f, what in found.items()}


def _as_agent_says(page, collector, what):
    """What is absent for a reason that a whole collector has is counted by the agent under it."""
    for words, reason, collectors in kSaid:
        if what.startswith("absent: " + words) and collector in collectors:
            said = page.sample("cgmon_unavailable_cgroups", collector=collector, reason=reason)
            if said is None or said.value() < 1:
                return f"FAILED: {what}, and the agent does not say {reason} of {collector}"
    return what


def _judge_info(page, docker, container):
    """Every label, none more and none less."""
    path = container.cgroup.id
    wanted = {
        "id": path, "name": container.name, "image": container.image, "kind": "container",
        "container_id": container.container_id, "runtime": "docker",
        "image_id": docker.call("inspect", "-f", "{{.Image}}", container.name),
        "network": _whose_network(docker, container),
    }  # fmt: skip
    parts = path.split("/")
    slices = [part for part in parts if part.endswith(".slice")]
    wanted.update({"slice": slices[-1]} if slices else {})
    wanted.update({"unit": parts[-1]} if parts[-1].endswith(".scope") else {})
    shown = [sample.labels for sample in page.samples("container_info", id=path)]
    return "equal" if shown == [wanted] else f"FAILED: shown {shown}, wanted {wanted}"


def _whose_network(docker, container):
    mode = docker.call("inspect", "-f", "{{.HostConfig.NetworkMode}}", container.name)
    mode = mode.partition(":")[0]
    return mode if mode in ("none", "host", "container") else "own"


def _of_host(host, family):
    """Why a kernel that was started without something has nothing of a family."""
    memory = ("container_memory_", "container_spec_memory_", "container_oom_")
    if family.startswith(memory) and host.serving("memory") is None:
        return "the kernel has no memory controller"
    if family.startswith("container_pressure_") and not os.path.isdir("/proc/pressure"):
        return "the kernel has PSI off"
    return None


def _scope(family, container):
    return {"name": container.name} if family in kByName else {"id": container.cgroup.id}


def _of_engine(docker, container):
    said = docker.call(
        "inspect", "-f", "{{.State.Status}} {{.RestartCount}} {{.Created}}", container.name
    )
    state, restarts, created = said.split()
    figures = kernel_reader.Figures()
    figures.put("container_creation_time_seconds", _seconds(created))
    figures.put("container_start_time_seconds", _seconds(container.started_at))
    figures.put("container_state", 1, state=state)
    figures.put("container_restarts_total", int(restarts))
    system = os.statvfs(docker.data_root)
    figures.put("container_fs_limit_bytes", system.f_blocks * system.f_frsize)
    figures.put("container_fs_inodes_total", system.f_files)
    return figures


def _seconds(text):
    """Since 1970, of docker's UTC; the agent has whole seconds, too."""
    return calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S"))


def _still(agent, cgroup):
    def figures():
        reader, per_cpu = kernel_families.Reader(cgroup), kernel_families.per_cpu(cgroup)
        limits = kernel_limits.Reader(cgroup)
        found = {
            **compare.counters(cgroup), **compare.gauges(cgroup), **reader.figures, **limits.figures
        }  # fmt: skip
        kills = found.get(("container_oom_events_total", ()))
        if kills is not None:  # the first container of its name
            found[("container_oom_kills_total", ())] = kills
        if per_cpu:
            found.pop(("container_cpu_usage_seconds_total", (("cpu", "total"),)))
        return {**found, **per_cpu}, {**limits.reasons, **reader.reasons}

    before = figures()
    page = agent.scrape()
    return (page, *before) if figures() == before else None


def _judge(page, scope, family, figures, reasons, absent, bounds=None):
    wanted = {labels: number for (name, labels), number in figures.items() if name == family}
    shown = page.samples(family, **scope)
    if bounds and shown:
        in_them = all(bounds[0] <= sample.value() <= bounds[1] for sample in shown)
        return kBetween if in_them else f"FAILED: {shown} is not within {bounds}"
    equal = sum(_is_equal(page, scope, family, key, number) for key, number in wanted.items())
    if equal < len(wanted):
        return f"FAILED: {len(wanted) - equal} of {len(wanted)} differ, the kernel has {wanted}, shown {shown}"
    if len(shown) > equal:
        where = kElsewhere.get(family)
        if equal:
            return f"{equal} series equal, {len(shown) - equal} {kNotCompared}"
        if family in reasons:
            return f"FAILED: shown, and {reasons[family]}: {shown}"
        return f"{kNotCompared} here" + (f" (by {where})" if where else "")
    if equal:
        return "equal"
    reason = reasons.get(family) or absent.get(family)
    return f"absent: {reason}" if reason else "FAILED: absent without a reason"


def _is_equal(page, scope, family, labels, number):
    sample = page.sample(family, **scope, **dict(labels))
    return sample is not None and sample.scaled() == number


def reasons_of(path, layout):
    """{family: reason} of the committed table, for one layout."""
    with open(path, encoding="ascii") as file:
        rows = [line.rstrip("\n").split("\t") for line in file if line[0] not in "#\n"]
    return {
        family: why
        for family, layouts, why in rows
        if layouts == "all" or layout in layouts.split(",")
    }


def write_report(found):
    """To the file that CGMON_FAMILIES_REPORT names, if it does."""
    path = os.environ.get("CGMON_FAMILIES_REPORT")
    if path:
        with open(path, "w", encoding="utf-8") as file:
            file.write("".join(f"{family}\t{what}\n" for family, what in found.items()))


def failures(found):
    return [f"{family}: {what}" for family, what in found.items() if what.startswith("FAILED")]


def summary(found):
    """How many of each kind, in words."""
    kinds = ("equal", kBetween, "absent", kNotCompared)
    numbers = {kind: sum(what.startswith(kind) for what in found.values()) for kind in kinds}
    numbers["partly equal"] = len(found) - sum(numbers.values())
    return ", ".join(f"{number} {kind}" for kind, number in numbers.items())
