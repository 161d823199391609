#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/enforce/child_plan.h"
#include "agent/enforce/isolation.h"
#include "agent/enforce/subordinate_ids.h"
#include "agent/enforce/target.h"
#include "collectors/base/result.h"
#include "collectors/cgroup/layout.h"
#include "collectors/kernel/files.h"
#include "collectors/kernel/roots.h"

namespace cgmon {

/// Who runs the agent, and what a command inherits.
struct Caller {
  std::uint32_t uid = 0, gid = 0;
  std::string directory;                 ///< the working directory
  std::vector<std::string> environment;  ///< KEY=VALUE
  /// For each hierarchy where cgroups may be made, run_parents(); empty: at the top of each.
  std::vector<std::string> parents = {};
  SubordinateUsers subordinate = {};
  /// The v2 cgroup among `parents` that this process is in and has to leave: none may hold both
  /// processes and cgroups with limits. Empty: none.
  std::string leave = {};
};

/// A directory of the run, or an empty file in one: mount points, and what an overlay writes to.
struct ScratchEntry {
  std::string path;
  bool is_file = false;
  std::uint32_t mode = 0755, uid = 0, gid = 0;
};

/// A file of /proc/PID that the agent, or a program with the right to it, writes for the new
/// process.
struct MapFile {
  std::string name, text;
  std::string program = {};  ///< "/usr/bin/newuidmap"; empty: the agent
};

/// How a command is kept apart: what is made before it starts, and what its process does.
struct IsolationPlan {
  ChildPlan child;
  std::vector<ScratchEntry> scratch;
  std::vector<std::string> scratch_roots;  ///< removed at the end with all that is in them
  std::vector<MapFile> maps;
  std::vector<std::string> warnings;
  std::vector<std::string> lowers;  ///< layers of the overlay, the uppermost first
  std::string upper;                ///< where the overlay writes; empty: no overlay
  std::string memory;       ///< in this the upper layer is, which is Child::kept(); empty: on disk
  bool user_xattr = false;  ///< what an overlay notes is in attributes of users
};

struct IsolationContext {
  Files& files;
  const Roots& roots;
  const Caller& caller;
  std::string id;
  /// Cgroup hierarchies that the command is in.
  std::vector<const Hierarchy*> hierarchies;
  const RunTarget* target = nullptr;  ///< of --into
};

/// An ordinary user is 0, and behind him are the ids that were given to him, if there are any.
[[nodiscard]] MapFile map_of_own_ids(const char* name, std::uint32_t own,
                                     const SubordinateIds& given);

/// The end of the path of each scratch root of a run.
[[nodiscard]] std::string scratch_name(const std::string& id);

/// An Error is what this host or this user cannot do, and what would help. Changes nothing.
[[nodiscard]] Result<IsolationPlan> plan_isolation(const Isolation& wanted,
                                                   const IsolationContext& context);

}  // namespace cgmon
