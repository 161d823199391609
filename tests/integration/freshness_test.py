#!/usr/bin/python3
"""Cgroups made and removed are on, and off, the next page; and what the default interval does."""

import os
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import checks, exposition
from support.agent import Agent
from support.cgroups import TestCgroups
from support.checks import expect, expect_equal, wait_until
from support.http_reader import Connection

kCgroups = 150
kDefaultInterval = 0.5  # seconds, as config/agent.yaml says


def ours(page, tree):
    return {i for i in page.ids() if i.startswith(tree.top + "/")}


def cpu_of_host(page):
    """A number that moves on with every collection: any two pages that share it share the pass."""
    return page.sample("container_cpu_usage_seconds_total", id="/", cpu="total").text


def one_by_one():
    """150 cgroups made and removed one by one: each is on the next page, none on the one after its
    removal."""
    with TestCgroups() as tree, Agent(checks.agent_binary()) as agent:
        expect_equal(ours(agent.scrape(), tree), set(), "cgroups of ours before the first is made")
        for number in range(kCgroups):
            cgroup_id = tree.make(f"one-{number}")
            page = agent.scrape()
            expect_equal(ours(page, tree), {cgroup_id}, f"after making {cgroup_id}")
            expect(
                page.sample("container_cpu_usage_seconds_total", id=cgroup_id, cpu="total"),
                f"{cgroup_id} is on the page without its CPU time",
            )
            tree.remove(f"one-{number}")
            expect_equal(ours(agent.scrape(), tree), set(), f"after removing {cgroup_id}")


def all_together():
    """150 cgroups made at once, two deep, are all on the next page, and all off the page after."""
    with TestCgroups() as tree, Agent(checks.agent_binary()) as agent:
        agent.scrape()
        names = [n for i in range(kCgroups // 2) for n in (f"many-{i}", f"many-{i}/inner")]
        wanted = {tree.make(name) for name in names}
        expect_equal(ours(agent.scrape(), tree), wanted, "cgroups on the page after making them")
        for name in reversed(names):
            tree.remove(name)
        expect_equal(ours(agent.scrape(), tree), set(), "cgroups on the page after removing them")


def made_again():
    """A cgroup removed and made again under its name between two scrapes starts anew."""
    with TestCgroups() as tree, Agent(checks.agent_binary()) as agent:
        for _ in range(20):
            cgroup_id = tree.make("again")
            # A process that works there for a moment leaves CPU time behind.
            for directory in tree.directories("again"):
                if not os.path.exists(directory + "/cpuset.effective_cpus"):
                    _burn_inside(directory)  # a new cpuset of v1 has no CPUs and takes no process
            used = agent.scrape().value(
                "container_cpu_usage_seconds_total", id=cgroup_id, cpu="total"
            )
            expect(used > 0, f"{cgroup_id} has used no CPU time though a process ran there")
            tree.remove("again")
            tree.make("again")
            fresh = agent.scrape().value(
                "container_cpu_usage_seconds_total", id=cgroup_id, cpu="total"
            )
            expect_equal(fresh, 0.0, "CPU time of the cgroup that was made again")
            tree.remove("again")
            expect_equal(ours(agent.scrape(), tree), set(), "after removal")


def _burn_inside(directory):
    child = os.fork()
    if child == 0:
        try:
            with open(directory + "/cgroup.procs", "w", encoding="ascii") as file:
                file.write("0")
            for _ in range(20000):
                pass
        finally:
            os._exit(0)
    os.waitpid(child, 0)


def quick_requests_reuse():
    """With the default interval a request within 0.5 s is served from the last collection, and a
    cgroup made meanwhile appears soon after."""
    with TestCgroups() as tree, Agent(checks.agent_binary(), min_interval=None) as agent:

        def attempt():
            started = time.monotonic()
            first = agent.scrape()
            cgroup_id = tree.make("soon")
            second = agent.scrape()
            if time.monotonic() - started > kDefaultInterval * 0.8:
                tree.remove("soon")  # the machine was too slow to tell; once more
                return None
            return first, second, cgroup_id

        # A first page may itself be a reused one and then be near its end: start from a fresh one.
        last = cpu_of_host(agent.scrape())
        wait_until(lambda: cpu_of_host(agent.scrape()) != last, 5, "a second collection")
        first, second, cgroup_id = wait_until(attempt, 20, "two requests within 0.4 s")
        expect_equal(
            cpu_of_host(second), cpu_of_host(first), "CPU time of the host on the second page"
        )
        expect(
            cgroup_id not in second.ids(),
            "the second page shows what was made after its collection",
        )
        shown = wait_until(
            lambda: cgroup_id in agent.scrape().ids(),
            5,
            f"{cgroup_id} on a page after the interval",
        )
        expect(shown, "never shown")
        counted = outcomes(agent)
        expect(counted.get("reused", 0) >= 1, f"cgmon_collections_total says {counted}")
        return f"cgmon_collections_total {counted}"


def concurrent_requests_join():
    """Eight requests at once share collections instead of making eight."""
    with TestCgroups() as tree, Agent(checks.agent_binary()) as agent:
        for number in range(100):  # a collection long enough to be joined
            tree.make(f"wide-{number}")
        agent.scrape()
        pages, rounds, errors = [], 10, []
        for _ in range(rounds):
            barrier = threading.Barrier(8)

            def ask():
                try:
                    with Connection(agent.port) as connection:
                        barrier.wait(10)
                        pages.append(exposition.parse(connection.get("/metrics").body))
                except Exception as error:
                    errors.append(error)

            threads = [threading.Thread(target=ask) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(30)
        expect_equal(errors, [], "errors of the requests")
        distinct = len({cpu_of_host(page) for page in pages})
        expect_equal(len(pages), 8 * rounds, "pages")
        expect(
            distinct < len(pages),
            f"{len(pages)} simultaneous requests made {distinct} collections: none was shared",
        )
        counted = outcomes(agent)
        expect(counted.get("shared", 0) >= 1, f"cgmon_collections_total says {counted}")
        return f"{len(pages)} requests, {distinct} collections; cgmon_collections_total {counted}"


def outcomes(agent):
    """{how a request got its collection: number of requests}, by the agent's own count."""
    samples = agent.scrape().samples("cgmon_collections_total")
    return {s.labels["outcome"]: int(s.value()) for s in samples}


def main():
    checks.need_root()
    checks.agent_binary()
    tests = [one_by_one, all_together, made_again, quick_requests_reuse, concurrent_requests_join]
    return checks.main("freshness", tests, limit_seconds=200)


checks.run_or_skip(main)
