#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

#include "agent/expose/table_options.h"
#include "collectors/cgroup/layout.h"
#include "collectors/kernel/files.h"

namespace cgmon {

/// Which processes of each cgroup were busiest between two looks at /proc. One-thread.
class TopProcesses {
 public:
  /// Both must outlive it.
  TopProcesses(Files& files, const std::string& procfs, const Layout& layout);

  /// The first look.
  void begin();
  /// The second: the names, without arguments, of up to three processes of each cgroup and what is
  /// below it, the busiest first; processes of one name count as one. Nothing where /proc hides
  /// processes: who is busiest is not known then.
  [[nodiscard]] ProcessNames busiest();

 private:
  struct Use {
    std::uint64_t start_ticks = 0, cpu_ticks = 0;
  };
  void look(std::unordered_map<std::uint32_t, Use>& uses, bool with_names);

  Files& files_;
  const std::string& procfs_;
  const Layout& layout_;
  std::unordered_map<std::uint32_t, Use> before_;
  /// By cgroup and name.
  std::unordered_map<std::string, std::map<std::string, std::uint64_t>> ticks_;
};

}  // namespace cgmon
