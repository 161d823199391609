#include "collectors/identity/cgroup_manager.h"

#include <algorithm>
#include <array>

namespace cgmon {
namespace {

constexpr std::size_t kIdLength = 64;

struct Engine {
  std::string_view prefix, name;
};
constexpr auto kEngines = std::to_array<Engine>({{"docker-", "docker"},
                                                 {"libpod-", "podman"},
                                                 {"crio-", "cri-o"},
                                                 {"cri-containerd-", "containerd"},
                                                 {"nerdctl-", "containerd"}});

bool is_id(std::string_view text) {
  return text.size() == kIdLength && std::ranges::all_of(text, [](char byte) {
           return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f');
         });
}

bool is_unit(std::string_view name) {
  for (const std::string_view suffix :
       {".service", ".scope", ".slice", ".socket", ".mount", ".swap"}) {
    if (name.size() > suffix.size() && name.ends_with(suffix)) return true;
  }
  return false;
}

std::string_view driver_of(std::string_view segment) {
  return is_unit(segment) ? "systemd" : "cgroupfs";
}

/// The engine whose container a segment is; empty for any other.
std::string_view engine_of(std::string_view segment, std::string_view above) {
  if (segment.starts_with("lxc.payload.")) return "lxc";
  if (is_id(segment)) {
    if (above == "docker") return "docker";
    return above.starts_with("pod") ? "containerd" : "";  // kubelet's cgroupfs driver
  }
  if (segment.ends_with(".scope")) segment.remove_suffix(6);
  for (const Engine& engine : kEngines) {
    if (segment.starts_with(engine.prefix) && is_id(segment.substr(engine.prefix.size()))) {
      return engine.name;
    }
  }
  return {};
}

}  // namespace

CgroupManager manager_of(std::string_view path) {
  CgroupManager manager;
  bool kubelets = false;
  std::string_view above;
  std::size_t at = 1;
  while (at < path.size()) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string_view segment = path.substr(at, end - at);
    kubelets = kubelets || segment == "kubepods" || segment == "kubepods.slice";
    const std::string_view engine = engine_of(segment, above);
    if (!engine.empty() || kubelets || is_unit(segment)) {
      manager.name = kubelets ? "kubelet" : !engine.empty() ? engine : "systemd";
      manager.driver = driver_of(segment);
    } else {
      manager.name = manager.driver = {};
    }
    if (!engine.empty()) {
      if (end != path.size()) return {.inside = path.substr(0, end)};
      return manager;
    }
    above = segment;
    at = end + 1;
  }
  return manager;
}

}  // namespace cgmon
