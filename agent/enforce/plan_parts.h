#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/enforce/plan.h"

namespace cgmon {

/// What the parts of a plan's making share. One-thread.
class PlanParts {
 protected:
  using Act = Step::Act;

  PlanParts(const RunSpec& spec, const PlanContext& context) : spec_(spec), context_(context) {}

  /// The directory in which a controller is limited.
  struct Place {
    std::string directory;
    Version version = Version::v1;
  };
  [[nodiscard]] std::optional<Place> place_of(Controller controller) const;

  /// Reads which controllers the target of --into, or a user's manager, hands down.
  void find_handed_down();
  /// Whether the run's own cgroup has a controller of v2, as far as who is above it says.
  [[nodiscard]] bool is_counted(Controller controller) const;

  /// What cannot be enforced: the end, or a warning with --best-effort.
  Result<void> refuse(std::string_view limit, const std::string& why, const std::string& remedy);
  Result<void> lacks(std::string_view limit, Controller controller);

  /// A step that writes a limit, in front of the command's start.
  Step& write(std::string_view limit, std::string path, std::string value, std::string remedy = {});

  /// Whether systemd makes and removes the scope's cgroup in a hierarchy, or we a cgroup of ours.
  [[nodiscard]] static bool is_systemds(const Hierarchy& hierarchy);
  /// The scope's directories and, below them where systemd watches for the last process, the
  /// command's own.
  void add_scope_directory(std::size_t index);
  /// The scope itself, in front of all else.
  void add_scope();

  // Limits beside those of CPU, memory, tasks and disks.
  Result<void> add_hugetlb();
  Result<void> add_named_resources();
  Result<void> add_devices();
  /// What a process has and its children inherit; needs a started one.
  void add_process_limits();

  const RunSpec& spec_;
  const PlanContext& context_;
  Plan plan_;

 private:
  std::string handed_down_;  // " cpu memory ", v2's controllers below the target or the manager

  /// True where systemd has a property for a limit, which is then one of the unit's.
  bool add_property(const std::string& path, const std::string& value);
  void add_io_property(std::string_view value);
  [[nodiscard]] std::string node_of(std::string_view number) const;
  [[nodiscard]] Result<std::vector<DeviceRule>> device_rules() const;
};

}  // namespace cgmon
