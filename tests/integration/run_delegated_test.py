#!/usr/bin/env python3
"""`agent run` in what systemd hands over: an ordinary user's own manager, and a unit with Delegate=yes
as root. It makes a user, so it needs a machine that is there for the tests alone.

    run_delegated_test.py --alone [--short]
"""

import argparse
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile

from support import checks
from support.checks import Skip, expect, expect_equal, wait_until
from support.engines import User
from support.workload import figure, leftovers

kHog = [sys.executable, "-c", "x = bytearray(200 << 20)"]
kForks = [sys.executable, "-c", "import os, sys, time\nfor i in range(30):\n try:\n  pid = os.fork()\n"
          " except BlockingIOError:\n  sys.exit(i + 40)\n if pid == 0: time.sleep(60)\n"]  # fmt: skip


def is_v2():
    return os.path.exists("/sys/fs/cgroup/cgroup.controllers")


def report_of(prefix, flags, command, folder):
    """The end of an agent that `prefix` starts, and its report."""
    path = f"{folder}/report.json"
    if os.path.exists(path):
        os.unlink(path)
    done = subprocess.run([*prefix, AGENT, "run", "--json=" + path, *flags, "--", *command],
                          capture_output=True, text=True, check=False, timeout=90)  # fmt: skip
    report = None
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            report = json.load(file)
    return done, report


def units(*words):
    done = subprocess.run([*words, "list-units", "--all", "--plain", "--no-legend", "cgmon-run*"],
                          capture_output=True, text=True, check=False, timeout=60)  # fmt: skip
    return done.stdout.split()


def uses_the_users_own_systemd():
    """A user's limits are a scope of his own manager, whether he comes from it or from outside."""
    if not is_v2():
        raise Skip("on v1 a user's systemd limits nothing")
    user = User("cgmonrun", 1234)
    outside = user.prefix()[: user.prefix().index("systemd-run")]
    seen = []
    for prefix in (outside,) if OPTIONS.short else (outside, user.prefix()):
        with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
            os.chown(folder, 1234, 1234)
            done, report = report_of(prefix, ["--memory=32M", "--cpus=0.5"], kHog, folder)
            expect_equal((done.returncode, report and report["reason"]), (137, "out_of_memory"),
                         done.stderr)  # fmt: skip
            expect_equal(figure(report, "oom_kills"), 1, "OOM kills")
            scope = report["limits"][0]["file"]
            expect("/user@1234.service/app.slice/cgmon-run-" in scope, scope)
            seen.append(os.path.dirname(scope))
            if prefix is not outside or OPTIONS.short:
                continue
            done, report = report_of(prefix, ["--pids=4", "--isolate"], kForks, folder)
            # Of four tasks one is the init.
            expect_equal((done.returncode, figure(report, "tasks_peak")), (42, 4), done.stderr)
            done, _ = report_of(prefix, ["--driver=systemd", "--hugetlb=2M:2M"], ["true"], folder)
            expect(done.returncode == 125 and "was not handed the controller hugetlb" in done.stderr,
                   done.stderr)  # fmt: skip
            done, _ = report_of(prefix, [], ["sh", "-c", "sleep 300 & exit 3"], folder)
            expect_equal(done.returncode, 3, done.stderr)
    expect_equal(units(*outside, "systemctl", "--user"), [], "units of the user")
    wait_until(lambda: not any(map(os.path.exists, seen)), 10, "the end of the scopes")
    return seen[0]


def says_what_a_user_without_a_session_lacks():
    """Without a manager of his own a user is told what would help."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        os.chown(folder, 54321, 54321)
        prefix = ["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups", "env", "-i",
                  "PATH=/usr/bin:/bin", f"XDG_RUNTIME_DIR={folder}"]  # fmt: skip
        done, _ = report_of(prefix, ["--driver=systemd"], ["true"], folder)
        expect(done.returncode == 125 and "enable-linger" in done.stderr, done.stderr)


def makes_its_cgroups_in_a_delegated_unit():
    """As root in a unit with Delegate=yes --driver=cgroupfs works below the unit's own cgroup."""
    said = []
    for kind in ([],) if OPTIONS.short else ([], ["--scope"]):
        unit = ["systemd-run", "--quiet", "--collect", "--unit=cgmon-test-handed",
                "--property=Delegate=yes", *(kind or ["--wait", "--pipe"])]  # fmt: skip
        with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
            flags = ["--driver=cgroupfs", "--memory=32M", "--pids=10"]
            done, report = report_of(unit, flags, kHog, folder)
            expect_equal((done.returncode, report and report["reason"]), (137, "out_of_memory"),
                         done.stderr)  # fmt: skip
            file = report["limits"][0]["file"]
            expect(f"cgmon-test-handed.{'scope' if kind else 'service'}/cgmon-run/" in file, file)
            said.append(file)
            # It leaves its unit as it found it, so that a second run in it works, too.
            script = (f"{AGENT} run --quiet {' '.join(flags)} -- true; cat /proc/self/cgroup;"
                      " for d in /sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup); do"
                      " ls -d $d/*/; cat $d/cgroup.subtree_control; done")  # fmt: skip
            twice = ["sh", "-c", f"exec {AGENT} run --quiet {' '.join(flags)} -- true"]
            if is_v2() and not kind:
                done = subprocess.run([*unit, "sh", "-c", script], capture_output=True, text=True,
                                      check=False, timeout=90)  # fmt: skip
                expect("is in the unit's own cgroup, too" in done.stderr, done.stderr)
                expect(f"cgmon-test-handed.service\n" in done.stdout, done.stdout)
            else:
                done = subprocess.run([*unit, *twice], capture_output=True, text=True, check=False,
                                      timeout=90)  # fmt: skip
                expect_equal(done.returncode, 0, done.stderr)
    done, _ = report_of([], ["--driver=cgroupfs"], ["true"], "/var/tmp")
    expect(done.returncode == 125 and "Delegate=yes" in done.stderr, done.stderr)
    left = glob.glob("/sys/fs/cgroup/**/cgmon-test-handed*", recursive=True)
    expect_equal((left, leftovers()), ([], []), "left behind")
    return said[0]


def body():
    checks.need_root()
    checks.agent_binary()
    if not OPTIONS.alone or not os.path.isdir("/run/systemd/system"):
        raise Skip("no machine with systemd that is there for the tests alone (--alone)")
    global AGENT
    AGENT = shutil.copy(checks.agent_binary(), "/var/tmp/cgmon-test-agent")
    os.chmod(AGENT, 0o755)
    return checks.main("agent run, handed over", [
        makes_its_cgroups_in_a_delegated_unit,
        uses_the_users_own_systemd,
        says_what_a_user_without_a_session_lacks,
    ], 120)  # fmt: skip


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--alone", action="store_true")
parser.add_argument("--short", action="store_true", help="each in one way alone")
OPTIONS = parser.parse_args()
AGENT = ""
checks.run_or_skip(body)
