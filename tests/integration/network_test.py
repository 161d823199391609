#!/usr/bin/python3
"""Network figures of docker containers, by an agent that runs as nobody and without capabilities.

The containers have no network of docker's: two of them get the ends of a veth pair, over which
frames of a known number and size go, so that the page can be held against what was sent.
"""

import argparse
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import checks, dockerd, exposition, kernel_reader
from support.agent import Agent, kWithoutRights
from support.agent import run as call
from support.checks import Skip, expect, expect_equal, wait_until

kFrames, kFrameBytes = 1000, 514
kSleep = "exec sleep 100000"
kColumns = [
    f"container_network_{way}_{what}_total"
    for way in ("receive", "transmit")
    for what in ("bytes", "packets", "errors", "packets_dropped")
]
# Raw frames of an experimental type: no protocol adds to them or answers.
kSend = f"""
import socket
link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
link.bind(("eth0", 0))
for _ in range({kFrames}):
    link.send(b"\\xff" * 6 + b"\\x02" * 6 + b"\\x88\\xb5" + bytes({kFrameBytes} - 14))
"""

kConnections = 7
# To itself, by the loopback; whoever connects ends it by RST, so that nothing is left to wait.
kConnect = f"""
import socket, struct
listener = socket.create_server(("127.0.0.1", 0))
for _ in range({kConnections}):
    out = socket.create_connection(listener.getsockname())
    listener.accept()[0].close()
    out.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    out.close()
"""
# Family: protocol and name in the kernel's files.
kCounts = {
    "container_network_tcp_retransmitted_segments_total": "Tcp RetransSegs",
    "container_network_tcp_sent_segments_total": "Tcp OutSegs",
    "container_network_tcp_listen_overflows_total": "TcpExt ListenOverflows",
    "container_network_tcp_listen_drops_total": "TcpExt ListenDrops",
    "container_network_tcp_active_opens_total": "Tcp ActiveOpens",
    "container_network_tcp_passive_opens_total": "Tcp PassiveOpens",
    "container_network_tcp_resets_sent_total": "Tcp OutRsts",
    "container_network_udp_receive_buffer_errors_total": "Udp RcvbufErrors",
}


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode != 0:
        raise Skip(f"{' '.join(command[:5])}: {done.stderr.strip()}")
    return done.stdout


def inside(pid, *command):
    """Runs a command in a process' network namespace."""
    return run("nsenter", "-t", str(pid), "-n", *command)


def counts(text):
    """{interface: the eight counts} of the text of /proc/PID/net/dev."""
    found = {}
    for line in text.splitlines()[2:]:
        name, numbers = line.rsplit(":", 1)
        numbers = [int(n) for n in numbers.split()]
        if not re.match(r"(lo$|veth|docker|nerdctl)", name.strip()):
            found[name.strip()] = numbers[0:4] + numbers[8:12]
    return found


def counters(pid):
    """{"Tcp OutRsts": number, …} of a process' namespace."""
    lines = "".join(kernel_reader.read(f"/proc/{pid}/net/{f}") for f in ("snmp", "netstat"))
    words = [line.split() for line in lines.splitlines()]
    return {
        f"{names[0].rstrip(':')} {name}": int(value)
        for names, values in zip(words[::2], words[1::2])
        for name, value in zip(names[1:], values[1:])
    }


class Networks:
    def __init__(self, docker, agent):
        self.docker, self.agent = docker, agent
        suffix = f"-{os.getpid()}"
        self.left = docker.run("left" + suffix, command=kSleep)
        self.right = docker.run("right" + suffix, command=kSleep)
        self.guest = docker.run(
            "guest" + suffix, command=kSleep, network="container:left" + suffix
        )
        self.host = docker.run("host" + suffix, command=kSleep, network="host")

    def all(self):
        return [self.said_by_files, self.without_a_network, self.link_them, self.counts_what_was_sent,
                self.equals_the_kernel, self.connections, self.once_a_namespace, self.host_network_adds_nothing,
                self.moves_on, self.no_errors]  # fmt: skip

    def figures(self, container, page=None):
        """{interface: the eight counts} of the page."""
        page = page or self.agent.scrape()
        found = {}
        for at, family in enumerate(kColumns):
            for sample in page.samples(family, id=container.cgroup.id):
                found.setdefault(sample.labels["interface"], [None] * 8)[at] = int(sample.text)
        return found

    def said_by_files(self):
        """docker's files say whose network each container uses."""
        ended = call(checks.agent_binary(), "--once", "-o", "prometheus", "--only=containers",
                     f"--docker.root={self.docker.data_root}")  # fmt: skip
        expect_equal(ended.code, 0, f"exit code; stderr {ended.stderr!r}")
        page = exposition.parse(ended.stdout)
        wanted = {"left": "none", "right": "none", "guest": "container", "host": "host"}
        for name, network in wanted.items():
            (info,) = page.samples("container_info", id=getattr(self, name).cgroup.id)
            expect_equal(info.labels.get("network"), network, f"network of {name}")

    def without_a_network(self):
        """A container that has the loopback alone has no series, and the agent no complaint."""
        expect_equal(self.figures(self.left), {}, "figures of a container without a network")

    def link_them(self):
        """The two containers can be given the ends of a pair of our own."""
        names = (f"cgm{os.getpid()}a", f"cgm{os.getpid()}b")
        run("ip", "link", "add", names[0], "type", "veth", "peer", "name", names[1])
        for name, container in zip(names, (self.left, self.right)):
            run("ip", "link", "set", name, "netns", str(container.pid))
            quiet = "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6"
            inside(container.pid, "sh", "-c", f"test ! -e /proc/sys/net/ipv6 || {quiet}")
            inside(container.pid, "ip", "link", "set", name, "name", "eth0")
        for container in (self.left, self.right):
            inside(container.pid, "ip", "link", "set", "eth0", "up")

    def counts_what_was_sent(self):
        """1000 frames of 514 bytes are 514000 bytes on both ends, to the last one."""
        before = [self.figures(c)["eth0"] for c in (self.left, self.right)]
        inside(self.left.pid, sys.executable, "-c", kSend)
        after = [self.figures(c)["eth0"] for c in (self.left, self.right)]
        sent, got = ([a - b for a, b in zip(*pair)] for pair in zip(after, before))
        total = kFrames * kFrameBytes
        expect_equal(sent, [0, 0, 0, 0, total, kFrames, 0, 0], "what the sender counted")
        expect_equal(got[0:2], [total, kFrames], "what the other one counted")
        return f"{total} bytes in {kFrames} packets"

    def equals_the_kernel(self):
        """The eight figures are those of the kernel's file of each container's own process."""
        for container in (self.left, self.right):
            wanted = counts(kernel_reader.read(f"/proc/{container.pid}/net/dev"))
            expect_equal(self.figures(container), wanted, f"figures of {container.name}")

    def connections(self):
        """Seven connections are seven on either side, and all counts are the kernel's."""

        def shown():
            page = self.agent.scrape()
            return {f: int(page.value(f, id=self.right.cgroup.id)) for f in kCounts}

        before = shown()
        inside(self.right.pid, sys.executable, "-c", kConnect)
        after = shown()
        for way in ("active", "passive"):
            family = f"container_network_tcp_{way}_opens_total"
            expect_equal(after[family] - before[family], kConnections, family)
        kernel = counters(self.right.pid)
        expect_equal(after, {f: kernel[name] for f, name in kCounts.items()}, "the kernel's counts")
        return f"{after}"

    def once_a_namespace(self):
        """A container in another's namespace adds nothing: the older one shows it."""
        page = self.agent.scrape()
        expect_equal(self.figures(self.guest, page), {}, "figures of the guest")
        expect("eth0" in self.figures(self.left, page), "the owner has none")

    def host_network_adds_nothing(self):
        """A container in the host's namespace has no series; the root has the host's own."""
        before = counts(kernel_reader.read("/proc/1/net/dev"))
        page = self.agent.scrape()
        after = counts(kernel_reader.read("/proc/1/net/dev"))
        expect_equal(self.figures(self.host, page), {}, "figures of a host-network container")
        for at, family in enumerate(kColumns):
            shown = {s.labels["interface"]: int(s.text) for s in page.samples(family, id="/")}
            expect_equal(set(shown), set(before), f"{family} of the host")
            for name, value in shown.items():
                expect(before[name][at] <= value <= after[name][at], f"{family} of {name}: {value}")
        return f"interfaces of the host: {', '.join(sorted(before))}"

    def moves_on(self):
        """When the owner ends, the other container in its namespace shows it."""
        self.docker.remove(self.left.name)
        wanted = counts(kernel_reader.read(f"/proc/{self.guest.pid}/net/dev"))
        expect("eth0" in wanted, f"the namespace has gone: {wanted}")
        wait_until(lambda: self.figures(self.guest) == wanted, 10, "figures on the guest")

    def no_errors(self):
        """Nothing was out of reach for an agent without rights."""
        page = self.agent.scrape()
        expect_equal(
            page.value("cgmon_scrape_collector_success", collector="network"), 1, "success"
        )
        lacking = page.samples("cgmon_unavailable_cgroups", collector="network")
        expect_equal(lacking, [], "cgroups without network figures")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    dockerd.add_arguments(parser)
    options = parser.parse_args()
    binary = checks.agent_binary()
    with dockerd.running(options) as docker:
        arguments = (f"--docker.root={docker.data_root}", "--collector.netstat")
        with Agent(binary, *arguments, prefix=kWithoutRights) as agent:
            return checks.main("network", Networks(docker, agent).all(), limit_seconds=120)


checks.run_or_skip(main)
