#!/usr/bin/python3
"""1,000 scrapes while cgroups come and go: memory and descriptors stay where they were."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import checks
from support.agent import Agent
from support.cgroups import TestCgroups
from support.checks import expect, expect_equal, say
from support.kernel_reader import Host, flat, read

kScrapes = 1000
kSettled = 200
kStanding = 60  # cgroups alive at any time
kRenewed = 3  # of those, replaced before every scrape
kMemoryGrowth = 1 << 20
kMoreDescriptors = 10


def agent_cgroup(host, tree):
    """A memory cgroup that will hold the agent alone, and the file with what is charged to it."""
    memory = host.serving("memory")
    if memory is None:
        raise checks.Skip("no memory controller: the agent's charged memory cannot be measured")
    tree.make("agent")
    directory = memory.point + tree.path("agent")
    name = "memory.current" if memory.version == 2 else "memory.usage_in_bytes"
    return directory, f"{directory}/{name}"


def charged(file):
    return int(read(file))


def anonymous(directory):
    """The part of what is charged that is the process's own; most of the rest is the kernel's."""
    stat = flat(read(directory + "/memory.stat"))
    return stat.get("total_rss", stat.get("anon", 0))


def steady_under_churn():
    """1,000 scrapes under churn: charged memory after the last is at most 1 MiB above that after
    scrape 200, every page shows exactly the living cgroups, descriptors return to the start + 10.
    """
    host = Host()
    with TestCgroups(host) as tree:
        directory, usage_file = agent_cgroup(host, tree)
        agent = Agent(checks.agent_binary(), cgroup_directories=[directory])
        with agent:
            agent.scrape_bytes()
            descriptors_at_start = agent.descriptors()
            memory, own = scrape_under_churn(agent, tree, usage_file)
            agent.scrape_bytes()
            descriptors = agent.descriptors()
            growth = memory[kScrapes] - memory[kSettled]
            note = (
                "charged KiB (anonymous) after scrape "
                + ", ".join(f"{n}: {memory[n] // 1024} ({own[n] // 1024})" for n in sorted(memory))
                + f"; descriptors {descriptors_at_start} -> {descriptors}"
            )
            say("         " + note)
            expect(growth <= kMemoryGrowth, f"charged memory grew by {growth} bytes ({note})")
            expect(
                descriptors <= descriptors_at_start + kMoreDescriptors,
                f"descriptors: {descriptors_at_start} at the start, {descriptors} at the end",
            )
        expect_equal(agent.process.returncode, 0, "exit code of the agent")


def scrape_under_churn(agent, tree, usage_file):
    """{scrape number: bytes charged}, {number: anonymous bytes}; removes what it churned."""
    memory, own, alive, made = {}, {}, [], 0
    for number in range(1, kScrapes + 1):
        for _ in range(kRenewed if number > 1 else kStanding):
            if len(alive) >= kStanding:
                tree.remove(alive.pop(0))
            alive.append(f"churn-{made}")
            tree.make(alive[-1])
            made += 1
        if number % 50 == 0:
            shown = {i for i in agent.scrape().ids() if i.startswith(tree.top + "/churn-")}
            expect_equal(shown, {tree.path(name) for name in alive}, f"cgroups on page {number}")
        else:
            agent.scrape_bytes()
        if number % kSettled == 0:
            memory[number] = charged(usage_file)
            own[number] = anonymous(os.path.dirname(usage_file))
    for name in alive:
        tree.remove(name)
    return memory, own


def main():
    checks.need_root()
    checks.agent_binary()
    return checks.main("churn", [steady_under_churn], limit_seconds=280)


checks.run_or_skip(main)
