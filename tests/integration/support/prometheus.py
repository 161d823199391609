"""A real Prometheus of the tests' own."""

import json
import signal
import subprocess
import urllib.parse

from support.agent import dies_with_us, free_port
from support.checks import Skip, expect, expect_equal, wait_until
from support.dockerd import find_program
from support.http_reader import get

kConfig = """
global:
  scrape_interval: 1s
  scrape_timeout: 1s
  evaluation_interval: 1s
scrape_configs:
  - job_name: cgmon
    static_configs:
      - targets: {targets}
"""


def program(name):
    path = find_program(name)
    if path is None:
        raise Skip(f"no {name} (package prometheus)")
    return path


class Prometheus:
    """A Prometheus with its own data and port, that scrapes one agent each second, or several by
    their ports; `more` is added to its configuration."""

    def __init__(self, agent_port, directory, more="", binary=None, other_ports=()):
        self.port = free_port()
        self.log_path = f"{directory}/log"
        config = f"{directory}/prometheus.yml"
        with open(config, "w", encoding="ascii") as file:
            targets = json.dumps([f"127.0.0.1:{port}" for port in (agent_port, *other_ports)])
            file.write(kConfig.format(targets=targets) + more)
        self.command = [
            binary or program("prometheus"), f"--config.file={config}",
            f"--storage.tsdb.path={directory}/data",
            f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=debug",
        ]  # fmt: skip
        self.process = None

    def __enter__(self):
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                dies_with_us(self.command), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            wait_until(self._ready, 60, "Prometheus is ready")
        except BaseException as error:
            self.__exit__()
            raise AssertionError(f"{error}; it said:\n" + "".join(self.log()[-10:])) from None
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _ready(self):
        expect(self.process.poll() is None, "Prometheus has ended")
        try:
            return get(self.port, "/-/ready").status == 200
        except OSError:
            return False

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.readlines()

    def ask(self, path, **parameters):
        answer = get(self.port, f"/api/v1/{path}?" + urllib.parse.urlencode(parameters))
        expect_equal(answer.status, 200, f"Prometheus on {path}: {answer.body[:200]!r}")
        return json.loads(answer.text())["data"]

    def query(self, expression):
        """[({label: value}, number)] of an instant query."""
        result = self.ask("query", query=expression)["result"]
        return [(row["metric"], float(row["value"][1])) for row in result]

    def number(self, expression):
        rows = self.query(expression)
        return rows[0][1] if rows else None
