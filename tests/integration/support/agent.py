"""Starts, asks and ends the agent under test."""

import os
import signal
import socket
import subprocess
import threading
import time

from support import exposition
from support.checks import expect_equal, wait_until
from support.http_reader import Connection


# Runs a command as nobody, without any capability.
kWithoutRights = (
    "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all",
    "--bounding-set=-all",
)  # fmt: skip


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def dies_with_us(command):
    """The command, ended by the kernel when this script is killed and cannot clean up."""
    return ["setpriv", "--pdeathsig", "TERM", "--", *command] if _has_setpriv() else list(command)


def _has_setpriv():
    return any(os.access(f"{d}/setpriv", os.X_OK) for d in os.environ.get("PATH", "").split(":"))


class Agent:
    """A serving agent on a free loopback port; `with Agent(binary, "--only=all") as agent:`.

    `cgroup_directories`: cgroups that it is put into before it runs. `prefix`: a command that runs
    it, kWithoutRights for one.
    """

    def __init__(self, binary, *arguments, cgroup_directories=(), min_interval="0", prefix=()):
        self.binary = binary
        self.prefix = list(prefix)
        self.arguments = list(arguments)
        if min_interval is not None:
            self.arguments.insert(0, f"--web.min-interval={min_interval}")
        self.cgroup_directories = list(cgroup_directories)
        self.process = None
        self.port = 0
        self.log = []
        self._connection = None
        self._used = 0.0

    def __enter__(self):
        # Another program can take the port between our probe and the agent's bind.
        for attempt in range(3):
            self._start()
            if self._is_ready():
                return self
            code, log = self.stop(), self.log_tail()
            if attempt == 2 or "in use" not in log:
                raise AssertionError(
                    f"the agent did not become ready (exit {code}); it said:\n{log}"
                )
        raise AssertionError("unreachable")

    def __exit__(self, kind, *_):
        code = self.stop()
        # A sanitizer's finding shows as another code than 0, and its report in the log.
        if kind is None:
            expect_equal(code, 0, f"exit code of the agent, which said:\n{self.log_tail(60)}\n   ")

    def _start(self):
        self.log = []
        self.process = subprocess.Popen(
            dies_with_us(self._command()),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            preexec_fn=self._enter_cgroups,
        )
        # Read, not written to a file: a file's page cache would be charged to the agent's cgroup.
        threading.Thread(target=self._drain, args=(self.process,), daemon=True).start()

    def _command(self):
        self.port = free_port()
        return [*self.prefix, self.binary, f"--web.listen-address=127.0.0.1:{self.port}", *self.arguments]

    def _enter_cgroups(self):
        for directory in self.cgroup_directories:
            with open(directory + "/cgroup.procs", "w", encoding="ascii") as file:
                file.write("0")

    def _drain(self, process):
        for line in process.stdout:
            self.log.append(line.decode("utf-8", "replace").rstrip("\n"))
            del self.log[:-400]

    def _is_ready(self):
        def ready():
            if self.process.poll() is not None:
                return True
            try:
                with Connection(self.port, timeout=10) as connection:
                    return connection.get("/-/ready").status == 200
            except ConnectionError:
                return False

        wait_until(ready, 20, f"the agent's /-/ready; it said:\n{self.log_tail()}")
        return self.process.poll() is None

    @property
    def pid(self):
        return self.process.pid

    def log_tail(self, lines=30):
        return "\n".join("    " + line for line in self.log[-lines:])

    def connection(self):
        # The server ends a connection that is idle for 5 s, as it may.
        if time.monotonic() - self._used > 3:
            self.hang_up()
        if self._connection is None:
            self._connection = Connection(self.port)
        self._used = time.monotonic()
        return self._connection

    def hang_up(self):
        """Ends the kept connection, if there is one; the next question makes another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def get(self, path, headers=()):
        response = self.connection().get(path, headers)
        self._used = time.monotonic()
        if response.headers.get("connection", "").lower() == "close":  # it is crowded
            self.hang_up()
        return response

    def scrape_bytes(self):
        response = self.get("/metrics")
        expect_equal(response.status, 200, "status of /metrics")
        return response.body

    def scrape(self):
        """One scrape over the kept connection, read strictly."""
        return exposition.parse(self.scrape_bytes())

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def wait_for_end(self, seconds=15):
        """Exit code; None when it does not end in time."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def stop(self):
        """SIGTERM, and SIGKILL if that does not help. Returns the exit code."""
        self.hang_up()
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.wait_for_end()
        if code is None:
            self.process.kill()
            return self.process.wait()
        return code


class Outcome:
    def __init__(self, code, stdout, stderr):
        self.code = code
        self.stdout = stdout
        self.stderr = stderr


def run(binary, *arguments, seconds=30):
    """Runs the agent to its end with pipes for stdout and stderr (bytes)."""
    try:
        done = subprocess.run(
            [binary, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise AssertionError(
            f"agent {' '.join(arguments)} did not end within {seconds} s"
        ) from None
    return Outcome(done.returncode, done.stdout, done.stderr)
