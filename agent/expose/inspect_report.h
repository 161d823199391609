#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/base/value.h"
#include "collectors/metrics/family.h"
#include "collectors/metrics/labels.h"

namespace cgmon {

/// What `agent inspect` says of one cgroup. Paths of cgroups and of /proc are as this process
/// reaches them, those of the root file system as the host calls them. Texts are any bytes unless
/// they are labels: each output makes them fit.
struct InspectReport {
  struct Directory {
    unsigned version = 0;                  ///< of the cgroup interface: 1, 2
    std::vector<std::string> controllers;  ///< "memory", "name=systemd"; none on a bare v2 tree
    std::string path;
  };

  /// A limit of this cgroup, and the one that holds: the least of its own and its ancestors'.
  struct Limit {
    std::string_view resource;  ///< "memory", "cpu", "pids"
    Unit unit = Unit::count;
    Value own, effective;
    std::string set_by;  ///< path of the cgroup that has the effective one; empty without any
  };

  /// A number and where it came from.
  struct Figure {
    std::string_view family;
    std::string labels;  ///< as the page has them, those of the cgroup left out
    Unit unit = Unit::count;
    bool is_signed = false;
    Value value;
    std::string file;                 ///< empty: computed, or by the agent itself
    std::string raw;                  ///< the file's line that says it, where it is short
    std::vector<std::string> inputs;  ///< of what it was computed
  };

  struct NamespaceUse {
    std::string_view kind;
    std::uint64_t inode = 0;
    std::size_t processes = 0;    ///< of this cgroup that are in it
    std::optional<bool> is_host;  ///< nothing: the host's are not known
  };

  /// One of those that have used most of the CPU since they began.
  struct TopProcess {
    std::uint32_t pid = 0;
    std::string name;                              ///< without arguments
    std::uint64_t cpu_ns = 0, resident_bytes = 0;  ///< the latter is about
  };

  struct Processes {
    std::size_t here = 0, below = 0;
    std::uint32_t oldest = 0;  ///< PID; 0 without a process
    std::vector<NamespaceUse> namespaces;
    std::vector<TopProcess> top;  ///< at most kTopProcesses, the busiest first
  };
  static constexpr std::size_t kTopProcesses = 5;

  struct LowerDirectory {
    std::string path;    ///< as it was mounted
    std::string target;  ///< where it leads, if it is a link
  };
  struct RootFilesystem {
    std::string type;  ///< "overlay", "ext4", …
    std::vector<LowerDirectory> lower;
    std::string upper, work;
    std::string merged;  ///< where the host has it mounted; empty where it has not
  };

  struct Missing {
    std::string what, remedy;
  };

  CgroupLabels labels;
  std::string manager, driver, inside;  ///< as of CgroupManager
  std::int64_t read_at_ns = 0;
  std::vector<Directory> directories;
  std::vector<Limit> limits;
  std::optional<Processes> processes;
  std::optional<RootFilesystem> root;
  std::vector<Figure> figures;  ///< those of a file stand together
  std::vector<Missing> missing;
};

}  // namespace cgmon
