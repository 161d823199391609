"""Holds a page against the kernel's own figures."""

from support import kernel_families, kernel_reader
from support.checks import expect, wait_until

# Printed by cAdvisor's habit where the kernel has no file; a true 0 or nothing are both right.
kMayBeMissing = {"container_oom_events_total"}


def counters(cgroup):
    return {**kernel_reader.counters(cgroup), **kernel_families.by_default(cgroup, counters=True)}


def gauges(cgroup):
    return {**kernel_reader.gauges(cgroup), **kernel_families.by_default(cgroup, counters=False)}


def between(page, cgroup_id, key, least, most):
    """Expects a series to lie between two readings of its file; how many were compared."""
    name, labels = key
    sample = page.sample(name, id=cgroup_id, **dict(labels))
    if sample is None and name in kMayBeMissing:
        return 0
    expect(
        sample is not None,
        f"no series {name}{dict(labels)} for {cgroup_id}; the kernel has {least}e-9",
    )
    shown = sample.scaled()
    expect(shown is not None, f"{sample} has more than nine places or an exponent")
    expect(
        least <= shown <= most, f"{sample}: the kernel had {least}e-9 before and {most}e-9 after"
    )
    return 1


def counters_between(agent, cgroups):
    """Expects each counter between the kernel's file just before and just after one scrape."""
    before = [counters(cgroup) for cgroup in cgroups]
    page = agent.scrape()
    after = [counters(cgroup) for cgroup in cgroups]
    compared = 0
    for cgroup, low, high in zip(cgroups, before, after):
        for key, least in low.items():
            compared += between(page, cgroup.id, key, least, high[key])
    return compared


def still(agent, cgroup):
    """A page and the kernel's figures, which were the same just before and just after it.

    The kernel may still be adding up statistics of the moment before a pause.
    """

    def figures():
        return {**counters(cgroup), **gauges(cgroup)}

    def attempt():
        before = figures()
        page = agent.scrape()
        return (page, before) if figures() == before else None

    return wait_until(attempt, 20, f"figures of {cgroup.id} that stand still")
