#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace cgmon {

/// Limits of one block device; a path of the device or MAJ:MIN, bytes and operations a second.
struct IoLimit {
  std::string device;
  std::optional<std::uint64_t> read_bps, write_bps, read_iops, write_iops;
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
  std::optional<std::chrono::milliseconds> timeout;
  std::chrono::milliseconds kill_after{5000};  ///< between SIGTERM and SIGKILL at the time-out
  std::chrono::milliseconds interval{100};     ///< between samples
  bool best_effort = false;                    ///< what cannot be enforced is a warning
  bool force = false;                          ///< also where systemd manages the cgroups
  bool dry_run = false;                        ///< print the plan alone
  bool cleanup = false;                        ///< remove what killed runs left, run nothing
  bool quiet = false;                          ///< no summary
  std::string json_file, openmetrics_file;     ///< empty: none
};

}  // namespace cgmon
