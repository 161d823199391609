#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "collectors/metrics/snapshot.h"

namespace cgmon {

/// Which cgroups have a line; the host has one always.
enum class TableLines : std::uint8_t {
  busy,  ///< containers and units, unless they are known to have no task
  all,
};

struct TableOptions {
  std::size_t width = 0;  ///< columns of the terminal; 0 is none, so lines are as long as they are
  TableLines lines = TableLines::busy;
};

struct TerminalTable {
  std::string text;
  std::size_t shown = 0;     ///< lines but the head and the host's
  std::size_t left_out = 0;  ///< cgroups that TableLines kept away
};

/// The host as a table like `docker stats`: the head, the host, then cgroups by CPU, the busiest
/// first, equal ones by id.
///
/// NAME: the container's name or short id, else the unit, else the path; the path also where two
/// lines would have the same name. Escaped by terminal_safe().
/// CPU %, PSI …: share of the interval; 100% is one core, or waiting all the time ("some").
/// MEM USAGE: the working set, that is usage less inactive file cache, as `docker stats` has it.
/// MEM %: of the cgroup's own limit. PIDS: tasks, and their limit where there is one.
/// THROTTLED: share of the CFS periods of the interval in which the quota ran out.
///
/// `-` is what the kernel did not report, or, of a share, what cannot be said about this interval:
/// a cgroup that is new, a counter that was reset, no quota. It is never printed as 0.
/// A terminal too narrow: long names lose their middle, then columns go, those without any value
/// first, then the least important.
[[nodiscard]] TerminalTable terminal_table(const Snapshot& older, const Snapshot& newer,
                                           const TableOptions& options);

}  // namespace cgmon
