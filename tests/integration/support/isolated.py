"""What tests of an isolated command share."""

import json
import os
import shutil
import stat

from support.checks import expect_equal
from support.workload import run

kBusybox = os.environ.get("CGMON_BUSYBOX") or "/bin/busybox"


def python(text):
    return ["--", "/usr/bin/python3", "-c", text]


def inside(*flags, text, **options):
    """What a Python program inside prints, as JSON."""
    done, report = run(*flags, *python("import json\n" + text), **options)
    expect_equal(done.returncode, 0, f"exit status, {done.stderr}")
    return json.loads(done.stdout), done, report


kLook = """
import os, socket
def text(path):
    with open(path) as file: return file.read()
status = dict(line.split(":\\t", 1) for line in text("/proc/self/status").splitlines())
print(json.dumps({
    "pid": os.getpid(), "parent": os.getppid(), "hostname": socket.gethostname(),
    "pids": [int(p) for p in os.listdir("/proc") if p.isdigit()],
    "init": text("/proc/1/comm").strip(),
    "mounts": [line.split() for line in text("/proc/self/mountinfo").splitlines()],
    "cgroups": [line.split(":", 2)[2] for line in text("/proc/self/cgroup").splitlines()],
    "cgroup_files": sorted(os.listdir("/sys/fs/cgroup")),
    "net": os.listdir("/sys/class/net"), "up": int(text("/sys/class/net/lo/flags"), 16) & 1,
    "namespaces": {n: os.readlink("/proc/self/ns/" + n) for n in os.listdir("/proc/self/ns")},
    "capabilities": status["CapEff"], "bounding": status["CapBnd"],
    "no_new_privs": status["NoNewPrivs"], "seccomp": status["Seccomp"],
    "environment": sorted(os.environ), "open": os.listdir("/proc/self/fd"),
    "devices": sorted(os.listdir("/dev")), "cwd": os.getcwd(),
}))
"""


def make_root(folder):
    """A root file system with a shell."""
    for name in ("bin", "dev", "proc", "sys", "tmp", "etc", "base"):
        os.makedirs(f"{folder}/{name}")
    shutil.copy(kBusybox, folder + "/bin/busybox")
    for name in ("sh", "ls", "cat", "rm", "mv", "mkdir", "chmod", "touch", "ln", "sleep", "id"):
        os.symlink("busybox", f"{folder}/bin/{name}")
    return folder


def tree_of(root):
    """Everything below a directory that can differ, by path; None as content where it is no file."""
    found = {}
    for directory, folders, files in os.walk(root):
        for name in folders + files:
            path = os.path.join(directory, name)
            status = os.lstat(path)
            content = None
            if stat.S_ISREG(status.st_mode):
                with open(path, "rb") as file:
                    content = file.read()
            elif stat.S_ISLNK(status.st_mode):
                content = os.readlink(path)
            found["/" + os.path.relpath(path, root)] = (
                status.st_mode, status.st_uid, status.st_gid,
                0 if stat.S_ISDIR(status.st_mode) else status.st_mtime_ns, content,
            )  # fmt: skip
    return found


def diff_of(report):
    return {change["path"]: change["kind"] for change in report["diff"]}
