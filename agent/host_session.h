#pragma once

#include <memory>
#include <string>
#include <vector>

#include "collectors/base/result.h"
#include "collectors/collector.h"
#include "collectors/host/disk_threads.h"
#include "collectors/identity/metadata_thread.h"
#include "collectors/kernel/clock.h"
#include "collectors/kernel/mount_watch.h"
#include "collectors/kernel/roots.h"
#include "collectors/kernel/system_files.h"

namespace cgmon {

struct SessionOptions {
  Roots roots;
  std::vector<std::string> docker_roots;  ///< empty: found by docker's own configuration
  CollectorOptions collector;
  AllowedKeys allowed;  ///< of containers' own labels and variables
};

/// All that a command needs to read this host, wired together: the kernel's files and clocks, the
/// threads for engines' files and for disks, and the collector. One-thread.
class HostSession {
 public:
  /// Fails when the cgroup hierarchies cannot be looked for at all, or none is there.
  /// The collector reads through `through`, if it is given, which must outlive the session.
  [[nodiscard]] static Result<std::unique_ptr<HostSession>> open(const SessionOptions& options,
                                                                 Files* through = nullptr);

  /// A pass of the collector. Looks at the mounts first: when the cgroup hierarchies changed, it
  /// begins anew with those that are there now, and counters of the agent start over.
  void collect(Snapshot& snapshot, std::int64_t deadline_ns, GroupSet groups = kAllGroups);

  /// From the next pass on reads by these options; nothing that is counted starts over. What the
  /// session found out itself (clock ticks, how long to wait for names) stays.
  void reconfigure(const CollectorOptions& options);

  /// Between passes, when one of watches() has something to report.
  void look() { collector_->look(); }
  [[nodiscard]] Watches watches() const { return collector_->watches(); }

  [[nodiscard]] const Layout& layout() const { return collector_->layout(); }
  [[nodiscard]] SystemClock& clock() { return clock_; }
  [[nodiscard]] Collector& collector() { return *collector_; }

 private:
  explicit HostSession(SessionOptions options) : options_(std::move(options)) {}
  void begin(Layout layout);
  [[nodiscard]] DiskThreadOptions disk_options() const;
  [[nodiscard]] bool cgroups_were_remounted();

  SessionOptions options_;
  SystemFiles files_;
  Files* through_ = nullptr;
  SystemClock clock_;
  MountWatch mounts_;
  std::size_t descriptor_limit_ = 0;
  std::string cgroup_mounts_;  ///< what mountinfo says of cgroups
  std::unique_ptr<MetadataThread> metadata_;
  std::unique_ptr<DiskThreads> disks_;
  std::unique_ptr<Collector> collector_;
};

}  // namespace cgmon
