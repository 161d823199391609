#!/usr/bin/env python3
"""Holds README.md and docs/ to the program: commands, flags, families, paths and links in them exist.

Asked are `./dev help`, the agent's --help and `agent metrics`, so that a renamed flag or family fails
here until the texts say so. Before the texts, the checks themselves are tried on text that is wrong.
"""

import fnmatch
import glob
import os
import re
import subprocess
import sys
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
AGENT = os.environ.get("CGMON_AGENT", os.path.join(ROOT, "build/release/agent"))
TEXTS = ["README.md"] + sorted(
    f"docs/{name}" for name in os.listdir(os.path.join(ROOT, "docs"))
    if name.endswith(".md") and name != "metrics.md")  # made of the tables, held by a golden test

# Flags of another program that the texts tell to use: docker's.
FOREIGN_FLAGS = {
    "--cap-add", "--cap-drop", "--cgroupns", "--cpus", "--memory", "--network", "--pid",
    "--pids-limit", "--read-only", "--security-opt", "--user",
}
# Members of JSON documents and labels that look like families.
MEMBERS = {"container_id", "machine_id"}
FOLDERS = ("agent", "collectors", "config", "cmake", "dashboards", "deploy", "docs", "tests", ".ci")
BUILT = ("agent", "bench")  # what stands at build/PRESET/


def output_of(*command):
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60,
                          check=True).stdout


class Known:
    """What there is, by the programs' own words."""

    def __init__(self):
        overview = output_of("./dev", "help")
        self.dev_commands = set(re.findall(r"^  \./dev (\w+) ", overview, re.MULTILINE))
        self.dev_flags = set(re.findall(r"--[a-z][\w-]*", overview))
        for command in self.dev_commands - {"help"}:
            self.dev_flags |= set(re.findall(r"--[a-z][\w-]*", output_of("./dev", "help", command)))
        help_text = output_of(AGENT, "--help")
        self.agent_flags = set()
        listed = re.findall(r"^  (?:-\w, )?--(\[no-\])?([a-z][\w.-]*)", help_text, re.MULTILINE)
        for negatable, name in listed:
            self.agent_flags |= {"--" + name} | ({"--no-" + name} if negatable else set())
        usage = help_text[: help_text.index("\n\n", help_text.index("Usage:"))]
        self.agent_commands = set(re.findall(r"^  ([a-z][a-z-]*) ", usage, re.MULTILINE))
        listing = output_of(AGENT, "metrics")
        self.families = set(re.findall(r"^  (\w+) +(?:gauge|counter|info) ", listing, re.MULTILINE))
        with open(os.path.join(ROOT, "agent/self_metrics.cc"), encoding="utf-8") as file:
            self.own_families = set(re.findall(r'"((?:cgmon|process)_\w+)"', file.read()))
        with open(os.path.join(ROOT, "CMakePresets.json"), encoding="utf-8") as file:
            self.presets = set(re.findall(r'"name": "(\w+)"', file.read()))


def code_of(text):
    """Fenced and indented blocks and `spans`, a line or span each; prose is left out."""
    fenced = re.findall(r"^```[^\n]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    rest = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    indented = re.findall(r"^    (.*)$", rest, re.MULTILINE)
    spans = re.findall(r"`([^`]+)`", rest)
    return [line for block in fenced for line in block.splitlines()] + indented + spans


def wrong_commands(text, known):
    for code in code_of(text):
        for command in re.findall(r"\./dev ([a-z]\w*)", code):
            if command not in known.dev_commands:
                yield f"./dev has no command {command}"
        for command in re.findall(r"^(?:\$ )?(?:build/\w+/)?agent ([a-z][\w-]*)", code):
            if command not in known.agent_commands:
                yield f"the agent has no command {command}"


def wrong_flags(text, known):
    flags = known.agent_flags | known.dev_flags | FOREIGN_FLAGS
    for flag in re.findall(r"(?<![\w-])--[a-z][\w.-]*", text):
        if flag.rstrip(".") not in flags:
            yield f"no program has the flag {flag}"


def wrong_families(text, known):
    # A diff shows what is not there yet.
    text = re.sub(r"^```diff\n.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    families = known.families | known.own_families | MEMBERS
    for name in re.findall(r"\b(?:container|cgmon|process|host|machine)_[a-z0-9_]+\*?", text):
        if not fnmatch.filter(families, name):
            yield f"the agent has no family {name}"


def wrong_paths(text, known):
    text = re.sub(r"https?://\S+", "", text)
    folders = "|".join(re.escape(folder) for folder in FOLDERS)
    for path in re.findall(rf"(?<![\w/.-])(?:{folders})/[\w./*-]*", text):
        if not glob.glob(os.path.join(ROOT, path.rstrip("."))):
            yield f"there is no {path}"
    for preset, program in re.findall(r"(?<![\w/.-])build/(\w+)/(\w+)", text):
        if preset not in known.presets or program not in BUILT:
            yield f"nothing builds build/{preset}/{program}"


def wrong_links(text, folder):
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+://", target):
            continue
        path, _, anchor = target.partition("#")
        place = os.path.normpath(os.path.join(ROOT, folder, path)) if path else None
        if place is not None and not os.path.exists(place):
            yield f"the link to {target} leads nowhere"
        elif place is None and anchor not in anchors_of(text):
            yield f"there is no heading for {target}"


def anchors_of(text):
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def findings(text, folder, known):
    return [
        *wrong_commands(text, known), *wrong_flags(text, known), *wrong_families(text, known),
        *wrong_paths(text, known), *wrong_links(text, folder),
    ]


class Texts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.known = Known()

    def test_the_programs_were_understood(self):
        self.assertLessEqual({"run", "test", "bench"}, self.known.dev_commands)
        self.assertLessEqual({"--tsan", "--no-install"}, self.known.dev_flags)
        self.assertLessEqual({"detect", "metrics"}, self.known.agent_commands)
        self.assertLessEqual(
            {"--once", "--output", "--path.rootfs", "--collector.cpu", "--no-collector.cpu"},
            self.known.agent_flags)
        self.assertNotIn("--no-once", self.known.agent_flags)
        self.assertLessEqual({"container_memory_rss", "container_threads"}, self.known.families)
        self.assertIn("cgmon_read_errors_total", self.known.own_families)
        self.assertIn("release", self.known.presets)

    def test_a_violation_of_each_kind_is_found(self):
        for wrong in [
            "Type `./dev tset`.",
            "    ./dev biuld release",
            "```console\n$ agent detekt\n```",
            "    build/release/agent once",
            "Give `--limits.cgroup`.",
            "Give --no-once to it.",
            "| `container_memory_rsss` |",
            "Sum `container_gpu_*`.",
            "Counted in cgmon_read_error_total.",
            "Read `collectors/metrics/table.h`.",
            "See tests/no_such_test.py.",
            "Start `build/relaese/agent`.",
            "See [this](no_such_page.md).",
            "See [there](#no-such-heading).",
        ]:
            with self.subTest(text=wrong):
                self.assertEqual(len(findings(wrong, "", self.known)), 1)

    def test_what_is_right_passes(self):
        right = (
            "# A heading, here\n\n    ./dev test --tsan\n    agent detect --path.rootfs=/host\n\n"
            "The agent serves `container_pressure_*` and `cgmon_*`; off with\n"
            "--no-collector.pressure. See [README](README.md), [above](#a-heading-here),\n"
            "[elsewhere](https://example.org/none), `tests/readme_test.py` and build/release/agent.\n")
        self.assertEqual(findings(right, "", self.known), [])

    def test_the_texts_name_only_what_there_is(self):
        for name in TEXTS:
            with self.subTest(text=name):
                with open(os.path.join(ROOT, name), encoding="utf-8") as file:
                    text = file.read()
                self.assertEqual(findings(text, os.path.dirname(name), self.known), [])

    def test_the_readme_still_says_how_to_start(self):
        with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
            text = file.read()
        for words in ["./dev run", "./dev test", "./dev bench", "--once", "--path.rootfs"]:
            self.assertIn(words, text)


if __name__ == "__main__":
    if not os.access(AGENT, os.X_OK):
        sys.exit(f"no agent at {AGENT}; CGMON_AGENT names another")
    unittest.main()
