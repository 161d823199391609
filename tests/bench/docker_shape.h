#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "collectors/cgroup/layout.h"

namespace cgmon {

/// Cgroups as docker would make them, below /cgmon-bench-PID in every hierarchy of the host:
/// /cgmon-bench-PID/docker/<64 hex digits>, a docker data root that knows them by name, and a
/// process that allocates in some of them. All of it is gone after the destructor.
class DockerShape {
 public:
  DockerShape(const Layout& layout, int cgroups, int live);
  DockerShape(const DockerShape&) = delete;
  DockerShape& operator=(const DockerShape&) = delete;
  ~DockerShape();

  [[nodiscard]] const std::string& data_root() const { return data_root_; }
  /// Whether at least one hierarchy took every cgroup.
  [[nodiscard]] bool complete() const { return complete_; }
  /// Moves a process into a cgroup of its own in the hierarchy that counts memory.
  void isolate(pid_t pid);
  /// Bytes charged to that cgroup, kernel memory included; 0 when it cannot be read.
  [[nodiscard]] std::uint64_t isolated_bytes() const;

 private:
  void make(const std::string& path);
  void make_container(int number, bool live);

  const Layout& layout_;
  std::string top_, data_root_;
  std::vector<std::filesystem::path> made_;  // directories, parents first
  std::vector<pid_t> processes_;
  bool complete_ = true;
};

}  // namespace cgmon
