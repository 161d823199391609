#!/usr/bin/env python3
"""One test for ctest: boots a layout and runs the integration tests that hold in all of them.

    layout_check.py NAME         exit code 0 passed, else failed
    layout_check.py --table      prints what the last runs found, layout by check

The agent is $CGMON_AGENT. Reports go to build/vm/NAME; nothing that needs a guest runs here.
"""

import os
import shutil
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import image
import machine
import run

# name: (layout, docker's driver, further kernel words, golden of `agent detect`)
kChecked = {
    "v2-systemd": ("v2", "systemd", "", "debian-6.1-v2-systemd"),
    "v1-systemd": ("v1", "systemd", "", "debian-6.1-v1-systemd"),
    "hybrid-cgroupfs": ("hybrid", "cgroupfs", "", "debian-6.1-hybrid-cgroupfs"),
    "v2-nopsi": ("v2", "cgroupfs", "psi=0", "psi-off"),
    "v1-nomemory": ("v1", "cgroupfs", "cgroup_disable=memory", "memory-disabled-v1"),
}
# What a controller or PSI that is switched off leaves the same is checked in these alone.
kWhole = ("v2-systemd", "v1-systemd", "hybrid-cgroupfs")
# Containers that are killed at once; each takes some seconds here.
kKilled = "--containers 3 --seconds 400 --check kept_containers --check removed_containers"
kRunChecked = ("v2-systemd", "v1-systemd")
kElsewhere = "what is particular to this layout changes nothing about it"
kReports = os.path.join(run.kRoot, "build/vm")
kTimeout = 1100
kWords = {"ok": "ok", "failed": "FAILED", "skipped": "skipped"}


def guest_command(name):
    layout, driver, _, golden = kChecked[name]
    docker = "--docker-host unix:///run/docker.sock --docker-root /var/lib/docker"
    tests = "/mnt/cgmon/tests"
    commands = [
        f"truth_test.py {docker} --expect-mode {layout}",
        f"layout_test.py --layout {name} --mode {layout} --driver {driver}"
        f" --families {tests}/expected_families.tsv --absent {tests}/absent_families.tsv"
        f" --golden {tests}/golden/detect/{golden}.txt",
    ]
    if name in kWhole:
        commands += [
            f"inspect_test.py {docker} --layout",
            "block_io_test.py",
            "limits_test.py",
            f"oom_test.py {docker} {kKilled}",
        ]
    if name == "v2-systemd":
        commands.append(f"every_engine_test.py --systemd {docker}")
        commands.append("run_delegated_test.py --alone --short")
    # What the limits of `agent run` do depends on hierarchy and driver, not on the rest.
    if name in kRunChecked:
        commands += [
            "run_limits_test.py --behaviour",
            f"run_into_test.py {docker} --only is_killed_at_its_memory_limit",
            "run_isolation_test.py --only is_alone_inside --only shifts_its_clocks",
        ]
    return "\n".join([
        "export CGMON_AGENT=/mnt/cgmon/bin/agent CGMON_RECORD=/mnt/report/checks.tsv",
        "export PYTHONDONTWRITEBYTECODE=1",
        "failed=0",
        *(f"{tests}/integration/{command} || failed=1" for command in commands),
        "exit $failed",
    ])  # fmt: skip


def check(name):
    layout, driver, append, _ = kChecked[name]
    report = os.path.join(kReports, name)
    shutil.rmtree(report, ignore_errors=True)
    share = run.agent_share(os.environ["CGMON_AGENT"])
    for table in ("expected_families.tsv", "absent_families.tsv"):
        share["tests/" + table] = os.path.join(image.kHere, table)
    job = machine.Job(layout, ["bash", "-c", guest_command(name)], driver, append, share, report,
                      kTimeout)  # fmt: skip
    try:
        return machine.run(image.build(), job, run.say)
    except (machine.MachineError, image.BuildError, OSError) as error:
        run.say(error)
        return 1


def read_checks(name):
    """{check: (outcome, reason)}, in the order of running; None when the layout gave no report."""
    try:
        with open(os.path.join(kReports, name, "checks.tsv"), encoding="utf-8") as file:
            rows = [line.rstrip("\n").split("\t") for line in file]
    except FileNotFoundError:
        return None
    return {f"{title}: {check.replace('_', ' ')}": (how, why) for title, check, how, why in rows}


def print_table():
    found = {name: read_checks(name) for name in kChecked}
    rows = dict.fromkeys(row for checks in found.values() for row in checks or ())
    width = max([len(row) for row in rows] + [5])
    print("\nLayout by check")
    print(" ".join(["check".ljust(width), *(name.ljust(15) for name in kChecked)]).rstrip())
    reasons = {}
    for row in rows:
        cells = [row.ljust(width)]
        for checks in found.values():
            how, why = (checks or {}).get(row, ("", ""))
            word = kWords.get(how, "not run")
            title = row.partition(":")[0]
            if checks and not any(other.startswith(title + ":") for other in checks):
                word, how, why = "elsewhere", "skipped", kElsewhere
            if how == "skipped":
                word += f" [{reasons.setdefault(why, len(reasons) + 1)}]"
            cells.append(word.ljust(15))
        print(" ".join(cells).rstrip())
    for name in [name for name, checks in found.items() if checks is None]:
        print(f"{name} gave no report: its test's output says why")
    for why, number in reasons.items():
        print(f"[{number}] {why}")
    print()


def read_families(name):
    """{family: what it is for the loaded container}; {} without a report."""
    try:
        with open(os.path.join(kReports, name, "families-truth.tsv"), encoding="utf-8") as file:
            return dict(line.rstrip("\n").split("\t", 1) for line in file)
    except FileNotFoundError:
        return {}


def print_families():
    """Family by layout: equal to the kernel, absent and why, or shown and not compared."""
    found = {name: read_families(name) for name in kChecked}
    rows = dict.fromkeys(family for families in found.values() for family in families)
    width, reasons = max([len(row) for row in rows] + [6]), {}
    print("Family of a loaded container by layout")
    print(" ".join(["family".ljust(width), *(name.ljust(15) for name in kChecked)]).rstrip())
    for row in rows:
        cells = [row.ljust(width)]
        for families in found.values():
            word, _, why = families.get(row, "not run").partition(": ")
            if word == "absent":
                word += f" [{reasons.setdefault(why, len(reasons) + 1)}]"
            cells.append(word.replace(", not compared here", ", not held").ljust(15))
        print(" ".join(cells).rstrip())
    for why, number in reasons.items():
        print(f"[{number}] {why}")
    print()


def main():
    if sys.argv[1:] == ["--table"]:
        print_table()
        print_families()
        return 0
    if len(sys.argv) != 2 or sys.argv[1] not in kChecked:
        print(__doc__, file=sys.stderr)
        return 2
    return check(sys.argv[1])


if __name__ == "__main__":
    sys.exit(main())
