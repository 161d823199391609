#pragma once

#include <optional>

#include "collectors/cgroup/cgroup_reader.h"
#include "collectors/cgroup/layout.h"
#include "collectors/cgroup/read_plan.h"
#include "collectors/metrics/snapshot.h"

namespace cgmon {

/// The controller without which a group has nothing; `agent` for a group that has several.
[[nodiscard]] Controller main_controller(Group group, const Layout& layout);

/// Whether this host has what a group reads.
[[nodiscard]] bool is_served(Group group, const Layout& layout);

/// The part of the kernel that a file belongs to, as a bit: its controller, or the accounting of
/// swap, which is switched apart from it.
[[nodiscard]] std::uint64_t part_bit(const FileKind& kind);

/// Why a file that should be there is not. `seen`: the part_bit()s of files that are there.
[[nodiscard]] Reason reason_of(const FileKind& kind, ReadOutcome outcome, std::uint64_t seen);

/// Whether rows that only the host's own cgroup has were read.
enum class HostRows : std::uint8_t { read, failed, out_of_sight };

/// Why a group is left out for want of a row, if that is something to report. Without the host's
/// rows nobody knows what the host has not.
[[nodiscard]] std::optional<Reason> reason_without(std::size_t row_index, HostRows host);

}  // namespace cgmon
