#pragma once

#include <memory>
#include <string>
#include <vector>

#include "collectors/base/result.h"
#include "collectors/collector.h"
#include "collectors/host/disk_threads.h"
#include "collectors/host/machine_samples.h"
#include "collectors/host/machine_thread.h"
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
  ProgramVersion program;
  AllowedKeys allowed;  ///< of containers' own labels and variables
};

/// Where each controller is. One that v2 has under another name, or not as a controller, is left
/// out where nothing serves it; else it is "none".
[[nodiscard]] std::vector<ControllerPlace> controller_places(const Layout& layout);

/// All that a command needs to read this host, wired together: the kernel's files and clocks, the
/// threads for engines' files, for disks and for the machine, and the collector. One-thread.
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
  [[nodiscard]] SystemFiles& files() { return files_; }
  [[nodiscard]] const Roots& roots() const { return options_.roots; }
  [[nodiscard]] SystemClock& clock() { return clock_; }
  [[nodiscard]] Collector& collector() { return *collector_; }

 private:
  explicit HostSession(SessionOptions options);
  void begin(Layout layout);
  [[nodiscard]] DiskThreadOptions disk_options() const;
  [[nodiscard]] bool cgroups_were_remounted();
  [[nodiscard]] std::int64_t ask_for_machine(GroupSet groups);
  void show_machine(Snapshot& snapshot, GroupSet groups);

  SessionOptions options_;
  SystemFiles files_;
  Files* through_ = nullptr;
  SystemClock clock_;
  MountWatch mounts_;
  std::size_t descriptor_limit_ = 0;
  std::string cgroup_mounts_;  ///< what mountinfo says of cgroups
  std::unique_ptr<MetadataThread> metadata_;
  std::unique_ptr<DiskThreads> disks_;
  MachineThread machine_thread_;
  std::int64_t machine_asked_ns_ = 0;
  bool machine_topology_ = false;           ///< what was asked for
  std::shared_ptr<const Machine> machine_;  ///< what machine_samples_ are made of
  std::shared_ptr<const std::vector<MachineSample>> machine_samples_;
  std::unique_ptr<Collector> collector_;
};

}  // namespace cgmon
