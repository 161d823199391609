#!/usr/bin/env python3
"""Runs a command in a virtual machine with the cgroup layout that one wants.

    run.py --agent FILE LAYOUT [--driver D] [--append WORDS] [--share DIR] [--report DIR]
           [--timeout SECONDS] -- COMMAND...

`./dev help vm` explains. Exit code: the command's; 124 out of time, 125 the machine failed.
"""

import argparse
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import image
import machine

kRoot = os.path.dirname(os.path.dirname(image.kHere))
# The guest has its own; another than the one that its loader fits would not run.
kOfLibc = re.compile(r"(ld-linux\S*|lib(c|m|dl|rt|pthread|resolv))\.so\.\d")


def say(text):
    print(f"vm: {text}", file=sys.stderr, flush=True)


def agent_share(binary):
    """The agent, the libraries that it was linked with, and the integration tests."""
    said = subprocess.run(["ldd", binary], capture_output=True, text=True, check=True).stdout
    libraries = re.findall(r"^\s*(\S+) => (/\S+)", said, re.MULTILINE)
    share = {f"lib/{n}": os.path.realpath(p) for n, p in libraries if not kOfLibc.fullmatch(n)}
    share["bin/agent"] = os.path.realpath(binary)
    share["tests/integration"] = os.path.join(kRoot, "tests/integration")
    share["tests/golden/detect"] = os.path.join(kRoot, "tests/golden/detect")
    return share


def parse_arguments():
    parser = argparse.ArgumentParser(
        prog="./dev vm", usage="./dev vm LAYOUT [FLAGS...] -- COMMAND... (./dev help vm explains)",
        allow_abbrev=False,
    )  # fmt: skip
    parser.add_argument("--agent", required=True)
    parser.add_argument("layout", choices=machine.kLayouts)
    parser.add_argument("--driver", choices=machine.kDrivers, default="none")
    parser.add_argument("--append", default="", metavar="WORDS")
    parser.add_argument("--share", metavar="DIR")
    parser.add_argument("--report", metavar="DIR")
    parser.add_argument("--timeout", type=int, default=600, metavar="SECONDS")
    ours, command = sys.argv[1:], []
    if "--" in ours:
        at = ours.index("--")
        ours, command = ours[:at], ours[at + 1 :]
    options = parser.parse_args(ours)
    if not command:
        parser.error("no command: it comes after --")
    if options.share and not os.path.isdir(options.share):
        parser.error(f"--share {options.share}: no such directory")
    return options, command


def main():
    options, command = parse_arguments()
    share = agent_share(options.agent)
    if options.share:
        share["share"] = options.share
    job = machine.Job(options.layout, command, options.driver, options.append, share,
                      options.report, options.timeout)  # fmt: skip
    try:
        return machine.run(image.build(), job, say)
    except (machine.MachineError, image.BuildError, subprocess.SubprocessError, OSError) as error:
        say(error)
        return machine.kMachineFailed


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
