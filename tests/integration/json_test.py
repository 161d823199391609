#!/usr/bin/python3
"""What the agent prints as JSON, against its schemas and its own metrics."""

import json
import os
import sys
import tempfile
import time
from decimal import Decimal

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import checks
from support.agent import Agent, run
from support.cgroups import TestCgroups
from support.checks import expect, expect_equal

kRoot = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
kNoLabels = ("path", "parent", "values")
kHostile = b'na"me\\ \x1b[31m \xff\xc3\xa9'  # all but a newline, which the kernel refuses


def validate(document, schema_name):
    jsonschema = checks.need_module("jsonschema", "python3-jsonschema")
    with open(f"{kRoot}/agent/{schema_name}", encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema)
    errors = sorted(
        jsonschema.Draft202012Validator(schema).iter_errors(document), key=lambda e: list(e.path)
    )
    said = [f"{'/'.join(map(str, error.path))}: {error.message[:200]}" for error in errors[:5]]
    expect_equal(said, [], f"violations of {schema_name}")


def exact(text):
    """JSON without the loss of a float."""
    return json.loads(text, parse_float=Decimal)


def samples_of(snapshot):
    """{(family, labels): number} as the metrics have them."""
    rows = {}
    identity = ("id", "name", "image", "container", "pod", "namespace")
    for cgroup in snapshot["cgroups"]:
        common = {name: cgroup[name] for name in identity if cgroup.get(name)}
        for family, value in cgroup["values"].items():
            if family == "container_info":  # its labels are the cgroup's own members
                labels = {n: t for n, t in cgroup.items() if n not in kNoLabels}
                rows[family, *sorted(labels.items())] = value
                continue
            for sample in value if isinstance(value, list) else [{"value": value}]:
                own = {name: text for name, text in sample.items() if name != "value"}
                rows[family, *sorted({**common, **own}.items())] = sample["value"]
    return rows


def served():
    """/api/v1/snapshot fits its schema and has the numbers of /metrics, to the last digit; a cgroup
    with a hostile name is there."""
    with TestCgroups() as tree, Agent(checks.agent_binary(), min_interval="1h") as agent:
        tree.make("plain")
        tree.make(kHostile)
        answer = agent.get("/api/v1/snapshot")
        page = agent.scrape()
    expect_equal(answer.status, 200, "status")
    expect_equal(answer.headers["content-type"], "application/json", "Content-Type")
    snapshot = exact(answer.text())
    validate(json.loads(answer.text()), "expose/snapshot.schema.json")
    ours = samples_of(snapshot)
    expect(any('na"me\\' in key[1][1] for key in ours if len(key) > 1), "no hostile cgroup")
    compared = 0
    for family in page.families.values():
        if not family.name.startswith("container_"):
            continue
        for sample in family.samples:
            key = (sample.name, *sorted(sample.labels.items()))
            expect(key in ours, f"{sample} is not in the JSON")
            unlimited = ours[key] == "max"
            wanted = Decimal(0) if unlimited else Decimal(ours[key])
            expect_equal(Decimal(sample.text), wanted, f"{sample}")
            compared += 1
    more = [key for key, value in ours.items() if value != "max"]
    missing = [key for key in more if not page.samples(key[0], **dict(key[1:]))]
    expect_equal(missing, [], "numbers that the metrics lack")
    return f"{compared} numbers of {len(snapshot['cgroups'])} cgroups"


def once():
    """--once -o json fits the same schema."""
    ended = run(checks.agent_binary(), "--once", "-o", "json")
    expect_equal((ended.code, ended.stderr), (0, b""), "exit code and stderr")
    validate(json.loads(ended.stdout), "expose/snapshot.schema.json")


def detect():
    """detect --format=json fits its schema and tells of the same as the text."""
    ended = run(checks.agent_binary(), "detect", "--format=json")
    expect_equal((ended.code, ended.stderr), (0, b""), "exit code and stderr")
    report = json.loads(ended.stdout)
    validate(report, "detect.schema.json")
    text = run(checks.agent_binary(), "detect").stdout.decode()
    for line in report["controllers"]:
        expect(line["at"] in text, f"{line} is not in the text")
    # A name from outside that would break JSON.
    with tempfile.TemporaryDirectory(prefix="cgmon-test-") as directory:
        hostile = f'{directory}/a"\\ é'
        os.mkdir(hostile)
        ended = run(checks.agent_binary(), "detect", "--format=json", f"--path.cgroupfs={hostile}")
        report = json.loads(ended.stdout)
        validate(report, "detect.schema.json")
    return f"{report['cgroup_mode']} with a hostile path"


def resource():
    """/metrics/resource has the node's figures with their time, and no scrape error."""
    with Agent(checks.agent_binary()) as agent:
        answer = agent.get("/metrics/resource")
    lines = dict(line.split(" ", 1) for line in answer.text().splitlines() if line[0] != "#")
    expect_equal(lines["resource_scrape_error"], "0", "resource_scrape_error")
    value, milliseconds = lines["node_cpu_usage_seconds_total"].split()
    expect(float(value) > 0, "the node has used no CPU")
    expect(abs(int(milliseconds) / 1000 - time.time()) < 60, f"its time is {milliseconds}")
    expect(int(lines["node_memory_working_set_bytes"].split()[0]) > 0, "the node has no memory")


def main():
    checks.need_root()
    checks.agent_binary()
    return checks.main("json", [served, once, detect, resource], limit_seconds=60)


checks.run_or_skip(main)
