#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/enforce/overlay_diff.h"
#include "collectors/base/value.h"
#include "collectors/metrics/family.h"

namespace cgmon {

/// A number of a run. Seconds are kept in nanoseconds, as everywhere.
struct RunFigure {
  std::string_view name;    ///< "cpu_seconds": of the JSON and, with a prefix, of the text format
  std::string_view source;  ///< "kernel", or "sampled": the largest of the samples
  Unit unit = Unit::count;
  Value value;
};

/// Block I/O of one device.
struct RunDevice {
  std::string device;
  Value read_bytes, written_bytes, reads, writes;
};

/// The workload at one moment; counters are since its start.
struct RunSample {
  std::int64_t at_ns = 0;  ///< since the command was executed
  Value cpu_ns, memory, anon, tasks, waiting_cpu_ns, waiting_memory_ns, waiting_io_ns;
};

/// A limit as it was asked for and as the kernel has it.
struct AppliedLimit {
  std::string flag, file, asked, effective;
};

/// A part of the time before the command was let go.
struct SetupPart {
  std::string_view name;  ///< "cgroups": of the JSON
  std::int64_t ns = 0;
};

/// Why the command ended.
enum class EndReason : std::uint8_t { exited, signaled, out_of_memory, timeout, forwarded };
[[nodiscard]] constexpr std::string_view name_of(EndReason reason) {
  constexpr std::array<std::string_view, 5> kNames{"exited", "signal", "out_of_memory", "timeout",
                                                   "forwarded_signal"};
  return kNames[static_cast<std::size_t>(reason)];
}

/// What the kernel told while the command ran.
struct RunEvent {
  std::int64_t at_ns = 0;  ///< since the command was executed
  std::string kind;        ///< "oom", "oom_kill", "cpu_pressure", "memory_pressure", "io_pressure"
};

/// What became of a run.
struct RunReport {
  std::string id, cgroup_mode;
  std::vector<std::string> command, warnings;
  std::vector<AppliedLimit> limits;
  std::int64_t started_at_ns = 0;  ///< since the epoch
  std::int64_t wall_ns = 0;        ///< from the command's execution to its end
  std::int64_t setup_ns = 0, own_cpu_ns = 0;
  /// CPU time of the agent itself in setup_ns, and before, since its own start.
  std::int64_t setup_cpu_ns = 0, start_cpu_ns = 0;
  std::vector<SetupPart> setup;
  EndReason reason = EndReason::exited;
  int exit_code = 0, signal = 0;  ///< signal 0: it exited
  bool core_dumped = false;
  std::size_t killed = 0;  ///< processes that were left over at its end
  std::vector<RunFigure> figures;
  std::vector<RunDevice> devices;
  bool has_diff = false;
  std::vector<OverlayChange> diff;
  std::vector<RunEvent> events;  ///< the first ones
  std::uint64_t events_left_out = 0;
  std::int64_t sampling_cpu_ns = 0;  ///< the agent's own, while the command ran
  std::int64_t frozen_ns = 0;        ///< of the wall time, by SIGTSTP
  std::vector<RunSample> samples;
  std::int64_t interval_ns = 0;  ///< between samples at the end: it doubles when there are many
};

}  // namespace cgmon
