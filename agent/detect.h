#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "collectors/cgroup/layout.h"
#include "collectors/kernel/files.h"
#include "collectors/kernel/roots.h"

namespace cgmon {

/// What the report says beside the layout and what it can see for itself.
struct DetectFacts {
  std::vector<std::string> docker_roots;  ///< docker's data directories, paths on the host
  std::vector<std::string> homes;         ///< of users, who may have engines without root
  std::uint64_t descriptor_limit = 0;     ///< how many descriptors this process may have
  std::uint64_t descriptor_budget = 0;    ///< how many it would keep open (--limits.descriptors)
};

/// Which cgroup interface a host has, who serves each controller, what this process can see and
/// read of it, and a remedy for each thing that is missing. Control bytes of paths are escaped
/// (\012).
struct DetectReport {
  struct Fact {
    std::string key;    ///< "view", "pressure", …; docker's comes once a data directory
    std::string title;  ///< the same for people
    std::string text;
  };
  /// An engine whose files are there; of podman, one a store.
  struct EngineLine {
    std::string name, files;
    std::string read = {};  ///< what was found there, or why it cannot be read
    bool readable = true;
    bool rootless = false;       ///< a user's
    std::string driver = {};     ///< who makes its cgroups: systemd, cgroupfs or both; may be empty
    std::string driver_by = {};  ///< what says so: a file, its cgroups, its default
  };
  struct ControllerLine {
    std::string name, hierarchy;  ///< "v2", "v1" or "none"
    std::string at;               ///< the mount point, or why there is none
  };
  struct HierarchyLine {
    std::string version, mount_point;
    std::vector<std::string> controllers;
    std::string name;  ///< of name=systemd
    std::string root;  ///< mountinfo's
    bool read_only = false;
  };
  struct Need {
    std::string what, remedy;
  };
  std::string mode, summary;
  std::string kernel;
  std::vector<Fact> facts;
  std::vector<EngineLine> engines;
  std::vector<ControllerLine> controllers;
  std::vector<HierarchyLine> hierarchies;
  std::vector<Need> missing;
  std::vector<std::string> notes;
};

/// Looks at the host. Says the same as long as the host is the same.
[[nodiscard]] DetectReport detect(Files& files, const Roots& roots, const Layout& layout,
                                  const DetectFacts& facts);

/// What `agent detect` prints.
[[nodiscard]] std::string text_of(const DetectReport& report);

/// The same for programs; agent/detect.schema.json describes it.
[[nodiscard]] std::string json_of(const DetectReport& report);

}  // namespace cgmon
