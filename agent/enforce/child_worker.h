#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "agent/enforce/child_plan.h"

namespace cgmon {

/// Executes the steps of the new process, in it: it has a copy of the agent's memory, whatever was
/// going on there, so nothing here allocates. One-thread.
class ChildWorker {
 public:
  /// 0 or errno.
  [[nodiscard]] int run(const ChildStep& step);
  /// Goes to the directory of Act::keep, where the agent finds it as ours.
  void show_kept() const;
  void leave_kept() const;

 private:
  int act(const ChildStep& step);
  [[nodiscard]] int resolve(const std::string& path) const;
  int mount_at(int target, const char* source, const char* type, unsigned long flags,
               const char* data) const;
  [[nodiscard]] int mount(const ChildStep& step) const;
  [[nodiscard]] int add_attributes(const std::string& path, std::uint64_t attributes) const;
  [[nodiscard]] int bind(const ChildStep& step) const;
  [[nodiscard]] int read_only(const ChildStep& step) const;
  [[nodiscard]] int mask(const ChildStep& step) const;
  [[nodiscard]] int make(const ChildStep& step) const;
  int pivot();

  int root_ = -1, kept_ = -1;
  bool is_hidden_ = false;  // from the processes whose namespaces we joined
};

}  // namespace cgmon
