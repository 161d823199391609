#!/usr/bin/env python3
"""`agent run --into`: the limits of a container hold for a command that is run into it, --join shows
it the container's namespaces, and the container is afterwards as it was."""

import argparse
import glob
import json
import os
import signal
import subprocess
import sys
import time

from support import checks, dockerd
from support.checks import expect, expect_equal, wait_until
from support.workload import figure, leftovers, run

kMemory, kPids = 48 << 20, 12
kLook = """
import json, os, socket
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines())
print(json.dumps({"hostname": socket.gethostname(), "bounding": status["CapBnd"],
    "no_new_privs": status["NoNewPrivs"], "seccomp": status["Seccomp"], "cwd": os.getcwd(),
    "namespaces": {n: os.readlink("/proc/self/ns/" + n) for n in os.listdir("/proc/self/ns")},
    "cgroups": open("/proc/self/cgroup").read(), "environment": sorted(os.environ)}))
"""


def python(text):
    return ["--", sys.executable, "-c", text]


def into(target, *arguments, **options):
    """`agent run --into=TARGET`, of the containers of our daemon."""
    flags = arguments[: arguments.index("--")]
    return run(f"--docker.root={DOCKER.data_root}", f"--into={target}", *flags,
               *arguments[len(flags):], **options)


def names_of(pid):
    return {n: os.readlink(f"/proc/{pid}/ns/{n}") for n in os.listdir(f"/proc/{pid}/ns")}


def is_v2_leaf():
    """Whether the container's memory is limited where none of it can be handed down."""
    return any(line.startswith("0::") for line in lines_of(f"/proc/{WEB.pid}/cgroup")) and not any(
        "memory" in line.split(":")[1] for line in lines_of(f"/proc/{WEB.pid}/cgroup"))


def lines_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read().splitlines()


def expect_unharmed():
    """The container's process lives, and no cgroup is below its own."""
    expect(os.path.exists(f"/proc/{WEB.pid}"), "the container has ended")
    below = glob.glob(f"/sys/fs/cgroup/**/*{WEB.container_id}*/*/", recursive=True)
    expect_equal(below, [], "cgroups below the container's")
    expect_equal(leftovers(), [], "left behind")


def is_killed_at_its_memory_limit():
    """What takes more memory than the container has is killed, and the report says so."""
    done, report = into("web", *python("x = bytearray(200 << 20)"))
    expect_equal((done.returncode, report["reason"]), (137, "out_of_memory"), done.stderr)
    expect_unharmed()
    done, report = into("web", *python("x = bytearray(8 << 20)"))
    expect_equal(done.returncode, 0, done.stderr)
    figures = report["figures"]
    if is_v2_leaf():
        expect_equal([n for n in figures if "memory_peak" in n or n == "tasks_peak"], [], "of a leaf")
    else:
        expect(8 << 20 < figure(report, "memory_peak_bytes") < kMemory, figures)
    expect(figure(report, "cpu_seconds") > 0, figures)
    return "figures " + ", ".join(sorted(figures))


def is_refused_forks_at_its_pids_limit():
    """The container's tasks and the command's count together."""
    text = ("import os, sys, time\nfor i in range(30):\n try:\n  pid = os.fork()\n"
            " except BlockingIOError:\n  sys.exit(i + 40)\n if pid == 0: time.sleep(60)\n")
    done, report = into("web", *python(text))
    expect(40 < done.returncode < 40 + kPids, f"{done.returncode} {done.stderr}")
    expect_equal(report["killed_at_end"], done.returncode - 40, "killed at the end")
    expect_unharmed()


def is_held_at_its_cpus():
    """A busy loop has half a CPU, as the container."""
    done, report = into("web", "--timeout=3s", "--", "sh", "-c", "while :; do :; done")
    expect_equal(report["reason"], "timeout", done.stderr)
    share = figure(report, "cpu_seconds") / report["wall_seconds"]
    expect(share <= 0.55, f"{share:.3f} CPUs at a limit of 0.5")
    expect_unharmed()
    return f"{share:.3f} CPUs"


def has_limits_of_its_own_where_there_can_be():
    """A tighter limit is set below the container's on v1, and refused with the reason on v2."""
    done, report = into("web", "--memory=16M", *python("x = bytearray(32 << 20)"))
    if is_v2_leaf():
        expect_equal(done.returncode, 125, done.stderr)
        expect("hands the controller memory to none below it" in done.stderr, done.stderr)
        done, report = into("web", "--memory=16M", "--best-effort", "--", "true")
        expect_equal((done.returncode, len(report["warnings"])), (0, 1), done.stderr)
    else:
        expect_equal((done.returncode, report["reason"]), (137, "out_of_memory"), done.stderr)
    expect_unharmed()


def joins_all_namespaces():
    """--join=all: the container's host name, processes, files and rights, and no others."""
    seen = look("--join=all")
    theirs, ours = names_of(WEB.pid), names_of("self")
    expect_equal(seen, {n: link for n, link in theirs.items() if n in seen}, "namespaces")
    expect(seen["mnt"] != ours["mnt"] and seen["pid"] != ours["pid"], "nothing was joined")
    script = ("hostname; pwd; echo /proc/[0-9]*; grep -E 'CapBnd|NoNew|Seccomp:' /proc/self/status;"
              " env; cat /mark; sleep 300 & exit 7")
    done, report = into("web", "--join=all", "--env=A=b", "--", "sh", "-c", script)
    expect_equal((done.returncode, report["killed_at_end"]), (7, 1), done.stderr)
    lines = done.stdout.splitlines()
    expect_equal(lines[:2], [DOCKER.call("exec", "web", "hostname"), "/"], "host name, directory")
    expect("/proc/1" in lines[2].split() and len(lines[2].split()) < 8, lines[2])
    bounding = [l for l in lines_of(f"/proc/{WEB.pid}/status") if l.startswith("CapBnd")][0]
    expect(bounding in lines and "Seccomp:\t2" in lines, lines)
    expect("A=b" in lines and not any(l.startswith("XDG") for l in lines), lines)
    expect_equal(lines[-1], "marked", "a file of the container")
    done, _ = into("web", "--join=all", "--", "/nonexistent/program")
    expect_equal(done.returncode, 127, done.stderr)
    agent = subprocess.Popen(
        [checks.agent_binary(), "run", "--quiet", "--force", f"--docker.root={DOCKER.data_root}",
         "--into=web", "--join=pid,mnt", "--", "sh", "-c",
         "trap 'exit 43' TERM; echo ready; while :; do sleep 0.1; done"], stdout=subprocess.PIPE)
    agent.stdout.readline()
    agent.send_signal(signal.SIGTERM)
    expect_equal(agent.wait(20), 43, "after SIGTERM")
    agent.stdout.close()
    expect_unharmed()


def look(*flags):
    """The namespaces of a command with the container's root: of ls."""
    script = "for n in /proc/self/ns/*; do echo ${n##*/} $(readlink $n); done"
    done, _ = into("web", *flags, "--", "sh", "-c", script)
    expect_equal(done.returncode, 0, done.stderr)
    seen = dict(line.split() for line in done.stdout.splitlines())
    return {n: link for n, link in seen.items() if not n.endswith("_for_children")}


def is_no_way_to_the_agent():
    """With the container's mounts the agent is a sealed copy: /proc/self/exe leads to no file."""
    seen = {}
    for kinds in ("all", "pid,net"):
        agent = subprocess.Popen(
            [checks.agent_binary(), "run", "--quiet", "--force",
             f"--docker.root={DOCKER.data_root}", "--into=web", "--join=" + kinds, "--",
             "sh", "-c", "echo ready; exec sleep 30"], stdout=subprocess.PIPE)
        agent.stdout.readline()
        seen[kinds] = os.readlink(f"/proc/{agent.pid}/exe")
        agent.terminate()
        agent.wait(20)
        agent.stdout.close()
    expect(seen["all"].startswith("/memfd:"), seen)
    expect_equal(seen["pid,net"], os.path.realpath(checks.agent_binary()), "without its mounts")
    expect_unharmed()


def joins_some_namespaces():
    """--join=KIND is the container's namespace of that kind, with the host's programs."""
    theirs, ours = names_of(WEB.pid), names_of("self")
    for kinds in (["net"], ["uts", "ipc"], ["pid"], ["user"]):
        done, _ = into("web", "--join=" + ",".join(kinds), *python(kLook))
        expect_equal(done.returncode, 0, done.stderr)
        seen = json.loads(done.stdout)
        for name, link in seen["namespaces"].items():
            kind = name.replace("_for_children", "")
            expect_equal(link, (theirs if kind in kinds else ours)[kind], f"{name}, {kinds}")
        expect(f"/cgmon-run/" in seen["cgroups"], seen["cgroups"])
        expect(all(WEB.container_id in l for l in seen["cgroups"].splitlines()
                   if "/cgmon-run/" in l), seen["cgroups"])  # fmt: skip
    expect_unharmed()


def says_what_it_does():
    """--dry-run names the container's cgroups and namespaces, and makes none."""
    done, _ = into("web", "--dry-run", "--join=pid,net", "--", "true")
    expect(f"/cgmon-run\n" in done.stdout and WEB.container_id in done.stdout, done.stdout)
    expect(f"join the namespaces pid,net of process {WEB.pid}" in done.stdout, done.stdout)
    expect_unharmed()


def finds_it_by_id_pid_and_path():
    """An ID's beginning, a process and a path are names, too; nearest names help."""
    for name in (WEB.container_id[:12], str(WEB.pid), WEB.cgroup.id):
        done, _ = into(name, "--", "cat", "/proc/self/cgroup")
        expect(done.returncode == 0 and WEB.container_id in done.stdout, f"{name}: {done.stderr}")
    DOCKER.call("run", "--name", "ended", "--network=none", dockerd.kImage, "true")
    DOCKER.forget_later("ended")
    for arguments, what in (
        (("wbe", "--"), "did you mean web"), (("ended", "--"), "has ended"),
        (("web", "--join=pdi", "--"), "`pid`"), (("web", "--join=pid", "--isolate", "--"), "--ns"),
        (("web", "--join=net", "--root=/tmp", "--"), "--root"),
    ):  # fmt: skip
        done, _ = into(*arguments, "true")
        expect(done.returncode == 125 and what in done.stderr, f"{arguments}: {done.stderr}")
    done, _ = run("--join=net", "--", "true")
    expect(done.returncode == 125 and "`--join` needs `--into`" in done.stderr, done.stderr)
    as_user = [checks.agent_binary(), "run", f"--into={WEB.cgroup.id}", "--", "true"]
    done = subprocess.run(as_user, capture_output=True, text=True, check=False, timeout=30,
                          preexec_fn=lambda: (os.setgroups([]), os.setgid(54321), os.setuid(54321)),
                          cwd="/")  # fmt: skip
    what = "uid 54321 may not put a process below"
    expect(done.returncode == 125 and what in done.stderr, done.stderr)
    expect_unharmed()


def leaves_nothing_when_killed():
    """What a killed agent left in the container is removed by the next run, and nothing else."""
    agent = subprocess.Popen(
        [checks.agent_binary(), "run", "--quiet", "--force", f"--docker.root={DOCKER.data_root}",
         "--into=web", "--join=all", "--", "sh", "-c", "sleep 300 & echo ready; sleep 300"],
        stdout=subprocess.PIPE)
    agent.stdout.readline()
    agent.kill()
    agent.wait()
    agent.stdout.close()
    expect(leftovers(), "the kill left nothing: no test")
    done = subprocess.run([checks.agent_binary(), "run", "--cleanup"], capture_output=True,
                          text=True, check=False, timeout=30)
    expect_equal(done.returncode, 0, done.stderr)
    expect_unharmed()


def ends_with_the_container():
    """When the container is removed meanwhile the command ends with it, and nothing is left."""
    DOCKER.run("brief", command="sleep 300")
    agent = subprocess.Popen(
        [checks.agent_binary(), "run", "--quiet", "--force", f"--docker.root={DOCKER.data_root}",
         "--into=brief", "--join=pid", "--", "sh", "-c", "echo ready; exec sleep 300"],
        stdout=subprocess.PIPE)
    agent.stdout.readline()
    began = time.monotonic()
    DOCKER.remove("brief")
    expect_equal(agent.wait(20), 137, "exit status")
    agent.stdout.close()
    wait_until(lambda: leftovers() == [], 10, "all to be gone")
    return f"{time.monotonic() - began:.1f} s"


def body():
    global DOCKER, WEB
    checks.need_root()
    checks.agent_binary()
    with dockerd.running(OPTIONS) as DOCKER:
        WEB = DOCKER.run("web", f"--memory={kMemory}", f"--pids-limit={kPids}", "--cpus=0.5",
                         command="echo marked > /mark; exec sleep 3000")
        every = [
            is_killed_at_its_memory_limit,
            is_refused_forks_at_its_pids_limit,
            is_held_at_its_cpus,
            has_limits_of_its_own_where_there_can_be,
            joins_all_namespaces,
            joins_some_namespaces,
            is_no_way_to_the_agent,
            says_what_it_does,
            finds_it_by_id_pid_and_path,
            leaves_nothing_when_killed,
            ends_with_the_container,
        ]
        return checks.main("agent run --into", checks.only(every, OPTIONS), 170)


parser = argparse.ArgumentParser(description=__doc__)
dockerd.add_arguments(parser)
checks.add_only(parser)
OPTIONS = parser.parse_args()
DOCKER = WEB = None
checks.run_or_skip(body)
