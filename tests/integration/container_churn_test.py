#!/usr/bin/python3
"""docker containers that come and go while the agent is scraped once a second.

    container_churn_test.py [--containers N]     40 without the option
"""

import argparse
import calendar
import collections
import os
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import checks, dockerd
from support.agent import Agent
from support.checks import expect, expect_equal

kWorkers = 8
kInterval = 1.0
kLife = 2.5  # seconds: at least two scrapes
kShownWithin = 20  # the code of one that ended, once it has
kLiving = "container_cpu_usage_seconds_total"
kMoreMemory, kMoreDescriptors = 4 << 20, 10
# What stays of a container for a while on purpose.
kStays = ("container_oom_kills_total", "container_oom_events_total")


class Life:
    """One container: when it was surely there and when it was surely gone, by this clock."""

    def __init__(self, name, code):
        self.name, self.code = name, code  # code: what it exits with; None: it is removed instead
        self.identity = ""
        self.started = self.ended = self.removed = None
        self.shown_code = threading.Event()


class Pages:
    """Scrapes once a second; of each page it keeps what the checks need."""

    def __init__(self, agent, prefix):
        self.agent, self.prefix = agent, prefix
        self.living = []  # (begun, ended, {ids of containers}, {names of those with figures})
        self.took, self.memory, self.descriptors = [], [], []
        self.codes = {}  # name: (when, code)
        self.waiting = {}
        self.last = None
        self.unbalanced, self.vanished = [], 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.error = None

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _run(self):
        try:
            due = time.monotonic()
            while not self._stop.is_set():
                self.scrape()
                due = max(due + kInterval, time.monotonic())
                self._stop.wait(due - time.monotonic())
        except Exception as error:  # told by the check that waits for pages
            self.error = error

    def scrape(self):
        begun = time.time()
        page = self.agent.scrape()
        ended = time.time()
        self.took.append(ended - begun)
        infos = page.samples("container_info", runtime="docker")
        self.living.append((begun, ended, {s.labels.get("container_id") for s in infos},
                            {s.labels.get("name") for s in page.samples(kLiving)}))  # fmt: skip
        for sample in page.samples("container_exit_code"):
            name = sample.labels.get("name", "")
            if name.startswith(self.prefix) and name not in self.codes:
                self.codes[name] = (time.time(), int(sample.text))
                if name in self.waiting:
                    self.waiting[name].set()
        self.memory.append(resident(self.agent.pid))
        self.descriptors.append(self.agent.descriptors())
        added, removed = (
            int(page.value(f"cgmon_cgroups_{way}_total")) for way in ("added", "removed")
        )
        tracked = sum(int(s.value()) for s in page.samples("cgmon_cgroups"))
        left_out = sum(int(s.value()) for s in page.samples("cgmon_cgroups_dropped"))
        # Those that ended while they were read are on no page, and go with the next walk.
        vanished = int(page.value("cgmon_cgroups_vanished_reading_total"))
        just_vanished, self.vanished = vanished - self.vanished, vanished
        if added - removed != tracked + left_out + just_vanished:
            self.unbalanced.append((added, removed, tracked, left_out, just_vanished))
        self.last = page


def seconds_of(text):
    """Of docker's "2026-11-23T22:10:03.123456789Z"."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    return calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) + float(f"0.{fraction or 0}")


def resident(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Churn:
    def __init__(self, docker, pages, count):
        self.docker, self.pages = docker, pages
        kinds = (3, None, 0, None, 137, None)
        self.lives = [Life(f"{pages.prefix}{at}", kinds[at % len(kinds)]) for at in range(count)]
        self.errors = []

    def all(self):
        return [self.churn, self.gone_at_the_next_scrape, self.seen_while_they_lived,
                self.codes, self.nothing_uncounted, self.no_leak]  # fmt: skip

    def live(self, life):
        # A signal's number is what a shell adds to 128.
        end = f"sleep {kLife}; exit {life.code}" if life.code is not None else "exec sleep 100000"
        self.pages.waiting[life.name] = life.shown_code
        words = ("run", "-d", "--name", life.name, "--network=none", dockerd.kImage, "sh", "-c", end)
        self.docker.forget_later(life.name)
        life.identity = self.docker.call(*words)
        life.started = time.time()
        if life.code is None:
            time.sleep(kLife)
            life.ended = time.time()
        else:
            self.docker.call("wait", life.name)
            life.removed = time.time()
            life.ended = seconds_of(
                self.docker.call("inspect", "--format", "{{.State.FinishedAt}}", life.name)
            )
            life.shown_code.wait(kShownWithin)
        self.docker.remove(life.name)
        if life.code is None:
            life.removed = time.time()

    def churn(self):
        """Containers are made and removed, by eight hands at once."""
        left, lock, began = collections.deque(self.lives), threading.Lock(), time.monotonic()

        def work():
            while True:
                with lock:
                    if not left or self.errors:
                        return
                    life = left.popleft()
                try:
                    self.live(life)
                except (AssertionError, OSError, subprocess.SubprocessError) as error:
                    self.errors.append(f"{life.name}: {error}")

        hands = [threading.Thread(target=work) for _ in range(kWorkers)]
        for hand in hands:
            hand.start()
        for hand in hands:
            hand.join()
        time.sleep(2 * kInterval)
        expect(not self.errors, "\n".join(self.errors))
        expect(self.pages.error is None, f"scraping ended: {self.pages.error}")
        took = sorted(self.pages.took)
        return (
            f"{len(self.lives)} in {time.monotonic() - began:.0f} s, {len(took)} scrapes, median "
            f"{took[len(took) // 2] * 1000:.0f} ms, longest {took[-1] * 1000:.0f} ms"
        )

    def gone_at_the_next_scrape(self):
        """No page that was asked for after a container's end has figures of it."""
        for begun, _, ids, names in self.pages.living:
            for life in self.lives:
                if begun > life.removed:
                    expect(life.identity not in ids, f"{life.name} {begun - life.removed:.2f} s on")
                    expect(life.name not in names, f"{life.name}: {kLiving}")
        stays = {
            s.name
            for family in self.pages.last.families.values()
            for s in family.samples
            if s.labels.get("name", "").startswith(self.pages.prefix)
        }
        ended = {name for name in stays if name.startswith(("container_exit_", "container_finish_"))
                 or name in ("container_state", "container_restarts_total")}  # fmt: skip
        expect(stays - ended <= set(kStays), f"still on the last page: {stays}")

    def seen_while_they_lived(self):
        """Each page has every container that lived then, named."""
        missed = []
        for begun, ended, ids, names in self.pages.living:
            for life in self.lives:
                if life.started < begun and ended < life.ended:
                    if life.identity not in ids or life.name not in names:
                        missed.append(f"{life.name} at {begun - life.started:.2f} s")
        expect(not missed, f"missed: {missed}")
        seen = set().union(*(ids for _, _, ids, _ in self.pages.living))
        unseen = [life.name for life in self.lives if life.identity not in seen]
        expect(not unseen, f"on no page: {unseen}")
        return f"{len(self.lives)} containers, each on a page"

    def codes(self):
        """Those that ended by themselves show their code while docker knows them."""
        ended = [life for life in self.lives if life.code is not None]
        wrong = {
            life.name: self.pages.codes.get(life.name)
            for life in ended
            if self.pages.codes.get(life.name, (0, None))[1] != life.code
        }
        expect(not wrong, f"codes {wrong}")
        late = [self.pages.codes[life.name][0] - life.ended for life in ended]
        counts = collections.Counter(life.code for life in ended)
        return f"{dict(counts)}, shown after {min(late):.1f} to {max(late):.1f} s"

    def nothing_uncounted(self):
        """On every page the cgroups that came, less those that went, are those that are there."""
        expect_equal(self.pages.unbalanced, [], "(added, removed, on the page, left out, vanished)")
        page = self.pages.last
        added = int(page.value("cgmon_cgroups_added_total"))
        expect(added >= len(self.lives), f"{added} added")
        dropped = {
            s.labels["bound"]: s.value()
            for s in page.samples("cgmon_series_dropped_total")
            if s.value()
        }
        expect_equal(dropped, {}, "left out")
        expect_equal(page.value("cgmon_oom_kills_unattributed_total"), 0, "kills of nobody")
        failed = [s for s in page.samples("cgmon_read_errors_total") if s.value()]
        expect_equal(failed, [], "read errors")
        vanished = page.value("cgmon_cgroups_vanished_reading_total")
        return f"{added} added, {int(vanished)} ended while they were read"

    def no_leak(self):
        """Resident memory and descriptors at the end are those of the first third."""
        third = len(self.pages.memory) // 3
        early, late = max(self.pages.memory[:third]), self.pages.memory[-1]
        expect(late <= early + kMoreMemory, f"{early} -> {late} bytes resident")
        few, many = max(self.pages.descriptors[:third]), self.pages.descriptors[-1]
        expect(many <= few + kMoreDescriptors, f"{few} -> {many} descriptors")
        first = self.pages.memory[0]
        return (
            f"resident KiB: {first >> 10} at first, at most {early >> 10} in the first third, "
            f"{late >> 10} at the end; descriptors {self.pages.descriptors[0]}, {few}, {many}"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--containers", type=int, default=40)
    dockerd.add_arguments(parser)
    options = parser.parse_args()
    binary = checks.agent_binary()
    with dockerd.running(options) as docker:
        with Agent(binary, f"--docker.root={docker.data_root}") as agent:
            with Pages(agent, f"churn-{os.getpid()}-") as pages:
                churn = Churn(docker, pages, options.containers)
                return checks.main("container churn", churn.all(), 110 + 4 * options.containers)


checks.run_or_skip(main)
