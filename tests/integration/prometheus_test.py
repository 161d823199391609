#!/usr/bin/python3
"""A real Prometheus scrapes the agent, and promtool reads its page."""

import gzip
import json
import os
import subprocess
import sys
import tempfile
import zlib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import checks, exposition
from support.agent import Agent
from support.cgroups import TestCgroups
from support.checks import expect, expect_equal, wait_until
from support.prometheus import Prometheus, program

kHere = os.path.dirname(os.path.abspath(__file__))
# What Prometheus logs (at debug level) when a page does not parse or a series is odd.
kComplaints = ("Append failed", "Scrape failed", "Error on ingesting", "out-of-order", "Duplicate",
               "Unexpected error", "append series", "invalid")  # fmt: skip


def scraped():
    """A real Prometheus has up == 1, takes every series of the page, and logs no parse error."""
    odd = 'odd "name" \\ {x="1"} \u00e9'
    with tempfile.TemporaryDirectory(prefix="cgmon-test-prometheus-") as directory:
        with TestCgroups() as tree, Agent(checks.agent_binary()) as agent:
            tree.make("plain")
            tree.make(odd.encode())
            with Prometheus(agent.port, directory) as prometheus:
                enough = "count_over_time(up[1m]) >= 4"
                wait_until(lambda: prometheus.number(enough), 60, "four scrapes")
                check_target(prometheus)
                asked_for(agent)
                note = check_series(
                    prometheus, agent.scrape(), tree.path("plain"), f"{tree.top}/{odd}"
                )
                lines = prometheus.log()
        bad = [line for line in lines if any(word.lower() in line.lower() for word in kComplaints)]
        expect_equal(bad, [], "Prometheus' log complains")
        return note


def check_target(prometheus):
    expect_equal([v for _, v in prometheus.query("up")], [1.0], "up")
    expect_equal(prometheus.number("min_over_time(up[1m])"), 1.0, "least up of all scrapes")
    (target,) = prometheus.ask("targets")["activeTargets"]
    expect_equal(target["lastError"], "", "the target's last error")
    expect_equal(target["health"], "up", "the target's health")


def check_series(prometheus, page, plain_id, odd_id):
    """Compares names, ids and values that arrived with our own reading of a page."""
    arrived = {m["__name__"] for m, _ in prometheus.query('{job="cgmon",__name__!~"up|scrape_.*"}')}
    ours = {s.name for f in page.families.values() for s in f.samples}
    expect_equal(sorted(ours - arrived), [], "families on the page that Prometheus does not have")
    for cgroup_id in ("/", plain_id, odd_id):
        quoted = json.dumps(cgroup_id, ensure_ascii=False)
        found = prometheus.query(f"{{id={quoted}}}")
        expect_equal(len(found), len(page.of(cgroup_id)), f"series with id={cgroup_id!r}")
    taken, scraped_ = (
        prometheus.number(f"scrape_samples_{w}") for w in ("post_metric_relabeling", "scraped")
    )
    expect_equal(taken, scraped_, "series that Prometheus kept of those on the page")
    rate = prometheus.number('increase(container_cpu_usage_seconds_total{id="/"}[1m])')
    expect(rate is not None and rate > 0, f"the host's CPU time does not grow: {rate}")
    kinds = prometheus.ask("targets/metadata", metric="container_memory_usage_bytes")
    expect_equal(kinds[0]["type"], "gauge", "type of container_memory_usage_bytes in Prometheus")
    return f"{int(taken)} samples a scrape, {len(ours)} names"


def asked_for(agent):
    """What Prometheus got: OpenMetrics, compressed."""
    sizes = {s.labels["encoding"] for s in agent.scrape().samples("cgmon_page_bytes")}
    expect("gzip" in sizes, "Prometheus did not ask for gzip")



def promtool():
    """promtool's remarks on the page are exactly the committed ones; each names a family of
    cAdvisor, so that our own families have none."""
    body = page_with_a_cgroup()
    families = exposition.parse(body).families
    done = subprocess.run(
        [program("promtool"), "check", "metrics"],
        input=body,
        capture_output=True,
        timeout=60,
        check=False,
    )
    said = sorted(set((done.stdout + done.stderr).decode().splitlines()))  # one a label
    expect(done.returncode in (0, 3), f"promtool ended with {done.returncode}: {said}")
    committed = sorted(committed_lines("promtool_warnings.txt"))
    cadvisor = {line.split()[0] for line in committed_lines("cadvisor_families.txt")}
    for line in committed:
        expect(
            line.split()[0] in cadvisor,
            f"promtool_warnings.txt names no family of cAdvisor: {line}",
        )
    # Some need hardware that not every host has.
    committed = [line for line in committed if line.split()[0] in families]
    expect_equal(said, committed, "what promtool says, against promtool_warnings.txt")
    return f"{len(said)} remarks, all on names of cAdvisor"


def cadvisor_types():
    """Families with cAdvisor's names have cAdvisor's types."""
    wanted = dict(line.split() for line in committed_lines("cadvisor_families.txt"))
    page = exposition.parse(page_with_a_cgroup())
    known = [f for f in page.families.values() if f.name in wanted]
    expect(len(known) >= 20, f"only {len(known)} families of cAdvisor are on the page")
    for family in known:
        expect_equal(family.kind, wanted[family.name], f"type of {family.name}")
    return f"{len(known)} families"


kOpenMetrics = [("Accept", "application/openmetrics-text;version=1.0.0,*/*;q=0.1")]
kGzip = [("Accept-Encoding", "gzip")]


def openmetrics():
    """The reference reader of OpenMetrics takes the page, and finds in it the series of the text
    format."""
    parser = checks.need_module("prometheus_client.openmetrics.parser", "python3-prometheus-client")
    with TestCgroups() as tree, Agent(checks.agent_binary()) as agent:
        tree.make("plain")
        tree.make('odd "name" \\ {x="1"} \u00e9'.encode())
        answer = agent.get("/metrics", kOpenMetrics)
        page = agent.scrape()
    wanted = "application/openmetrics-text; version=1.0.0; charset=utf-8"
    expect_equal(answer.headers["content-type"], wanted, "Content-Type")
    expect_equal(answer.headers["vary"], "Accept, Accept-Encoding", "Vary")
    families = list(parser.text_string_to_metric_families(answer.text()))
    theirs = {(s.name, *sorted(s.labels.items())) for f in families for s in f.samples}
    ours = {(s.name, *sorted(s.labels.items())) for f in page.families.values() for s in f.samples}
    moving = {row for row in theirs ^ ours if row[0].startswith(("cgmon_", "process_"))}
    expect_equal(sorted((theirs ^ ours) - moving), [], "series in one of the formats alone")
    kinds = {f.name: (f.type, f.unit) for f in families}
    expect_equal(kinds["container_cpu_usage_seconds"], ("counter", "seconds"), "CPU time")
    expect_equal(kinds["container_memory_usage_bytes"], ("gauge", "bytes"), "memory")
    expect_equal(kinds["container_memory_failcnt"], ("unknown", ""), "failcnt")
    expect_equal(kinds["cgmon_build"], ("info", ""), "build")
    return f"{len(families)} families, {len(theirs)} series"


def compressed():
    """A compressed page is what curl, zlib and gzip make of it: the page."""
    with TestCgroups() as tree, Agent(checks.agent_binary(), min_interval="1h") as agent:
        for number in range(40):
            tree.make(f"child-{number}")
        for headers in ([], kOpenMetrics):
            plain = agent.get("/metrics", headers)
            expect("content-encoding" not in plain.headers, "compressed though nobody asked")
            answer = agent.get("/metrics", headers + kGzip)
            expect_equal(answer.headers.get("content-encoding"), "gzip", "Content-Encoding")
            expect_equal(answer.headers["content-type"], plain.headers["content-type"], "type")
            reader = zlib.decompressobj(31)
            text = reader.decompress(answer.body)
            expect(reader.eof and not reader.unused_data, "bytes behind the gzip file")
            expect_equal(gzip.decompress(answer.body), text, "gzip and zlib differ")
            done = subprocess.run(
                ["curl", "-sS", "--compressed", "-H", ": ".join((headers or [("X", "y")])[0]),
                 f"http://127.0.0.1:{agent.port}/metrics"],
                capture_output=True, timeout=30, check=True,
            )  # fmt: skip
            # One collection serves all: its cgroups' part is the same to the byte.
            parts = [body.partition(b"# HELP cgmon_")[0] for body in (plain.body, text, done.stdout)]
            expect(parts[0] == parts[1] == parts[2], "the cgroups' part differs")
            share = len(answer.body) / len(text)
            expect(share < 0.35, f"compressed to {share:.2f} of the page")
    return f"{len(text)} bytes in {len(answer.body)}"


def page_with_a_cgroup():
    with TestCgroups() as tree, Agent(checks.agent_binary()) as agent:
        tree.make("plain")
        return agent.scrape_bytes()


def committed_lines(name):
    with open(f"{kHere}/{name}", encoding="ascii") as file:
        return [line.rstrip("\n") for line in file if line.strip() and not line.startswith("#")]


def main():
    checks.need_root()
    checks.agent_binary()
    return checks.main("prometheus", [scraped, promtool, cadvisor_types, openmetrics, compressed], limit_seconds=150)


checks.run_or_skip(main)
