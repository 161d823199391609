#!/usr/bin/python3
"""The dashboard and the rules on a real Prometheus that scraped the agent with loaded containers: each
panel's query has data, each alert fires; and a real OOM kill reaches a webhook by a real Alertmanager."""

import argparse
import http.server
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import checks, dockerd
from support.agent import Agent, dies_with_us, free_port, kWithoutRights, run
from support.cgroups import TestCgroups
from support.checks import Skip, expect, expect_equal, need_module, say, wait_until
from support.prometheus import Prometheus, program

kRoot = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
kDashboard = f"{kRoot}/dashboards/containers.json"
kRules = f"{kRoot}/dashboards/rules/cgmon.rules.yaml"
kRuleTests = f"{kRoot}/dashboards/rules/cgmon.test.yaml"
kWindow = "10s"
# What Grafana fills in, as for the choice of everything.
kVariables = {
    "$__rate_interval": kWindow, "$job": "cgmon", "$instance": ".+", "$which": ".+", "$top": "10",
    "$cgroup": ".+", "${datasource}": "prometheus",
}  # fmt: skip
kDoomed = "doomed"
# Two loops that want CPUs, 17 tasks that sleep, and 58.5 MiB in the buffer of dd.
kBusy = (
    "i=0; while [ $i -lt 15 ]; do sleep 100000 & i=$((i + 1)); done;"
    "{ head -c 61341696 /dev/zero; exec sleep 100000; } | dd of=/dev/null bs=61341696 iflag=fullblock &"
    "while :; do :; done & while :; do :; done"
)
# More file cache than the limit allows, read again and again.
kThrash = (
    "dd if=/dev/zero of=/file bs=1M count=48 2> /dev/null;"
    "for i in 1 2 3 4; do while :; do cat /file > /dev/null; done & done; wait"
)
# Past the page cache, at the rate that docker's limit leaves.
kWaitForDisk = (
    "dd if=/dev/zero of=/file bs=1M count=4 2> /dev/null;"
    "while :; do dd if=/file of=/dev/null bs=256k iflag=direct 2> /dev/null; done &"
    "while :; do dd if=/dev/zero of=/other bs=256k count=8 oflag=direct conv=notrunc 2> /dev/null; done"
)
kEnd = "while [ ! -e /go ]; do sleep 0.2; done; dd if=/dev/zero of=/dev/null bs=64M count=1; exec sleep 100000"


def disk_of(path):
    """Device node of the disk that a directory is on, for docker's limits."""
    number = os.stat(path).st_dev
    try:
        with open(f"/sys/dev/block/{os.major(number)}:{os.minor(number)}/uevent", encoding="ascii") as file:
            name = dict(line.rstrip("\n").split("=", 1) for line in file)["DEVNAME"]
    except OSError:
        raise Skip(f"{path} is on no disk of the kernel's") from None
    return f"/dev/{name}"


class Webhook:
    """Takes what an Alertmanager sends."""

    def __init__(self):
        self.alerts = []
        taken = self.alerts

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                taken.extend(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["alerts"])
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


class Alertmanager:
    def __init__(self, webhook_port, directory):
        self.port = free_port()
        with open(f"{directory}/alertmanager.yml", "w", encoding="ascii") as file:
            file.write(
                "route: {receiver: hook, group_wait: 0s, group_interval: 1s, group_by: ['...']}\n"
                "receivers: [{name: hook, webhook_configs: "
                f"[{{url: 'http://127.0.0.1:{webhook_port}/'}}]}}]\n"
            )
        self._command = [
            program("prometheus-alertmanager"), f"--config.file={directory}/alertmanager.yml",
            f"--storage.path={directory}/alerts", f"--web.listen-address=127.0.0.1:{self.port}",
            "--cluster.listen-address=",
        ]  # fmt: skip
        self._log = f"{directory}/alertmanager.log"

    def __enter__(self):
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen(dies_with_us(self._command), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        return self

    def __exit__(self, *_):
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def dashboard():
    with open(kDashboard, encoding="utf-8") as file:
        return json.load(file)


def panels():
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def filled(expression):
    for name, value in kVariables.items():
        expression = expression.replace(name, value)
    expect("$" not in expression, f"a variable is left in {expression}")
    return expression


def quick_rules(directory):
    """The rules with windows of seconds and without waiting, the thresholds as they are."""
    with open(kRules, encoding="utf-8") as file:
        text = file.read()
    text = re.sub(r"\[5m\]", f"[{kWindow}]", re.sub(r"^ *for: \w+\n", "", text, flags=re.MULTILINE))
    with open(f"{directory}/quick.rules.yaml", "w", encoding="utf-8") as file:
        file.write(text)
    return f"{directory}/quick.rules.yaml"


def rules():
    """promtool takes the rules, and each alert is tried firing and silent."""
    yaml = need_module("yaml", "python3-yaml")
    for words in (["check", "rules", kRules], ["test", "rules", kRuleTests]):
        done = subprocess.run([program("promtool"), *words], capture_output=True, text=True, check=False)
        expect_equal(done.returncode, 0, f"promtool {words[0]}: {done.stdout}{done.stderr}")
    with open(kRules, encoding="utf-8") as file:
        alerts = {rule["alert"] for group in yaml.safe_load(file)["groups"] for rule in group["rules"]}
    with open(kRuleTests, encoding="utf-8") as file:
        tried = [one for test in yaml.safe_load(file)["tests"] for one in test["alert_rule_test"]]
    for wanted, what in ((True, "firing"), (False, "silent")):
        expect_equal({t["alertname"] for t in tried if bool(t["exp_alerts"]) == wanted}, alerts, what)
    return f"{len(alerts)} alerts, {len(tried)} cases"


def linted():
    """Every panel says what it shows, in which unit, and names families that there are."""
    listing = run(checks.agent_binary(), "metrics").stdout.decode()
    families = set(re.findall(r"^  (\w+) ", listing, re.MULTILINE))
    with open(f"{kRoot}/agent/self_metrics.cc", encoding="utf-8") as file:
        families |= set(re.findall(r'"((?:cgmon|process)_\w+)"', file.read()))
    variables = {"$" + v["name"] for v in dashboard()["templating"]["list"]} | {"$__rate_interval"}
    titles, ids = [], []
    for panel in panels():
        titles.append(panel["title"])
        ids.append(panel["id"])
        expect(panel["description"].endswith("."), f"{panel['title']}: no sentence about it")
        expect(panel["fieldConfig"]["defaults"]["unit"], f"{panel['title']}: no unit")
        expect_equal(panel["datasource"]["uid"], "${datasource}", f"{panel['title']}: its datasource")
        for target in panel["targets"]:
            used = set(re.findall(r"\$\w+", target["expr"]))
            expect(used <= variables, f"{panel['title']}: unknown variables {used - variables}")
            expect("$job" in used and "$instance" in used, f"{panel['title']}: not of the chosen hosts")
            for name in re.findall(r"\b(?:container|machine|cgmon)_\w+", target["expr"]):
                base = re.sub(r"_(sum|count|bucket)$", "", name)
                expect(name in families or base in families, f"{panel['title']}: no family {name}")
    expect_equal(len(titles), len(set(titles)), "titles")
    expect_equal(len(ids), len(set(ids)), "ids")
    return f"{len(titles)} panels"


class Loaded:
    """A Prometheus with an Alertmanager over three targets: an agent that sees loaded containers and
    has a broken configuration, one that may not read a file, and one that is not there."""

    def __init__(self, docker, agent, prometheus, webhook, rows):
        self.docker, self.agent, self.prometheus, self.webhook = docker, agent, prometheus, webhook
        self.rows = rows

    def all(self):
        return [self.oom_to_webhook, self.panels, self.variables, self.alerts]

    def oom_to_webhook(self):
        """A process that the OOM killer ends in a container is an alert at the webhook."""
        kills = f'container_oom_kills_total{{name="{kDoomed}"}}'
        wait_until(lambda: self.prometheus.number(f"count_over_time({kills}[1m]) >= 2"), 40, f"{kDoomed} scraped twice")
        expect_equal(self.prometheus.number(kills), 0.0, f"kills of {kDoomed} before it")
        started = time.monotonic()
        self.docker.call("exec", kDoomed, "touch", "/go")

        def arrived():
            return [a for a in self.webhook.alerts if a["labels"]["alertname"] == "ContainerOomKilled"
                    and a["labels"].get("name") == kDoomed]  # fmt: skip

        (alert, *_) = wait_until(arrived, 60, "the alert at the webhook")
        expect_equal(alert["status"], "firing", "status")
        expect(kDoomed in alert["annotations"]["summary"], f"summary: {alert['annotations']}")
        return f"{alert['annotations']['summary']}: after {time.monotonic() - started:.1f} s"

    def panels(self):
        """Each query of each panel has series with numbers."""
        lines, empty = [], None

        def all_have_data():
            lines.clear()
            nonlocal empty
            empty = []
            for panel in panels():
                counts = [self._series(target["expr"]) for target in panel["targets"]]
                lines.append(f"{panel['title']:40} {' '.join(str(count) for count in counts)}")
                if 0 in counts:
                    empty.append(panel["title"])
            return not empty

        try:
            wait_until(all_have_data, 40, "data in each panel")
        except AssertionError:
            raise AssertionError(f"no data in {empty}\n" + "\n".join(lines)) from None
        for line in lines:
            say("         " + line)
        return f"{len(lines)} panels, series by query above"

    def _series(self, expression):
        now = time.time()
        data = self.prometheus.ask("query_range", query=filled(expression), start=now - 8, end=now, step=2)
        return sum(any(float(value) == float(value) for _, value in row["values"]) for row in data["result"])

    def variables(self):
        """Each variable of the dashboard has something to choose."""
        notes = []
        for variable in dashboard()["templating"]["list"]:
            if variable["type"] == "query":
                match = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["definition"])
                rows = self.prometheus.query(f"group by ({match[2]}) ({filled(match[1])})")
                expect(rows, f"nothing to choose for ${variable['name']}")
                notes.append(f"{variable['name']} {len(rows)}")
        which = {o["text"]: o["value"] for v in dashboard()["templating"]["list"] if v["name"] == "which"
                 for o in v["options"]}  # fmt: skip
        shown = self.prometheus.query(f'container_threads{{id=~"{which["containers"]}", name="{kDoomed}"}}')
        expect_equal(len(shown), 1, "a container among those that the choice `containers` shows")
        return ", ".join(notes)

    def alerts(self):
        """Every alert fires, with windows of seconds in place of minutes and its threshold as it is."""
        found = {}

        def all_fire():
            found.clear()
            for labels, _ in self.prometheus.query('ALERTS{alertstate="firing"}'):
                found.setdefault(labels["alertname"], []).append(labels)
            return set(found) == self.rows

        try:
            wait_until(all_fire, 60, "every alert fires")
        except AssertionError:
            raise AssertionError(f"silent: {sorted(self.rows - set(found))}, firing: {sorted(found)}") from None
        return ", ".join(f"{name} {len(rows)}" for name, rows in sorted(found.items()))


def start_load(docker):
    docker.run(kDoomed, "--memory=24m", command=kEnd)
    docker.run("busy", "--cpus=0.1", "--memory=64m", "--pids-limit=20", command=kBusy)
    docker.run("thrash", "--memory=16m", "--cpus=0.4", command=kThrash)
    limits = [f"--device-{way}-bps={disk_of(docker.data_root)}:2mb" for way in ("read", "write")]
    docker.run("waiter", *limits, command=kWaitForDisk)


def lock_a_file(tree):
    """A cgroup of which nobody may read what memory there is."""
    tree.make("locked")
    for directory in tree.directories("locked"):
        if os.path.exists(directory + "/memory.stat"):
            os.chmod(directory + "/memory.stat", 0)


def break_config(agent, path):
    with open(path, "w", encoding="ascii") as file:
        file.write("nonsense: 1\n")
    agent.process.send_signal(signal.SIGHUP)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    dockerd.add_arguments(parser)
    options = parser.parse_args()
    checks.need_root()
    yaml = need_module("yaml", "python3-yaml")
    with open(kRules, encoding="utf-8") as file:
        names = {rule["alert"] for group in yaml.safe_load(file)["groups"] for rule in group["rules"]}
    binary = checks.agent_binary()
    with tempfile.TemporaryDirectory(prefix="cgmon-dashboards-") as directory, dockerd.running(options) as docker:
        start_load(docker)
        config = f"{directory}/agent.yaml"
        with open(config, "w", encoding="ascii") as file:
            file.write("log: {level: info}\n")
        more = f"rule_files: [{quick_rules(directory)}]\n"
        with (
            TestCgroups(docker.host) as tree,
            Webhook() as webhook,
            Alertmanager(webhook.port, directory) as alertmanager,
            Agent(binary, f"--config.file={config}", f"--docker.root={docker.data_root}") as agent,
            Agent(binary, "--only=all", prefix=kWithoutRights) as failing,
        ):
            lock_a_file(tree)
            break_config(agent, config)
            more += f"alerting: {{alertmanagers: [{{static_configs: [{{targets: ['127.0.0.1:{alertmanager.port}']}}]}}]}}\n"
            with Prometheus(agent.port, directory, more, other_ports=(failing.port, 1)) as prometheus:
                loaded = Loaded(docker, agent, prometheus, webhook, names)
                return checks.main("dashboards", [rules, linted, *loaded.all()], limit_seconds=200)


checks.run_or_skip(main)
