#pragma once

#include <cstddef>
#include <vector>

#include "agent/expose/table_lines.h"
#include "agent/expose/table_options.h"
#include "collectors/metrics/snapshot.h"

namespace cgmon {

/// The lines of the table in their order, the host's first. They point into the newer snapshot.
struct TableRows {
  std::vector<TableLine> lines;
  std::size_t hosts = 0;         ///< of the lines, those of the host
  std::size_t left_out = 0;      ///< cgroups that TableLines kept away, but no filter did
  std::size_t beyond_limit = 0;  ///< lines that options.limit kept away
};

/// What options.lines, .filters, .sort and .limit make of the host; see terminal_table().
[[nodiscard]] TableRows table_rows(const Snapshot& older, const Snapshot& newer,
                                   const TableOptions& options);

}  // namespace cgmon
