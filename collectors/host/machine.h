#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "collectors/kernel/files.h"
#include "collectors/kernel/roots.h"

namespace cgmon {

/// A memory node (NUMA).
struct MachineNode {
  std::uint32_t number = 0;
  std::optional<std::uint64_t> memory_bytes;
  std::map<std::uint64_t, std::uint64_t> huge_pages;  ///< how many, by size in kB
  std::map<std::uint32_t, std::uint64_t> distances;   ///< to each node that is online
  std::vector<std::uint32_t> cpus;                    ///< online ones
};

/// A cache as one of the CPUs before it sees it.
struct MachineCache {
  std::string type;  ///< "Data", "Instruction", "Unified"
  std::uint64_t level = 0, bytes = 0;
  std::vector<std::uint32_t> cpus;  ///< that share it
};

/// A core with the CPUs of it that are online.
struct MachineCore {
  std::optional<std::uint64_t> number;  ///< of several sockets, more than one core may have it
  std::vector<std::uint32_t> cpus;
  std::vector<MachineCache> caches;
};

/// Memory modules of one type.
struct MemoryModules {
  std::uint64_t count = 0, bytes = 0;
};

/// What is known of the machine apart from its cgroups. What could not be read is absent.
struct Machine {
  std::string machine_id, system_uuid, boot_id;  ///< empty: unknown
  std::string kernel_version, os_version;        ///< likewise
  std::optional<std::uint64_t> cpus, cores, sockets;
  std::optional<std::uint64_t> memory_bytes, swap_bytes;
  std::map<std::string, MemoryModules> modules;  ///< by type; empty without EDAC
  std::vector<MachineNode> nodes;                ///< these two are read when asked for
  std::vector<MachineCore> topology;

  /// Whether that was read which every machine has.
  [[nodiscard]] bool is_whole() const { return cpus && memory_bytes && swap_bytes; }
};

/// Reads the machine: two files a CPU, some twenty more, and of `topology` about ten a CPU.
/// Sources: /proc/meminfo, sysfs (ABI/stable/sysfs-devices-system-cpu, sysfs-devices-node,
/// admin-guide/RAS for EDAC), machine-id(5), os-release(5); /proc/cpuinfo where sysfs does not say.
[[nodiscard]] Machine read_machine(Files& files, const Roots& roots, bool topology);

}  // namespace cgmon
