#!/usr/bin/env python3
"""Holds the dependency rule by reading every #include of the tree.

The rule (docs: a layer includes only what stands left of it):

    base <- parse <- kernel <- cgroup, host, identity <- collector <- agent/* <- agent/main
    metrics sees base only; config sees metrics (group names); only the command line, main and reload see config.

Third-party headers stay where they are used, and within collectors only kernel/ (and base's
UniqueFd) includes headers of system calls. Before the tree, the checker itself is tried on
samples that break the rule.
"""

import os
import re
import sys
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SOURCE_FOLDERS = ("collectors", "agent", "config", "bench", "tests")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)

# What each layer may include besides its own files. A layer is the longest of these prefixes.
BASE = ["collectors/base/"]
PARSE = BASE + ["collectors/parse/"]
KERNEL = PARSE + ["collectors/kernel/"]
READERS = KERNEL + ["collectors/metrics/"]
LAYERS = {
    "collectors/base/": [],
    "collectors/parse/": BASE,
    "collectors/metrics/": BASE,
    "collectors/kernel/": PARSE,
    "collectors/cgroup/": READERS,
    "collectors/host/": READERS,
    "collectors/identity/": READERS,
    "collectors/": ["collectors/"],
    "config/": BASE + ["collectors/metrics/"],
    # Pure: snapshot, tables and identity types, never readers.
    "agent/expose/": BASE
    + ["collectors/metrics/", "collectors/identity/", "collectors/host_snapshot.h"],
    "agent/http/": BASE,
    # `agent run` never meets the server.
    "agent/enforce/": ["collectors/"],
    "agent/": ["collectors/", "agent/expose/", "agent/http/"],
    # The command line is the configuration's other half: one option table makes both.
    "agent/cli": ["collectors/", "agent/", "config/"],
    "agent/main.cc": ["collectors/", "agent/", "config/"],
    "agent/reload": ["collectors/", "agent/", "config/"],
    "agent/run": ["collectors/", "agent/"],
    "bench/": ["collectors/", "agent/", "tests/support/"],
    "tests/": ["collectors/", "agent/", "config/", "tests/"],
}

# Header pattern -> where it may be included (prefixes of paths).
THIRD_PARTY = {
    r"yaml-cpp/": ("config/",),
    r"(civetweb\.h|CivetServer\.h)$": ("agent/http/",),
    r"prometheus/": ("agent/self_metrics",),
    r"(spdlog|fmt)/": ("agent/",),
    r"systemd/": ("agent/enforce/scope",),
    r"CLI/": ("agent/cli", "agent/main.cc"),
    r"nlohmann/": ("collectors/identity/", "agent/expose/json", "agent/expose/snapshot_json_test",
                   "agent/enforce/leftovers"),
    r"seccomp\.h$": ("agent/enforce/seccomp_compiler",),
    r"libdeflate\.h$": ("agent/expose/gzip", "agent/expose/template_gzip_test"),
    r"tl/expected\.hpp$": ("",),
    r"(gtest|gmock)/": (),  # tests only
}

# Within these, only the listed paths may include headers of system calls or of file streams.
NO_SYSTEM_CALLS = ("collectors/", "agent/expose/")
SYSTEM_CALLS = re.compile(
    r"(unistd\.h|fcntl\.h|dirent\.h|poll\.h|sched\.h|signal\.h|csignal|mntent\.h|ftw\.h|glob\.h|pwd\.h"
    r"|grp\.h|fstream|filesystem|stdio\.h|cstdio|linux/.*|sys/(?!types\.h|sysmacros\.h).*)$"
)
SYSTEM_CALLS_ALLOWED = ("collectors/kernel/", "collectors/base/unique_fd")


def is_test(path):
    return path.startswith("tests/") or bool(re.search(r"_(test|fuzz|bench)\.(cc|h)$", path))


def layer_of(path):
    matches = [layer for layer in LAYERS if path.startswith(layer)]
    return max(matches, key=len) if matches else None


def check_project_include(path, target):
    layer = layer_of(path)
    if layer is None:
        return f"{path}: stands in no known layer"
    own = layer if layer.endswith("/") else os.path.dirname(layer) + "/"
    if layer_of(target) is None or not os.path.dirname(target):
        return f'{path}: includes "{target}", which is not written from the repository\'s root'
    if target.startswith("tests/"):
        if is_test(path) or path.startswith("bench/"):
            return None
        return f'{path}: product code includes test code "{target}"'
    if layer_of(target) == layer or target.startswith(tuple(LAYERS[layer])):
        return None
    # main's own neighbours, e.g. agent/reload.cc -> agent/reload.h, are covered by LAYERS.
    if own == "agent/" and layer_of(target) == "agent/":
        return None
    return f'{path}: layer {layer} may not include "{target}"'


def check_foreign_include(path, target):
    for pattern, places in THIRD_PARTY.items():
        if not re.match(pattern, target):
            continue
        if path.startswith(places) or (re.match(r"(gtest|gmock)/", target) and is_test(path)):
            return None
        if path.startswith("tests/"):
            return None
        return f"{path}: <{target}> belongs to {', '.join(places) or 'tests'} only"
    if "/" in target and not target.startswith(("sys/", "linux/", "arpa/", "netinet/", "net/")):
        return f"{path}: <{target}>: third-party header that no layer is known to use"
    if SYSTEM_CALLS.match(target) and path.startswith(NO_SYSTEM_CALLS) and not is_test(path):
        if not path.startswith(SYSTEM_CALLS_ALLOWED):
            return f"{path}: <{target}>: only collectors/kernel makes system calls"
    return None


def violations(path, text):
    found = []
    for match in INCLUDE.finditer(text):
        project, foreign = match.groups()
        error = check_project_include(path, project) if project else None
        error = error or (check_foreign_include(path, foreign) if foreign else None)
        if error:
            line = text.count("\n", 0, match.start()) + 1
            found.append(error.replace(path, f"{path}:{line}", 1))
    return found


def sources():
    for folder in SOURCE_FOLDERS:
        for directory, _, names in os.walk(os.path.join(ROOT, folder)):
            for name in sorted(names):
                if name.endswith((".h", ".cc", ".inc")):
                    yield os.path.relpath(os.path.join(directory, name), ROOT)


class IncludeRule(unittest.TestCase):
    def test_refuses_what_breaks_the_rule(self):
        for path, include in [
            ("collectors/base/result.h", '"collectors/parse/psi.h"'),
            ("collectors/parse/psi.cc", '"collectors/kernel/files.h"'),
            ("collectors/parse/psi.cc", '"collectors/metrics/row.h"'),
            ("collectors/metrics/row.h", '"collectors/parse/psi.h"'),
            ("collectors/kernel/files.cc", '"collectors/metrics/row.h"'),
            ("collectors/cgroup/walk.cc", '"collectors/identity/docker.h"'),
            ("collectors/identity/docker.cc", '"collectors/cgroup/walk.h"'),
            ("collectors/host/machine.cc", '"collectors/collector.h"'),
            ("collectors/collector.cc", '"agent/expose/prometheus_text.h"'),
            ("collectors/collector.cc", '"config/config.h"'),
            ("agent/expose/prometheus_text.cc", '"collectors/cgroup/cgroup_reader.h"'),
            ("agent/expose/prometheus_text.cc", '"collectors/collector.h"'),
            ("agent/expose/prometheus_text.cc", '"agent/http/server.h"'),
            ("agent/http/server.cc", '"config/config.h"'),
            ("agent/collection_loop.cc", '"config/config.h"'),
            ("agent/collection_loop.cc", '"agent/enforce/spec.h"'),
            ("agent/enforce/spec.cc", '"agent/http/server.h"'),
            ("agent/main.cc", '"tests/support/tree_builder.h"'),
            ("config/config.cc", '"agent/cli.h"'),
            ("collectors/base/result.cc", '"result.h"'),
            ("elsewhere/file.cc", '"collectors/base/result.h"'),
            ("agent/cli.cc", "<yaml-cpp/yaml.h>"),
            ("agent/main.cc", "<civetweb.h>"),
            ("agent/http/server.cc", "<prometheus/registry.h>"),
            ("agent/self_metrics.cc", "<prometheus/../CivetServer.h>\n#include <civetweb.h>"),
            ("collectors/collector.cc", "<spdlog/spdlog.h>"),
            ("collectors/cgroup/walk.cc", "<nlohmann/json.hpp>"),
            ("agent/http/server.cc", "<nlohmann/json.hpp>"),
            ("agent/collection_loop.cc", "<CLI/CLI.hpp>"),
            ("agent/http/server.cc", "<gtest/gtest.h>"),
            ("agent/http/server.cc", "<boost/asio.hpp>"),
            ("agent/serve.cc", "<systemd/sd-bus.h>"),
            ("collectors/cgroup/layout.cc", "<unistd.h>"),
            ("collectors/cgroup/layout.cc", "<fcntl.h>"),
            ("collectors/identity/docker.cc", "<sys/stat.h>"),
            ("collectors/host/disk.cc", "<filesystem>"),
            ("collectors/base/result.cc", "<unistd.h>"),
            ("agent/expose/terminal_table.cc", "<sys/ioctl.h>"),
        ]:
            with self.subTest(path=path, include=include):
                self.assertTrue(violations(path, f"#pragma once\n  # include {include}\n"))

    def test_lets_pass_what_keeps_it(self):
        for path, include in [
            ("collectors/base/result.h", "<tl/expected.hpp>"),
            ("collectors/base/unique_fd.cc", "<unistd.h>"),
            ("collectors/parse/psi.cc", '"collectors/base/result.h"'),
            ("collectors/kernel/system_files.cc", "<sys/stat.h>"),
            ("collectors/kernel/system_files.cc", '"collectors/parse/mountinfo.h"'),
            ("collectors/cgroup/walk.cc", '"collectors/metrics/row.h"'),
            ("collectors/cgroup/walk_test.cc", "<sys/stat.h>"),
            ("collectors/cgroup/walk_test.cc", '"tests/support/tree_builder.h"'),
            ("collectors/collector.cc", '"collectors/identity/docker.h"'),
            ("collectors/identity/docker.cc", "<nlohmann/json.hpp>"),
            ("agent/expose/prometheus_text.h", '"collectors/metrics/snapshot.h"'),
            ("agent/expose/prometheus_text.h", '"collectors/identity/cgroup_path.h"'),
            ("agent/http/server.cc", "<civetweb.h>"),
            ("agent/self_metrics.cc", "<prometheus/registry.h>"),
            ("agent/collection_loop.cc", '"collectors/collector.h"'),
            ("agent/main.cc", '"config/config.h"'),
            ("agent/main.cc", '"agent/collection_loop.h"'),
            ("agent/main.cc", "<unistd.h>"),
            ("config/config.cc", "<yaml-cpp/yaml.h>"),
            ("config/config_test.cc", "<gmock/gmock.h>"),
        ]:
            with self.subTest(path=path, include=include):
                self.assertEqual(violations(path, f"#include {include}\n"), [])

    def test_holds_in_this_tree(self):
        paths = list(sources())
        self.assertTrue(paths, "no sources found: is this the repository's root?")
        found = []
        for path in paths:
            with open(os.path.join(ROOT, path), encoding="utf-8") as source:
                found += violations(path, source.read())
        self.assertFalse(found, "\n" + "\n".join(found))


class ClangCompiles(unittest.TestCase):
    """./dev lint and ./dev fuzz compile with clang 14, which refuses the subranges of g++ 12's
    library. Other builds would not notice."""

    REFUSED = re.compile(r"ranges::(unique|remove|remove_if|search|search_n|equal_range|find_end|"
                         r"partition|stable_partition|rotate|subrange)\b|std::views::")

    def test_names_no_range_algorithm_that_clang_14_refuses(self):
        self.assertTrue(self.REFUSED.search("std::ranges::equal_range(all, 3)"))
        self.assertFalse(self.REFUSED.search("std::ranges::find_if(all, odd)"))
        found = []
        for path in sources():
            with open(os.path.join(ROOT, path), encoding="utf-8") as source:
                for number, line in enumerate(source, 1):
                    if self.REFUSED.search(line.partition("//")[0]):
                        found.append(f"{path}:{number}: {line.strip()}")
        self.assertFalse(found, "\n" + "\n".join(found))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "--verbose"] + sys.argv[1:])
