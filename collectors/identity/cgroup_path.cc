#include "collectors/identity/cgroup_path.h"

#include <algorithm>

namespace cgmon {
namespace {

constexpr std::size_t kIdLength = 64;

bool is_container_id(std::string_view text) {
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

}  // namespace

PathIdentity identify_path(std::string_view path) {
  PathIdentity identity;
  if (path == "/") {
    identity.kind = CgroupKind::root;
    return identity;
  }
  const std::size_t slash = path.rfind('/');
  if (slash == path.npos) return identity;
  std::string_view name = path.substr(slash + 1);
  const std::string_view above = path.substr(0, slash);

  constexpr std::string_view kPrefix = "docker-", kScope = ".scope";
  if (name.starts_with(kPrefix) && name.ends_with(kScope)) {
    const std::string_view id = name.substr(
        kPrefix.size(), name.size() - std::min(name.size(), kPrefix.size() + kScope.size()));
    if (is_container_id(id)) {
      identity.kind = CgroupKind::container;
      identity.runtime = "docker";
      identity.container_id = id;
      identity.unit = name;
      return identity;
    }
  }
  if (is_container_id(name) && above.substr(above.rfind('/') + 1) == "docker") {
    identity.kind = CgroupKind::container;
    identity.runtime = "docker";
    identity.container_id = name;
    return identity;
  }
  // systemd puts a "_" before names that would clash with the kernel's files.
  if (name.starts_with('_')) name.remove_prefix(1);
  if (is_unit(name)) {
    identity.kind = name.ends_with(".slice") ? CgroupKind::slice : CgroupKind::unit;
    identity.unit = name;
  }
  return identity;
}

}  // namespace cgmon
