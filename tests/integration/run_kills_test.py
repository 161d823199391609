#!/usr/bin/env python3
"""`agent run`, killed at each of its steps and at random times: nothing is left behind."""

import argparse
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time

from support import checks
from support.checks import Skip, expect, expect_equal, wait_until
from support.workload import leftovers, mounts, processes


kAll = ["--isolate", "--ns=all", "--time-offset=60s", "--memory=64M", "--pids=50", "--tmpfs=/mnt"]


def clean_up():
    subprocess.run([checks.agent_binary(), "run", "--cleanup"], capture_output=True, check=False,
                   timeout=60)  # fmt: skip


def expect_as_before(before, mark, what):
    clean_up()
    wait_until(lambda: not processes(mark), 10, f"end of all processes after {what}")
    expect_equal(leftovers(), [], f"after {what}")
    expect_equal(mounts(), before, f"mounts after {what}")


def traced(options, command, log):
    strace = shutil.which("strace")
    if strace is None:
        raise Skip("no strace (package strace)")
    return subprocess.Popen(
        [strace, "-f", "-qqq", "-o", log, *options, *command],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


# Of the new process alone; the agent makes none of them.
kOfChild = ("unshare,sethostname,mount,mount_setattr,pivot_root,umount2,mkdirat,mknodat,symlinkat,"
            "capset,setresuid,setresgid,ioctl")


def agent_of(tracer):
    try:
        with open(f"/proc/{tracer.pid}/task/{tracer.pid}/children", encoding="ascii") as file:
            children = file.read().split()
    except OSError:
        return None
    return int(children[0]) if children else None


def leaves_nothing_when_killed_at_any_step():
    """SIGKILL of the agent while the new process is at each of its steps, and of either at each of
    its own, leaves no cgroup, mount, process or file after the next run."""
    before = mounts()
    mark = f"cgmon-test-{os.getpid()}"
    command = [checks.agent_binary(), "run", "--force", "--quiet", *kAll, "--overlay=/usr",
               "--bind=/lib", "--bind=/lib64", "--env=PATH=/bin", "--", "sh", "-c", f": {mark}"]
    repeats = int(os.environ.get("CGMON_KILLS_PER_STEP", "3"))
    counts, killed = {}, 0
    with tempfile.NamedTemporaryFile("r", prefix="cgmon-test-") as log:
        traced(["-e", "trace=" + kOfChild], command, log.name).wait(60)
        expect_as_before(before, mark, "an undisturbed run")
        for line in log.read().splitlines():
            call = line.split(" ", 1)[-1].strip().split("(")[0]
            counts[call] = counts.get(call, 0) + 1
        expect(counts.get("mount", 0) > 20 and counts.get("pivot_root") == 1, f"no test: {counts}")
        for call, count in counts.items():
            for number in range(1, count + 1):
                for _ in range(repeats):
                    what = f"inject={call}:signal=STOP:when={number}"
                    tracer = traced(["-e", "trace=" + call, "-e", what], command, log.name)
                    killed += kill_when_stopped(tracer)
                    wait_until(lambda: tracer.poll() is not None, 20, f"end after {what}")
                expect_as_before(before, mark, what)
        killed += kill_by_own_calls(command, log.name, before, mark)
    steps = sum(counts.values())
    expect(killed >= steps * repeats, f"only {killed} kills at {steps} steps")
    return f"{steps} steps of the new process, {killed} kills"


def family_of(pid):
    """A process and all below it, as far as they live."""
    found = [pid]
    for one in found:
        try:
            with open(f"/proc/{one}/task/{one}/children", encoding="ascii") as file:
                found += map(int, file.read().split())
        except OSError:
            continue
    return found


def state_of(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rsplit(")", 1)[1].split()[0]
    except OSError:
        return ""


def kill_when_stopped(tracer):
    """Kills the agent when it or a process below it has stopped; False if all ended and none had."""
    looks = 0  # at each call a traced process stops for a moment

    def stopped():
        nonlocal looks
        agent = agent_of(tracer)
        states = [] if agent is None else [state_of(pid) for pid in family_of(agent)]
        is_still = "T" in states or "t" in states
        looks = looks + 1 if is_still else 0
        if looks >= 3:
            return agent
        return -1 if tracer.poll() is not None else None

    agent = -1
    try:
        agent = wait_until(stopped, 20, "a stopped process")
    finally:
        if agent <= 0:
            agent = agent_of(tracer) or -1
        if agent > 0:
            os.kill(agent, signal.SIGKILL)
    return agent > 0


def kill_by_own_calls(command, log, before, mark):
    """Kills and failures of whoever makes the call, agent or new process."""
    killed = 0
    for call, count in (("mkdir", 22), ("write", 18), ("clone3", 1), ("chmod", 6), ("unlink", 2),
                        ("rmdir", 24), ("mount", 30), ("pivot_root", 1), ("execve", 2)):
        for number in range(1, count + 1):
            for act in ("signal=KILL", "error=EIO"):
                if call == "execve" and number == 1:
                    continue
                what = f"inject={call}:{act}:when={number}"
                tracer = traced(["-e", "trace=" + call, "-e", what], command, log)
                tracer.wait(60)
                killed += 1
                expect_as_before(before, mark, what)
    return killed


def leaves_nothing_when_killed_at_random():
    """SIGKILL of the agent at random times leaves nothing after the next run."""
    before = mounts()
    mark = f"cgmon-test-{os.getpid()}"
    command = [checks.agent_binary(), "run", "--force", "--quiet", *kAll, "--overlay=/usr",
               "--bind=/lib", "--bind=/lib64", "--env=PATH=/bin", "--",
               "sh", "-c", f"sleep 0.02 & sleep 0.03; : {mark}"]
    dice = random.Random(7)
    kills = int(os.environ.get("CGMON_RANDOM_KILLS", "40"))
    alive = 0
    for number in range(kills):
        agent = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
        time.sleep(dice.uniform(0, 0.15))
        alive += agent.poll() is None
        agent.kill()
        agent.wait(20)
        expect_as_before(before, mark, f"kill {number}")
    expect(alive > kills / 4, f"only {alive} of {kills} were alive")
    return f"{kills} kills, {alive} of a living agent"


def body():
    checks.need_root()
    checks.agent_binary()
    every = [
        leaves_nothing_when_killed_at_random,
        leaves_nothing_when_killed_at_any_step,
    ]
    return checks.main("agent run, killed", checks.only(every, OPTIONS), 400)


parser = argparse.ArgumentParser(description=__doc__)
checks.add_only(parser)
OPTIONS = parser.parse_args()
checks.run_or_skip(body)
