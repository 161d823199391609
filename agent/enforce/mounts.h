#pragma once

#include <string>

#include "agent/enforce/isolate.h"

namespace cgmon {

/// Of the new process' namespaces, what mounts hang on.
struct MountRights {
  NamespaceSet namespaces = 0;
  bool in_user_namespace = false;
  bool has_group_tty = true;       ///< gid 5 means something inside
  std::uint32_t uid = 0, gid = 0;  ///< the host's, of root inside
};

/// Adds to `plan` the mounts, the new root and what it needs on disk. An Error is a path that is
/// not there, or is of the wrong kind.
[[nodiscard]] Result<void> plan_mounts(const Isolation& wanted, const MountRights& rights,
                                       const IsolationContext& context, IsolationPlan& plan);

}  // namespace cgmon
