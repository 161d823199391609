#pragma once

#include <cstddef>
#include <string>

#include "agent/expose/table_options.h"
#include "collectors/metrics/snapshot.h"

namespace cgmon {

struct TerminalTable {
  std::string text;
  std::size_t shown = 0;     ///< lines but the head and the host's
  std::size_t left_out = 0;  ///< cgroups that TableLines kept away, but no filter did
};

/// The host as a table like `docker stats`: the head, the host, then cgroups in the order of
/// options.sort, by CPU if there is none. Numbers stand from the largest, texts from a; what is
/// absent comes last either way, and equal ones are sorted by id.
///
/// NAME: the container's name or short id, else the unit, else the path; the path also where two
/// lines would have the same name. Escaped by terminal_safe().
/// CPU %, PSI …: share of the interval; 100% is one core, or waiting all the time ("some").
/// MEM USAGE: the working set, that is usage less inactive file cache, as `docker stats` has it.
/// MEM %: of the cgroup's own limit. PIDS: tasks, and their limit where there is one.
/// THROTTLED: share of the CFS periods of the interval in which the quota ran out.
/// The wide table has more: CPU LIMIT in cores, the peak of memory, swap, FULL … (all tasks waited
/// at once), bytes read and written a second, OOM kills since the cgroup was made, what its engine
/// says of its state and which that is, its pod (NAMESPACE/POD), the image,
/// the names of its busiest processes.
///
/// With color, what nears its limit is yellow and what has reached it red: CPU %, MEM %, PIDS from
/// 80% and 95% of the limit; THROTTLED from 5% and 25% of the periods.
///
/// `-` is what the kernel did not report, or, of a share, what cannot be said about this interval:
/// a cgroup that is new, a counter that was reset, no quota. It is never printed as 0.
/// A terminal too narrow: long names lose their middle, then columns go, those without any value
/// first, then the least important.
[[nodiscard]] TerminalTable terminal_table(const Snapshot& older, const Snapshot& newer,
                                           const TableOptions& options);

}  // namespace cgmon
