"""Two pages of one host, held against each other: what one agent sees and another does not."""

from support import exposition

# Labels that engines' own files give; a page without the right to them has ids alone.
kNames = ("name", "image", "container", "pod", "namespace")
# Of the process that reads, not of the host.
kOwn = ("cgmon_", "process_")


def named(sample):
    """Whether an engine's file had a part in it."""
    return any(label in sample.labels for label in kNames)


def series(page, names=True, drop=()):
    """{(name, labels): value as it is written}, the agent's own left out; without `names`, without
    the labels that engines' files give. `drop`: further labels."""
    dropped = set(drop) | (set() if names else set(kNames))
    found = {}
    for family in page.families.values():
        for sample in family.samples:
            if not sample.name.startswith(kOwn):
                labels = {k: v for k, v in sample.labels.items() if k not in dropped}
                found[(sample.name, *sorted(labels.items()))] = sample.text
    return found


def families(found):
    return {key[0] for key in found}


def lost(whole, part):
    """Families of which `part` lacks a series that `whole` has, and which it lacks altogether."""
    missing = set(whole) - set(part)
    return families(missing), families(whole) - families(part)


def contradictions(before, between, after):
    """{series: its three figures} where the page in the middle has one that the two around it rule
    out: other than both where those agree, outside of them where it is a counter."""
    wrong = {}
    for key, first in before.items():
        last, figure = after.get(key), between.get(key)
        if last is None or figure is None:
            continue
        low, high = sorted((float(first), float(last)))
        steady = first == last and figure != first
        counts = key[0].endswith("_total") and not low <= float(figure) <= high
        if steady or counts:
            wrong[key] = (first, figure, last)
    return wrong
