#!/usr/bin/env python3
"""Makes the fixtures in tests/fixtures again: boots each layout, and writes down what is there.

    ./dev capture [NAME...]          all, or those named
    ./dev capture --to DIR NAME...   any layout, into another directory: DIR/debian-6.1-NAME.tree

`git diff --stat tests/fixtures` shows what changed; stand_ins.py says what cannot.
"""

import argparse
import os
import re
import sys
import tempfile

kHere = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(kHere))
import image
import machine
import run

# name: (layout, docker's driver, further kernel words)
kFixtures = {
    "v2-cgroupfs": ("v2", "cgroupfs", ""),
    "v1-cgroupfs": ("v1", "cgroupfs", ""),
    "hybrid-systemd": ("hybrid", "systemd", ""),
    "v2-nopsi": ("v2", "systemd", "psi=0"),
    "v1-nomemory": ("v1", "cgroupfs", "cgroup_disable=memory"),
}
# In tests/fixtures these are of the moment at which cAdvisor was asked, too, and stay.
kWitnessed = {
    "v2-systemd": ("v2", "systemd", ""),
    "v1-systemd": ("v1", "systemd", ""),
    "hybrid-cgroupfs": ("hybrid", "cgroupfs", ""),
}
kDirectory = os.path.join(run.kRoot, "tests/fixtures")
kTimeout = 900


def capture(name, directory):
    layout, driver, append = (kFixtures | kWitnessed)[name]
    # No agent: what is captured is the host.
    share = {
        path: os.path.join(run.kRoot, path) for path in ("tests/integration", "tests/vm/capture")
    }
    command = ["python3", "/mnt/cgmon/tests/vm/capture/guest.py", name, driver]
    with tempfile.TemporaryDirectory(prefix="cgmon-capture-") as report:
        job = machine.Job(layout, command, driver, append, share, report, kTimeout)
        code = machine.run(image.build(), job, run.say)
        if code != 0:
            return code
        with open(f"{report}/host.tree", "rb") as file:
            text = file.read()
    release = re.search(rb"^# kernel: Linux (\d+\.\d+)", text, re.MULTILINE)[1].decode()
    target = os.path.join(directory, f"debian-{release}-{name}.tree")
    with open(target, "wb") as file:
        file.write(text)
    run.say(f"{target}: {len(text)} bytes")
    return 0


def main():
    parser = argparse.ArgumentParser(
        prog="./dev capture", description=__doc__, usage=argparse.SUPPRESS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--to", metavar="DIR", default=kDirectory)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(kFixtures | kWitnessed))
    options = parser.parse_args()
    for name in options.names:
        if name not in kFixtures | kWitnessed:
            parser.error(f"no layout {name}; there are {', '.join(kFixtures | kWitnessed)}")
        if name in kWitnessed and os.path.realpath(options.to) == os.path.realpath(kDirectory):
            parser.error(f"{name}: the fixture belongs to tests/fixtures/expected; see --to")
    try:
        for name in options.names or kFixtures:
            code = capture(name, options.to)
            if code != 0:
                return code
    except (machine.MachineError, image.BuildError, OSError) as error:
        run.say(error)
        return machine.kMachineFailed
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
