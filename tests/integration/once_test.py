#!/usr/bin/python3
"""The shell's side: `--once` as a table and a page, hostile cgroup names, `detect`, `metrics`."""

import os
import pty
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import checks, exposition
from support.agent import Agent, run
from support.cgroups import TestCgroups
from support.checks import expect, expect_equal
from support.kernel_reader import Host

# All but the last two are valid UTF-8. A cgroup's name may hold every byte but / NUL and \n.
kHostile = (
    b'00-quote"backslash\\',
    b'01-{a="b"} 1',
    b"02-backslash-n\\n",
    b"03-esc\x1b[31mred\x1b]0;title\x07",
    b"04-tab\there",
    b"05-return\rhere",
    b"06-vertical\x0bform\x0cfs\x1cgs\x1d",
    b"07-del\x7f",
    b"08-next-line\xc2\x85csi\xc2\x9b31m",
    b"09-line\xe2\x80\xa8paragraph\xe2\x80\xa9",
    b"10-right-to-left\xe2\x80\xaegnp",
    b"11-trail ",
    b"12-%s%n%x$(id)`id`",
    b"13-" + b"x" * 252,
    b"14-emoji-\xf0\x9f\x90\xb3",
    b"15-bad\xff\xfe\x80",
    b"15-bad\xfe\xff\x80",
)
kPlain = re.compile(rb"[\x20-\x7e]+")


def without_bad_bytes(text, where):
    """No control character but line feeds (tabs neither), no direction marks; valid UTF-8."""
    decoded = text.decode("utf-8")  # raises where it is not UTF-8
    bad = re.findall("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]", decoded)
    expect_equal(sorted(set(bad)), [], f"control characters in {where}")
    return decoded


def prometheus_page():
    """`--once -o prometheus` prints a page that parses, with the host and every cgroup of ours."""
    with TestCgroups() as tree:
        ids = {tree.make(f"once-{n}") for n in range(3)}
        ended = run(checks.agent_binary(), "--once", "-o", "prometheus")
        expect_equal(ended.code, 0, f"exit code; stderr {ended.stderr!r}")
        page = exposition.parse(ended.stdout)
        expect(ids <= page.ids(), f"missing on the page: {sorted(ids - page.ids())}")
        expect("/" in page.ids(), "the host is not on the page")
        expect(
            page.sample("cgmon_build_info") or page.samples("cgmon_build_info"),
            "no cgmon_build_info",
        )
        return f"{page.count()} series of {len(page.ids())} cgroups"


def same_families():
    """`--once` and the server show the same families for the same cgroup."""
    with TestCgroups() as tree:
        cgroup_id = tree.make("same")
        once = exposition.parse(run(checks.agent_binary(), "--once", "-o", "prometheus").stdout)
        with Agent(checks.agent_binary()) as agent:
            served = agent.scrape()
    expect_equal(
        sorted(s.name for s in once.of(cgroup_id)),
        sorted(s.name for s in served.of(cgroup_id)),
        f"series of {cgroup_id}",
    )


def table():
    """`--once` prints a table within the interval and a little, without escape codes in a pipe, one
    row a cgroup with --only=all."""
    with TestCgroups() as tree:
        for number in range(3):
            tree.make(f"row-{number}")
        started = time.monotonic()
        ended = run(checks.agent_binary(), "--once", "--interval=200ms", "--only=all")
        took = time.monotonic() - started
    expect_equal(ended.code, 0, f"exit code; stderr {ended.stderr!r}")
    text = without_bad_bytes(ended.stdout, "the table")
    lines = text.rstrip("\n").split("\n")
    for number in range(3):
        rows = [line for line in lines if f"row-{number}" in line]
        expect_equal(len(rows), 1, f"rows of row-{number} in\n{text}")
    for word in ("CPU", "MEM"):
        expect(word in lines[0].upper(), f"the head of the table lacks {word}: {lines[0]!r}")
    expect(0.2 <= took < 10, f"--interval=200ms took {took:.2f} s")
    return f"{len(lines) - 1} rows; head: {lines[0].strip()}"


def table_leaves_out_the_empty():
    """Without --only=all cgroups that have no process are not in the table."""
    with TestCgroups() as tree:
        tree.make("without-a-process")
        ended = run(checks.agent_binary(), "--once", "--interval=200ms")
    expect_equal(ended.code, 0, f"exit code; stderr {ended.stderr!r}")
    expect(b"without-a-process" not in ended.stdout, f"an empty cgroup is shown:\n{ended.stdout!r}")


def table_as_asked():
    """--filter, --sort and --limit choose and order the lines; -o wide adds columns."""
    with TestCgroups() as tree:
        for number in range(4):
            tree.make(f"asked-{number}")
        asked = ("--once", "--interval=200ms", "--only=all", "--filter", "id=*/asked-*")
        ended = run(checks.agent_binary(), *asked, "--sort=-name", "--limit=3", "-o", "wide")
    expect_equal(ended.code, 0, f"exit code; stderr {ended.stderr!r}")
    head, *lines = without_bad_bytes(ended.stdout, "the table").rstrip("\n").split("\n")
    shown = [re.search(r"asked-\d", line).group() for line in lines]
    expect_equal(shown, ["asked-3", "asked-2", "asked-1"], "lines")
    expect("MEM PEAK" in head and "IMAGE" in head, f"columns of -o wide: {head!r}")


def color_only_where_it_is_wanted():
    """Color on a terminal, not in a pipe, not with NO_COLOR; --color overrides both."""
    with TestCgroups() as tree:
        cgroup = tree.make("nearly-full")
        serving = tree.host.serving("pids")
        if serving is None:
            raise checks.Skip("no hierarchy has the pids controller")
        limited = serving.point + cgroup
        with open(f"{limited}/pids.max", "w", encoding="ascii") as file:
            file.write("1")
        sleeper = subprocess.Popen(["sleep", "100"], stdin=subprocess.DEVNULL)
        try:
            with open(f"{limited}/cgroup.procs", "w", encoding="ascii") as file:
                file.write(str(sleeper.pid))
            for terminal, no_color, flag, wanted in (
                (True, "", (), True),
                (False, "", (), False),
                (True, "1", (), False),
                (True, "1", ("--color=always",), True),
                (False, "", ("--color=always",), True),
                (True, "", ("--color=never",), False),
            ):
                text = colored_table(terminal, no_color, *flag)
                case = f"terminal {terminal}, NO_COLOR {no_color!r}, {flag}"
                expect(b"1/1" in text, f"{case}: no 1/1 in {text!r}")
                expect_equal(b"\x1b[31m1/1\x1b[0m" in text, wanted, f"{case}: red in {text!r}")
                expect_equal(b"\x1b" in text, wanted, f"{case}: an escape in {text!r}")
        finally:
            sleeper.kill()
            sleeper.wait()


def colored_table(terminal, no_color, *flags):
    """What the agent prints of one cgroup with standard output a terminal or a pipe."""
    command = [
        checks.agent_binary(), "--once", "--interval=100ms", "--only=all",
        "--filter=id=*/nearly-full", *flags,
    ]  # fmt: skip
    environment = dict(os.environ, NO_COLOR=no_color, TERM="xterm")
    reader, writer = pty.openpty() if terminal else os.pipe()
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=writer, env=environment
    ) as process:
        os.close(writer)
        text = b""
        while True:
            try:
                part = os.read(reader, 65536)
            except OSError:  # how a terminal says that nobody writes any more
                part = b""
            if not part:
                break
            text += part
        os.close(reader)
        expect_equal(process.wait(30), 0, "exit code")
    return text


def table_of_hostile_names():
    """Hostile cgroup names reach the table escaped: no control byte, no broken line, a row each."""
    with TestCgroups() as tree:
        for name in kHostile:
            tree.make(name)
        ended = run(checks.agent_binary(), "--once", "--interval=200ms", "--only=all")
    expect_equal(ended.code, 0, f"exit code; stderr {ended.stderr!r}")
    text = without_bad_bytes(ended.stdout, "the table")
    for name in kHostile:
        mark = name[:6].decode()
        rows = [line for line in text.split("\n") if mark in line]
        same = sum(1 for other in kHostile if other[:6] == name[:6])
        expect_equal(len(rows), same, f"rows with {mark!r} in\n{text}")


def page_of_hostile_names():
    """Hostile cgroup names leave the page whole: strictly parsed, no series twice, each cgroup
    there, the printable names exactly as they are."""
    with TestCgroups() as tree:
        paths = [tree.make(name) for name in kHostile]
        ended = run(checks.agent_binary(), "--once", "-o", "prometheus")
        with Agent(checks.agent_binary()) as agent:
            pages = [exposition.parse(ended.stdout), agent.scrape()]
            log = "\n".join(agent.log).encode("utf-8", "replace")
        top = tree.top
    without_bad_bytes(log, "the agent's log")
    for page in pages:
        shown = {i for i in page.ids() if i.startswith(top + "/")}
        for path in paths:
            if kPlain.fullmatch(path):
                expect(
                    path.decode() in shown,
                    f"{path!r} is not on the page; there are {sorted(shown)}",
                )
            mark = path[: len(top) + 7].decode()
            expect(
                any(i.startswith(mark) for i in shown), f"nothing on the page begins with {mark!r}"
            )
        # Two names that differ in broken bytes alone may look alike, then one of them is shown.
        least = len({path[: len(top) + 7] for path in paths})
        expect(len(shown) >= least, f"{len(shown)} of {least} hostile cgroups are on the page")


def detect():
    """`agent detect` names this host's layout and every hierarchy's mount."""
    host = Host()
    ended = run(checks.agent_binary(), "detect")
    expect_equal(ended.code, 0, f"exit code; stderr {ended.stderr!r}")
    text = without_bad_bytes(ended.stdout, "its output")
    words = {"v1": ("v1", "legacy"), "v2": ("v2", "unified"), "hybrid": ("hybrid",)}[host.mode]
    expect(any(w in text.lower() for w in words), f"no {' or '.join(words)} in\n{text}")
    for controller in ("memory", "cpu", "pids"):
        serving = host.serving(controller)
        if serving is not None:
            expect(
                serving.point in text, f"{serving.point} (it serves {controller}) is not in\n{text}"
            )


def metrics():
    """`agent metrics` lists the families, `agent metrics NAME` its kernel sources; an unknown name
    is refused."""
    listed = run(checks.agent_binary(), "metrics")
    expect_equal(listed.code, 0, f"exit code; stderr {listed.stderr!r}")
    for name in (b"container_cpu_usage_seconds_total", b"container_memory_working_set_bytes"):
        expect(name in listed.stdout, f"{name!r} is not listed")
    one = run(checks.agent_binary(), "metrics", "container_memory_rss")
    expect_equal(one.code, 0, f"exit code; stderr {one.stderr!r}")
    for word in (b"memory.stat", b"total_rss", b"anon"):
        expect(word in one.stdout, f"{word!r} is not in {one.stdout!r}")
    unknown = run(checks.agent_binary(), "metrics", "container_memory_rsss")
    expect(unknown.code != 0, "an unknown family is accepted")
    expect(
        b"container_memory_rsss" in unknown.stderr, f"stderr does not name it: {unknown.stderr!r}"
    )


def main():
    checks.need_root()
    checks.agent_binary()
    tests = [
        prometheus_page, same_families, table, table_leaves_out_the_empty, table_as_asked,
        color_only_where_it_is_wanted, table_of_hostile_names, page_of_hostile_names, detect, metrics,
    ]  # fmt: skip
    return checks.main("once", tests, limit_seconds=100)


checks.run_or_skip(main)
