#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/enforce/isolation.h"
#include "collectors/kernel/files.h"

namespace cgmon {

/// The ids of users, or of groups, that were given to an ordinary user for his user namespaces, and
/// the program with the right to map them. Source: subuid(5), newuidmap(1).
struct SubordinateIds {
  std::string program;          ///< "/usr/bin/newuidmap"; empty: none
  std::vector<IdRange> ranges;  ///< inside from 1 on, behind the user as 0
  [[nodiscard]] bool usable() const { return !program.empty() && !ranges.empty(); }
  /// Whether a range of a map is within these.
  [[nodiscard]] bool holds(const IdRange& wanted) const;
};

/// Those of users and of groups.
struct SubordinateUsers {
  SubordinateIds uids, gids;
};

/// None for root, who needs none. Takes any bytes for the files.
[[nodiscard]] SubordinateUsers find_subordinate_ids(Files& files, std::uint32_t uid);

/// The ranges of an /etc/subuid for a user who is called `name` or `uid`, at most 64; lines that
/// are none are left out. Takes any bytes.
[[nodiscard]] std::vector<IdRange> parse_subordinate_ids(std::string_view text,
                                                         std::string_view name, std::uint32_t uid);

}  // namespace cgmon
