#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/base/result.h"
#include "collectors/kernel/files.h"
#include "collectors/kernel/roots.h"
#include "collectors/metrics/row.h"

namespace cgmon {

/// How the host's cgroups are set up. systemd's words; hybrid is v1 controllers with a v2 tree
/// beside them. Which interface a *controller* has is decided one by one: see Layout::serving.
enum class Mode : std::uint8_t { none, legacy, hybrid, unified };
[[nodiscard]] const char* name_of(Mode mode);

/// One cgroup hierarchy, as this process can reach it.
struct Hierarchy {
  Version version = Version::v1;
  std::string mount_point;
  std::string mount_root = "/";  ///< mountinfo's root field: "/", "/docker/ID", "/../.."
  std::string prefix;            ///< path of the mount's top cgroup; "" when that is "/"
  std::string name;              ///< "systemd" of name=systemd, or empty
  std::vector<Controller> controllers;
  bool real_root = true;  ///< the top is the host's root cgroup, not a container's
  bool read_only = false;
  friend bool operator==(const Hierarchy&, const Hierarchy&) = default;
};

/// Where PSI can be had.
enum class PsiState : std::uint8_t { per_cgroup, host_only, off };

/// What the kernel says of one controller.
struct ControllerState {
  bool known = false;          ///< in /proc/cgroups, so the kernel has it
  bool enabled = true;         ///< false after cgroup_disable=
  std::int8_t hierarchy = -1;  ///< index into Layout::hierarchies that serves it, -1: none
};

inline constexpr std::size_t kMaxHierarchies = 24;

/// The host's cgroup hierarchies and who serves what. Found at start, and again when mounts change.
struct Layout {
  Mode mode = Mode::none;
  std::vector<Hierarchy> hierarchies;  ///< at most kMaxHierarchies
  std::array<ControllerState, kControllers> controllers{};
  PsiState psi = PsiState::off;
  std::vector<std::string> page_sizes;  ///< of huge pages as in file names: "2MB", "1GB"
  std::vector<std::string> notes;       ///< what was odd, a sentence each

  /// The hierarchy that has a controller's files, -1 when none has. `core` and `psi` mean the v2
  /// hierarchy.
  [[nodiscard]] int serving(Controller controller) const {
    return controllers[static_cast<std::size_t>(controller)].hierarchy;
  }
  /// Whose directories are checked every time and whose inodes name a cgroup: the v2 hierarchy if
  /// it has controllers, else memory's, else the CPU's, else the first; -1 without any.
  [[nodiscard]] int master() const;
  [[nodiscard]] int named_systemd() const;
  /// Only a part of the host's tree is visible (a container's own cgroup namespace or mount). The
  /// master tells: in a container, hierarchies that its engine does not use show their real root.
  [[nodiscard]] bool restricted() const;
};

/// Finds the layout by statfs, this process' mountinfo and the shape of the trees, in this order of
/// trust. Never by the kernel's version. An empty layout (mode none) is a result; an Error is only
/// what kept it from looking at all.
/// Source: cgroups(7), cgroup-v2.rst "Basic Operations", proc(5) mountinfo.
[[nodiscard]] Result<Layout> detect_layout(Files& files, const Roots& roots);

}  // namespace cgmon
