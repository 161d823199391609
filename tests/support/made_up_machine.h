#pragma once

#include <string>

#include "tests/support/tree_files.h"

/// Machines made in code, as /proc and /sys show them (x86, Linux 6.1).
namespace cgmon::made_up {

inline void add_cache(TreeFiles& tree, const std::string& path, const std::string& type, int level,
                      const std::string& size, const std::string& cpus) {
  tree.set_file(path + "/type", type + '\n');
  tree.set_file(path + "/level", std::to_string(level) + '\n');
  tree.set_file(path + "/size", size + '\n');
  tree.set_file(path + "/shared_cpu_list", cpus + '\n');
}

/// Two sockets, each a memory node with two cores of two threads: CPU c and c + 4 are of one core,
/// 0, 1, 4 and 5 of the first socket. Two modules in each node and an empty slot.
inline void make_two_sockets(TreeFiles& tree) {
  tree.set_file("/proc/meminfo",
                "MemTotal:       16777216 kB\nMemFree: 1 kB\n"
                "SwapTotal:       2097152 kB\n");
  tree.set_file("/proc/sys/kernel/random/boot_id", "9b2a7f6e-0000-4000-8000-000000000001\n");
  tree.set_file("/proc/sys/kernel/osrelease", "6.1.0-28-amd64\n");
  tree.set_file("/etc/machine-id", "0123456789abcdef0123456789abcdef\n");
  tree.set_file("/usr/lib/os-release",
                "NAME=\"Debian\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n");
  tree.add_link("/etc/os-release", "../usr/lib/os-release");
  tree.set_file("/sys/class/dmi/id/product_uuid", "4c4c4544-0000-1000-8000-000000000002\n");
  const std::string system = "/sys/devices/system";
  tree.set_file(system + "/cpu/online", "0-7\n");
  for (int cpu = 0; cpu < 8; ++cpu) {
    const int core = cpu % 4, socket = core / 2;
    const std::string threads = std::to_string(core) + ',' + std::to_string(core + 4);
    const std::string siblings = socket == 0 ? "0-1,4-5" : "2-3,6-7";
    const std::string path = system + "/cpu/cpu" + std::to_string(cpu);
    tree.set_file(path + "/topology/thread_siblings_list", threads + '\n');
    tree.set_file(path + "/topology/core_siblings_list", siblings + '\n');
    tree.set_file(path + "/topology/core_id", std::to_string(core % 2) + '\n');
    add_cache(tree, path + "/cache/index0", "Data", 1, "32K", threads);
    add_cache(tree, path + "/cache/index1", "Instruction", 1, "32K", threads);
    add_cache(tree, path + "/cache/index2", "Unified", 2, "1024K", threads);
    add_cache(tree, path + "/cache/index3", "Unified", 3, "33792K", siblings);
  }
  tree.set_file(system + "/node/online", "0-1\n");
  for (int node = 0; node < 2; ++node) {
    const std::string name = std::to_string(node);
    const std::string path = system + "/node/node" + name;
    tree.set_file(path + "/meminfo", "Node " + name + " MemTotal:        8388608 kB\nNode " + name +
                                         " MemFree:         1000 kB\n");
    tree.set_file(path + "/cpulist", node == 0 ? "0-1,4-5\n" : "2-3,6-7\n");
    tree.set_file(path + "/distance", node == 0 ? "10 21\n" : "21 10\n");
    tree.set_file(path + "/hugepages/hugepages-2048kB/nr_hugepages", node == 0 ? "512\n" : "0\n");
    tree.set_file(path + "/hugepages/hugepages-1048576kB/nr_hugepages", "0\n");
    const std::string controller = system + "/edac/mc/mc" + name;
    for (int module = 0; module < 3; ++module) {
      const std::string of_module = controller + "/dimm" + std::to_string(module);
      tree.set_file(of_module + "/dimm_mem_type", module == 2 ? "Empty\n" : "Registered-DDR4\n");
      tree.set_file(of_module + "/size", module == 2 ? "0\n" : "4096\n");
    }
  }
}

}  // namespace cgmon::made_up
