#!/usr/bin/python3
"""OOM kills that a scrape every five seconds would miss: containers that are gone again within a
third of a second, what is said of them, and what watching for them costs.

    oom_test.py                                    with a docker daemon of its own
    oom_test.py --docker-host unix:///run/docker.sock --containers 20 --check removed_containers

Each container has one process, so each loses one. Whoever has more was given another's; and what
owners have and what nobody has are together the host's.
"""

import argparse
import concurrent.futures
import datetime
import os
import statistics
import sys
import tempfile
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
kNobodys = "cgmon_oom_kills_unattributed_total"
# On a busy host a container can be gone before anybody is woken; then its kill is nobody's. That is rare,
# and not what is tested here.
kRounds = 3


def host_kills():
    return flat(read("/proc/vmstat")).get("oom_kill", 0)


class Scraper:
    """Scrapes every five seconds, as a Prometheus would, and keeps the last page, with the host's
    kills just before and just after it."""

    def __init__(self, agent):
        self.agent = agent
        self.last = self._scrape()
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
            self.last = self._scrape()
            self.count += 1

    def _scrape(self):
        before, page = host_kills(), self.agent.scrape()
        return before, page, host_kills()

    def wait(self, condition, scrapes):
        """The first page for which the condition holds, of so many from now on, else the last."""
        first = self.count
        while True:
            seen = self.count
            wait_until(lambda seen=seen: self.count > seen, kInterval * 6, "a scrape")
            if condition(*self.last) or self.count >= first + scrapes:
                return self.last[1]


class Oom:
    def __init__(self, docker, agent, options):
        self.docker = docker
        self.agent = agent
        self.containers = options.containers
        self.parallel = options.parallel
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
        said = []
        for turn in range(kRounds):
            names = [f"kept{turn}-{i}" for i in range(self.containers)]
            result = self._end_them(names)
            known = {name for name in names if self._docker_says(name)}
            lives = [self._lived(name) for name in names]
            said.append(
                f"{result.said()}; docker knows of {len(known)}; lived"
                f" {statistics.median(lives):.2f} s, at most {max(lives):.2f} s"
            )
            wanted = known if self.mode == "v1" else set(names)
            missed = sorted(wanted - result.named)
            if not missed:
                return "\n         ".join(said)
            said[-1] += f"; not by name: {missed}"
        raise AssertionError("\n         ".join(said))

    def removed_containers(self):
        """The same with --rm, of which docker keeps nothing: each kill belongs to its container or
        is counted as nobody's."""
        said = []
        for turn in range(kRounds):
            names = [f"removed{turn}-{i}" for i in range(self.containers)]
            result = self._end_them(names, "--rm")
            said.append(result.said())
            if self.mode != "v2" or len(result.named | result.by_id) == self.containers:
                return "\n         ".join(said)
        raise AssertionError("\n         ".join(said))

    def incarnations(self):
        """A name's count goes on with the next container of that name."""
        name, wanted = "again", 0
        for _ in range(3):
            self._end_one(name)
            wanted += self.mode != "v1" or self._docker_says(name)
            wait_until(
                lambda: self._kills_of(self.agent.scrape(), name) >= wanted,
                30, f"{wanted} kills of {name}",
            )  # fmt: skip
            self.docker.remove(name)
        got = self._kills_of(self.agent.scrape(), name)
        expect(wanted <= got <= 3, f"{got} kills of {name}")
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
        before, parent_before = self._quiet_page(), self._parents_count()
        with Scraper(self.agent) as scraper, tempfile.TemporaryDirectory() as ids:

            def end(name):
                start = time.monotonic()
                self._end_one(name, "--cidfile", f"{ids}/{name}", *options)
                took = time.monotonic() - start
                time.sleep(0.37)  # so that they end at any moment of the interval, in turn
                return took

            with concurrent.futures.ThreadPoolExecutor(self.parallel) as pool:
                took = list(pool.map(end, names))
            id_of = {name: read(f"{ids}/{name}") for name in names}

            def is_settled(host, page, host_after):
                return host == host_after and Result(id_of, before, host, page).missing == 0

            # Engines are asked up to three times, and another kill during a pass makes one more.
            scraper.wait(is_settled, 7)
            host, page, _ = scraper.last
        result = Result(id_of, before, host, page)
        result.slowest = max(took)
        result.judge()
        if parent_before is not None:
            rise = self._parents_count() - parent_before
            expect_equal(rise, len(names), f"kills that their parent has counted; {result.said()}")
        return result

    def _quiet_page(self):
        """(the host's kills, a page) of one moment, before anything of ours was killed."""

        def attempt():
            host, page = host_kills(), self.agent.scrape()
            return (host, page) if host_kills() == host else None

        return wait_until(attempt, 20, "a scrape during which nothing is killed")

    def _parents_count(self):
        """v2 alone: what the cgroup above docker's containers has counted of all below it."""
        if self.mode != "v2":
            return None
        driver = self.docker.call("info", "--format", "{{.CgroupDriver}}")
        parent = {"systemd": "system.slice", "cgroupfs": "docker"}[driver]
        text = read(f"{self.docker.host.unified.point}/{parent}/memory.events")
        return flat(text).get("oom_kill", 0) if text else 0

    def _lived(self, name):
        """Seconds from a container's start to its end, as docker has them."""
        form = "{{.State.StartedAt}} {{.State.FinishedAt}}"
        times = self.docker.call("inspect", "--format", form, name).split()
        started, ended = (datetime.datetime.fromisoformat(time) for time in times)
        return (ended - started).total_seconds()

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
    """What two pages say of containers that ended between them: {name: id}."""

    def __init__(self, id_of, before, host, page):
        host_before, page_before = before
        self.wanted = len(id_of)
        self.host = host - host_before
        self.slowest = 0.0
        rises = _kills(page)
        for owner, kills in _kills(page_before).items():
            rises[owner] = rises.get(owner, 0) - kills
        self.by_owner = {owner: int(rise) for owner, rise in rises.items() if rise}
        self.nobodys = int(page.value(kNobodys) - page_before.value(kNobodys))
        self.missing = self.host - sum(self.by_owner.values()) - self.nobodys
        self.named = {name for name in id_of if (("name", name),) in self.by_owner}
        self.by_id = {
            name
            for name, container in id_of.items()
            if any(container in dict(owner).get("id", "") for owner in self.by_owner)
        }
        self.shown = {s.labels.get("name") for s in page.samples(kEvents) if s.value()} & set(id_of)
        self.ours = {
            owner: kills
            for owner, kills in self.by_owner.items()
            if dict(owner).get("name") in id_of
            or any(container in dict(owner).get("id", "") for container in id_of.values())
        }

    def judge(self):
        """Nobody has what is another's, and no kill is lost or counted twice."""
        expect(self.host >= self.wanted, f"not all were killed: {self.said()}")
        # What others on this host lose at the same moment may look like one of ours.
        others = self.host - self.wanted
        more = {owner: kills for owner, kills in self.ours.items() if kills > 1 + others}
        expect(not more, f"of one process each, more than one kill: {more}; {self.said()}")
        twice = self.named & self.by_id
        expect(not twice, f"counted by name and by id: {twice}; {self.said()}")
        expect(
            self.missing == 0,
            f"of the host's kills {self.missing} are neither somebody's nor nobody's"
            f" (below 0: counted twice): {self.said()}; owners {self.by_owner}",
        )

    def said(self):
        others = sum(self.by_owner.values()) - sum(self.ours.values())
        return (
            f"{self.host} kills: {len(self.named)} of {self.wanted} by name, {len(self.by_id)} by"
            f" id, {self.nobodys} nobody's, {others} of others; {len(self.shown)} still shown with"
            f" their id; slowest run {self.slowest:.2f} s"
        )


def _kills(page):
    """{labels: kills} of owners."""
    return {tuple(sorted(s.labels.items())): s.value() for s in page.samples(kKills)}


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    dockerd.add_arguments(parser)
    parser.add_argument("--containers", type=int, default=20, help="that the OOM killer ends")
    parser.add_argument("--parallel", type=int, default=1, help="of them, at a time")
    parser.add_argument("--check", action="append", help="only these")
    parser.add_argument("--seconds", type=int, default=500, help="for all of it")
    return parser.parse_args()


def main():
    options = parse_arguments()
    binary = checks.agent_binary()
    with dockerd.running(options) as docker:
        say(f"layout {docker.host.mode}")
        with Agent(binary, f"--docker.root={docker.data_root}") as agent:
            chosen = [
                check
                for check in Oom(docker, agent, options).all()
                if not options.check or check.__name__ in options.check
            ]
            return checks.main("oom", chosen, limit_seconds=options.seconds)


checks.run_or_skip(main)
