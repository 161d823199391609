#!/usr/bin/python3
"""Containers of every engine at once: each has one series set, with its name, image and runtime.

    every_engine_test.py              docker, podman with a pod and ctr, in a host root of our own
    every_engine_test.py --systemd    on a machine that is there for the tests alone, with systemd and
                                      cgroup v2: with the system's own engines, podman of two users
                                      without root, and a machine of systemd-nspawn besides
"""

import argparse
import contextlib
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import checks, dockerd
from support.agent import Agent, run
from support.checks import expect, expect_equal, wait_until
from support.engines import (
    Ctr, Made, Podman, User, archive_of, machine, make_rootfs, need_program, own_containerd,
    without_empty_parents,
)  # fmt: skip

kSleep = "exec sleep 100000"
kOwnRoots = ("--path.procfs=/proc", "--path.sysfs=/sys", "--path.cgroupfs=/sys/fs/cgroup")
kSeries = ("container_cpu_usage_seconds_total", "container_memory_usage_bytes",
           "container_last_seen", "container_start_time_seconds")  # fmt: skip
kContainers = ("container", "sandbox", "machine")


class Engines:
    """The checks; each sees the same containers and the same agent."""

    def __init__(self, agent, flags, made, pod, alone):
        self.agent, self.flags, self.made, self.pod = agent, flags, made, pod
        self.alone = alone  # there are no other containers on this host
        self.ctr = None

    def all(self):
        return [self.known, self.one_series_set, self.no_others, self.pod_of_podman, self.detected,
                self.gone]  # fmt: skip

    def infos(self, page, made):
        """The samples of container_info that are about a container."""
        if made.id:
            return page.samples("container_info", container_id=made.id)
        return page.samples("container_info", kind=made.kind, name=made.name)

    def known(self):
        """Each container is known once, with its name, image and runtime."""

        def shown(page, made):
            return [
                tuple(s.labels.get(k, "") for k in ("kind", "runtime", "name", "image"))
                for s in self.infos(page, made)
            ]

        wanted = {
            repr(m): [(m.kind, m.runtime, m.name, m.image)] for m in self.made
        }
        found = {}

        def all_known():
            page = self.agent.scrape()
            found.update((repr(m), shown(page, m)) for m in self.made)
            return found == wanted

        try:
            wait_until(all_known, 15, "all are known")
        except AssertionError:
            wrong = [f"{w}: got {found[w]}, wanted {wanted[w]}" for w in wanted if found[w] != wanted[w]]
            raise AssertionError("\n".join(wrong)) from None
        return ", ".join(map(repr, self.made))

    def one_series_set(self):
        """No other cgroup has a container's name or image; its own has its figures, all named."""
        page = self.agent.scrape()
        for made in self.made:
            infos = self.infos(page, made)
            expect_equal(len(infos), 1, f"series of container_info of {made}")
            info = infos[0]
            identity = {k: v for k, v in info.labels.items() if k in ("id", "name", "image")}
            for family in kSeries:
                expect(page.samples(family, **identity), f"no {family} of {made}")
            for family in page.families.values():
                for sample in family.samples:
                    if "id" not in sample.labels:
                        continue
                    labels = {k: v for k, v in sample.labels.items() if k in ("id", "name", "image")}
                    same = labels["id"] == identity["id"]
                    expect(same or labels.get("name") != made.name or self.is_another(made, labels),
                           f"{made} is also {sample}")  # fmt: skip
                    expect(not same or labels == identity, f"{sample} of {made}: {identity}")

    def is_another(self, made, labels):
        """Users' engines may call theirs alike."""
        return any(m is not made and m.name == made.name and m.id in labels["id"] for m in self.made)

    def no_others(self):
        """Helpers of the engines and cgroups inside of containers are no containers."""
        page = self.agent.scrape()
        ids = {m.id for m in self.made if m.id}
        for sample in page.samples("container_info"):
            labels = sample.labels
            inside = any(m.id and m.id in labels["id"] for m in self.made)
            if labels["kind"] in kContainers and (self.alone or inside):
                known = labels.get("container_id", "") in ids or labels["kind"] == "machine"
                expect(known, f"not made by the test: {sample}")
        count = sum(s.labels["kind"] in kContainers for s in page.samples("container_info"))
        if self.alone:
            expect_equal(count, len(self.made), "containers on the page")
            unresolved = [s for s in page.samples("cgmon_metadata_unresolved") if s.value()]
            expect_equal(unresolved, [], "without metadata")
        return f"{count} containers on the page"

    def pod_of_podman(self):
        """podman's pod, its sandbox and its container have the pod's name."""
        page = self.agent.scrape()
        kinds = sorted(
            s.labels["kind"]
            for s in page.samples("container_info", pod_uid=self.pod, pod="duo")
            if s.labels["kind"] != "other"
        )
        expect_equal(kinds, ["container", "pod", "sandbox"], "what is in the pod")

    def detected(self):
        """`agent detect` names each engine, and says where rootless containers cannot be seen."""
        said = run(self.agent.binary, "detect", *self.flags).stdout.decode().lower()
        for engine in ("docker", "podman", "containerd"):
            expect(engine in said, f"nothing of {engine} in\n{said}")
        if self.agent.scrape().samples("cgmon_cgroup_mode_info", mode="unified"):
            return None
        expect("rootless" in said and "no cgroup of their own" in said, f"not in\n{said}")
        return None

    def gone(self):
        """A container that ended is not on the next page."""
        gone = next(m for m in self.made if m.runtime == "containerd")
        expect_equal(len(self.infos(self.agent.scrape(), gone)), 1, f"series of {gone}")
        self.ctr.remove(gone.id)
        expect_equal(self.infos(self.agent.scrape(), gone), [], f"what is left of {gone}")


def docker_container(docker, name):
    container = docker.run(name, command=kSleep)
    return Made(name, "docker", container.container_id, container.image)


@contextlib.contextmanager
def removed_at_the_end(engine):
    try:
        yield engine
    finally:
        engine.remove_all()


def podmans(stack, podman, archive):
    """A container, and a pod with another; gives the pod and what was made."""
    stack.enter_context(removed_at_the_end(podman))
    podman.import_image(archive)
    pod, infra = podman.pod("duo")
    return pod, [podman.run("solo"), infra, podman.run("member", f"--pod={pod}")]


def on_this_host(stack):
    """Engines of our own, whose files lie in dockerd's directory, the host's root to the agent."""
    checks.need_root()
    runc = need_program("runc", "runc")
    docker = stack.enter_context(dockerd.OwnDockerd())
    top, name_space = docker.top, f"lab-{os.getpid()}"
    stack.enter_context(without_empty_parents(docker.host, "libpod_parent", name_space))
    made = [docker_container(docker, "web")]
    make_rootfs(f"{top}/rootfs")
    archive = archive_of(f"{top}/rootfs", f"{top}/image.tar")
    storage = f"{top}/var/lib/containers/storage"
    os.makedirs(storage)
    options = ["--root", storage, "--runroot", f"{top}/podman", "--tmpdir", f"{top}/tmp",
               "--storage-driver=vfs", "--cgroup-manager=cgroupfs", "--events-backend=file",
               "--runtime", runc]  # fmt: skip
    # By default it raises limits, which takes a right that root may lack.
    with open(f"{top}/containers.conf", "w", encoding="ascii") as file:
        file.write('[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n')
    podman = Podman(("env", f"CONTAINERS_CONF={top}/containers.conf"), options)
    pod, containers = podmans(stack, podman, archive)
    made += containers
    socket = stack.enter_context(own_containerd(f"{top}/c", f"{top}/run/containerd"))
    ctr = stack.enter_context(removed_at_the_end(Ctr(socket, name_space)))
    made.append(ctr.run(f"job-{os.getpid()}", f"{top}/rootfs"))
    flags = (f"--path.rootfs={top}", "--docker.root=/data", *kOwnRoots)
    return flags, made, pod, ctr


def in_a_guest(stack, options):
    docker = stack.enter_context(dockerd.running(options))
    made = [docker_container(docker, "web")]
    top = "/var/tmp/engines"
    make_rootfs(f"{top}/rootfs")
    archive = archive_of(f"{top}/rootfs", f"{top}/image.tar")
    pod, containers = podmans(stack, Podman(), archive)
    made += containers
    for name, uid in (("ann", 1001), ("bob", 1002)):
        podman = stack.enter_context(removed_at_the_end(Podman(User(name, uid).prefix())))
        podman.import_image(archive)
        made.append(podman.run(f"of-{name}"))
    ctr = stack.enter_context(removed_at_the_end(Ctr("/run/containerd/containerd.sock", "lab")))
    made.append(ctr.run("job-7", f"{top}/rootfs"))
    made.append(stack.enter_context(machine("box", f"{top}/rootfs")))
    return (), made, pod, ctr


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--systemd", action="store_true")
    dockerd.add_arguments(parser)
    options = parser.parse_args()
    binary = checks.agent_binary()
    with contextlib.ExitStack() as stack:
        alone = options.systemd
        flags, made, pod, ctr = in_a_guest(stack, options) if alone else on_this_host(stack)
        agent = stack.enter_context(Agent(binary, *flags))
        engines = Engines(agent, flags, made, pod, alone)
        engines.ctr = ctr
        return checks.main("every engine", engines.all(), 100)


checks.run_or_skip(main)
