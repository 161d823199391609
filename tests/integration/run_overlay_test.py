#!/usr/bin/env python3
"""`agent run` with a root of its own: by --root, and over layers, where --diff says what changed."""

import argparse
import os
import random
import stat
import subprocess
import tempfile
import time

from support import checks, dockerd
from support.checks import expect, expect_equal
from support.isolated import make_root, tree_of, diff_of, kBusybox
from support.workload import run


def difference(before, after):
    """What `docker diff` would say, from two trees."""
    changes = {}
    for path, entry in after.items():
        if path not in before:
            changes[path] = "added"
        elif before[path] != entry:
            changes[path] = "changed"
    for path in before:
        parent = os.path.dirname(path)
        if path in after:
            continue
        # Of what is below a directory that has gone, or is one no more, nothing is said.
        if parent == "/" or (parent in after and stat.S_ISDIR(after[parent][0])):
            changes[path] = "deleted"
    for path in list(changes):
        while (path := os.path.dirname(path)) != "/":
            changes.setdefault(path, "changed")
    return changes


kSteps = """
set -e
cd $R/base
echo more >>file; rm gone; mkdir new; echo 1 >new/1; rm -r tree; echo x >>dir/sub/g
rm -r replaced; mkdir replaced; echo new >replaced/new; echo same >replaced/kept
touch touched; mkdir dir/made; chmod 600 dir/f
mv renamed renamed2; mv dirmoved dirmoved2; ln -s file link; ln hard hard2
rm becomesdir; mkdir becomesdir; echo i >becomesdir/i; rm -r becomesfile; echo f >becomesfile
mkdir back; rmdir back; echo tmp >back; rm back; rm -r again; mkdir -p again/x; echo y >again/x/y
chmod 700 mode; cat >/dev/null <untouched; : >>opened
""".strip().replace("\n", "; ")


def make_base(base):
    """What the steps above work on."""
    for folder in ("dir/sub", "tree/deep/er", "replaced/old", "dirmoved/in", "becomesfile/in",
                   "again/x", "again/z", "mode", "quiet"):
        os.makedirs(f"{base}/{folder}")
    for name in ("file", "gone", "dir/sub/g", "dir/f", "tree/deep/er/f", "tree/h", "replaced/old/q",
                 "replaced/kept", "touched", "renamed", "dirmoved/in/f", "hard", "becomesdir",
                 "becomesfile/in/f", "again/x/y", "again/z/z", "untouched", "opened", "quiet/f"):
        with open(f"{base}/{name}", "w", encoding="ascii") as file:
            file.write(f"this is {name}\n" * (len(name) * 100))
        # docker's layers have whole seconds: what is touched within the second looks untouched.
        an_hour_ago = time.time() - 3600
        os.utime(f"{base}/{name}", (an_hour_ago, an_hour_ago))


def random_steps(seed, count=150):
    """A shell script of changes at random: of files, of directories, of one into the other."""
    dice = random.Random(seed)
    places = [f"$R/base/{a}" for a in ("a", "b", "c")]
    places += [f"{p}/{n}" for p in places for n in ("p", "q")]
    places += [f"{p}/{n}" for p in places[3:] for n in ("u", "v", "w")]
    lines = []
    for number in range(count):
        one, other = dice.choice(places), dice.choice(places)
        lines.append(dice.choice((
            f"echo {number} >{one}", f"echo {number} >>{one}", f"rm {one}", f"rm -r {one}",
            f"mkdir {one}", f"mkdir -p {one}", f"rmdir {one}", f"mv {one} {other}",
            f"chmod {dice.choice((600, 640, 755))} {one}", f"ln {one} {other}",
            f"ln -s {number} {one}", f"touch {one}",
        )))  # fmt: skip
    return "".join(f"{line} 2>/dev/null; " for line in lines) + "true"


def lists_what_changed(script, make):
    """Runs it over a layer and on a copy; returns both lists and the report."""
    with tempfile.TemporaryDirectory(prefix="cgmon-layer-", dir="/var/tmp") as folder:
        lower, copy = folder + "/lower", folder + "/copy"
        os.mkdir(lower)
        make_root(lower)
        make(lower + "/base")
        subprocess.run(["cp", "-a", lower, copy], check=True)
        whole, before = tree_of(lower), tree_of(copy)
        expect_equal(whole, before, "the copy")
        subprocess.run([copy + "/bin/busybox", "sh", "-c", "R=" + copy + "; " + script], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       env={"PATH": copy + "/bin"})
        done, report = run("--isolate", "--overlay=" + lower, "--diff", "--", "/bin/busybox", "sh",
                           "-c", "R=; PATH=/bin; " + script)
        expect_equal(done.returncode, 0, f"exit status, {done.stderr}")
        expect_equal(tree_of(lower), whole, "the layer")
        return diff_of(report), difference(before, tree_of(copy)), report


def has_a_root_of_its_own():
    """--root is /, by pivot_root; by --chroot too, with a word on what that does not hold."""
    with tempfile.TemporaryDirectory(prefix="cgmon-root-") as folder:
        make_root(folder)
        before = tree_of(folder)
        script = "ls /; cat /proc/self/mountinfo; ls /proc/1/root; ls -d /../etc/passwd"
        done, _ = run("--isolate", "--root=" + folder, "--", "sh", "-c", script)
        expect(done.stdout.startswith("base\nbin\ndev\netc\nproc\nsys\ntmp\n"), done.stdout)
        roots = [line.split()[4] for line in done.stdout.splitlines() if " - ext4 " in line]
        expect(roots in ([], ["/"]), f"of the host's disk {roots}")
        expect("passwd: No such file" in done.stderr, done.stderr)
        done, _ = run("--root=" + folder, "--", "ls", "/")
        expect_equal(done.stdout.split(), ["base", "bin", "dev", "etc", "proc", "sys", "tmp"], "root")
        done, report = run("--root=" + folder, "--chroot", "--", "ls", "/base/../../..")
        expect_equal(done.stdout.split(), ["base", "bin", "dev", "etc", "proc", "sys", "tmp"], "chroot")
        expect(any("CAP_SYS_CHROOT" in text for text in report["warnings"]), report["warnings"])
        # A link that leads out is one that leads to the root's own files.
        os.symlink("/../../../../../../../../../../etc", folder + "/out")
        done, _ = run("--isolate", "--root=" + folder, "--bind=/usr:/out", "--", "ls", "/etc")
        expect("bin" in done.stdout.split(), f"{done.stdout} {done.stderr}")
        os.unlink(folder + "/out")
        expect_equal(tree_of(folder), before, "the directory")


def tells_what_changed_in_an_overlay():
    """--diff equals what the same steps do to a copy, and the lower layer is as it was."""
    found, truth, report = lists_what_changed(kSteps, make_base)
    expect_equal(found, truth, "changes")
    expect({"added", "changed", "deleted"} == set(truth.values()), f"no test: {truth}")
    size = {c["path"]: (c.get("was_bytes"), c.get("bytes")) for c in report["diff"]}
    expect_equal(size["/base/file"], (13 * 400, 13 * 400 + 5), "sizes of /base/file")
    expect_equal(size["/base/gone"], (13 * 400, None), "sizes of /base/gone")
    expect_equal(size["/base/new/1"], (None, 2), "sizes of /base/new/1")
    changed = len(truth)
    for seed in range(8):
        make = lambda base: None if not seed % 2 else subprocess.run(
            [kBusybox, "sh", "-c", "R=" + os.path.dirname(base) + "; " + random_steps(seed + 100)],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        found, truth, _ = lists_what_changed(random_steps(seed), make)
        expect_equal(found, truth, f"changes of seed {seed}")
        changed += len(truth)
    return f"{changed} changes"


def agrees_with_docker_diff():
    """--diff equals `docker diff` of the same steps over the same files."""
    with dockerd.running(OPTIONS) as docker, tempfile.TemporaryDirectory() as folder:
        make_base(folder + "/base")
        docker.call("create", "--name", "cgmon-base", dockerd.kImage, "true")
        docker.call("cp", folder + "/base", "cgmon-base:/base")
        docker.call("commit", "cgmon-base", "cgmon-base:1")
        try:
            docker.call("run", "--network=none", "--name", "cgmon-diff", "cgmon-base:1", "sh", "-c",
                        "R=; " + kSteps)
            kinds = {"A": "added", "C": "changed", "D": "deleted"}
            lines = docker.call("diff", "cgmon-diff").splitlines()
        finally:
            docker.call("rm", "-f", "cgmon-base", "cgmon-diff", check=False)
            docker.call("rmi", "cgmon-base:1", check=False)
    theirs = {line[2:]: kinds[line[0]] for line in lines}
    ours, _, _ = lists_what_changed(kSteps, make_base)
    expect_equal(ours, theirs, "changes")
    return f"{len(ours)} changes"


def keeps_what_is_asked_for():
    """--upper stays and is found again, several layers are one root, a layer that holds the
    scratch directory is written over in memory."""
    with tempfile.TemporaryDirectory(prefix="cgmon-layer-", dir="/var/tmp") as folder:
        lower, top, upper = folder + "/lo:w,er", folder + "/top", folder + "/upper"
        for path in (lower, top, upper):
            os.mkdir(path)
        make_root(lower)
        for path, text in ((lower + "/both", "below"), (top + "/both", "above")):
            with open(path, "w", encoding="ascii") as file:
                file.write(text)
        layers = top + ":" + lower.replace(":", "\\:")
        flags = ["--isolate", "--overlay=" + layers, "--upper=" + upper, "--diff"]
        done, report = run(*flags, "--tmpfs=/made/here", "--", "sh", "-c",
                           "cat /both; echo x >/kept; rm /both; echo y >/made/here/lost")
        expect_equal(done.stdout, "above", done.stderr)
        expect_equal(diff_of(report), {"/kept": "added", "/both": "deleted"}, "changes")
        expect_equal(sorted(os.listdir(upper)), ["both", "kept"], "upper layer")
        done, report = run(*flags, "--", "sh", "-c", "cat /kept; ls /both")
        expect(done.stdout == "x\n" and "/both: No such" in done.stderr, done.stderr)
        done, _ = run("--overlay=/", "--upper=" + upper, "--", "true")
        expect(done.returncode == 125 and "within the layer" in done.stderr, done.stderr)
    done, report = run("--isolate", "--overlay=/", "--diff", "--", "sh", "-c", "echo x >/etc/cgmon-test")
    expect_equal(done.returncode, 0, done.stderr)
    expect_equal(diff_of(report), {"/etc": "changed", "/etc/cgmon-test": "added"}, "of /")
    expect(any("in memory" in text for text in report["warnings"]), report["warnings"])
    expect(not os.path.exists("/etc/cgmon-test"), "the host's /etc has changed")
    done, report = run("--overlay=/", "--diff", "--", "true")
    expect_equal(report["diff"], [], "of true")


def body():
    checks.need_root()
    checks.agent_binary()
    every = [
        has_a_root_of_its_own,
        tells_what_changed_in_an_overlay,
        agrees_with_docker_diff,
        keeps_what_is_asked_for,
    ]
    return checks.main("agent run, root and overlay", checks.only(every, OPTIONS), 200)


parser = argparse.ArgumentParser(description=__doc__)
dockerd.add_arguments(parser)
checks.add_only(parser)
OPTIONS = parser.parse_args()
checks.run_or_skip(body)
