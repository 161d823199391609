#!/usr/bin/env python3
"""Debian's package in a machine with systemd, for ctest: makes the package of the build that
$CGMON_AGENT belongs to, boots, and has tests/integration/package_test.py go through its life there."""

import glob
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import image
import machine
import run

kTests = "/mnt/cgmon/tests/integration"


def make_package(build, directory):
    subprocess.run(["cmake", "--build", build, "--target", "package_files"], check=True,
                   stdout=subprocess.DEVNULL)  # fmt: skip
    subprocess.run(["cpack", "--config", f"{build}/CPackConfig.cmake", "-B", directory], check=True,
                   stdout=subprocess.DEVNULL)  # fmt: skip
    (deb,) = glob.glob(f"{directory}/*.deb")
    return deb


def main():
    prometheus = shutil.which("prometheus")
    if prometheus is None:
        run.say("no prometheus (package prometheus)")
        return 1
    with tempfile.TemporaryDirectory(prefix="cgmon-package-") as directory:
        deb = make_package(os.path.dirname(os.environ["CGMON_AGENT"]), directory)
        share = {
            "package.deb": deb,
            "prometheus": os.path.realpath(prometheus),
            "tests/integration": os.path.join(run.kRoot, "tests/integration"),
        }
        command = f"""export PYTHONDONTWRITEBYTECODE=1
            {kTests}/package_test.py --deb /mnt/cgmon/package.deb --prometheus /mnt/cgmon/prometheus \\
              --docker-host unix:///run/docker.sock"""
        job = machine.Job("v2", ["bash", "-c", command], "systemd", share=share, timeout=540)
        try:
            return machine.run(image.build(), job, run.say)
        except (machine.MachineError, image.BuildError, OSError) as error:
            run.say(error)
            return 1


if __name__ == "__main__":
    sys.exit(main())
