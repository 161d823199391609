#!/usr/bin/python3
"""Names from engines' own files: real podman and containerd containers, in a host root of our own."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import checks, exposition
from support.agent import Agent, run
from support.checks import expect, expect_equal, wait_until
from support.engines import command, kSleep, need_program, own_containerd, without_empty_parents
from support.kernel_reader import Host


def own_space():
    return f"cgmon-ns-{os.getpid()}"


@contextlib.contextmanager
def own_host():
    """A directory that is the host's root to the agent, and a root file system with busybox."""
    busybox = need_program("busybox", "busybox-static")
    top = tempfile.mkdtemp(prefix="cgmon-engines-")
    try:
        os.makedirs(f"{top}/rootfs/bin")
        shutil.copy(busybox, f"{top}/rootfs/bin/busybox")
        os.symlink("busybox", f"{top}/rootfs/bin/sleep")
        with without_empty_parents(Host(), "libpod_parent", "default", own_space()):
            yield top
    finally:
        wait_until(lambda: is_removed(top), 20, f"the end of {top}")


def is_removed(directory):
    """podman cleans up in the background, and makes files there while they are removed."""
    shutil.rmtree(directory, ignore_errors=True)
    return not os.path.exists(directory)


def host_flags(top):
    return (
        f"--path.rootfs={top}/host",
        "--path.procfs=/proc",
        "--path.sysfs=/sys",
        "--path.cgroupfs=/sys/fs/cgroup",
    )


def page_of(top, *flags):
    ended = run(checks.agent_binary(), "--once", "-o", "prometheus", *host_flags(top), *flags)
    expect_equal(ended.code, 0, f"exit code; stderr {ended.stderr!r}")
    return exposition.parse(ended.stdout)


def labels_of(page, container_id):
    """The labels of the one series of a container's memory."""
    found = [
        sample.labels
        for sample in page.samples("container_memory_usage_bytes")
        if sample.labels["id"].endswith(container_id)
    ]
    expect_equal(len(found), 1, f"series of {container_id}")
    return found[0]


def podman_container():
    """A podman container has its name and image, and one series set."""
    checks.need_root()
    podman, runc = need_program("podman", "podman"), need_program("runc", "runc")
    with own_host() as top:
        storage = f"{top}/host/var/lib/containers/storage"
        os.makedirs(storage)
        engine = [podman, "--root", storage, "--runroot", f"{top}/run", "--tmpdir", f"{top}/tmp"]
        engine += ["--storage-driver=vfs", "--cgroup-manager=cgroupfs", "--events-backend=file"]
        engine += ["--runtime", runc]
        command("tar", "-C", f"{top}/rootfs", "-cf", f"{top}/image.tar", ".")
        command(*engine, "import", f"{top}/image.tar", "localhost/own:1")
        limits = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"]
        start = [*engine, "run", "-d", "--name=web", "--network=none", *limits]
        try:
            identity = command(*start, "localhost/own:1", *kSleep)
            page = page_of(top)
            labels = labels_of(page, identity)
            (info,) = page.samples("container_info", container_id=identity)
        finally:
            subprocess.run([*engine, "rm", "-f", "-t0", "-a"], capture_output=True, check=False)
        expect_equal(info.labels.get("network"), "none", "network")
        expect_equal(labels.get("name"), "web", "name")
        expect_equal(labels.get("image"), "localhost/own:1", "image")


def podman_pod():
    """A pod is called so on itself and its containers; its infra container is the sandbox; allowed
    labels, the state and how a container ended are known."""
    checks.need_root()
    podman, runc = need_program("podman", "podman"), need_program("runc", "runc")
    with own_host() as top:
        storage = f"{top}/host/var/lib/containers/storage"
        os.makedirs(storage)
        # The infra container takes no --ulimit.
        with open(f"{top}/containers.conf", "w", encoding="utf-8") as file:
            file.write('[containers]\ndefault_ulimits=["nofile=1024:1024","nproc=1024:1024"]\n')
        engine = ["env", f"CONTAINERS_CONF={top}/containers.conf", podman, "--root", storage]
        engine += ["--runroot", f"{top}/run", "--tmpdir", f"{top}/tmp", "--storage-driver=vfs"]
        engine += ["--cgroup-manager=cgroupfs", "--events-backend=file", "--runtime", runc]
        command("tar", "-C", f"{top}/rootfs", "-cf", f"{top}/image.tar", ".")
        command(*engine, "import", f"{top}/image.tar", "localhost/own:1")
        infra = ["--infra-image=localhost/own:1", "--infra-command=/bin/sleep 300"]
        try:
            pod = command(*engine, "pod", "create", "--name=shop", "--network=none", *infra)
            start = [*engine, "run", "-d", "--pod=shop"]
            identity = command(*start, "--name=web", "--label=team=a", "localhost/own:1", *kSleep)
            ended = command(*start, "--name=job", "localhost/own:1", "/bin/busybox", "false")
            command(*engine, "wait", "job")
            kinds = check_pod(top, pod, identity)
            check_ended(top, ended)
        finally:
            subprocess.run([*engine, "pod", "rm", "-f", "-t0", "-a"], capture_output=True, check=False)
            subprocess.run([*engine, "rm", "-f", "-t0", "-a"], capture_output=True, check=False)
        expect_equal(kinds, {"pod": 1, "sandbox": 1, "container": 1}, "series of the pod")


def check_pod(top, pod, identity):
    """How many cgroups of each kind the pod has."""
    infos = [
        sample.labels
        for sample in page_of(top, "--labels.container=team").samples("container_info")
        if sample.labels.get("pod_uid") == pod and sample.labels.get("kind") != "other"
    ]
    kinds = {}
    for labels in infos:
        kinds[labels["kind"]] = kinds.get(labels["kind"], 0) + 1
        expect_equal(labels.get("pod"), "shop", "pod")
    (web,) = [labels for labels in infos if labels.get("container_id") == identity]
    expect_equal(web.get("name"), "web", "name")
    expect_equal(web.get("container_label_team"), "a", "the allowed label")
    expect_equal(web.get("network"), "pod", "network")
    return kinds


def check_ended(top, identity):
    with Agent(checks.agent_binary(), *host_flags(top)) as agent:

        def is_there():
            return agent.scrape().samples("container_exit_code", container_id=identity)

        wait_until(is_there, 20, "the container that has ended")
        (code,) = agent.scrape().samples("container_exit_code", container_id=identity)
        expect_equal(code.value(), 1.0, "exit code")
        expect_equal(code.labels.get("name"), "job", "name")
        expect_equal(code.labels.get("pod"), "shop", "pod")


@contextlib.contextmanager
def own_ctr(top):
    """The words of ctr for a containerd of our own, in the agent's host root."""
    with own_containerd(top, f"{top}/host/run/containerd") as socket:
        yield [need_program("ctr", "containerd"), "-a", socket]


def containerd_container():
    """A container of containerd's own shell is named by its id, and has one series set."""
    checks.need_root()
    identity = os.urandom(32).hex()
    with own_host() as top, own_ctr(top) as ctr:
        command(*ctr, "run", "-d", "--rootfs", f"{top}/rootfs", identity, *kSleep)
        try:
            labels = labels_of(page_of(top), identity)
        finally:
            for ending in (["task", "rm", "-f"], ["container", "rm"]):
                subprocess.run([*ctr, *ending, identity], capture_output=True, check=False)
        expect_equal(labels.get("name"), identity, "name")
        expect("image" not in labels, "ctr's bundles say nothing of an image")


def container_of_any_name():
    """A container of another namespace, with an id that is a word, is one by its engine's word."""
    checks.need_root()
    identity = f"cgmon-task-{os.getpid()}"
    space = own_space()
    with own_host() as top, own_ctr(top) as ctr:
        ctr = [*ctr, "-n", space]
        command(*ctr, "run", "-d", "--rootfs", f"{top}/rootfs", identity, *kSleep)
        try:
            page = page_of(top, "--only=containers")
        finally:
            for ending in (["task", "rm", "-f"], ["container", "rm"]):
                subprocess.run([*ctr, *ending, identity], capture_output=True, check=False)
        labels = page.sample("container_info", container_id=identity).labels
        expect_equal(labels.get("id"), f"/{space}/{identity}", "cgroup")
        expect_equal(labels.get("name"), identity, "name")
        expect_equal(labels.get("kind"), "container", "kind")
        expect_equal(labels.get("runtime"), "containerd", "runtime")


if __name__ == "__main__":
    kChecks = [podman_container, podman_pod, containerd_container, container_of_any_name]
    checks.run_or_skip(lambda: checks.main("engines", kChecks, 110))
