"""The agent's image, and containers made of it by docker or podman."""

import os
import subprocess
import sys
import tempfile

from support.agent import Agent, free_port
from support.checks import Skip, expect, expect_equal, wait_until
from support.dockerd import find_program

kRoot = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
kImage = "cgmon-agent:test"
# Where the host is for an agent to which it was given piece by piece.
kPaths = ("--path.rootfs=/host", "--path.procfs=/proc", "--path.sysfs=/sys",
          "--path.cgroupfs=/host/sys/fs/cgroup")  # fmt: skip
kCgroups = ("/sys/fs/cgroup:/host/sys/fs/cgroup:ro",)


def make(binary, directory):
    """The image as a tar; it is the same when it is made again."""
    for name in ("image.tar", "again.tar"):
        subprocess.run(
            [sys.executable, f"{kRoot}/deploy/image.py", binary, "test", f"{directory}/{name}"],
            check=True, capture_output=True, env=dict(os.environ, SOURCE_DATE_EPOCH="1700000000"),
        )  # fmt: skip
    with open(f"{directory}/image.tar", "rb") as one, open(f"{directory}/again.tar", "rb") as two:
        expect(one.read() == two.read(), "the image differs when it is made again")
    os.unlink(f"{directory}/again.tar")
    return f"{directory}/image.tar"


def docker_engine(docker):
    return [docker._client, "-H", docker.socket]


class Podman:
    """podman with storage of its own, removed at the end."""

    def __init__(self, directory):
        podman, runc = find_program("podman"), find_program("runc")
        if podman is None or runc is None:
            raise Skip("no podman with runc (packages podman and runc)")
        self.engine = [
            podman, "--root", f"{directory}/storage", "--runroot", f"{directory}/run",
            "--tmpdir", f"{directory}/tmp", "--storage-driver=vfs", "--cgroup-manager=cgroupfs",
            "--events-backend=file", "--runtime", runc,
        ]  # fmt: skip

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run([*self.engine, "rm", "-f", "-t0", "-a"], capture_output=True, check=False)
        subprocess.run([*self.engine, "rmi", "-f", "-a"], capture_output=True, check=False)


def call(engine, *words):
    done = subprocess.run([*engine, *words], capture_output=True, text=True, timeout=90, check=False)
    expect_equal(done.returncode, 0, f"exit code of {' '.join(words)}, which said {done.stderr!r}")
    return done.stdout.strip()


class ContainerAgent(Agent):
    """An agent in a container: `options` for the engine, `arguments` for the agent."""

    def __init__(self, engine, name, options, arguments):
        super().__init__("", *arguments)
        self.engine, self.name, self.options = engine, name, list(options)
        self.identity = ""

    def __enter__(self):
        self.port = free_port()
        # Limits of its own, since a host may not allow what engines set without being asked.
        limits = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096"]
        self.identity = call(
            self.engine, "run", "-d", "--name", self.name, "--network=host", "--read-only",
            "--security-opt=no-new-privileges", "--cap-drop=ALL", *limits, *self.options, kImage,
            f"--web.listen-address=127.0.0.1:{self.port}", *self.arguments,
        )  # fmt: skip
        try:
            wait_until(self._answers, 30, f"the agent in {self.name} is ready")
        except BaseException:
            self.__exit__(True)
            raise
        return self

    def _answers(self):
        state = call(self.engine, "inspect", "--format", "{{.State.Running}}", self.name)
        if state != "true":
            raise AssertionError(f"the agent in {self.name} has ended; it said:\n{self.said()}")
        try:
            return self.get("/-/ready").status == 200
        except OSError:
            self.hang_up()
            return False

    def said(self):
        said = subprocess.run([*self.engine, "logs", self.name], capture_output=True, check=False)
        return (said.stdout + said.stderr).decode().strip()

    def __exit__(self, kind, *_):
        self.hang_up()
        subprocess.run([*self.engine, "rm", "-f", self.name], capture_output=True, check=False)


def mounts(*places):
    """Options that give these directories of the host, read-only, below /host."""
    options = []
    for place in places:
        options += ["-v", place if ":" in place else f"{place}:/host{place if place != '/' else ''}:ro"]
    return options


def scratch():
    # Short: engines add to it, and a socket's path has 107 bytes.
    return tempfile.TemporaryDirectory(prefix="cgmon-i.", dir="/var/tmp", ignore_cleanup_errors=True)
