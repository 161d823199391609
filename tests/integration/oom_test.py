#!/usr/bin/python3
"""OOM kills that a scrape every five seconds would miss: containers that are gone again within a
third of a second, what is said of them, and what watching for them costs.

    oom_test.py                                    with a docker daemon of its own
    oom_test.py --docker-host unix:///run/docker.sock --containers 20 --check removed_containers
"""

import argparse
import os
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import checks, dockerd
from support.agent import Agent
from support.cgroups import TestCgroups
from support.checks import expect, expect_equal, say, wait_until
from support.kernel_reader import flat, read

kInterval = 5.0
kTooMuch = "dd if=/dev/zero of=/dev/null bs=64M count=1"
kKills = "container_oom_kills_total"
kEvents = "container_oom_events_total"


def host_kills():
    return flat(read("/proc/vmstat")).get("oom_kill", 0)


class Scraper:
    """Scrapes every five seconds, as a Prometheus would, and keeps the last page."""

    def __init__(self, agent):
        self.agent = agent
        self.page = agent.scrape()
        self.count = 1
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ends.set()
        self._thread.join()

    def _run(self):
        while not self._ends.wait(kInterval):
            self.page = self.agent.scrape()
            self.count += 1

    def wait(self, scrapes):
        wanted = self.count + scrapes
        wait_until(lambda: self.count >= wanted, kInterval * (scrapes + 4), "scrapes")


class Oom:
    def __init__(self, docker, agent, containers):
        self.docker = docker
        self.agent = agent
        self.containers = containers
        self.mode = docker.host.mode
        if docker.host.serving("memory") is None:
            raise checks.Skip("the kernel has no memory controller")

    def all(self):
        return [
            self.kept_containers, self.removed_containers, self.incarnations, self.living_owner,
            self.asleep, self.storm,
        ]  # fmt: skip

    def kept_containers(self):
        """Containers that the OOM killer ends at once are counted by name and, for a while after
        their end, by id; docker keeps their state."""
        names = [f"kept{i}" for i in range(self.containers)]
        result = self._end_them(names)
        known = {name for name in names if self._docker_says(name)}
        if self.mode == "v1":
            expect(known <= result.named, f"docker knows, cgmon not: {sorted(known - result.named)}")
        else:
            expect_equal(sorted(result.named), sorted(names), "counted by name")
        return f"{result.said()}; docker knows of {len(known)}"

    def removed_containers(self):
        """The same with --rm, of which docker keeps nothing: each kill belongs to its container or
        is counted as nobody's."""
        names = [f"removed{i}" for i in range(self.containers)]
        result = self._end_them(names, "--rm")
        if self.mode == "v2":
            expect_equal(len(result.named | result.by_id), self.containers, "counted")
        return result.said()

    def incarnations(self):
        """A name's count goes on with the next container of that name."""
        name = "again"
        for wanted in (1, 2, 3):
            self._end_one(name, "--rm")
            wait_until(
                lambda wanted=wanted: self._kills_of(self.agent.scrape(), name) >= wanted
                or self.mode == "v1",
                20, f"{wanted} kills of {name}",
            )  # fmt: skip
        got = self._kills_of(self.agent.scrape(), name)
        if self.mode != "v1":
            expect_equal(got, 3.0, f"kills of {name}")
        return f"{got:.0f} of 3 kills"

    def living_owner(self):
        """A kill in a container that lives on is its own, and stays when it is gone."""
        name = "survivor"
        survivor = self.docker.run(
            name, "-m", "24m", command=f"{kTooMuch}; exec sleep 100000"
        )  # fmt: skip
        wait_until(lambda: self._kills_of(self.agent.scrape(), name) == 1, 30, f"a kill in {name}")
        self.docker.remove(name)
        wait_until(
            lambda: not self.agent.scrape().samples("container_threads", id=survivor.cgroup.id),
            20, "its end",
        )  # fmt: skip
        page = self.agent.scrape()
        expect_equal(self._kills_of(page, name), 1.0, "kills after its end")
        shown = [s for s in page.samples(kEvents) if survivor.container_id in s.labels["id"]]
        expect_equal([s.value() for s in shown], [1.0], f"{kEvents} after its end")

    def asleep(self):
        """On a quiet host the agent sleeps between scrapes; but for the HTTP server's own threads."""
        for _ in range(6):
            before = self._churn()
            self.agent.hang_up()
            time.sleep(1)
            switches = self._switches()
            time.sleep(10)
            woken = {
                name: count - switches.get(name, 0)
                for name, count in self._switches().items()
                if count != switches.get(name, 0)
            }
            if self._churn() == before + 1:  # but for the scrape that asks
                expect_equal(woken, {}, "context switches in 10 s")
                return "no context switch in 10 s"
        raise checks.Skip("others make and remove cgroups here all the time")

    def storm(self):
        """However many cgroups come and go, following them costs a fifth of a CPU at most."""
        seconds, made = 4.0, 0
        cpu, switches, start = self._cpu(), self._switches(), time.monotonic()
        with TestCgroups(self.docker.host) as tree:
            while time.monotonic() < start + seconds:
                for i in range(20):
                    tree.make(f"storm{i}")
                for i in range(20):
                    tree.remove(f"storm{i}")
                made += 20
        took = time.monotonic() - start
        woken = sum(self._switches().values()) - sum(switches.values())
        used = self._cpu() - cpu
        # Switches are more than the 20 wakes a second: the kernel's locks, which whoever makes
        # cgroups holds, are waited for.
        expect(used <= 0.2 * took, f"{used:.2f} s of CPU in {took:.1f} s")
        return f"{made} cgroups in {took:.1f} s: {woken} switches, {used * 1000:.0f} ms of CPU"

    def _end_them(self, names, *options):
        """Ends one container after the other while pages are scraped every five seconds."""
        before, host_before = self.agent.scrape(), host_kills()
        took = []
        with Scraper(self.agent) as scraper:
            for name in names:
                start = time.monotonic()
                self._end_one(name, *options)
                took.append(time.monotonic() - start)
                # Any moment of the interval, in turn.
                time.sleep(0.37)
            scraper.wait(4)  # engines are asked up to three times
            page = scraper.page
        result = Result(names, before, page)
        result.host = host_kills() - host_before
        result.slowest = max(took)
        explained = result.attributed + result.unattributed
        # Others on this host may have lost something since the last pass.
        expect(explained <= result.host, f"more kills than the host's: {result.said()}")
        expect(
            len(result.named | result.by_id) + result.unattributed >= len(names),
            f"kills that are neither somebody's nor nobody's: {result.said()}",
        )
        return result

    def _end_one(self, name, *options):
        command = ("--name", name, "--network=none", "-m", "16m", dockerd.kImage)
        self.docker.call(
            "run", *options, *command, "sh", "-c", f"exec {kTooMuch}", check=False
        )  # fmt: skip
        if "--rm" not in options:
            self.docker.forget_later(name)

    def _docker_says(self, name):
        return self.docker.call("inspect", "--format", "{{.State.OOMKilled}}", name) == "true"

    def _kills_of(self, page, name):
        sample = page.sample(kKills, name=name)
        return sample.value() if sample else 0.0

    def _churn(self):
        page = self.agent.scrape()
        names = ("cgmon_cgroups_added_total", "cgmon_cgroups_removed_total")
        requests = page.value("cgmon_collections_total", outcome="fresh")
        return sum(page.value(name) for name in names) + requests

    def _switches(self):
        """{thread: context switches}, the HTTP server's left out: it looks around every 2 s."""
        found = {}
        for task in os.listdir(f"/proc/{self.agent.pid}/task"):
            with open(f"/proc/{self.agent.pid}/task/{task}/status", encoding="ascii") as file:
                lines = dict(line.split(":", 1) for line in file)
            if lines["Name"].strip().startswith("civetweb"):
                continue
            counts = ("voluntary_ctxt_switches", "nonvoluntary_ctxt_switches")
            found[task] = sum(int(lines[name]) for name in counts)
        return found

    def _cpu(self):
        with open(f"/proc/{self.agent.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Result:
    """What two pages say of containers that ended between them."""

    def __init__(self, names, before, page):
        self.wanted = len(names)
        self.named = {n for n in names if _value(page.sample(kKills, name=n)) == 1}
        rises = {
            tuple(sorted(s.labels.items())): s.value() for s in page.samples(kKills)
        }  # fmt: skip
        for sample in before.samples(kKills):
            key = tuple(sorted(sample.labels.items()))
            rises[key] = rises.get(key, 0) - sample.value()
        self.attributed = int(sum(rises.values()))
        self.by_id = {k for k, rise in rises.items() if rise == 1 and dict(k).get("id")}
        name = "cgmon_oom_kills_unattributed_total"
        self.unattributed = int(page.value(name) - before.value(name))
        self.shown = {
            s.labels.get("name") for s in page.samples(kEvents) if s.value() == 1
        } & set(names)  # fmt: skip
        self.host = self.slowest = 0

    def said(self):
        return (
            f"{self.host} kills: {len(self.named)} of {self.wanted} by name, {len(self.by_id)} by"
            f" id, {self.unattributed} nobody's; {len(self.shown)} still shown with their id;"
            f" slowest run {self.slowest:.2f} s"
        )


def _value(sample):
    return sample.value() if sample else None


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    dockerd.add_arguments(parser)
    parser.add_argument("--containers", type=int, default=20, help="that the OOM killer ends")
    parser.add_argument("--check", action="append", help="only these")
    return parser.parse_args()


def main():
    options = parse_arguments()
    binary = checks.agent_binary()
    with dockerd.running(options) as docker:
        say(f"layout {docker.host.mode}")
        with Agent(binary, f"--docker.root={docker.data_root}") as agent:
            chosen = [
                check
                for check in Oom(docker, agent, options.containers).all()
                if not options.check or check.__name__ in options.check
            ]
            return checks.main("oom", chosen, limit_seconds=500)


checks.run_or_skip(main)
