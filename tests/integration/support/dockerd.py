"""A docker daemon of the tests' own, or one that already runs."""

import os
import signal
import subprocess
import tempfile

from support.agent import dies_with_us
from support.cgroups import remove_directory
from support.checks import Skip, expect, need_root, say, wait_until
from support.kernel_reader import Cgroup, Host

kImage = "bb:1"
# Debian's own client first: a docker in /usr/local may be something else.
_PATH = ["/usr/bin", "/usr/sbin", "/bin", "/sbin", *os.environ.get("PATH", "").split(":")]


def find_program(name):
    for directory in _PATH:
        if directory and os.access(f"{directory}/{name}", os.X_OK):
            return f"{directory}/{name}"
    return None


class Container:
    """A container of ours, with its cgroup."""

    def __init__(self, docker, name):
        self.docker = docker
        self.name = name
        answer = docker.call(
            "inspect",
            "--format",
            "{{.Id}} {{.State.Pid}} {{.State.StartedAt}} {{.Config.Image}}",
            name,
        )
        self.container_id, pid, self.started_at, self.image = answer.split()
        self.pid = int(pid)
        self.cgroup = Cgroup(docker.host, docker.host.paths_of(self.pid))
        expect(
            self.container_id in self.cgroup.id,
            f"docker's container {self.container_id} is not in {self.cgroup.id}",
        )


class Docker:
    """A running daemon, by its socket. Containers made here are removed at the end."""

    def __init__(self, socket, data_root):
        self.socket = socket  # unix:///…
        self.data_root = data_root
        self.host = Host()
        self._client = find_program("docker")
        self._containers = []
        if self._client is None:
            raise Skip("no docker client (package docker.io)")

    def __enter__(self):
        self.import_image()
        return self

    def __exit__(self, *_):
        self.remove_containers()

    def call(self, *arguments, check=True, stdin=None, seconds=120):
        done = subprocess.run(
            [self._client, "-H", self.socket, *arguments],
            stdin=stdin or subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"docker {' '.join(arguments)}: {done.stderr.decode().strip()}")
        return done.stdout.decode().strip()

    def import_image(self):
        """Makes bb:1 of the host's static busybox, where the daemon has none."""
        if self.call("images", "-q", kImage):
            return
        # CGMON_BUSYBOX: a static one, where the installed busybox is not.
        busybox = os.environ.get("CGMON_BUSYBOX") or find_program("busybox")
        if busybox is None or b"dynamically linked" in _what_is(busybox):
            raise Skip("no static busybox to make an image of (package busybox-static)")
        with tempfile.TemporaryDirectory(prefix="cgmon-test-image-") as root:
            for directory in ("bin", "tmp", "proc", "dev", "etc"):
                os.mkdir(f"{root}/{directory}")
            copy_file(busybox, f"{root}/bin/busybox")
            applets = subprocess.check_output([busybox, "--list"], text=True).split()
            for applet in set(applets) - {"busybox"}:
                os.symlink("busybox", f"{root}/bin/{applet}")
            tar = subprocess.Popen(["tar", "-C", root, "-c", "."], stdout=subprocess.PIPE)
            with tar.stdout:
                self.call("import", "-", kImage, stdin=tar.stdout)
            expect(tar.wait(30) == 0, "tar of the image failed")

    def run(self, name, *options, command, network="none"):
        """Starts a container, by default without a network; `command` is a shell's."""
        self._containers.append(name)
        self.call(
            "run",
            "-d",
            "--name",
            name,
            f"--network={network}",
            *options,
            kImage,
            "/bin/sh",
            "-c",
            command,
        )
        return Container(self, name)

    def forget_later(self, name):
        """A container that was made by call() is removed at the end, too."""
        self._containers.append(name)

    def remove(self, name):
        self.call("rm", "-f", name)
        self._containers.remove(name)

    def remove_containers(self):
        for name in list(self._containers):
            self.call("unpause", name, check=False)
            self.call("rm", "-f", name, check=False)
        self._containers.clear()


class OwnDockerd(Docker):
    """A daemon with its own data root, exec root, pid file, socket and containerd name space.

    Needs root; leaves no process, mount, directory or cgroup behind.
    """

    def __init__(self):
        self._daemon_program = find_program("dockerd")
        if self._daemon_program is None or find_program("containerd") is None:
            raise Skip("no docker daemon (package docker.io)")
        # Short: a unix socket's path has at most 107 bytes, and containerd adds to it.
        self._top = tempfile.mkdtemp(prefix="cgmon-d.", dir="/var/tmp")
        self._daemon = None
        super().__init__(f"unix://{self._top}/sock", f"{self._top}/data")
        self._had_parents = {d for d in self._parents() if os.path.isdir(d)}

    @property
    def top(self):
        """Its directory, which goes when it does."""
        return self._top

    def _parents(self):
        return [f"{h.point}/docker" for h in self.host.hierarchies]

    def __enter__(self):
        try:
            self._start()
            return super().__enter__()
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_):
        try:
            if self._daemon is not None and self._daemon.poll() is None:
                self.remove_containers()
        except subprocess.TimeoutExpired:
            say("note: docker rm took too long; its processes are ended one by one")
        finally:
            self._take_down()

    def _start(self):
        top, name_space = self._top, f"cgmon-test-{os.getpid()}"
        with open(f"{top}/daemon.json", "w", encoding="ascii") as file:
            file.write("{}\n")
        command = [
            self._daemon_program, "--config-file", f"{top}/daemon.json", "--host", self.socket,
            "--data-root", self.data_root, "--exec-root", f"{top}/exec", "--pidfile", f"{top}/pid",
            "--containerd-namespace", name_space,
            "--containerd-plugins-namespace", name_space + "-p",
            "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--bridge=none",
        ]  # fmt: skip
        environment = dict(os.environ, PATH=":".join(_PATH))
        with open(f"{top}/log", "wb") as log:
            self._daemon = subprocess.Popen(
                dies_with_us(command), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, env=environment,
            )  # fmt: skip

        def answers():
            if self._daemon.poll() is not None:
                raise AssertionError(
                    f"dockerd ended with {self._daemon.returncode}:\n{self._log_tail()}"
                )
            return self.call("version", "--format", "{{.Server.Version}}", check=False)

        try:
            wait_until(answers, 60, "dockerd answers")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self._log_tail()}") from None

    def _log_tail(self):
        with open(f"{self._top}/log", encoding="utf-8", errors="replace") as file:
            return "".join(file.readlines()[-12:])

    def _take_down(self):
        if self._daemon is not None:
            if self._daemon.poll() is None:
                self._daemon.send_signal(signal.SIGTERM)
            try:
                self._daemon.wait(30)
            except subprocess.TimeoutExpired:
                self._daemon.kill()
                self._daemon.wait()
        # containerd and its shims end after the daemon; what stays has our directory in its words.
        try:
            wait_until(lambda: not self._leftovers(), 10, "containerd ends")
        except AssertionError:
            for pid in self._leftovers():
                os.kill(pid, signal.SIGKILL)
            wait_until(lambda: not self._leftovers(), 10, "killed leftovers of dockerd end")
        self._unmount()
        for directory in self._parents():
            if directory not in self._had_parents and os.path.isdir(directory):
                if not any(entry.is_dir() for entry in os.scandir(directory)):
                    remove_directory(directory)
        subprocess.run(["rm", "-rf", "--one-file-system", self._top], check=False)

    def _leftovers(self):
        found = []
        for entry in os.listdir("/proc"):
            if not entry.isdigit() or int(entry) == os.getpid():
                continue
            try:
                with open(f"/proc/{entry}/cmdline", "rb") as file:
                    if self._top.encode() + b"/" in file.read():
                        found.append(int(entry))
            except OSError:
                pass  # it has just ended
        return found

    def _unmount(self):
        with open("/proc/self/mountinfo", encoding="utf-8") as file:
            points = [line.split(" ")[4] for line in file]
        for point in sorted((p for p in points if p.startswith(self._top + "/")), reverse=True):
            subprocess.run(["umount", "-l", point], check=False)


def add_arguments(parser):
    """The options by which a script is told of a daemon that runs."""
    parser.add_argument("--docker-host", help="socket of a running daemon, unix:///run/docker.sock")
    parser.add_argument("--docker-root", help="its data root; default: as the daemon says")


def running(options):
    """The daemon that the options name, else one of our own; to be entered by `with`."""
    if not options.docker_host:
        need_root()
        return OwnDockerd()
    docker = Docker(options.docker_host, options.docker_root)
    docker.data_root = options.docker_root or docker.call("info", "--format", "{{.DockerRootDir}}")
    return docker


def _what_is(program):
    """b"dynamically linked" for a program that names an interpreter (PT_INTERP), else b""."""
    with open(program, "rb") as file:
        return b"dynamically linked" if b"/lib64/ld-linux" in file.read(4096) else b""


def copy_file(source, target):
    with open(source, "rb") as reader, open(target, "wb") as writer:
        writer.write(reader.read())
    os.chmod(target, 0o755)
