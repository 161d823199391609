#!/usr/bin/env python3
"""`agent run` as an ordinary user: what works without a right, and that the rest names it."""

import argparse
import json
import os
import shutil
import subprocess
import tempfile

from support import checks
from support.checks import Skip, expect, expect_equal
from support.isolated import kLook, make_root, python, tree_of, diff_of
from support.workload import figure, leftovers, processes


kUid = 54321


class Ordinary:
    """The agent as a user without rights, from a directory that he can enter."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="cgmon-user-", dir="/var/tmp")
        os.chmod(self.folder, 0o755)
        self.agent = shutil.copy(checks.agent_binary(), self.folder + "/agent")
        self.own = self.folder + "/own"
        os.mkdir(self.own)
        os.chown(self.own, kUid, kUid)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder)

    def run(self, *arguments, enter=None):
        """`enter`: the cgroup of v2 that the agent is in."""
        report = self.own + "/report.json"
        if os.path.exists(report):
            os.unlink(report)
        flags = arguments[: arguments.index("--")]

        def become():
            if enter:
                with open(enter + "/cgroup.procs", "w", encoding="ascii") as file:
                    file.write("0")
            os.setgroups([])
            os.setresgid(kUid, kUid, kUid)
            os.setresuid(kUid, kUid, kUid)

        done = subprocess.run(
            [self.agent, "run", "--force", "--json=" + report, *flags, *arguments[len(flags):]],
            capture_output=True, text=True, timeout=40, check=False, cwd=self.own,
            preexec_fn=become, env={"PATH": "/usr/bin:/bin", "XDG_RUNTIME_DIR": self.own},
        )  # fmt: skip
        found = None
        if os.path.exists(report):
            with open(report, encoding="utf-8") as file:
                found = json.load(file)
        expect_equal(leftovers(), [], "left behind")
        if found:
            expect_equal(os.listdir(self.own + "/cgmon/run"), [], "state files")
        return done, found


def works_without_root():
    """An ordinary user isolates in a user namespace; what takes a right names it."""
    with Ordinary() as user:
        done, report = user.run("--", "sh", "-c", "exit 3")
        expect_equal(done.returncode, 3, done.stderr)
        expect(any("may make no cgroup" in text for text in report["warnings"]), report["warnings"])
        done, report = user.run("--isolate", *python("import json" + kLook))
        expect_equal(done.returncode, 0, done.stderr)
        seen = json.loads(done.stdout)
        expect_equal((seen["pid"], sorted(seen["pids"])), (2, [1, 2]), "processes")
        expect_equal((seen["net"], seen["up"]), (["lo"], 1), "network")
        expect_equal((seen["no_new_privs"], seen["seccomp"]), ("1", "2"), "no_new_privs, seccomp")
        done, _ = user.run("--ns=user", "--", "id", "-u")
        expect_equal(done.stdout, "0\n", done.stderr)
        done, _ = user.run("--ns=user", "--time-offset=500000s", "--", "cat", "/proc/uptime")
        expect(float(done.stdout.split()[0]) > 500000, done.stdout)
        root = make_root(user.own + "/root")
        subprocess.run(["chown", "-R", f"{kUid}:{kUid}", root], check=True)
        whole = tree_of(root)
        done, _ = user.run("--isolate", "--root=" + root, "--", "cat", "/proc/self/mountinfo")
        points = [line.split()[4] for line in done.stdout.splitlines()]
        expect("/" in points and "/proc" in points and "/home" not in points, done.stderr)
        script = "echo x >/etc/new; rm /bin/id; mkdir /base/d; rm -r /tmp; mkdir /tmp"
        done, report = user.run("--isolate", "--overlay=" + root, "--diff", "--", "sh", "-c", script)
        expect_equal(done.returncode, 0, done.stderr)
        expect_equal(
            diff_of(report),
            {"/etc": "changed", "/etc/new": "added", "/bin": "changed", "/bin/id": "deleted",
             "/base": "changed", "/base/d": "added"},
            "changes",
        )  # fmt: skip
        expect_equal(tree_of(root), whole, "the layer")
        daemon = "import os, time\nif os.fork() == 0:\n os.setsid()\n if os.fork(): os._exit(0)\n" \
                 f" os.execlp('sleep', 'cgmon-test-{os.getpid()}', '300')\ntime.sleep(0.3)"
        for flags in ([], ["--isolate"]):
            done, _ = user.run(*flags, *python(daemon))
            expect_equal((done.returncode, processes(f"cgmon-test-{os.getpid()}")), (0, []), "daemon")
        for flags, what in (
            (["--memory=64M"], "may not make cgroups of the controller memory; run it as root"),
            (["--ns=net"], "CAP_SYS_ADMIN"), (["--root=/tmp"], "--ns=user"),
            (["--ns=user", "--uid-map=0:100000:65536"], "CAP_SETUID"),
            (["--isolate", "--user=1000"], "only ids of its maps"),
            (["--root=/tmp", "--chroot"], "CAP_SYS_CHROOT"),
        ):  # fmt: skip
            done, report = user.run(*flags, "--", "true")
            expect(done.returncode == 125 and what in done.stderr, f"{flags}: {done.stderr}")
        return runs_in_a_delegated_cgroup(user)


def maps_the_ids_that_were_given():
    """Who has a range in /etc/subuid and /etc/subgid has its ids inside, by newuidmap."""
    if not shutil.which("newuidmap") or not os.path.exists("/etc/subuid"):
        raise Skip("no newuidmap (package uidmap)")
    with Ordinary() as user:
        entries = {"passwd": f"cgmon-test:x:{kUid}:{kUid}::/:/bin/sh\n",
                   "subuid": "cgmon-test:200000:1000\n", "subgid": f"{kUid}:300000:2000\n"}
        binds = ""
        for name, line in entries.items():
            with open("/etc/" + name, encoding="utf-8") as file:
                text = file.read()
            with open(f"{user.folder}/{name}", "w", encoding="utf-8") as file:
                file.write(text + line)
            binds += f"mount --bind {user.folder}/{name} /etc/{name} && "

        def run_as_user(*arguments):
            command = [user.agent, "run", "--force", "--quiet", *arguments]
            done = subprocess.run(
                ["unshare", "-m", "--propagation=private", "sh", "-c", binds + 'exec "$@"', "sh",
                 "setpriv", f"--reuid={kUid}", f"--regid={kUid}", "--clear-groups", *command],
                capture_output=True, text=True, check=False, timeout=40, cwd=user.own,
                env={"PATH": "/usr/bin:/bin", "XDG_RUNTIME_DIR": user.own},
            )  # fmt: skip
            expect_equal(leftovers(), [], "left behind")
            expect_equal(os.listdir(user.own + "/cgmon/run"), [], "state files")
            return done

        done = run_as_user("--isolate", "--", "cat", "/proc/self/uid_map", "/proc/self/gid_map")
        maps = [[int(word) for word in line.split()] for line in done.stdout.splitlines()]
        expect_equal(maps, [[0, kUid, 1], [1, 200000, 1000], [0, kUid, 1], [1, 300000, 2000]],
                     f"maps, {done.stderr}")  # fmt: skip
        done = run_as_user("--isolate", "--user=33:34", "--", "sh", "-c", "id -u; id -g")
        expect_equal(done.stdout.split(), ["33", "34"], done.stderr)
        done = run_as_user("--isolate", "--user=1001", "--", "true")
        expect(done.returncode == 125 and "only ids of its maps" in done.stderr, done.stderr)
        root = make_root(user.own + "/root")
        subprocess.run(["chown", "-R", f"{kUid}:{kUid}", root], check=True)
        # Files of other ids in what is thrown away, which the user himself cannot remove.
        script = "mkdir -m 700 /etc/x && touch /etc/x/y && chown -R 5:6 /etc/x && ls -n /etc"
        os.symlink("busybox", root + "/bin/chown")
        done = run_as_user("--isolate", f"--overlay={root}", "--caps=all", "--", "sh", "-c", script)
        expect(" 5 " in done.stdout and done.returncode == 0, done.stdout + done.stderr)
        for flag, what in (("--uid-map=0:200000:1000", ""), ("--uid-map=0:200000:1001", "subuid")):
            done = run_as_user("--ns=user", flag, "--", "cat", "/proc/self/uid_map")
            if what:
                expect(done.returncode == 125 and what in done.stderr, done.stderr)
            else:
                expect_equal(done.stdout.split(), ["0", "200000", "1000"], done.stderr)
        with open(user.folder + "/subuid", "w", encoding="utf-8") as file:
            file.write("cgmon-test:100:x\nroot:1:5\n")
        done = run_as_user("--ns=user", "--", "cat", "/proc/self/uid_map")
        expect_equal(done.stdout.split(), ["0", str(kUid), "1"], done.stderr)


def runs_in_a_delegated_cgroup(user):
    """Where root has handed over a cgroup of v2, the user's runs are below it."""
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        tops = [line.split()[4] for line in file if " - cgroup2 " in line]
    if not tops:
        return "no cgroup of v2 to hand over"
    handed = f"{tops[0]}/cgmon-test-handed-{os.getpid()}"
    shell = handed + "/shell"
    os.makedirs(shell)
    try:
        for path in (handed, shell):
            for name in ("", "/cgroup.procs", "/cgroup.subtree_control", "/cgroup.threads"):
                os.chown(path + name, kUid, kUid)
        done, _ = user.run("--dry-run", "--", "true", enter=shell)
        expect(f"mkdir {handed}/cgmon-run/" in done.stdout, done.stdout)
        for flags in ([], ["--isolate"]):
            done, report = user.run(*flags, "--", "sh", "-c", "sleep 300 & cat /proc/self/cgroup",
                                    enter=shell)
            expect_equal(done.returncode, 0, done.stderr)
            expect_equal(report["killed_at_end"], 1, "killed at the end")
            expect(figure(report, "cpu_seconds") > 0, "no CPU time")
            own = [line for line in done.stdout.splitlines() if line.startswith("0::")]
            suffix = "/" if flags else f"/cgmon-run/{report['id']}"
            expect(own[0].endswith(suffix), own)
        expect(not os.path.exists(handed + "/cgmon-run"), "left in the handed cgroup")
    finally:
        os.rmdir(shell)
        os.rmdir(handed)
    return "also in a cgroup that was handed over"


def body():
    checks.need_root()
    checks.agent_binary()
    every = [
        works_without_root,
        maps_the_ids_that_were_given,
    ]
    return checks.main("agent run, ordinary user", checks.only(every, OPTIONS), 100)


parser = argparse.ArgumentParser(description=__doc__)
checks.add_only(parser)
OPTIONS = parser.parse_args()
checks.run_or_skip(body)
