#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "collectors/base/result.h"

namespace cgmon {

/// Kills every process in these cgroups and below them, forks included: cgroup.kill where there is
/// one, else frozen, killed and thawed. Returns how many there were; an Error if some stay.
[[nodiscard]] Result<std::size_t> kill_cgroups(const std::vector<std::string>& directories);

/// Stops all that is in these cgroups, or lets it go on.
void freeze_cgroups(const std::vector<std::string>& directories, bool frozen);

/// Removes a cgroup and what is below it. No process may be left.
[[nodiscard]] Result<void> remove_cgroup(const std::string& directory);

}  // namespace cgmon
