#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/enforce/isolate.h"
#include "collectors/base/result.h"

namespace cgmon {

/// Removes what runs left that were killed themselves: processes, cgroups, state files. Returns
/// what was removed, a line each. `maps`: of a user namespace in which files of other ids than the
/// caller's can be removed.
[[nodiscard]] Result<std::vector<std::string>> clean_up_leftovers(const std::string& state,
                                                                  const std::vector<MapFile>& maps);

/// A state file: what goes when the run's agent has been killed.
[[nodiscard]] std::string text_of_state(const std::string& id,
                                        const std::vector<std::string>& directories,
                                        const std::vector<std::string>& scratch);
/// The directories that a state file names; none if it is not one of ours. Takes any bytes.
[[nodiscard]] std::vector<std::string> directories_of_state(std::string_view text);
/// Likewise those on disk that go with all that is in them.
[[nodiscard]] std::vector<std::string> scratch_of_state(std::string_view text);

/// Removes a run's directory on disk. What the command made for other ids than the agent's goes by
/// a user namespace that has them.
[[nodiscard]] Result<void> remove_scratch(const std::string& root,
                                          const std::vector<MapFile>& maps);

/// The directory above one.
[[nodiscard]] std::string parent_of(const std::string& directory);

}  // namespace cgmon
