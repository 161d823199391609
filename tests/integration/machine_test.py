#!/usr/bin/python3
"""The machine's families against what this host says in other places than the agent reads."""

import glob
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import checks
from support.agent import Agent
from support.checks import expect, expect_equal


def contents(path):
    with open(path, encoding="utf-8") as file:
        return file.read().strip()


def page_with(*arguments):
    with Agent(checks.agent_binary(), *arguments) as agent:
        return agent.scrape()


def figures():
    """CPUs and memory are those that the C library and the kernel's sysinfo tell."""
    page = page_with()
    page_size = os.sysconf("SC_PAGE_SIZE")
    expect_equal(page.value("machine_cpu_cores"), os.sysconf("SC_NPROCESSORS_ONLN"), "CPUs")
    expect_equal(
        page.value("machine_memory_bytes"), os.sysconf("SC_PHYS_PAGES") * page_size, "memory"
    )
    with open("/proc/swaps", encoding="ascii") as swaps:
        swap = sum(int(line.split()[2]) for line in swaps.readlines()[1:])
    expect_equal(page.value("machine_swap_bytes"), swap * 1024, "swap")
    expect_equal(page.value("machine_scrape_error"), 0, "machine_scrape_error")
    edac = glob.glob("/sys/devices/system/edac/mc/mc*/dimm*/size")
    expect(edac or not page.samples("machine_dimm_count"), "modules without EDAC")
    expect_equal(page.value("cgmon_scrape_collector_success", collector="host"), 1, "success")


def cores():
    """Cores and sockets are those of the numbers in sysfs, in place of the sets of CPUs there."""
    page = page_with()
    pairs = set()
    for path in glob.glob("/sys/devices/system/cpu/cpu[0-9]*/topology"):
        pairs.add((contents(path + "/physical_package_id"), contents(path + "/core_id")))
    if not pairs or any(package == "-1" for package, _ in pairs):
        raise checks.Skip("the kernel numbers no sockets here")
    expect_equal(page.value("machine_cpu_physical_cores"), len(pairs), f"cores, of {sorted(pairs)}")
    sockets = {package for package, _ in pairs}
    expect_equal(page.value("machine_cpu_sockets"), len(sockets), "sockets")


def names():
    """Each has the machine's names, those that can be read, and no time of its own."""
    page = page_with("--collector.cpu_topology")
    files = {
        "machine_id": "/etc/machine-id",
        "system_uuid": "/sys/class/dmi/id/product_uuid",
        "boot_id": "/proc/sys/kernel/random/boot_id",
    }
    known = {name: contents(path) for name, path in files.items() if os.path.exists(path)}
    expect(known, "this host has no names")
    seen = 0
    for family in page.families.values():
        if not family.name.startswith("machine_") or family.name == "machine_scrape_error":
            continue
        for sample in family.samples:
            shown = {name: text for name, text in sample.labels.items() if name in files}
            expect_equal(shown, known, f"{sample}")
            seen += 1
    expect_equal(page.samples("machine_scrape_error")[0].labels, {}, "labels of the error")
    info = page.samples("cadvisor_version_info")[0].labels
    expect_equal(info["kernelVersion"], os.uname().release, "kernelVersion")
    expect("dockerVersion" not in info, "dockerVersion is not known and shown")
    build = page.samples("cgmon_build_info")[0].labels
    expect_equal(info["cadvisorVersion"], build["version"], "cadvisorVersion")
    return f"{seen} samples"


def topology():
    """Nodes, threads and caches have what sysfs has, and the switch that is off shows none."""
    page = page_with("--collector.cpu_topology")
    for path in glob.glob("/sys/devices/system/node/node[0-9]*"):
        node = path.rsplit("node", 1)[1]
        total = int(re.search(r"MemTotal:\s+(\d+) kB", contents(path + "/meminfo")).group(1))
        value = page.value("machine_node_memory_capacity_bytes", node_id=node)
        expect_equal(value, total * 1024, f"memory of node {node}")
        distances = [s.value() for s in page.samples("machine_node_distance", node_id=node)]
        wanted = [int(word) for word in contents(path + "/distance").split()]
        expect_equal(distances, wanted, f"distances of node {node}")
    cpus = os.sysconf("SC_NPROCESSORS_ONLN")
    threads = page.samples("machine_thread_siblings_count")
    expect_equal(len(threads), cpus, "threads")
    caches = glob.glob("/sys/devices/system/cpu/cpu0/cache/index*")
    sizes = {int(contents(cache + "/size").rstrip("K")) * 1024 for cache in caches}
    shown = {sample.value() for sample in page.samples("machine_cpu_cache_capacity_bytes")}
    expect(sizes <= shown, f"caches of {sizes} bytes, shown are {shown}")
    off = page_with()
    expect(not off.samples("machine_thread_siblings_count"), "shown while it is off")
    none = page_with("--no-collector.host")
    expect(not none.samples("machine_cpu_cores"), "shown while the host is off")


def controllers():
    """Controllers are where this process' mounts say; one that is off is none."""
    page = page_with()
    with open("/proc/self/mountinfo", encoding="utf-8") as lines:
        mounts = [line.split() for line in lines]
    v1 = {}
    for fields in mounts:
        if fields[fields.index("-") + 1] == "cgroup":
            for option in fields[-1].split(","):
                v1.setdefault(option, set()).add(fields[4])
    seen = 0
    for sample in page.samples("cgmon_controller_info"):
        name, hierarchy = sample.labels["controller"], sample.labels["hierarchy"]
        expect_equal(hierarchy == "v1", name in v1, f"{sample}")
        expect_equal("mountpoint" in sample.labels, hierarchy != "none", f"{sample}")
        if hierarchy == "v1":
            expect(sample.labels["mountpoint"] in v1[name], f"{sample} is not in {v1[name]}")
        if hierarchy == "v2":
            available = contents(sample.labels["mountpoint"] + "/cgroup.controllers").split()
            implicit = ("perf_event", "freezer", "devices", "cpuacct")
            expect(name in available or name in implicit, f"{sample} is not in {available}")
        seen += 1
    return f"{seen} controllers"


def main():
    checks.need_root()
    checks.agent_binary()
    every = [figures, cores, names, topology, controllers]
    return checks.main("machine", every, limit_seconds=60)


checks.run_or_skip(main)
