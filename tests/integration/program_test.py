#!/usr/bin/python3
"""The program around the numbers: what a query has read, the configuration read again while it
serves, logs, and the commands that only tell something."""

import json
import os
import signal
import socket
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import checks, exposition
from support.agent import Agent, run
from support.checks import expect, expect_equal, wait_until


def query_parameters():
    """collect[] and exclude[] choose what is read and shown; a mistake gets 400 with the remedy."""
    with Agent(checks.agent_binary()) as agent:
        page = _parsed(agent, "/metrics?collect[]=cpu")
        expect(page.samples("container_cpu_usage_seconds_total"), "no CPU time")
        expect(not page.samples("container_memory_rss"), "memory though cpu alone were asked for")
        collectors = {s.labels["collector"] for s in page.samples("cgmon_scrape_collector_success")}
        expect_equal(collectors, {"cpu"}, "collectors of the filtered page")
        narrow = _reads(agent, "collect%5B%5D=cpu")
        whole = _reads(agent, "")
        expect(narrow < whole / 3, f"{narrow} reads for cpu alone, {whole} for all")
        page = _parsed(agent, "/metrics?exclude[]=memory&exclude[]=spec")
        expect(page.samples("container_cpu_usage_seconds_total"), "cpu is gone, too")
        expect(not page.samples("container_memory_rss"), "memory is shown")
        expect(not page.samples("container_last_seen"), "what is always on is shown")
        for query, words in (
            ("collect[]=memry", ["`memry`", "`memory`", "cpu"]),
            ("exclude[]=nonsense", ["`nonsense`"]),
            ("collect[]=percpu", ["percpu", "off", "--collector.percpu"]),
            ("collect[]=cpu&exclude[]=memory", ["together"]),
            ("collect=cpu", ["collect[]"]),
        ):
            answer = agent.get(f"/metrics?{query}")
            expect_equal(answer.status, 400, f"status of ?{query}")
            for word in words:
                expect(word in answer.text(), f"the answer to ?{query} lacks {word!r}: {answer.body!r}")


def _parsed(agent, path):
    answer = agent.get(path)
    expect_equal(answer.status, 200, f"status of {path}; {answer.body[:200]!r}")
    return exposition.parse(answer.body)


def _reads(agent, query):
    """Reads of kernel files for one scrape."""
    before = _parsed(agent, f"/metrics?{query}").value("cgmon_reads_total")
    return _parsed(agent, f"/metrics?{query}").value("cgmon_reads_total") - before


def reload():
    """SIGHUP: what can change does, counters go on, no scrape is dropped; a broken file changes
    nothing, and the metrics and the log say so; what is fixed is named in the log."""
    with tempfile.TemporaryDirectory(prefix="cgmon-test-") as directory:
        path = f"{directory}/agent.yaml"
        _write(path, "collector: {cpu: false}\n")
        with Agent(checks.agent_binary(), f"--config.file={path}") as agent:
            page = agent.scrape()
            expect(not page.samples("container_cpu_usage_seconds_total"), "cpu is shown though switched off")
            expect_equal(page.value("cgmon_config_last_reload_successful"), 1, "before any reload")
            before = page

            _write(path, "limits: {samples: 1000000}\nweb: {threads: 3}\n")
            page = _after_reload(agent, "success", 1)
            expect(page.samples("container_cpu_usage_seconds_total"), "cpu is not shown though switched on")
            for name in ("cgmon_reads_total", "cgmon_cgroups_added_total", "process_start_time_seconds",
                         "cgmon_collection_duration_seconds_count"):
                expect(page.value(name) >= before.value(name), f"{name} started over")
            expect(page.value("cgmon_collection_duration_seconds_count") > 1, "passes started over")
            _expect_log(agent, "web.threads", "start the agent anew")
            _expect_log(agent, "collector.cpu", "changed")

            _write(path, "collector:\n  cpu: false\n  memry: false\n")
            page = _after_reload(agent, "failure", 1)
            expect(page.samples("container_cpu_usage_seconds_total"), "the broken file was used")
            expect_equal(page.value("cgmon_config_last_reload_successful"), 0, "after a broken file")
            _expect_log(agent, f"{path}:3: column 3", "`collector.memory`")

            _write(path, "only: [units]\nlog: {format: json}\n")
            page = _after_reload(agent, "success", 2)
            expect_equal(page.value("cgmon_config_last_reload_successful"), 1, "after a right file")
            units = {s.labels["id"] for s in page.samples("container_last_seen")}
            expect(len(units) < len(before.ids()), f"only: [units] still shows {sorted(units)}")
            _expect_log(agent, '"msg":"configuration reloaded"', '"level":"info"')
            for line in agent.log:
                if line.startswith("{"):
                    json.loads(line)


def _write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def _after_reload(agent, outcome, count):
    """The first page that shows the reload. Every scrape until then is a whole one."""
    agent.process.send_signal(signal.SIGHUP)

    def shown():
        page = agent.scrape()
        expect(page.samples("container_last_seen"), "a scrape was dropped")
        done = page.value("cgmon_config_reloads_total", outcome=outcome) == count
        return page if done else None

    wait_until(shown, 20, f"a reload with {outcome}; log:\n{agent.log_tail()}")
    return agent.scrape()


def _expect_log(agent, *words):
    def found():
        return any(all(word in line for word in words) for line in agent.log)

    wait_until(found, 5, f"a log line with {words}; it said:\n{agent.log_tail()}")


def check_config():
    """check-config tells what a right file changes, and of a wrong one the place and the remedy."""
    binary = checks.agent_binary()
    ended = run(binary, "check-config", "config/agent.yaml")
    expect_equal(ended.code, 0, f"exit code; stderr {ended.stderr!r}")
    expect(b"all options have their defaults" in ended.stdout, f"it said {ended.stdout!r}")
    with tempfile.TemporaryDirectory(prefix="cgmon-test-") as directory:
        path = f"{directory}/agent.yaml"
        _write(path, "limits: {depth: 9}\npath: {rootfs: /host}\ncollector: {pids: false}\n")
        ended = run(binary, "check-config", path)
        expect_equal(ended.code, 0, f"exit code; stderr {ended.stderr!r}")
        said = [line.strip() for line in ended.stdout.decode().splitlines()[1:]]
        expect_equal(
            said,
            ["path.rootfs: `/host` (default: `/`)", "limits.depth: `9` (default: `64`)",
             "collector.pids: `false` (default: `true`)"],
            "what differs",
        )  # fmt: skip
        _write(path, "limits:\n  dept: 9\n")
        ended = run(binary, "check-config", path)
        expect_equal(ended.code, 2, "exit code of a wrong file")
        expect(f"{path}:2: column 3".encode() in ended.stderr, f"stderr {ended.stderr!r}")
    expect_equal(run(binary, "check-config", "/nonexistent").code, 2, "exit code without a file")


def version():
    """--version has name, version, revision, compiler and libraries, in exporters' form."""
    ended = run(checks.agent_binary(), "--version")
    expect_equal(ended.code, 0, "exit code")
    lines = ended.stdout.decode().splitlines()
    expect(lines[0].startswith("cgmon-agent, version "), f"first line {lines[0]!r}")
    expect("(revision: " in lines[0], f"first line {lines[0]!r}")
    for key in ("compiler:", "platform:", "libraries:"):
        found = [line for line in lines if line.strip().startswith(key)]
        expect(found and found[0].split(":", 1)[1].strip(), f"no {key} in {lines}")
    for library in ("civetweb", "spdlog", "yaml-cpp", "prometheus-cpp"):
        expect(f"{library} " in lines[-1] and f"{library} ," not in lines[-1], f"{lines[-1]!r}")


def own_http_library():
    """CivetWeb is a part of the program: Debian's library, which the build brings along, is not
    loaded."""
    with Agent(checks.agent_binary()) as agent, open(f"/proc/{agent.pid}/maps") as maps:
        loaded = {line.split()[-1] for line in maps if ".so" in line}
    expect(any("libprometheus-cpp-core" in name for name in loaded), f"loaded: {loaded}")
    for name in ("civetweb", "prometheus-cpp-pull"):
        expect(not any(name in file for file in loaded), f"{name} is loaded")


def defaults_disabled():
    """--collector.disable-defaults leaves what is named; --web.disable-exporter-metrics leaves no
    metrics of the agent."""
    flags = ["--collector.disable-defaults", "--collector.cpu", "--web.disable-exporter-metrics"]
    ended = run(checks.agent_binary(), "--once", "-o", "prometheus", *flags)
    expect_equal(ended.code, 0, f"exit code; stderr {ended.stderr!r}")
    page = exposition.parse(ended.stdout)
    expect(page.samples("container_cpu_usage_seconds_total"), "no CPU time")
    expect(not page.samples("container_memory_rss"), "memory is shown")
    expect(not page.samples("cgmon_build_info"), "the agent's own metrics are shown")


def service_manager():
    """Who sets NOTIFY_SOCKET, as systemd does, hears when the agent is ready, reloads and ends."""
    with tempfile.TemporaryDirectory(prefix="cgmon-test-") as directory:
        name = f"{directory}/notify"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(name)
            manager.settimeout(20)
            agent = Agent(checks.agent_binary(), prefix=["env", f"NOTIFY_SOCKET={name}"])
            with agent:
                expect_equal(manager.recv(256), b"READY=1", "after the start")
                agent.process.send_signal(signal.SIGHUP)
                said = manager.recv(256).decode().split("\n")
                expect_equal(said[0], "RELOADING=1", "after SIGHUP")
                at = int(said[1].removeprefix("MONOTONIC_USEC="))
                now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
                expect(now - 20_000_000 < at <= now, f"reloading at {at} us, it is {now}")
                expect_equal(manager.recv(256), b"READY=1", "after the reload")
            expect_equal(manager.recv(256), b"STOPPING=1", "after SIGTERM")
    with Agent(checks.agent_binary(), prefix=["env", "NOTIFY_SOCKET=/nonexistent"]) as agent:
        _expect_log(agent, "no word to the service manager", "/nonexistent")


def main():
    checks.agent_binary()
    tests = [query_parameters, reload, service_manager, check_config, version, own_http_library, defaults_disabled]
    return checks.main("program", tests, limit_seconds=110)


checks.run_or_skip(main)
