#!/usr/bin/env python3
"""Holds deploy/kubernetes to what clusters take: each kustomization is rendered by every kubectl that is
here (Debian 12's is 1.20), the objects are held against schemas, and what is wrong is found."""

import os
import re
import shutil
import subprocess
import sys

kRoot = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, f"{kRoot}/tests/integration")
from support import checks
from support.checks import Skip, expect, expect_equal, need_module

kManifests = f"{kRoot}/deploy/kubernetes"
kTools = f"{kRoot}/build/tools"
kModules = f"{kTools}/kubernetes"
kKustomizations = ("base", "pod-monitor", "overlays/names", "overlays/containerd", "overlays/crio",
                   "overlays/docker")  # fmt: skip


def kubectls():
    """{version: program}, Debian's own first."""
    found = {}
    for program in (f"{kTools}/usr/bin/kubectl", shutil.which("kubectl")):
        if program and os.access(program, os.X_OK):
            said = subprocess.run([program, "version", "--client", "-o", "yaml"], capture_output=True, text=True, check=False)
            version = re.search(r"gitVersion: (\S+)", said.stdout)
            found.setdefault(version[1] if version else program, program)
    if not found:
        raise Skip("no kubectl (package kubernetes-client)")
    return found


def render(program, name):
    done = subprocess.run([program, "kustomize", f"{kManifests}/{name}"], capture_output=True, text=True, check=False)
    expect_equal(done.returncode, 0, f"kubectl kustomize {name}: {done.stderr}")
    return done.stdout


def validate(text):
    """(exit code, lines) of the validator."""
    if not shutil.which("node"):
        raise Skip("no node (package nodejs)")
    if not os.path.isdir(f"{kModules}/node_modules"):
        raise Skip("no schemas: npm has not fetched them (./dev test does, where npm is installed)")
    words = ["node", os.path.join(os.path.dirname(os.path.abspath(__file__)), "validate.mjs"), kModules]
    done = subprocess.run(words, input=text, capture_output=True, text=True, check=False, timeout=60)
    expect(done.returncode in (0, 1) and not done.stderr, f"the validator said {done.stderr}")
    return done.returncode, done.stdout.splitlines()


def rendered():
    """Every kubectl makes the same objects of each kustomization."""
    programs = kubectls()
    first = next(iter(programs.values()))
    for name in kKustomizations:
        for version, program in programs.items():
            expect_equal(render(program, name), render(first, name), f"{name} by {version}")
    return ", ".join(programs)


def valid():
    """All objects are what the schemas of their kinds want."""
    program, count = next(iter(kubectls().values())), 0
    for name in kKustomizations:
        code, lines = validate(render(program, name))
        expect_equal((code, [line for line in lines if not line.startswith("ok ")]), (0, []), name)
        count += len(lines)
    return f"{count} objects"


def wrong_is_caught():
    """A value of another type, a misspelt field and one in the wrong place are found, with their place."""
    program = next(iter(kubectls().values()))
    for name, right, wrong, words in (
        ("base", "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: 'yes'", ["must be boolean"]),
        ("base", "readOnlyRootFilesystem:", "readOnlyRootFileSystem:", ["no such field", "FileSystem"]),
        ("base", "hostPID: true", "hostPid: true", ["no such field", "/spec/template/spec/hostPid"]),
        ("base", "maxUnavailable: 10%", "maxUnavailable: [1]", ["maxUnavailable"]),
        ("base", "policyTypes:", "policyType:", ["no such field", "/spec/policyType"]),
        ("pod-monitor", "honorLabels: true", "honourLabels: true", ["no such field", "honourLabels"]),
        ("pod-monitor", "interval: 15s", "interval: 15 seconds", ["interval"]),
    ):
        text = render(program, name)
        expect(right in text, f"{name} has no {right}")
        code, lines = validate(text.replace(right, wrong))
        found = [line for line in lines if line.startswith("wrong ")]
        expect(code == 1 and len(found) == 1, f"{wrong}: the validator said {lines}")
        for word in words:
            expect(word in found[0], f"{wrong}: {found[0]}")


def few_rights():
    """No pod can write, gain rights or see more of the node than its overlay is for."""
    yaml = need_module("yaml", "python3-yaml")
    program = next(iter(kubectls().values()))
    runtime = {"base": set(), "overlays/names": set(), "overlays/docker": {"/var/lib/docker"},
               "overlays/containerd": {"/run/containerd", "/var/lib/containerd"},
               "overlays/crio": {"/var/lib/containers", "/run/containers"}}  # fmt: skip
    for name, places in runtime.items():
        (daemon_set,) = [d for d in yaml.safe_load_all(render(program, name)) if d["kind"] == "DaemonSet"]
        pod = daemon_set["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        context, rights = pod["securityContext"], container["securityContext"]
        expect_equal(context["seccompProfile"], {"type": "RuntimeDefault"}, f"{name}: seccomp")
        expect_equal(context["runAsUser"], 65534 if name == "base" else 0, f"{name}: user")
        expect_equal(context["runAsNonRoot"], name == "base", f"{name}: runAsNonRoot")
        wanted = {"drop": ["ALL"]} if name == "base" else {"drop": ["ALL"], "add": ["DAC_READ_SEARCH"]}
        expect_equal(rights["capabilities"], wanted, f"{name}: capabilities")
        expect_equal(
            (rights["readOnlyRootFilesystem"], rights["allowPrivilegeEscalation"], rights["privileged"]),
            (True, False, False), f"{name}: rights",
        )  # fmt: skip
        expect(not pod["automountServiceAccountToken"], f"{name}: a token")
        expect("hostNetwork" not in pod and "hostIPC" not in pod, f"{name}: the node's network or IPC")
        hosts = {volume["hostPath"]["path"] for volume in pod["volumes"]}
        expect_equal(hosts, {"/sys/fs/cgroup", "/var/log/pods"} | places, f"{name}: directories of the node")
        expect(all(mount["readOnly"] for mount in container["volumeMounts"]), f"{name}: a mount to write to")


def main():
    return checks.main("manifests", [rendered, valid, wrong_is_caught, few_rights], limit_seconds=100)


checks.run_or_skip(main)
