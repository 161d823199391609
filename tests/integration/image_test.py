#!/usr/bin/python3
"""The agent's image under real docker and podman: what it sees with which right and which mount.

The tables in docs/rights.md are made here, with CGMON_GOLDEN_UPDATE=1; else they are held.
"""

import argparse
import os
import re
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import checks, dockerd, every_family, image, pages
from support.agent import Agent
from support.checks import expect, expect_equal, need_module, say, wait_until
from support.image import ContainerAgent, Podman, call, kCgroups, kPaths, mounts

kRights = os.path.join(image.kRoot, "docs/rights.md")
kKubernetes = os.path.join(image.kRoot, "deploy/kubernetes")
kLayer = "container_fs_writable_layer_bytes"
# Each agent measures, or waits, at times of its own.
kOwnTime = {"container_fs_measured_timestamp_seconds", "container_last_seen",
            "container_fs_usage_bytes", "container_fs_inodes_free", "container_fs_log_bytes"}  # fmt: skip
# Without its engine's word a container began when its cgroup was made.
kByEngine = {"container_start_time_seconds", "container_creation_time_seconds"}
kNobody = ("--user=65534:65534",)
kRead = ("--user=0:0", "--cap-add=DAC_READ_SEARCH")
kHostPids = ("--pid=host",)
# The host's hang on who else has processes here.
kOfAllProcesses = {
    "container_file_descriptors", "container_file_descriptors_highest_ratio", "container_sockets",
}  # fmt: skip
# Labels that come from files of engines and of the host, and may be missing while the series is there.
kFromFiles = {*pages.kNames, "image_id", "machine_id", "system_uuid", "boot_id", "osVersion", "kernelVersion"}


class Images:
    def __init__(self, docker, directory):
        self.docker, self.directory = docker, directory
        self.binary = checks.agent_binary()
        self.archive = image.make(self.binary, directory)
        call(image.docker_engine(docker), "load", "-i", self.archive)
        # One with files that are another's alone, one with a process of another.
        hide = "mkdir -m 700 /hidden; dd if=/dev/zero of=/hidden/file bs=1M count=3 2> /dev/null"
        self.container = docker.run(
            "imaged", "--cpus=0.5", "--memory=64m", "--pids-limit=50",
            command=f"{hide}; chown -R 1000:1000 /hidden; exec sleep 100000",
        )  # fmt: skip
        self.others = docker.run("others", "--user=1000:1000", command="exec sleep 100000")
        self.root = f"--docker.root={docker.data_root}"

    def all(self):
        return [self.by_docker, self.by_podman, self.pod_by_podman, self.rights, self.mounted,
                self.own_cgroup]  # fmt: skip

    def by_docker(self):
        """docker runs the image: as nobody all figures, with ids; with one capability names, too."""
        engine = image.docker_engine(self.docker)
        size = int(call(engine, "image", "inspect", "--format", "{{.Size}}", image.kImage))
        expect(size < 15e6, f"the image has {size} bytes")
        return f"{size / 1e6:.1f} MB; {self._by(engine)}"

    def by_podman(self):
        """podman does, likewise."""
        with Podman(self.directory) as podman:
            call(podman.engine, "load", "-i", self.archive)
            call(podman.engine, "tag", "localhost/" + image.kImage, image.kImage)
            return self._by(podman.engine)

    def _by(self, engine):
        data = mounts(*kCgroups, self.docker.data_root)
        arguments = (*kPaths, self.root)
        with Agent(self.binary, self.root) as root:
            with ContainerAgent(engine, "nobody", [*kNobody, *kHostPids, *data], arguments) as agent:
                whole, part = self._agree(root, agent, names=False)
                partly = pages.lost(whole, part)[0]
                expect(not self._named(agent), "a name without a right")
                first = f"as nobody {len(part)} of {len(whole)} series, less {len(partly)} families"
            with ContainerAgent(engine, "reader", [*kRead, *kHostPids, *data], arguments) as agent:
                whole, part = self._agree(root, agent, names=True)
                expect(self._named(agent), "no name with the right to it")
        return f"{first}; with the capability {len(part)} of {len(whole)}"

    def _named(self, agent):
        return agent.scrape().samples("container_threads", name="imaged")

    def _agree(self, root, agent, names):
        """(root's series, the agent's): every figure of the agent's is root's."""
        wanted = [root, agent] if names else [root]
        for one in wanted:
            wait_until(lambda one=one: one.scrape().samples(kLayer, id=self.container.cgroup.id), 40, "a layer")
        ignored = kOwnTime if names else kOwnTime | kByEngine
        wrong = None
        for _ in range(6):  # a figure may move and be back, a cgroup come and go
            first, between, last = (pages.series(one.scrape(), names) for one in (root, agent, root))
            found = {k: v for k, v in pages.contradictions(first, between, last).items()
                     if k[0] not in ignored and not self._holds(agent, k)}  # fmt: skip
            wrong = found if wrong is None else {k: v for k, v in found.items() if k in wrong}
            if not wrong:
                break
        expect_equal(wrong, {}, "figures that root's rule out")
        expect(len(between) > 300, f"{len(between)} series are no host")
        return first, between

    def _holds(self, agent, key):
        """Whether it is a figure of the agent's container or of what that is in: asking changes it."""
        cgroup = dict(key[1:]).get("id", "")
        own = [one for one in agent.scrape().ids() if agent.identity in one] if cgroup else []
        return any(f"{one}/".startswith(cgroup.rstrip("/") + "/") for one in own)

    def pod_by_podman(self):
        """podman runs the pods of the Kubernetes manifests, as their fields say: the base sees the
        container with its id, the overlay for docker its name."""
        yaml = need_module("yaml", "python3-yaml")
        with Podman(self.directory) as podman, Agent(self.binary, self.root) as root:
            call(podman.engine, "load", "-i", self.archive)
            call(podman.engine, "tag", "localhost/" + image.kImage, image.kImage)
            notes = []
            for overlay in ("base", "overlays/docker"):
                options, arguments = pod_options(yaml, overlay, self.docker.data_root, self.directory)
                with ContainerAgent(podman.engine, "pod", options, (*arguments, self.root)) as agent:
                    page = agent.scrape()
                    expect(page.samples("container_threads", id=self.container.cgroup.id), f"{overlay}: no container")
                    named = bool(self._named(agent))
                    expect_equal(named, overlay != "base", f"{overlay} knows names")
                    expect(page.samples("container_network_receive_bytes_total", id="/"), f"{overlay}: no network")
                    notes.append(f"{overlay}: {len(pages.series(page))} series")
        return ", ".join(notes)

    def rights(self):
        """What each user and capability takes away is what docs/rights.md says, no more and no less."""
        both = ("--cap-add=DAC_READ_SEARCH", "--cap-add=SYS_PTRACE")
        data = mounts("/")
        rows = {
            "uid 65534, no capability": kNobody,
            "uid 0, no capability": ("--user=0:0",),
            "uid 0, `DAC_READ_SEARCH`": kRead,
            "uid 0, `SYS_PTRACE`": ("--user=0:0", both[1]),
            "uid 0, both": ("--user=0:0", *both),
        }
        return self._table("Rights", {
            title: ((*options, *kHostPids, *data), ("--path.rootfs=/host",))
            for title, options in rows.items()
        })  # fmt: skip

    def mounted(self):
        """The same of mounts and of the host's processes."""
        able = ("--user=0:0", "--cap-add=DAC_READ_SEARCH", "--cap-add=SYS_PTRACE")
        etc = ("/etc/os-release", "/etc/machine-id")
        etc = [place for place in etc if os.path.exists(place)]
        data = self.docker.data_root
        return self._table("Mounts", {
            "all of `/`, without the host's PIDs": ((*able, *mounts("/")), ("--path.rootfs=/host",)),
            "`/sys/fs/cgroup`, the runtime's directory, `/etc/machine-id`, `/etc/os-release`":
                ((*able, *kHostPids, *mounts(*kCgroups, data, *etc)), kPaths),
            "`/sys/fs/cgroup`, the runtime's directory": ((*able, *kHostPids, *mounts(*kCgroups, data)), kPaths),
            "`/sys/fs/cgroup`": ((*able, *kHostPids, *mounts(*kCgroups)), kPaths),
        })  # fmt: skip

    def own_cgroup(self):
        """Without the host's cgroups only the agent's own can be seen, which its log says."""
        engine = image.docker_engine(self.docker)
        with ContainerAgent(engine, "alone", [*kRead, *kHostPids], ()) as agent:
            ids = agent.scrape().ids()
            expect(self.container.cgroup.id not in ids, f"sees the host's cgroups: {sorted(ids)}")
            words = "only a part of the host's cgroups can be seen"
            expect(words in agent.said(), f"the log says {agent.said()!r}")

    def _table(self, heading, rows):
        update = bool(os.environ.get("CGMON_GOLDEN_UPDATE"))
        known = read_table(heading)
        expect(update or list(known) == list(rows), f"docs/rights.md has other rows under {heading}")
        flags, _ = every_family.groups_and_families(self.binary)
        found = {}
        with Agent(self.binary, self.root, *flags) as root:
            for container in (self.container, self.others):
                wait_until(lambda c=container: root.scrape().samples(kLayer, id=c.cgroup.id), 40, "a layer")
            for title, (options, arguments) in rows.items():
                wanted = None if update else known[title]
                engine = image.docker_engine(self.docker)
                with ContainerAgent(engine, "row", options, (*arguments, self.root, *flags)) as agent:
                    found[title] = self._settled(root, agent, wanted, title)
            there = self._seen(root.scrape())
        if update:
            # What this host does not have at all stays as another host left it.
            write_table(heading, {
                title: [now | (old - here) for now, old, here in
                        zip(gone, known.get(title, [set()] * len(gone)), names_of(there))]
                for title, gone in found.items()
            })  # fmt: skip
        return "; ".join(f"{title}: {sum(map(len, gone))}" for title, gone in found.items())

    def _settled(self, root, agent, wanted, title):
        """What is missing, once it is what is wanted; without a wish once it stays as it is."""
        since, last = time.monotonic(), None
        while True:
            there = self._seen(root.scrape())
            gone = difference(there, self._seen(agent.scrape()))
            if wanted is not None:
                here = [one & known for one, known in zip(wanted, names_of(there))]
                if gone == here:
                    return gone
                wrong = [sorted(a ^ b) for a, b in zip(gone, here)]
                expect(time.monotonic() - since < 15, f"{title}: differs from docs/rights.md in {wrong}")
            elif gone != last:
                since, last = time.monotonic(), gone
            elif time.monotonic() - since > 6:
                return gone
            time.sleep(0.5)

    def _seen(self, page):
        """[(family, scope, labels)] of what has to do with the host or with our containers."""
        ids = {c.cgroup.id for c in (self.container, self.others)}
        names = {c.name for c in (self.container, self.others)}
        found = set()
        for family in page.families.values():
            for sample in family.samples:
                cgroup, name = sample.labels.get("id"), sample.labels.get("name")
                ours = cgroup in ids or (cgroup is None and name in names)
                hosts = cgroup == "/" or not (cgroup or name)
                if sample.name.startswith(pages.kOwn) or not (ours or hosts):
                    continue
                if hosts and sample.name in kOfAllProcesses:
                    continue
                scope = "container" if ours else "host"
                found.add((family.name, scope, tuple(sorted(sample.labels.items()))))
        return found


def names_of(seen):
    """(families, families, families, labels), as a row of the tables has them."""
    families = {family for family, _, _ in seen}
    labels = {label for _, _, labels in seen for label, _ in labels}
    return families, families, families, labels & kFromFiles


def difference(whole, part):
    """What a page lacks: (families, families of containers, families of the host, labels)."""
    gone = names_of(whole)[0] - names_of(part)[0]
    labels = names_of(whole)[3] - names_of(part)[3]

    def rows(seen, scope):
        drop = labels | {"id"} | set(pages.kNames)
        return {(f, tuple(x for x in ls if x[0] not in drop), dict(ls).get("id"))
                for f, s, ls in seen if s == scope and f not in kOtherLabels}  # fmt: skip

    lost = [{f for f, *_ in rows(whole, scope) - rows(part, scope)} - gone for scope in ("container", "host")]
    return [gone, *lost, labels]


# The labels of these are what an engine's file says, so that another series stands there without it.
kOtherLabels = {"container_info", "container_oom_kills_total"}


def pod_options(yaml, overlay, data_root, directory):
    """(options of an engine, arguments) as the DaemonSet's pod template has them. A directory of nodes
    that is not here is an empty one in `directory`."""
    kubectl = dockerd.find_program("kubectl")
    if kubectl is None:
        raise checks.Skip("no kubectl (package kubernetes-client)")
    text = call([kubectl], "kustomize", f"{kKubernetes}/{overlay}")
    (daemon_set,) = [d for d in yaml.safe_load_all(text) if d["kind"] == "DaemonSet"]
    pod = daemon_set["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    context = {**pod["securityContext"], **container["securityContext"]}
    expect(context["readOnlyRootFilesystem"] and not context["allowPrivilegeEscalation"], "not as strict as tried")
    expect_equal(context["capabilities"]["drop"], ["ALL"], "dropped capabilities")
    expect_equal(context["seccompProfile"], {"type": "RuntimeDefault"}, "seccomp")
    options = [f"--user={context['runAsUser']}:{context['runAsGroup']}",
               "--memory", container["resources"]["limits"]["memory"].replace("Mi", "m")]  # fmt: skip
    options += [f"--cap-add={name}" for name in context["capabilities"].get("add", ())]
    options += ["--pid=host"] if pod.get("hostPID") else []
    hosts = {volume["name"]: volume["hostPath"]["path"] for volume in pod["volumes"]}
    for mount in container["volumeMounts"]:
        expect(mount["readOnly"], f"{mount} can be written to")
        place, target = hosts[mount["name"]], mount["mountPath"]
        if place == "/var/lib/docker":  # the tests' daemon has its own
            place, target = data_root, "/host" + data_root
        if not os.path.isdir(place):
            place = f"{directory}/empty"
            os.makedirs(place, exist_ok=True)
        options += ["-v", f"{place}:{target}:ro"]
    return options, container["args"]


def read_table(heading):
    """{row: [families, families of containers, families of the host, labels]} of docs/rights.md."""
    with open(kRights, encoding="utf-8") as file:
        text = file.read()
    part = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    lines = [line for line in part[1].splitlines() if line.startswith("| ")][1:]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0]: [set(re.findall(r"`(\w+)`", cell)) for cell in row[1:]] for row in rows}


def write_table(heading, rows):
    with open(kRights, encoding="utf-8") as file:
        text = file.read()
    lines = []
    for title, gone in rows.items():
        cells = [" ".join(f"`{name}`" for name in sorted(names)) or "none" for names in gone]
        lines.append(f"| {title} | {' | '.join(cells)} |\n")
    new = re.sub(rf"(^## {heading}\n.*?^\|---[^\n]*\n)(?:^\|[^\n]*\n)*", lambda m: m[1] + "".join(lines), text,
                 flags=re.MULTILINE | re.DOTALL)  # fmt: skip
    with open(kRights, "w", encoding="utf-8") as file:
        file.write(new)
    say(f"docs/rights.md: wrote {heading}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    dockerd.add_arguments(parser)
    parser.add_argument("--check", action="append", help="only these")
    options = parser.parse_args()
    checks.need_root()
    with dockerd.running(options) as docker, image.scratch() as directory:
        images = Images(docker, directory)
        chosen = [c for c in images.all() if not options.check or c.__name__ in options.check]
        return checks.main("image", chosen, limit_seconds=240)


checks.run_or_skip(main)
