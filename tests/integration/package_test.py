#!/usr/bin/python3
"""Debian's package on a host with systemd: installed, compared, opened, purged.

    package_test.py --deb FILE --prometheus FILE    in a machine of its own: it installs and purges
"""

import argparse
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import checks, dockerd, exposition, pages
from support.agent import Agent
from support.checks import expect, expect_equal, wait_until
from support.http_reader import get
from support.prometheus import Prometheus

kUnit = "cgmon-agent.service"
kProgram = "/usr/bin/cgmon-agent"
kNamesFile = "/usr/share/cgmon-agent/names.conf"
kDropIn = f"/etc/systemd/system/{kUnit}.d"
kPort = 10190
kExposureMost = 20  # tenths
# Only of these has an agent without rights no sample at all.
kNeedsNames = {
    "container_state", "container_restarts_total", "container_finish_time_seconds",
    "container_exit_code", "container_exit_oom_killed", "container_health_state",
    "container_fs_writable_layer_bytes", "container_fs_writable_layer_files",
    "container_fs_log_bytes", "container_fs_measured_timestamp_seconds",
}  # fmt: skip
# And of these it has the host's alone.
kPartly = {
    "container_fs_usage_bytes", "container_fs_limit_bytes", "container_fs_inodes_total",
    "container_fs_inodes_free",
}  # fmt: skip
# Without its engine's word a container began when its cgroup was made.
kByEngine = {"container_start_time_seconds", "container_creation_time_seconds"}
# These have labels of the engine's, or its name in place of an id.
kOtherLabels = {"container_info", "container_oom_kills_total"}
# Each agent measures it at a time of its own.
kOwnTime = "container_fs_measured_timestamp_seconds"
kLayer = "container_fs_writable_layer_bytes"
kNotFiles = ("/proc", "/sys", "/dev", "/run", "/tmp", "/mnt", "/var/tmp", "/root")
# dpkg's own records, logs and caches; docker's data.
kOthers = ("/var/lib/dpkg/", "/var/log/", "/var/cache/", "/etc/ld.so.cache", "/var/lib/docker",
           "/var/lib/containerd", "/var/lib/systemd/", "/usr/lib/python3")  # fmt: skip


def command(*words, check=True):
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    said = done.stdout + done.stderr
    if check:
        expect_equal(done.returncode, 0, f"exit code of {' '.join(words)}, which said:\n{said}\n")
    return said.strip()


def all_files():
    """{path: what it is} of what stays when the machine is off."""
    found = {}
    for top, directories, names in os.walk("/"):
        directories[:] = [d for d in directories if os.path.join(top, d) not in kNotFiles]
        for name in directories + names:
            path = os.path.join(top, name)
            if path.startswith(kOthers) or "__pycache__" in path:
                continue
            what = os.lstat(path)
            found[path] = (oct(what.st_mode), what.st_size if not os.path.isdir(path) else 0)
    return found


def scrape():
    answer = get(kPort, "/metrics")
    expect_equal(answer.status, 200, "status of the service's /metrics")
    return exposition.parse(answer.body)


class Package:
    def __init__(self, docker, deb, prometheus):
        self.docker, self.deb, self.prometheus = docker, deb, prometheus
        self.before = {}
        self.container = docker.run(
            "packaged", "--cpus=0.5", "--memory=64m", "--pids-limit=50",
            command="dd if=/dev/zero of=/file bs=1M count=3 2> /dev/null; exec sleep 100000",
        )  # fmt: skip

    def all(self):
        return [self.install, self.exposure, self.base_figures, self.scraped, self.reload,
                self.names, self.remove, self.purge]  # fmt: skip

    def install(self):
        """dpkg installs it, and the service is up, enabled, as no user of the system, and says so
        itself (Type=notify)."""
        self.before = all_files()
        command("dpkg", "--install", self.deb)
        show = dict(
            line.split("=", 1)
            for line in command(
                "systemctl", "show", kUnit, "-p", "ActiveState,SubState,Type,UnitFileState,MainPID,DynamicUser"
            ).splitlines()
        )
        wanted = {"ActiveState": "active", "SubState": "running", "Type": "notify",
                  "UnitFileState": "enabled", "DynamicUser": "yes"}  # fmt: skip
        expect_equal({k: show[k] for k in wanted}, wanted, "the unit")
        with open(f"/proc/{show['MainPID']}/status", encoding="ascii") as file:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in file)
        uid = int(status["Uid"].split()[0])
        expect(uid >= 61184, f"runs as uid {uid}")
        for which in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            expect_equal(int(status[which], 16), 0, which)
        expect_equal(status["NoNewPrivs"], "1", "NoNewPrivs")
        expect_equal(status["Seccomp"], "2", "Seccomp")
        return f"uid {uid}; {get(kPort, '/-/ready').text().strip()}"

    def exposure(self):
        """systemd-analyze security is content, of the running service and with the drop-in."""
        said = command("systemd-analyze", "security", "--no-pager", f"--threshold={kExposureMost}", kUnit)
        with tempfile.TemporaryDirectory() as directory:
            unit = f"{directory}/{kUnit}"
            command("cp", f"/lib/systemd/system/{kUnit}", unit)
            command("install", "-Dm644", "-t", f"{unit}.d", kNamesFile)
            opened = command("systemd-analyze", "security", "--no-pager", "--offline=yes",
                             f"--threshold={kExposureMost}", unit)  # fmt: skip
        return f"{said.splitlines()[-1]}; with names: {opened.splitlines()[-1]}"

    def base_figures(self):
        """The service sees what root outside of any sandbox sees, to the same figures, but for names
        and what hangs on them."""
        whole, part = self._compare(names=False)
        for family in kOtherLabels:
            expect_equal([any(k[0] == family for k in page) for page in (whole, part)], [True, True], family)
        for page in (whole, part):
            for key in [key for key in page if key[0] in kOtherLabels]:
                del page[key]
        expect_equal(sorted(set(part) - set(whole))[:5], [], "series that root does not have")
        partly, entirely = pages.lost(whole, part)
        expect_equal(sorted(entirely), sorted(kNeedsNames & pages.families(whole)), "families lost")
        expect_equal(partly - entirely, kPartly, "families that lost some series")
        expect(kLayer in entirely, f"root has no {kLayer}: nothing was compared")
        expect(not any(dict(key[1:]).get("name") == "packaged" for key in pages.series(scrape())),
               "the service knows the name without a right")  # fmt: skip
        return f"{len(part)} of {len(whole)} series, {len(entirely)} families need names"

    def names(self):
        """With the drop-in it has every series that root has, names included, and no figure differs."""
        os.makedirs(kDropIn)
        try:
            command("install", "-m644", "-t", kDropIn, kNamesFile)
            command("systemctl", "daemon-reload")
            command("systemctl", "restart", kUnit)
            whole, part = self._compare(names=True)
        finally:
            command("rm", "-r", kDropIn)
            command("systemctl", "daemon-reload")
        expect_equal(sorted(set(whole) ^ set(part))[:5], [], "series that one alone has")
        expect(any(dict(key[1:]).get("name") == "packaged" for key in part), "no name")
        return f"{len(part)} of {len(whole)} series"

    def _compare(self, names):
        """(series of root, series of the service); their figures agree."""
        with Agent(kProgram) as agent:
            cgroup = self.container.cgroup.id
            wait_until(lambda: agent.scrape().samples(kLayer, id=cgroup), 40, "root's layer")
            if names:
                wait_until(lambda: scrape().samples(kLayer, id=cgroup), 40, "the service's layer")

            def still():
                """Nothing came or went meanwhile."""
                first = pages.series(agent.scrape(), names)
                between = pages.series(scrape(), names)
                last = pages.series(agent.scrape(), names)
                return (first, between, last) if set(first) == set(last) else None

            # A figure may move and be back: only what root's rule out each time is wrong.
            wrong = None
            for _ in range(4):
                first, between, last = wait_until(still, 40, "two pages with the same series")
                found = pages.contradictions(first, between, last)
                wrong = found if wrong is None else {k: v for k, v in found.items() if k in wrong}
                if not wrong:
                    break
        ignored = {kOwnTime} if names else {kOwnTime} | kByEngine
        wrong = {k: v for k, v in wrong.items() if k[0] not in ignored}
        expect_equal(wrong, {}, "figures of the service that root's rule out")
        return first, between

    def scraped(self):
        """A real Prometheus scrapes the service."""
        with tempfile.TemporaryDirectory() as directory:
            with Prometheus(kPort, directory, binary=self.prometheus) as prometheus:
                # Without KVM a scrape may take longer than the second that it is given here.
                wait_until(lambda: prometheus.number("sum_over_time(up[2m]) >= 3"), 90, "3 scrapes")
                count = prometheus.number("scrape_samples_scraped")
                cpu = prometheus.query(f'container_memory_usage_bytes{{id="{self.container.cgroup.id}"}}')
                expect_equal(len(cpu), 1, "the container's memory in Prometheus")
        return f"{int(count)} samples a scrape"

    def reload(self):
        """systemctl reload reads the configuration again; a broken file changes nothing."""
        with open("/etc/cgmon/agent.yaml", encoding="utf-8") as file:
            config = file.read()
        command("systemctl", "reload", kUnit)
        reloads = "cgmon_config_reloads_total"
        wait_until(lambda: scrape().value(reloads, outcome="success") == 1, 20, "a reload")
        with open("/etc/cgmon/agent.yaml", "a", encoding="utf-8") as file:
            file.write("nonsense: 1\n")
        command("systemctl", "reload", kUnit)
        wait_until(lambda: scrape().value(reloads, outcome="failure") == 1, 20, "a failed reload")
        with open("/etc/cgmon/agent.yaml", "w", encoding="utf-8") as file:
            file.write(config)
        expect_equal(command("systemctl", "is-active", kUnit), "active", "the service")

    def remove(self):
        """Removed, nothing serves, and the configuration stays."""
        command("dpkg", "--remove", "cgmon-agent")
        expect(os.path.exists("/etc/cgmon/agent.yaml"), "the configuration is gone")
        expect(not os.path.exists(kProgram), "the program stays")
        try:
            get(kPort, "/-/healthy")
        except OSError:
            return
        raise AssertionError("something still serves")

    def purge(self):
        """Purged, no file, directory, link or user of it is left."""
        command("dpkg", "--purge", "cgmon-agent")
        after = all_files()
        changed = [p for p in self.before.keys() & after.keys() if self.before[p] != after[p]]
        expect_equal(sorted(after.keys() - self.before.keys()), [], "left over")
        expect_equal(sorted(self.before.keys() - after.keys()), [], "missing")
        expect_equal(sorted(changed), [], "changed")
        listed = command("systemctl", "list-units", "--all", "--no-legend", "cgmon-agent*")
        expect_equal(listed, "", "units that systemd knows")
        return f"{len(after)} files as before"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deb", required=True)
    parser.add_argument("--prometheus", required=True)
    dockerd.add_arguments(parser)
    options = parser.parse_args()
    if not os.path.isdir("/run/systemd/system"):
        raise checks.Skip("no systemd runs here")
    with dockerd.running(options) as docker:
        package = Package(docker, options.deb, options.prometheus)
        return checks.main("package", package.all(), limit_seconds=400)


checks.run_or_skip(main)
