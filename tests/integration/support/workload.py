"""`agent run` as a test starts it, and what it must not leave behind."""

import glob
import json
import os
import re
import subprocess
import tempfile

from support import checks
from support.checks import expect_equal

kState = "/run/cgmon/run"


def _of_runs():
    return (
        sorted(glob.glob("/sys/fs/cgroup/**/cgmon-run*", recursive=True))
        + sorted(glob.glob("/sys/fs/cgroup/**/cgmon-run/*/", recursive=True))
        + glob.glob(kState + "/*")
        + glob.glob("/var/tmp/cgmon-run-*")
    )


# Of somebody else's run.
_kBefore = set(_of_runs())


def leftovers():
    """Cgroups, state files and directories of runs."""
    return [path for path in _of_runs() if path not in _kBefore]


def mounts():
    """Those of this namespace, without what engines that other tests run mount for themselves."""
    engines = re.compile(r"/cgmon-[a-z]\.|/netns/|/run/(docker|containerd|containers)/")
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        lines = [line.split() for line in file]
    return sorted(" ".join(words[2:]) for words in lines if not engines.search(words[4]))


def processes(mark):
    """PIDs of those whose command line or name has the mark."""
    found = []
    for path in glob.glob("/proc/[0-9]*"):
        try:
            with open(path + "/cmdline", "rb") as file:
                if mark.encode() in file.read():
                    found.append(int(path.rsplit("/", 1)[1]))
        except OSError:
            continue  # it has ended
    return sorted(set(found) - {os.getpid()})


def run(*arguments, seconds=40, prefix=(), **options):
    """The agent's end and its report, None without one. Nothing is left of it. `prefix`: words before
    the agent, of a program that starts it."""
    before = mounts()
    with tempfile.TemporaryDirectory(prefix="cgmon-test-") as own:
        path = own + "/report.json"
        flags = arguments[: arguments.index("--")]
        command = [*prefix, checks.agent_binary(), "run", "--force", f"--json={path}", *flags]
        done = subprocess.run(
            command + list(arguments[len(flags) :]),
            capture_output=True, text=True, timeout=seconds, check=False, **options,
        )  # fmt: skip
        report = None
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                report = json.load(file)
    expect_equal(leftovers(), [], "left behind")
    expect_equal(mounts(), before, "mounts of the host")
    return done, report


def figure(report, name):
    return report["figures"][name]["value"]
