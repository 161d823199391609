#pragma once

#include <cstdint>
#include <string>

namespace cgmon {

/// What a cgroup is, as far as users tell them apart.
enum class CgroupKind : std::uint8_t { root, container, pod, unit, slice, other };

[[nodiscard]] constexpr const char* name_of(CgroupKind kind) {
  switch (kind) {
    case CgroupKind::root:
      return "root";
    case CgroupKind::container:
      return "container";
    case CgroupKind::pod:
      return "pod";
    case CgroupKind::unit:
      return "unit";
    case CgroupKind::slice:
      return "slice";
    case CgroupKind::other:
      break;
  }
  return "other";
}

/// The identity labels of one cgroup. Immutable once made: a change is a new object, so that it can
/// be shared between threads. Texts are valid UTF-8 and bounded; empty means unknown and is not
/// printed. They are escaped by each output.
struct CgroupLabels {
  std::string id;  ///< cgroup path, "/" for the root
  std::string name, image, container, pod, namespace_name;
  CgroupKind kind = CgroupKind::other;
  std::string runtime;             ///< "docker", or empty
  std::string container_id;        ///< the engine's, full length
  std::string unit;                ///< systemd unit, or empty
  std::int64_t started_at_ns = 0;  ///< the engine's start time since the epoch, 0: not known
};

}  // namespace cgmon
