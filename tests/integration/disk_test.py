#!/usr/bin/python3
"""Disk figures of docker containers held against `du`, `stat` and `statvfs`."""

import argparse
import os
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import checks, dockerd
from support.agent import Agent, kWithoutRights
from support.checks import Skip, expect, expect_equal, wait_until

kMiB = 1 << 20
kSleep = "exec sleep 100000"
kLayer = "container_fs_writable_layer_bytes"
kFiles = 15_000


def du(path, *options):
    text = subprocess.check_output(["du", "-x", "-s", *options, path], text=True)
    return int(text.split()[0])


class Disks:
    def __init__(self, docker, binary):
        self.docker, self.binary = docker, binary
        suffix = f"-{os.getpid()}"
        write = "dd if=/dev/zero of=/big bs=1M count=50 2> /dev/null; ln /big /again"
        say = "for i in 1 2 3 4 5 6 7 8 9; do echo a line of the log; done; touch /done"
        self.writer = docker.run("writer" + suffix, command=f"{write}; sync; {say}; {kSleep}")
        self.idle = docker.run("idle" + suffix, command=kSleep)
        driver = self.inspect(self.writer, "{{.GraphDriver.Name}}")
        if driver != "overlay2":
            raise Skip(f"docker's storage driver is {driver}, which has no upper directory")
        self.upper = self.inspect(self.writer, "{{.GraphDriver.Data.UpperDir}}")
        wait_until(lambda: os.path.exists(self.upper + "/done"), 30, "the container has written")

    def inspect(self, container, what):
        return self.docker.call("inspect", "--format", what, container.name)

    def agent(self, **options):
        return Agent(self.binary, f"--docker.root={self.docker.data_root}", **options)

    def all(self):
        return [self.layer_equals_du, self.log_equals_du, self.file_system, self.host,
                self.beside_a_walk, self.without_rights, self.once]  # fmt: skip

    def measured(self, agent, container, page=None):
        """The page, once it has the container's layer."""

        def there():
            page = agent.scrape()
            return page if page.samples(kLayer, id=container.cgroup.id) else None

        return wait_until(there, 30, f"the layer of {container.name} on the page")

    def layer_equals_du(self):
        """The writable layer has what `du` says, 50 MB with two links once, and it says when."""
        before = int(time.time())
        with self.agent() as agent:
            page = self.measured(agent, self.writer)
            cgroup = self.writer.cgroup.id
            size = page.value(kLayer, id=cgroup)
            expect_equal(size, du(self.upper, "-B1"), "bytes of the layer")
            expect(50 * kMiB <= size < 51 * kMiB, f"the layer has {size} bytes")
            files = page.value("container_fs_writable_layer_files", id=cgroup)
            expect_equal(files, du(self.upper, "--inodes", "-l") - 1, "files of the layer")
            at = page.value("container_fs_measured_timestamp_seconds", id=cgroup)
            expect(before <= at <= time.time(), f"measured at {at}, begun at {before}")
            idle = self.measured(agent, self.idle).value(kLayer, id=self.idle.cgroup.id)
            expect(idle < kMiB, f"the idle container has {idle} bytes")
        return f"{int(size)} bytes, {int(files)} files"

    def log_equals_du(self):
        """The log has what its file has, and the usage is the sum of both."""
        log = self.inspect(self.writer, "{{.LogPath}}")
        with self.agent() as agent:
            page = self.measured(agent, self.writer)
            cgroup = self.writer.cgroup.id
            wait_until(
                lambda: agent.scrape().samples("container_fs_log_bytes", id=cgroup), 90,
                "the log on the page",
            )  # fmt: skip
            page = agent.scrape()
            shown = page.value("container_fs_log_bytes", id=cgroup)
            expect_equal(shown, os.stat(log).st_blocks * 512, "bytes of the log")
            expect_equal(
                page.value("container_fs_usage_bytes", id=cgroup),
                shown + page.value(kLayer, id=cgroup), "usage",
            )  # fmt: skip
            return f"{int(shown)} bytes of {os.path.basename(log)[:12]}…"

    def file_system(self):
        """The limit and the inodes are those of the file system that holds the layer."""
        of = os.statvfs(self.upper)
        with self.agent() as agent:
            page = self.measured(agent, self.writer)
            cgroup = self.writer.cgroup.id
            limit = page.sample("container_fs_limit_bytes", id=cgroup)
            expect_equal(int(limit.text), of.f_blocks * of.f_frsize, "limit")
            if of.f_files:
                total = page.value("container_fs_inodes_total", id=cgroup)
                expect_equal(total, of.f_files, "inodes")
            return f"device {limit.labels['device']}"

    def host(self):
        """The root shows the host's file systems as statvfs has them; none twice."""
        points = {}
        with open("/proc/1/mountinfo", encoding="utf-8") as file:
            for line in file:
                fields = line.split(" ")
                points.setdefault(fields[fields.index("-", 6) + 2], fields[4])
        with self.agent() as agent:
            shown = wait_until(
                lambda: agent.scrape().samples("container_fs_limit_bytes", id="/"), 20,
                "file systems of the host",
            )  # fmt: skip
            compared = 0
            for sample in shown:
                point = points.get(sample.labels["device"], sample.labels["device"])
                if not os.path.isdir(point):
                    continue  # named by its number's device
                of = os.statvfs(point)
                expect_equal(int(sample.text), of.f_blocks * of.f_frsize, f"size of {point}")
                compared += 1
            expect(compared > 0, f"nothing to compare among {shown}")
            return ", ".join(s.labels["device"] for s in shown)

    def beside_a_walk(self):
        """A scrape takes no longer while a layer of 15000 files is looked through."""
        many = self.docker.run(
            f"many-{os.getpid()}",
            command=f"mkdir /d; cd /d; seq {kFiles} | xargs touch; touch /done; {kSleep}",
        )
        upper = self.inspect(many, "{{.GraphDriver.Data.UpperDir}}")
        wait_until(lambda: os.path.exists(upper + "/done"), 60, "the container has its files")

        def duration(agent):
            began = time.monotonic()
            page = agent.scrape()
            return time.monotonic() - began, page

        with self.agent() as agent:
            during = []
            while True:
                took, page = duration(agent)
                if page.samples(kLayer, id=many.cgroup.id):
                    break
                during.append(took)
                expect(len(during) < 500, "the walk does not end")
                time.sleep(0.05)
            after = [duration(agent)[0] for _ in range(30)]
            walked = page.value("cgmon_disk_walk_files_total")
            expect(walked >= kFiles, f"{walked} files looked at")
            expect(len(during) >= 10, f"only {len(during)} scrapes during the walk")
            figures = [statistics.median(times) * 1000 for times in (during, after)]
            expect(figures[0] < 3 * figures[1] + 5, f"{figures} ms during and after the walk")
            return "median %.2f ms during, %.2f ms after the walk" % tuple(figures)

    def without_rights(self):
        """Without the right to look into docker's directory there is a reason in place of figures."""
        with self.agent(prefix=kWithoutRights) as agent:

            def refused():
                return agent.scrape().sample(
                    "cgmon_unavailable_cgroups", collector="disk", reason="permission"
                )

            sample = wait_until(refused, 20, "the reason permission")
            page = agent.scrape()
            expect_equal(page.samples(kLayer), [], "layers")
            return f"{sample.text} containers"

    def once(self):
        """`--once` waits for what can be measured soon."""
        done = subprocess.run(
            [self.binary, "--once", "--output=prometheus", f"--docker.root={self.docker.data_root}"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        expect_equal(done.returncode, 0, f"exit code; {done.stderr}")
        expect(self.idle.cgroup.id in done.stdout.split(f"# HELP {kLayer} ")[-1].split("# HELP")[0],
               "the idle container's layer is not on the page of --once")  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    dockerd.add_arguments(parser)
    options = parser.parse_args()
    binary = checks.agent_binary()
    with dockerd.running(options) as docker:
        return checks.main("disk", Disks(docker, binary).all(), limit_seconds=160)


checks.run_or_skip(main)
