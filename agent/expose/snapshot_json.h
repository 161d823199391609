#pragma once

#include <string>
#include <vector>

#include "collectors/metrics/snapshot.h"

namespace cgmon {

/// What a snapshot does not know of its host and its agent.
struct HostFacts {
  /// Where a controller's files are.
  struct Controller {
    std::string name;
    std::string hierarchy;  ///< "v1" or "v2"
    std::string mount_point;
  };
  std::string version, revision;  ///< the agent's
  std::string cgroup_mode;        ///< "unified", "hybrid" or "legacy"
  bool view_restricted = false;
  std::vector<Controller> controllers;
};

/// Replaces `text` by the snapshot as JSON, a line a cgroup; agent/expose/snapshot.schema.json
/// describes it. What the kernel did not report has no key, "no limit" is "max".
void render_snapshot_json(const Snapshot& snapshot, const HostFacts& host, std::string& text);

}  // namespace cgmon
