#pragma once

#include <sys/types.h>

#include <string>

#include "agent/enforce/system.h"
#include "agent/enforce/unit.h"
#include "collectors/base/result.h"

namespace cgmon {

/// A scope of systemd with one process of ours in it, which does nothing but keep systemd from
/// removing the cgroup when the command has ended. libsystemd is loaded when a scope is started:
/// whoever runs nothing needs no library. One-thread.
class Scope {
 public:
  /// Returns when systemd has put the process into its cgroup.
  [[nodiscard]] static Result<Scope> start(const UnitPlan& unit);
  /// Moves a process to a cgroup right below the scope's, "/command": systemd has the right to.
  [[nodiscard]] Result<void> attach(const std::string& below, pid_t pid);
  [[nodiscard]] pid_t holder() const { return holder_.pid(); }
  /// Ends the process; systemd removes the cgroup with the last one. Asks it to stop the unit where
  /// others are still in it.
  void stop();

 private:
  explicit Scope(Holder holder) : holder_(std::move(holder)) {}

  Holder holder_;
  std::string name_;
  bool of_user_ = false;
};

}  // namespace cgmon
