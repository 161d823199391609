#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace cgmon {

/// A property of a unit of systemd, typed as on its bus: t, s, ay or a(st).
struct UnitProperty {
  using Devices = std::vector<std::pair<std::string, std::uint64_t>>;
  std::string name;
  std::variant<std::uint64_t, std::string, std::vector<std::uint8_t>, Devices> value;
};

/// A transient scope: systemd makes the cgroup and puts a process into it.
struct UnitPlan {
  std::string name;      ///< "cgmon-run-ID.scope"; empty: none
  std::string slice;     ///< "system.slice", of a user's own manager "app.slice"
  bool of_user = false;  ///< of the manager of the user who runs us
  std::vector<UnitProperty> properties;
};

/// "Delegate=yes MemoryMax=67108864": what is asked of systemd, as --dry-run prints it.
[[nodiscard]] std::string text_of(const UnitPlan& unit);

}  // namespace cgmon
