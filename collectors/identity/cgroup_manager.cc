#include "collectors/identity/cgroup_manager.h"

#include "collectors/identity/cgroup_path.h"

namespace cgmon {
namespace {

bool ends_in(std::string_view path, std::string_view unit) {
  return !unit.empty() && path.ends_with(unit);
}

std::string_view name_of(const PathIdentity& identity) {
  if (!identity.qos.empty()) return "kubelet";
  if (identity.runtime == "crio") return "cri-o";
  if (identity.runtime == "nerdctl") return "containerd";
  if (identity.runtime == "nspawn" || identity.runtime.empty()) return "systemd";
  return identity.runtime;
}

}  // namespace

CgroupManager manager_of(std::string_view path) {
  const PathIdentity identity = identify_path(path);
  if (!identity.outer.empty()) return {.name = {}, .driver = {}, .inside = identity.outer};
  const bool by_systemd = ends_in(path, identity.unit) || ends_in(path, identity.slice);
  const bool is_known = by_systemd || !identity.runtime.empty() || !identity.qos.empty();
  if (!is_known || identity.kind == CgroupKind::root) return {};
  return {.name = name_of(identity), .driver = by_systemd ? "systemd" : "cgroupfs", .inside = {}};
}

}  // namespace cgmon
