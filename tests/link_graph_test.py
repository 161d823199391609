#!/usr/bin/env python3
"""Holds that nothing but `agent run` links what writes to cgroups and starts processes.

    link_graph_test.py BUILD/link_graph.txt
"""

import collections
import sys

kEnforce = "cgmon_enforce"
# The program itself, the command's target, and this folder's own tests.
kAllowed = {"agent", "cgmon_run", "enforce_test"}


def read(lines):
    graph = collections.defaultdict(set)
    for line in lines:
        target, _, link = line.strip().partition(" ")
        graph[target].add(link.replace("$<LINK_ONLY:", "").rstrip(">").replace("::", "_"))
    return graph


def reaching(graph, wanted):
    """The targets from which `wanted` is reached."""

    def reaches(target, seen):
        if target == wanted:
            return True
        if target in seen:
            return False
        seen.add(target)
        return any(reaches(link, seen) for link in graph.get(target, ()))

    return {target for target in list(graph) if target != wanted and reaches(target, set())}


def main():
    made_up = read(["cgmon_serve cgmon::http", "cgmon_http $<LINK_ONLY:cgmon::enforce>"])
    assert reaching(made_up, kEnforce) == {"cgmon_serve", "cgmon_http"}, "the test sees nothing"
    with open(sys.argv[1], encoding="utf-8") as file:
        graph = read(file)
    assert "cgmon_serve" in graph and "cgmon_run" in graph, f"{len(graph)} targets, not ours"
    found = reaching(graph, kEnforce)
    assert "cgmon_run" in found and "agent" in found, found
    assert found <= kAllowed, f"these reach {kEnforce}, too: {sorted(found - kAllowed)}"
    print(f"of {len(graph)} targets only {', '.join(sorted(found))} reach {kEnforce}")


main()
