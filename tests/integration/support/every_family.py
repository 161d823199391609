"""Says of each family that the agent has what it is for one loaded container: equal to the kernel, or
absent and why. Anything else fails, but for what a reader of its own compares elsewhere."""

import os
import re

from support import compare, kernel_families, kernel_reader
from support.agent import Agent, run
from support.checks import expect, expect_equal, wait_until

# Compared by a check of its own, which has what this reader has not.
kElsewhere = {
    "container_last_seen": "truth_test: times",
    "container_start_time_seconds": "truth_test: times",
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
    cgroup = container.cgroup
    flags, families = groups_and_families(binary)
    with Agent(binary, *flags, *arguments) as agent:
        wait_until(
            lambda: agent.scrape().samples("container_fs_writable_layer_bytes", id=cgroup.id),
            30, "the container's writable layer",
        )  # fmt: skip
        page, figures, reasons = wait_until(lambda: _still(agent, cgroup), 20, "figures that stand still")
    figures.update(_of_engine(docker, container))
    known = {f: _of_host(cgroup.host, f) or absent.get(f) for f in families}
    return {
        f: _judge(page, _scope(f, container), f, figures, reasons, known) for f in families
    }


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
    said = docker.call("inspect", "-f", "{{.State.Status}} {{.RestartCount}}", container.name)
    state, restarts = said.split()
    figures = kernel_reader.Figures()
    figures.put("container_state", 1, state=state)
    figures.put("container_restarts_total", int(restarts))
    system = os.statvfs(docker.data_root)
    figures.put("container_fs_limit_bytes", system.f_blocks * system.f_frsize)
    figures.put("container_fs_inodes_total", system.f_files)
    return figures


def _still(agent, cgroup):
    def figures():
        reader, per_cpu = kernel_families.Reader(cgroup), kernel_families.per_cpu(cgroup)
        found = {**compare.counters(cgroup), **compare.gauges(cgroup), **reader.figures}
        if per_cpu:
            found.pop(("container_cpu_usage_seconds_total", (("cpu", "total"),)))
        return {**found, **per_cpu}, reader.reasons

    before = figures()
    page = agent.scrape()
    return (page, *before) if figures() == before else None


def _judge(page, scope, family, figures, reasons, absent):
    wanted = {labels: number for (name, labels), number in figures.items() if name == family}
    shown = page.samples(family, **scope)
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
    kinds = ("equal", "absent", kNotCompared)
    numbers = {kind: sum(what.startswith(kind) for what in found.values()) for kind in kinds}
    numbers["partly equal"] = len(found) - sum(numbers.values())
    return ", ".join(f"{number} {kind}" for kind, number in numbers.items())
