#!/usr/bin/python3
"""Labels and environment variables of real docker containers: what is asked for is shown, in
container_info alone, and what is left out of it is counted."""

import argparse
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import checks, dockerd
from support.agent import Agent
from support.checks import expect_equal, wait_until

kSleep = "exec sleep 100000"
kMany = 1000
kKept = 64  # of one container
kBounds = ("labels", "label_length", "label_collision")
kFlags = ("--labels.container=com.example.*,team", "--labels.env=TIER*")


class Labels:
    def __init__(self, docker):
        self.docker = docker
        self.flags = (f"--docker.root={docker.data_root}", "--only=containers")

    def all(self):
        return [self.nothing_by_default, self.what_is_asked_for, self.counted]

    def nothing_by_default(self):
        """Without a flag neither labels nor variables are on the page."""
        self.docker.run("plain", "--label=team=a", "--env=TIER=front", command=kSleep)
        with Agent(checks.agent_binary(), *self.flags) as agent:
            page = self._named(agent, "plain")
            expect_equal(self._own(page, "plain"), {}, "labels of its own")
            expect_equal(self._dropped(page), [0.0, 0.0, 0.0], "left out")

    def what_is_asked_for(self):
        """Keys that a pattern allows, whatever stands in them; no other series has them."""
        text = 'say "hi"\\\nä'
        options = (f"--label=com.example.text={text}", "--label=team=a", "--label=secret=s")
        self.docker.run(
            "chosen", *options, "--env=TIER_1=front", "--env=TOKEN=s", command=kSleep
        )  # fmt: skip
        with Agent(checks.agent_binary(), *self.flags, *kFlags) as agent:
            page = self._named(agent, "chosen")
            expected = {
                "container_label_com_example_text": text,
                "container_label_team": "a",
                "container_env_TIER_1": "front",
            }
            expect_equal(self._own(page, "chosen"), expected, "labels of its own")
            others = {
                name
                for name in page.families
                for sample in page.samples(name, name="chosen")
                if any(label.startswith(("container_label_", "container_env_")) for label in sample.labels)
            }
            expect_equal(others, {"container_info"}, "families that have them")

    def counted(self):
        """Labels beyond 64, values beyond 256 bytes and names that collide are counted."""
        many = [f"--label=com.example.k{i:04}=v" for i in range(kMany)]
        self.docker.run("many", *many, command=kSleep)
        self.docker.run("long", f"--label=team={'x' * 1000}", command=kSleep)
        self.docker.run(
            "same", "--label=com.example.a-b=1", "--label=com.example.a_b=2", command=kSleep
        )  # fmt: skip
        with Agent(checks.agent_binary(), *self.flags, *kFlags) as agent:
            page = self._named(agent, "same")
            expect_equal(len(self._own(page, "many")), kKept, "shown of many")
            cut = self._own(page, "long")["container_label_team"]
            expect_equal(cut, "x" * 256, "the long value")
            expect_equal(self._own(page, "same"), {"container_label_com_example_a_b": "1"}, "one")
            expect_equal(self._dropped(page), [float(kMany - kKept), 1.0, 1.0], "left out")

    def _named(self, agent, name):
        """A page on which all containers have names."""
        pages = []

        def is_there():
            pages[:] = [agent.scrape()]
            return pages[0].samples("container_info", name=name)

        wait_until(is_there, 20, f"the name of {name}")
        return pages[0]

    def _own(self, page, name):
        labels = page.sample("container_info", name=name).labels
        return {key: text for key, text in labels.items() if key.startswith("container_")
                and key != "container_id"}  # fmt: skip

    def _dropped(self, page):
        return [page.value("cgmon_series_dropped_total", bound=bound) for bound in kBounds]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    dockerd.add_arguments(parser)
    with dockerd.running(parser.parse_args()) as docker:
        return checks.main("labels", Labels(docker).all(), limit_seconds=110)


checks.run_or_skip(main)
