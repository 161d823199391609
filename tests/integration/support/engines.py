"""Containers of podman, containerd's own shell and systemd-nspawn, made for the tests."""

import contextlib
import os
import subprocess
import tempfile

from support.agent import dies_with_us
from support.checks import Skip, expect, wait_until
from support.dockerd import copy_file, find_program

kImage = "localhost/own:1"
kSleep = ("/bin/sleep", "300")
kCommandSeconds = 120


def need_program(name, package):
    path = find_program(name)
    if path is None:
        raise Skip(f"no {name} (package {package})")
    return path


def command(*arguments, seconds=kCommandSeconds):
    done = subprocess.run(
        arguments, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False
    )
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(arguments)}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout.decode().strip()


class Made:
    """A container as its engine was told to make it. `id`: the engine's; empty where it has none.
    `image`: as it was named; empty where files do not tell."""

    def __init__(self, name, runtime, identity="", image="", kind="container"):
        self.name, self.runtime, self.id, self.image, self.kind = name, runtime, identity, image, kind

    def __repr__(self):
        return f"{self.runtime}'s {self.name}"


def make_rootfs(directory):
    """A root file system with busybox, which systemd-nspawn takes for one, too."""
    busybox = os.environ.get("CGMON_BUSYBOX") or need_program("busybox", "busybox-static")
    for name in ("bin", "usr", "etc", "proc", "sys", "dev", "tmp", "run", "root"):
        os.makedirs(f"{directory}/{name}")
    copy_file(busybox, f"{directory}/bin/busybox")
    for name in ("sh", "sleep"):
        os.symlink("busybox", f"{directory}/bin/{name}")
    with open(f"{directory}/etc/os-release", "w", encoding="ascii") as file:
        file.write("ID=own\n")
    os.symlink("../etc/os-release", f"{directory}/usr/os-release")


class Podman:
    """A user's podman. `prefix` runs it as that user; `options` are its own."""

    def __init__(self, prefix=(), options=()):
        self._run = [*prefix, need_program("podman", "podman"), *options]

    def call(self, *arguments):
        return command(*self._run, *arguments)

    def import_image(self, archive):
        self.call("import", "--quiet", archive, kImage)

    def run(self, name, *options):
        """Starts a container without a network."""
        network = () if any(o.startswith("--pod") for o in options) else ("--network=none",)
        words = ("run", "-d", "--name", name, *network, *options, kImage, *kSleep)
        identity = self.call(*words).splitlines()[-1]
        return Made(name, "podman", identity, kImage)

    def pod(self, name):
        """A pod and the container that holds its namespaces."""
        sleep = " ".join(kSleep)
        words = ("--network=none", f"--infra-image={kImage}", f"--infra-command={sleep}")
        pod = self.call("pod", "create", "--name", name, *words).splitlines()[-1]
        infra = self.call("pod", "inspect", "--format", "{{.InfraContainerID}}", pod)
        self.call("pod", "start", pod)
        return pod, Made(f"{pod[:12]}-infra", "podman", infra, kImage, "sandbox")

    def remove_all(self):
        for words in (("pod", "rm", "-f", "-t0", "-a"), ("rm", "-f", "-t0", "-a")):
            subprocess.run([*self._run, *words], capture_output=True, check=False)


class Ctr:
    """containerd's own shell, in a name space."""

    def __init__(self, socket, name_space):
        self._run = [need_program("ctr", "containerd"), "-a", socket, "-n", name_space]
        self._ids = []

    def run(self, identity, rootfs):
        self._ids.append(identity)
        command(*self._run, "run", "-d", "--rootfs", rootfs, identity, *kSleep)
        return Made(identity, "containerd", identity)

    def remove(self, identity):
        for ending in (("task", "rm", "-f"), ("container", "rm")):
            subprocess.run([*self._run, *ending, identity], capture_output=True, check=False)
        self._ids.remove(identity)

    def remove_all(self):
        for identity in list(self._ids):
            self.remove(identity)


@contextlib.contextmanager
def own_containerd(top, state):
    """A containerd with its files below `top`, and its bundles in `state`; gives its socket."""
    containerd = need_program("containerd", "containerd")
    need_program("runc", "runc")
    os.makedirs(top, exist_ok=True)
    os.makedirs(state)
    with open(f"{top}/containerd.toml", "w", encoding="utf-8") as file:
        file.write(f'version = 2\nroot = "{top}/containerd"\nstate = "{state}"\n')
        file.write('disabled_plugins = ["io.containerd.grpc.v1.cri"]\n')
        file.write(f'[grpc]\naddress = "{top}/containerd.sock"\n')
        file.write(f'[plugins."io.containerd.internal.v1.opt"]\npath = "{top}/opt"\n')
    with subprocess.Popen(
        dies_with_us([containerd, "-c", f"{top}/containerd.toml"]),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as daemon:
        try:
            wait_until(lambda: os.path.exists(f"{top}/containerd.sock"), 30, "containerd")
            yield f"{top}/containerd.sock"
        finally:
            daemon.terminate()


@contextlib.contextmanager
def machine(name, rootfs, *options):
    """A container of systemd-nspawn, registered with systemd-machined."""
    nspawn = need_program("systemd-nspawn", "systemd-container")
    words = [nspawn, "--quiet", f"--directory={rootfs}", f"--machine={name}", "--as-pid2",
             "--console=pipe", "--volatile=no", *options, *kSleep]  # fmt: skip
    with tempfile.TemporaryFile() as log, subprocess.Popen(
        dies_with_us(words), stdin=subprocess.DEVNULL, stdout=log, stderr=log
    ) as process:

        def registered():
            if process.poll() is not None:
                log.seek(0)
                raise AssertionError(f"systemd-nspawn ended: {log.read().decode().strip()}")
            return os.path.exists(f"/run/systemd/machines/{name}")

        try:
            wait_until(registered, 60, f"the machine {name}")
            yield Made(name, "nspawn", kind="machine")
        finally:
            process.terminate()


class User:
    """A user of the guest with a service manager of its own, in which podman runs without root."""

    def __init__(self, name, uid):
        self.name, self.uid = name, uid
        command("useradd", "--create-home", "--uid", str(uid), "--user-group", name)
        first = 100000 + (uid - 1000) * 65536
        for kind in ("uids", "gids"):
            command("usermod", f"--add-sub{kind}", f"{first}-{first + 65535}", name)
        command("loginctl", "enable-linger", name)
        self._runtime = f"/run/user/{uid}"
        wait_until(lambda: os.path.exists(f"{self._runtime}/bus"), 60, f"{name}'s service manager")

    def prefix(self):
        environment = (
            f"HOME=/home/{self.name}", f"XDG_RUNTIME_DIR={self._runtime}", f"USER={self.name}",
            f"DBUS_SESSION_BUS_ADDRESS=unix:path={self._runtime}/bus", "PATH=/usr/bin:/usr/sbin",
        )  # fmt: skip
        return (
            "setpriv", f"--reuid={self.uid}", f"--regid={self.uid}", "--init-groups", "env",
            "--chdir=/", *environment, "systemd-run", "--user", "--quiet", "--wait", "--pipe",
            "--collect", "--property=KillMode=process", "--",
        )  # fmt: skip


@contextlib.contextmanager
def without_empty_parents(host, *names):
    """Removes at the end what engines leave: empty cgroups above those of their containers."""
    tops = [f"{h.point}/{name}" for h in host.hierarchies for name in names]
    new = [top for top in tops if not os.path.isdir(top)]
    try:
        yield
    finally:

        def gone():
            for top in new:
                for directory, _, _ in os.walk(top, topdown=False):
                    with contextlib.suppress(OSError):  # conmon, which ends in the background
                        os.rmdir(directory)
            return not any(os.path.exists(top) for top in new)

        wait_until(gone, 20, f"the end of {new}")


def archive_of(rootfs, path):
    command("tar", "-C", rootfs, "-cf", path, ".")
    os.chmod(path, 0o644)
    expect(os.path.getsize(path) > 0, f"{path} is empty")
    return path
