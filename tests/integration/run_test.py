#!/usr/bin/env python3
"""`agent run` on this host's kernel: each limit by what it does to the command, the exit status, the
report against independent witnesses, and that nothing is left behind, whatever is killed when."""

import glob
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from support import checks
from support.checks import Skip, expect, expect_equal, wait_until
from support.workload import figure, kState, leftovers, run

def directories():
    return sorted(glob.glob("/sys/fs/cgroup/**/cgmon-run*", recursive=True))


def python(text):
    return ["--", sys.executable, "-c", text]


def holds_the_cpu_at_its_limit():
    """A busy loop gets at most 0.525 CPUs over 5 s at --cpus=0.5."""
    done, report = run("--cpus=0.5", "--timeout=5s", "--", "sh", "-c", "while :; do :; done")
    expect_equal(done.returncode, 128 + signal.SIGTERM, "exit status")
    expect_equal(report["reason"], "timeout", "reason")
    share = figure(report, "cpu_seconds") / report["wall_seconds"]
    waited = figure(report, "cpu_waiting_seconds") / report["wall_seconds"]
    expect(share <= 0.525, f"{share:.3f} CPUs at a limit of 0.5")
    if share < 0.45 and waited < 0.1:
        raise AssertionError(f"{share:.3f} CPUs, and nobody waited")
    return f"{share:.3f} CPUs, waited for one {waited:.0%} of the time"


def kills_at_the_memory_limit():
    """A command over --memory is killed, the kill is counted, and the exit status says so."""
    done, report = run("--memory=32M", *python("x = bytearray(200 << 20)"))
    expect_equal(done.returncode, 137, "exit status")
    expect_equal(report["reason"], "out_of_memory", "reason")
    expect_equal(figure(report, "oom_kills"), 1, "OOM kills")
    peak = figure(report, "memory_peak_bytes")
    expect(31 << 20 <= peak <= 32 << 20, f"peak {peak}")
    expect_equal([limit["effective"] for limit in report["limits"]], [str(32 << 20)], "read back")


def refuses_forks_at_the_pids_limit():
    """A fork beyond --pids fails and is counted."""
    text = (
        "import os, sys, time\nfor i in range(10):\n try:\n  pid = os.fork()\n"
        " except BlockingIOError:\n  sys.exit(i + 40)\n if pid == 0: time.sleep(60)\n"
    )
    done, report = run("--pids=4", *python(text))
    expect_equal(done.returncode, 43, f"forks until the refusal, {done.stderr}")
    expect_equal(figure(report, "tasks_peak"), 4, "peak of tasks")
    expect(figure(report, "tasks_refused") >= 1, "no refusal counted")
    expect_equal(report["killed_at_end"], 3, "killed at the end")


def pins_to_its_cpus():
    """--cpuset leaves the command one CPU."""
    text = "import os; print(sorted(os.sched_getaffinity(0)))"
    done, _ = run("--cpuset=0", *python(text))
    expect_equal(done.stdout.strip(), "[0]", f"affinity, {done.stderr}")


def ends_as_the_command_does():
    """The exit status is the command's, 128+N by signal, 125 to 127 for what did not start."""
    for arguments, status in (
        (["--", "sh", "-c", "exit 7"], 7),
        (["--", "sh", "-c", "kill -USR1 $$"], 128 + signal.SIGUSR1),
        (["--", "/nonexistent/program"], 127),
        (["--", "/etc/passwd"], 126),
        (["--cpus=none", "--", "true"], 125),
        (["--unknown", "--", "true"], 125),
        (["--cpuset=9999", "--", "true"], 125),
        (["--io=/dev/null:rbps=1M", "--", "true"], 125),
    ):
        done, _ = run(*arguments)
        expect_equal(done.returncode, status, f"{arguments}: {done.stderr}")
        if status == 125:
            expect("expected" in done.stderr or "--" in done.stderr, done.stderr)


def keeps_the_output_apart():
    """Standard output is the command's alone, and the summary is on standard error."""
    done, _ = run("--", "echo", "hello")
    expect_equal(done.stdout, "hello\n", "standard output")
    expect("memory   peak" in done.stderr, done.stderr)


def says_before_what_it_does():
    """--dry-run prints the directories and values that the run then makes, and makes none."""
    done, report = run("--dry-run", "--memory=64M", "--", "true")
    expect_equal(report, None, "report")
    real, report = run("--memory=64M", "--", "true")
    for limit in report["limits"]:
        name = limit["file"].replace(report["id"], "")
        said = [line for line in done.stdout.splitlines() if line.startswith("write ")]
        expect(
            any(limit["asked"] in line and name.rsplit("/", 1)[1] in line for line in said),
            f"{limit} not in {done.stdout}",
        )
    expect_equal(real.returncode, 0, "exit status")


def ends_what_does_not_want_to():
    """Fork bombs, daemons and who ignores SIGTERM are all ended."""
    mark = f"cgmon-test-{os.getpid()}"
    daemon = (
        "import os, time\nif os.fork() == 0:\n os.setsid()\n"
        f" if os.fork() == 0:\n  os.execlp('sleep', '{mark}', '300')\n os._exit(0)\n"
        "time.sleep(0.5)\n"
    )
    done, report = run(*python(daemon))
    expect_equal((done.returncode, report["killed_at_end"]), (0, 1), "daemon")
    stubborn = "trap '' TERM; while :; do sleep 0.1; done"
    done, report = run("--timeout=500ms", "--kill-after=300ms", "--", "sh", "-c", stubborn)
    expect_equal((done.returncode, report["reason"]), (137, "timeout"), "who ignores SIGTERM")
    bomb = "import os\nwhile True:\n try: os.fork()\n except OSError: pass\n"
    done, report = run("--pids=50", "--cpus=0.5", "--timeout=1s", *python(bomb))
    expect_equal(report["reason"], "timeout", "bomb")
    expect(figure(report, "tasks_peak") == 50, "bomb's peak")
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    expect(mark + " 300" not in running.stdout, "the daemon lives")


def agrees_with_a_witness():
    """CPU time is what the command itself says that it took, within a clock tick and 5 %."""
    text = (
        "import time\nend = time.process_time() + 0.5\nwhile time.process_time() < end: pass\n"
        "print(time.process_time())"
    )
    done, report = run(*python(text))
    own, ours = float(done.stdout), figure(report, "cpu_seconds")
    expect(own <= ours <= own * 1.05 + 0.05, f"{ours} against {own}")
    return f"{ours:.3f} s, the command says {own:.3f} s; own CPU {report['own_cpu_seconds']} s"


def cleans_up_after_killed_runs():
    """What a killed agent left, its command included, is removed by --cleanup."""
    binary = checks.agent_binary()
    agent = subprocess.Popen(
        [binary, "run", "--force", "--quiet", "--", "sh", "-c", "sleep 300 & sleep 300"]
    )
    wait_until(lambda: glob.glob(kState + "/*.json"), 10, "state file")
    time.sleep(0.3)
    agent.kill()
    agent.wait()
    expect(directories(), "the kill left nothing: no test")
    done = subprocess.run(
        [binary, "run", "--cleanup"], capture_output=True, text=True, check=False, timeout=30
    )
    expect_equal((done.returncode, leftovers()), (0, []), done.stderr)
    return done.stderr.strip()


def leaves_nothing_when_killed_at_any_step():
    """A kill or a failure at each call that makes or writes leaves nothing after the next run."""
    strace, binary = shutil.which("strace"), checks.agent_binary()
    if strace is None:
        raise Skip("no strace (package strace)")
    killed = failed = 0
    for call, count in (("mkdir", 18), ("write", 14), ("linkat", 1), ("clone3", 1), ("rmdir", 15)):
        for number in range(1, count + 1):
            for what in ("signal=KILL", "error=EIO"):
                inject = f"inject={call}:{what}:when={number}"
                subprocess.run(
                    [strace, "-qqq", "-o", "/dev/null", "-e", "trace=" + call, "-e", inject,
                     binary, "run", "--force", "--quiet", "--memory=64M", "--", "true"],
                    capture_output=True, check=False, timeout=60,
                )  # fmt: skip
                killed += what.startswith("signal")
                failed += what.startswith("error")
                subprocess.run(
                    [binary, "run", "--cleanup"], capture_output=True, check=False, timeout=60
                )
                expect_equal(leftovers(), [], f"after {inject}")
    return f"{killed} kills, {failed} failures"


def is_out_of_reach_of_serving():
    """A serving agent opens nothing beneath a cgroup mount for writing and starts no process."""
    strace = shutil.which("strace")
    if strace is None:
        raise Skip("no strace (package strace)")
    from support.agent import free_port

    address = f"127.0.0.1:{free_port()}"
    with tempfile.NamedTemporaryFile("r", prefix="cgmon-test-") as log:
        tracer = subprocess.Popen(
            [strace, "-f", "-qq", "-o", log.name, "-e", "trace=openat,open,mkdir,mkdirat,clone3,"
             "clone,fork,vfork,execve,kill", checks.agent_binary(),
             f"--web.listen-address={address}"],
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            page = f"http://{address}/metrics"
            fetched = lambda: subprocess.run(["curl", "-sf", page], capture_output=True, check=False)
            wait_until(lambda: fetched().returncode == 0, 20, "a page")
            fetched()
        finally:
            # strace itself blocks signals while it traces.
            with open(f"/proc/{tracer.pid}/task/{tracer.pid}/children", encoding="ascii") as file:
                for pid in file.read().split():
                    os.kill(int(pid), signal.SIGTERM)
            tracer.wait(20)
        calls = log.read().splitlines()
    opened = [line for line in calls if "/sys/fs/cgroup" in line or "cpu.stat" in line]
    expect(opened, "it opened no cgroup: no test")
    writing = [c for c in calls if "open" in c and ("O_WRONLY" in c or "O_RDWR" in c)]
    expect_equal([c for c in writing if "/dev/null" not in c], [], "opened for writing")
    # CLONE_UNTRACED: how the address sanitizer looks for leaks when the agent has ended.
    started = [
        c for c in calls
        if ("clone" in c or "fork(" in c) and "resumed" not in c
        and "CLONE_THREAD" not in c and "CLONE_UNTRACED" not in c
    ]  # fmt: skip
    expect_equal(started, [], "processes started")
    expect_equal(len([c for c in calls if "execve(" in c]), 1, "programs executed")
    return f"{len(calls)} calls, {len(opened)} of cgroups"


def body():
    checks.need_root()
    checks.agent_binary()
    return checks.main(
        "agent run",
        [
            ends_as_the_command_does,
            keeps_the_output_apart,
            says_before_what_it_does,
            holds_the_cpu_at_its_limit,
            kills_at_the_memory_limit,
            refuses_forks_at_the_pids_limit,
            pins_to_its_cpus,
            ends_what_does_not_want_to,
            agrees_with_a_witness,
            cleans_up_after_killed_runs,
            is_out_of_reach_of_serving,
            leaves_nothing_when_killed_at_any_step,
        ],
        200,
    )


checks.run_or_skip(body)
