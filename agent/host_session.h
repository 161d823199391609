#pragma once

#include <memory>
#include <string>
#include <vector>

#include "collectors/base/result.h"
#include "collectors/collector.h"
#include "collectors/identity/docker.h"
#include "collectors/identity/metadata_thread.h"
#include "collectors/kernel/clock.h"
#include "collectors/kernel/roots.h"
#include "collectors/kernel/system_files.h"

namespace cgmon {

struct SessionOptions {
  Roots roots;
  std::vector<std::string> docker_roots;  ///< empty: found by docker's own configuration
  CollectorOptions collector;
};

/// All that a command needs to read this host, wired together: the kernel's files and clocks, the
/// thread for engines' files, and the collector.
class HostSession {
 public:
  /// Fails when the cgroup hierarchies cannot be looked for at all, or none is there.
  [[nodiscard]] static Result<std::unique_ptr<HostSession>> open(const SessionOptions& options);

  [[nodiscard]] Collector& collector() { return *collector_; }
  [[nodiscard]] SystemClock& clock() { return clock_; }

 private:
  HostSession() = default;

  SystemFiles files_, metadata_files_;
  SystemClock clock_;
  std::unique_ptr<DockerFiles> docker_;      // used by the metadata thread alone
  std::unique_ptr<MetadataThread> metadata_;
  std::unique_ptr<Collector> collector_;
};

}  // namespace cgmon
