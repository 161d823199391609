#!/usr/bin/env python3
"""What the agent generates of its options, given to the programs that read it: a shell's syntax
check, completions asked for as a shell asks, and two readers of manual pages.

    cli_docs_test.py bash|zsh|fish|man
"""

import os
import shutil
import subprocess
import sys
import tempfile

kSkipped = 77


def output(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout


def need(program, package):
    if shutil.which(program) is None:
        print(f"no {program} (package {package})")
        sys.exit(kSkipped)


def said_nothing(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.returncode}: {done.stderr}{done.stdout}"
    assert not done.stderr, f"{command}: {done.stderr}"
    return done.stdout


def completed(script, *words):
    """What bash would offer for the last of the words, which = parts as bash does."""
    program = (
        f'source "{script}"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _cgmon_agent; '
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    return output("bash", "-c", program, "bash", "agent", *words).split()


def check_bash(script):
    said_nothing("bash", "-n", script)
    for words, offered in (
        (["det"], ["detect"]),
        (["--web.thr"], ["--web.threads="]),
        (["--no-collector.pi"], ["--no-collector.pids"]),
        (["--only", "=", "po"], ["pods"]),
        (["--only", "po"], ["pods"]),
        (["-o", "w"], ["wide"]),
        (["--log.level", "="], ["trace", "debug", "info", "warn", "error"]),
        (["completion", "z"], ["zsh"]),
        (["metrics", "container_memory_rs"], ["container_memory_rss"]),
        (["check-config", "config/agent.y"], ["config/agent.yaml"]),
        (["--path.rootfs", "=", "tests/gold"], ["tests/golden"]),
        (["--web.threads", "=", "1"], []),
    ):
        assert completed(script, *words) == offered, f"{words}: {completed(script, *words)}"
    assert "detect" in completed(script, ""), completed(script, "")


def check_zsh(script):
    need("zsh", "zsh")
    said_nothing("zsh", "-n", script)
    loaded = output("zsh", "-fc", f'autoload -U compinit && compinit -D && source "{script}" && '
                                  "print ${_comps[agent]} ${_comps[cgmon-agent]}")  # fmt: skip
    assert loaded.split() == ["_cgmon_agent", "_cgmon_agent"], loaded


def check_fish(script):
    need("fish", "fish")
    said_nothing("fish", "--no-execute", script)
    for line, offered in (
        ("agent det", "detect"),
        ("cgmon-agent --web.thr", "--web.threads"),
        ("agent --only=po", "--only=pods"),
        ("agent completion z", "zsh"),
    ):
        found = output("fish", "--no-config", "-c", f'source "{script}"; complete -C "{line}"')
        names = [row.split("\t")[0] for row in found.splitlines()]
        assert offered in names, f"{line}: {names}"


def check_man(page):
    need("man", "man-db")
    environment = dict(os.environ, MANWIDTH="100", LC_ALL="C.UTF-8", MANROFFSEQ="")
    done = subprocess.run(
        ["man", "--warnings", "-l", page], capture_output=True, text=True, check=True,
        env=environment,
    )  # fmt: skip
    assert not done.stderr, done.stderr
    for word in ("--web.listen-address=HOST:PORT", "check-config FILE", "SIGHUP", "EXIT STATUS"):
        assert word in done.stdout, f"no {word} in:\n{done.stdout}"
    need("mandoc", "mandoc")
    print(said_nothing("mandoc", "-Tlint", "-Wstyle", page))


def main():
    what = sys.argv[1]
    command = ["man"] if what == "man" else ["completion", what]
    with tempfile.TemporaryDirectory(prefix="cgmon-test-") as directory:
        path = f"{directory}/agent.8" if what == "man" else f"{directory}/_agent"
        with open(path, "w", encoding="utf-8") as file:
            file.write(output(os.environ["CGMON_AGENT"], *command))
        {"bash": check_bash, "zsh": check_zsh, "fish": check_fish, "man": check_man}[what](path)


main()
