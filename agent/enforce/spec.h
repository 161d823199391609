#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/enforce/isolation.h"

namespace cgmon {

/// Limits of one block device; a path of the device or MAJ:MIN, bytes and operations a second.
struct IoLimit {
  std::string device;
  std::optional<std::uint64_t> read_bps, write_bps, read_iops, write_iops;
};

/// Huge pages of one size.
struct HugetlbLimit {
  std::uint64_t page_bytes = 0, bytes = 0;
};

/// A limit of what a machine has by name: RDMA handles, or what `misc` counts.
struct NamedResource {
  std::string flag;  ///< "rdma" or "misc"
  std::string name;  ///< "mlx5_0", "sev"
  std::string text;  ///< as the kernel takes it behind the name: "hca_handle=2", "5"
};

/// Devices that may be used.
struct DeviceRule {
  std::string path;                           ///< of a node; empty: the numbers below
  char type = 'c';                            ///< of a character or a block ('b') device
  std::optional<std::uint32_t> major, minor;  ///< nothing: any
  bool read = false, write = false, make = false;
};

/// The limits of a process, in the kernel's order.
inline constexpr std::array<std::string_view, 16> kRlimitNames{
    "cpu",     "fsize", "data",  "stack",      "core",     "rss",  "nproc",  "nofile",
    "memlock", "as",    "locks", "sigpending", "msgqueue", "nice", "rtprio", "rttime"};

/// One of them; nothing: unlimited.
struct Rlimit {
  std::size_t index = 0;  ///< in kRlimitNames
  std::optional<std::uint64_t> soft, hard;
};

/// Who makes the cgroups.
enum class Driver : std::uint8_t {
  by_host,  ///< systemd where it runs
  cgroupfs,
  systemd,
};

/// What `agent run` was asked for. A limit that was not given is not set.
struct RunSpec {
  std::vector<std::string> command;          ///< program and arguments
  std::optional<std::uint64_t> microcores;   ///< CPU time a second: 500000 is half a CPU
  std::optional<std::uint64_t> cpu_weight;   ///< 1 to 10000, 100 is what others have
  std::string cpuset, cpuset_mems;           ///< lists as the kernel has them: 0-3,6
  std::optional<std::uint64_t> memory;       ///< bytes
  std::optional<std::uint64_t> memory_high;  ///< bytes
  std::optional<std::uint64_t> swap;         ///< bytes of swap beside the memory
  std::optional<std::uint64_t> pids;         ///< tasks
  std::vector<IoLimit> io;
  std::vector<HugetlbLimit> hugetlb;
  std::vector<NamedResource> resources;
  std::vector<DeviceRule> devices;  ///< with those that every program expects; empty: all
  bool no_devices = false;          ///< only those that every program expects
  std::vector<Rlimit> rlimits;
  std::optional<int> nice, oom_score_adj;
  std::string into;  ///< whose limits hold for it, too; empty: none but its own
  Isolation isolation;
  std::optional<std::chrono::milliseconds> timeout;
  std::chrono::milliseconds kill_after{5000};  ///< between SIGTERM and SIGKILL at the time-out
  std::chrono::milliseconds interval{100};     ///< between samples
  Driver driver = Driver::by_host;
  std::uint64_t repeat = 1;                 ///< runs of the command, one after the other
  bool best_effort = false;                 ///< what cannot be enforced is a warning
  bool force = false;                       ///< also where systemd manages the cgroups
  bool dry_run = false;                     ///< print the plan alone
  bool cleanup = false;                     ///< remove what killed runs left, run nothing
  bool quiet = false;                       ///< no summary
  std::string json_file, openmetrics_file;  ///< empty: none
};

}  // namespace cgmon
