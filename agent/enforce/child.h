#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "agent/enforce/child_plan.h"
#include "agent/enforce/system.h"
#include "collectors/base/result.h"

namespace cgmon {

/// A command that waits, in its cgroup, to be let go.
class Child {
 public:
  /// What happened to a process that did not come as far as the command.
  struct Failure {
    const ChildStep* step = nullptr;  ///< null: execve
    int error = 0;
  };

  /// `cgroup`: directory of a v2 cgroup in which it begins, "" for none. `plan` and `command` have
  /// to live until execute() returns.
  [[nodiscard]] static Result<Child> start(const ChildPlan& plan,
                                           const std::vector<std::string>& command,
                                           const std::string& cgroup);
  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] int pidfd() const { return pidfd_.get(); }
  /// Readable when the command has ended but the process we started has not; -1 where they are one.
  [[nodiscard]] int end_pipe() const { return end_.get(); }
  /// Lets it do the setup; returns when that is done. A failure ends it.
  [[nodiscard]] std::optional<Failure> set_up();
  /// After set_up(): the directory of Act::keep, which may be seen by nobody else.
  [[nodiscard]] UniqueFd kept() const;
  /// Lets it execute the command; returns when that is done. A failure ends it: ENOENT with no
  /// step where the program is not there.
  [[nodiscard]] std::optional<Failure> execute();
  /// Sends a signal; nothing happens when it has ended.
  void send(int signal) const;
  /// How the command ended, without reaping it; nothing while it runs.
  struct End {
    bool by_signal = false, core = false;
    int number = 0;  ///< exit code or signal
  };
  [[nodiscard]] std::optional<End> ended();
  /// Whether a process of ours, an init, outlives the command.
  [[nodiscard]] bool has_init() const { return plan_->has_init; }

 private:
  std::optional<Failure> let_go();

  const ChildPlan* plan_ = nullptr;
  pid_t pid_ = -1;
  UniqueFd pidfd_, go_, status_, end_;
};

}  // namespace cgmon
