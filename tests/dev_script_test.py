#!/usr/bin/env python3
"""The dev script's command line, its list of missing packages, and how it keeps services from
starting; and the list of skipped tests that ends its test run. Installs nothing."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
POLICY = "/usr/sbin/policy-rc.d"


def dev(*arguments, **options):
    return subprocess.run(
        [os.path.join(ROOT, "dev"), *arguments],
        capture_output=True, text=True, timeout=30, check=False, **options)


class CommandLine(unittest.TestCase):
    def test_names_the_nearest_command_or_flag_and_exits_2(self):
        for arguments, nearest in [
            (["tset"], "test"),
            (["biuld"], "build"),
            (["gloden"], "golden"),
            (["test", "--tsann"], "--tsan"),
            (["test", "--al"], "--all"),
            (["vm", "hybird", "--", "true"], "hybrid"),
            (["fmt", "--chekc"], "--check"),
            (["fuzz", "montinfo"], "mountinfo"),
            (["fuzz", "--secnds", "1"], "--seconds"),
            (["build", "relaese"], "release"),
        ]:
            with self.subTest(arguments=arguments):
                result = dev(*arguments)
                self.assertEqual(result.returncode, 2, result.stderr)
                self.assertIn(f"nearest: {nearest}\n", result.stderr)
                self.assertEqual(result.stdout, "")

    def test_refuses_a_time_that_is_none_before_it_builds(self):
        for seconds in (["--seconds"], ["--seconds", "0"], ["--seconds=x"], ["--seconds", "-1"]):
            with self.subTest(seconds=seconds):
                result = dev("fuzz", *seconds)
                self.assertEqual(result.returncode, 2, result.stderr)
                self.assertIn("--seconds takes a whole number from 1", result.stderr)

    def test_explains_every_command(self):
        overview = dev("help").stdout
        commands = re.findall(r"^  \./dev (\w+) ", overview, re.MULTILINE)
        self.assertIn("run", commands)
        for command in commands:
            if command == "help":
                continue
            with self.subTest(command=command):
                result = dev(command, "--help")
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertIn(f"./dev {command} [", result.stdout)
                self.assertEqual(result.stdout, dev("help", command).stdout)


    def test_help_lists_every_fuzz_target_that_cmake_has(self):
        with open(os.path.join(ROOT, "tests/fuzz/CMakeLists.txt"), encoding="utf-8") as cmake:
            targets = re.findall(r"^cgmon_fuzz\((\w+)", cmake.read(), re.MULTILINE)
        self.assertIn("psi", targets)
        words = dev("help", "fuzz").stdout.split()
        self.assertEqual([target for target in targets if target not in words], [])


class Packages(unittest.TestCase):
    def test_lists_what_is_missing_and_installs_nothing_with_no_install(self):
        with tempfile.TemporaryDirectory() as folder:
            called = os.path.join(folder, "called")
            # No package is installed, says this dpkg-query; whoever runs apt-get leaves a trace.
            for name, body in [("dpkg-query", "exit 1"), ("apt-get", f"touch {called}")]:
                fake = os.path.join(folder, name)
                with open(fake, "w", encoding="utf-8") as script:
                    script.write(f"#!/bin/sh\n{body}\n")
                os.chmod(fake, 0o755)
            environment = dict(os.environ, PATH=f"{folder}:{os.environ['PATH']}")
            result = dev("run", "--no-install", env=environment)
            self.assertEqual(result.returncode, 1, result.stderr)
            self.assertRegex(result.stderr, r"Missing Debian packages: .*libspdlog-dev")
            self.assertRegex(result.stderr, r"apt-get install .*libyaml-cpp-dev")
            self.assertNotIn("docker.io", result.stderr)
            self.assertFalse(os.path.exists(called))


class SourcePackage(unittest.TestCase):
    """Runs the script's functions in a directory of the test, with an apt-get of the test."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        shutil.copy(os.path.join(ROOT, "dev"), self.folder)
        os.mkdir(os.path.join(self.folder, "bin"))
        self.command("apt-get", "echo apt-get failed on purpose >&2; exit 1")

    def command(self, name, body):
        path = os.path.join(self.folder, "bin", name)
        self.write(path, f"#!/bin/sh\n{body}\n")
        os.chmod(path, 0o755)

    def write(self, path, text):
        path = os.path.join(self.folder, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def call(self, commands):
        environment = dict(os.environ, CGMON_SOURCES_DIR=os.path.join(self.folder, "cache"),
                           PATH=f"{self.folder}/bin:{os.environ['PATH']}")
        return subprocess.run(["bash", "-c", f"source {self.folder}/dev; {commands}"],
                              capture_output=True, text=True, timeout=30, check=False,
                              env=environment)

    def make_package(self):
        """A source package in the cache, by this host's dpkg-source; like one that apt fetched."""
        if not shutil.which("dpkg-source"):
            self.skipTest("no dpkg-source here (Debian package dpkg-dev)")
        self.write("made/civetweb-1/src/civetweb.c", "// made up\n")
        self.write("made/civetweb-1/debian/source/format", "3.0 (native)\n")
        self.write("made/civetweb-1/debian/control",
                   "Source: civetweb\nMaintainer: A <a@b.c>\n\nPackage: civetweb\n"
                   "Architecture: all\nDescription: made up\n")
        self.write("made/civetweb-1/debian/changelog",
                   "civetweb (1) test; urgency=low\n\n  * Made up.\n\n"
                   " -- A <a@b.c>  Thu, 01 Jan 2026 00:00:00 +0000\n")
        cache = os.path.join(self.folder, "cache/civetweb")
        os.makedirs(cache)
        subprocess.run(["dpkg-source", "--build", os.path.join(self.folder, "made/civetweb-1")],
                       cwd=cache, capture_output=True, timeout=30, check=True)
        return cache

    def test_names_the_command_and_fetches_nothing_with_no_install(self):
        result = self.call("no_install=1; need_civetweb")
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertIn("Missing: the source package civetweb\n", result.stderr)
        self.assertIn("with: ./dev build\n", result.stderr)
        self.assertNotIn("on purpose", result.stderr)

    def test_shows_what_apt_says_when_it_cannot_fetch(self):
        result = self.call("no_install=; need_civetweb")
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertIn("apt-get failed on purpose\n", result.stderr)
        self.assertIn("cannot fetch the source package civetweb", result.stderr)
        self.assertEqual(os.listdir(os.path.join(self.folder, "cache")), [])

    def test_unpacks_what_was_fetched_once_without_a_network(self):
        self.make_package()
        for _ in range(2):
            result = self.call("no_install=1; need_civetweb")
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertEqual(os.listdir(os.path.join(self.folder, "build/sources")), ["civetweb"])
        self.assertTrue(
            os.path.isfile(os.path.join(self.folder, "build/sources/civetweb/src/civetweb.c")))

    def test_refuses_a_package_that_is_not_what_its_description_says(self):
        cache = self.make_package()
        [archive] = [name for name in os.listdir(cache) if ".tar." in name]
        with open(os.path.join(cache, archive), "ab") as file:
            file.write(b"more")
        result = self.call("no_install=; need_civetweb")
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertIn(f"delete {cache} to fetch it again", result.stderr)
        self.assertEqual(os.listdir(os.path.join(self.folder, "build/sources")), [])

    def test_fetches_from_where_binary_packages_come_with_their_options(self):
        self.write("apt/sources.list",
                   "# deb http://a/ x main\ndeb [signed-by=/k.gpg] http://b/ x main\n"
                   "deb-src http://c/ x main\n")
        self.write("apt/sources.list.d/d.sources",
                   "Types: deb\nURIs: http://d/\nSigned-By: /d.gpg\n\nEnabled: no\n"
                   "types: deb deb-src\n")
        self.command("apt-config",
                     f"echo list=\\'{self.folder}/apt/sources.list\\'; "
                     f"echo parts=\\'{self.folder}/apt/sources.list.d/\\'")
        os.mkdir(os.path.join(self.folder, "to"))
        result = self.call(f"source_lists {self.folder}/to")
        self.assertEqual(result.returncode, 0, result.stderr)
        texts = {}
        for name in os.listdir(os.path.join(self.folder, "to")):
            with open(os.path.join(self.folder, "to", name), encoding="utf-8") as file:
                texts[name] = file.read()
        self.assertEqual(texts, {
            "sources.list": "deb-src [signed-by=/k.gpg] http://b/ x main\n",
            "d.sources": "Types: deb-src\nURIs: http://d/\nSigned-By: /d.gpg\n\nEnabled: no\n"
                         "Types: deb-src\n"})


class Run(unittest.TestCase):
    """`./dev run` with an agent that prints its arguments."""

    def call(self, words):
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(os.path.join(ROOT, "dev"), folder)
            agent = os.path.join(folder, "build/release/agent")
            os.makedirs(os.path.dirname(agent))
            with open(agent, "w", encoding="utf-8") as script:
                script.write('#!/bin/sh\necho "agent $*"\n')
            os.chmod(agent, 0o755)
            return subprocess.run(
                ["bash", "-c", f"source {folder}/dev; need() {{ :; }}; build() {{ :; }}; run {words}"],
                capture_output=True, text=True, timeout=30, check=True).stdout

    def test_says_where_it_serves(self):
        for words, address in [
            ("", "127.0.0.1:10190"),
            ("--log.level=debug", "127.0.0.1:10190"),
            ("--web.listen-address=:9", "localhost:9"),
            ("--web.listen-address [::1]:9", "[::1]:9"),
        ]:
            with self.subTest(words=words):
                said = self.call(words)
                self.assertIn(f"Serving on http://{address}/metrics (Ctrl-C ends it)\n", said)

    def test_says_nothing_of_its_own_for_commands_that_end(self):
        for words in ["detect", "--path.rootfs=/host detect", "inspect /a", "metrics", "--once",
                      "check-config x", "completion bash", "man", "--help", "--version"]:
            with self.subTest(words=words):
                said = self.call(words)
                self.assertTrue(said.startswith("agent ") and said.endswith(f"{words}\n"), said)
                self.assertEqual(said.count("\n"), 1, said)
                self.assertNotIn("listen-address", said)


class Services(unittest.TestCase):
    """Runs the script's functions on a copy whose policy file lies in a directory of the test."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.policy = os.path.join(self.folder.name, "policy-rc.d")
        with open(os.path.join(ROOT, "dev"), encoding="utf-8") as script:
            text = script.read()
        self.assertIn(POLICY, text)
        self.copy = os.path.join(self.folder.name, "dev")
        with open(self.copy, "w", encoding="utf-8") as script:
            script.write(text.replace(POLICY, self.policy))

    def call(self, commands):
        return subprocess.run(["bash", "-c", f"source {self.copy}; {commands}"],
                              capture_output=True, text=True, timeout=30, check=True).stdout

    def test_refuses_to_start_services_while_installing(self):
        self.call("forbid_services")
        self.assertEqual(subprocess.run([self.policy, "docker", "start"], check=False).returncode, 101)

    def test_leaves_no_policy_where_there_was_none(self):
        self.call("forbid_services; allow_services")
        self.assertEqual(os.listdir(self.folder.name), ["dev"])

    def test_restores_the_policy_that_was_there_even_after_a_killed_run(self):
        with open(self.policy, "w", encoding="utf-8") as policy:
            policy.write("#!/bin/sh\nexit 104\n")
        os.chmod(self.policy, 0o750)
        self.call("forbid_services")  # and no allow_services: killed
        self.call("forbid_services; allow_services")
        with open(self.policy, encoding="utf-8") as policy:
            self.assertEqual(policy.read(), "#!/bin/sh\nexit 104\n")
        self.assertEqual(os.stat(self.policy).st_mode & 0o777, 0o750)
        self.assertEqual(sorted(os.listdir(self.folder.name)), ["dev", "policy-rc.d"])


JUNIT = """<testsuite>
<testcase name="a/Passed" status="run"><system-out>[       OK ] a</system-out></testcase>
<testcase name="a/Psi" status="notrun"><skipped message="x"/><system-out>[ RUN      ] Psi
psi_test.cc:7: Skipped
no v2 hierarchy

[  SKIPPED ] Psi (0 ms)</system-out></testcase>
<testcase name="a/script" status="notrun"><skipped message="x"/><system-out>hello
needs root
</system-out></testcase>
<testcase name="a/partial" status="run"><system-out>SKIPPED  sees swap
         no swap accounting
ok       the rest</system-out></testcase>
</testsuite>"""


class SkipReasons(unittest.TestCase):
    def test_lists_each_skip_with_its_reason_and_no_passed_test(self):
        with tempfile.NamedTemporaryFile("w", suffix=".xml") as junit:
            junit.write(JUNIT)
            junit.flush()
            text = subprocess.run(
                [sys.executable, os.path.join(ROOT, "tests/support/skip_reasons.py"), junit.name],
                capture_output=True, text=True, timeout=30, check=True).stdout
        self.assertEqual(text.split("\n"), [
            "", "Skipped, not passed: 2 tests",
            "  needs root", "    a/script",
            "  no swap accounting", "    a/partial (in part)",
            "  no v2 hierarchy", "    a/Psi", "", ""])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "--verbose"] + sys.argv[1:])
