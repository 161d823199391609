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

  /// What cannot be enforced: the end, or a warning with --best-effort.
  Result<void> refuse(std::string_view limit, const std::string& why, const std::string& remedy);
  Result<void> lacks(std::string_view limit, Controller controller);

  /// A step that writes a limit, in front of the command's start.
  Step& write(std::string_view limit, std::string path, std::string value, std::string remedy = {});

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
  [[nodiscard]] Result<std::vector<DeviceRule>> device_rules() const;
};

}  // namespace cgmon
