#include "collectors/identity/kubernetes_logs.h"

#include <algorithm>

#include "collectors/identity/utf8.h"
#include "collectors/parse/number.h"

namespace cgmon {
namespace {

constexpr std::size_t kMaxPods = 4096, kMaxContainers = 16'384, kMaxLogs = 1024;
constexpr std::string_view kPods = "/var/log/pods", kContainers = "/var/log/containers";

void set(std::string& to, std::string_view from) {
  if (to.empty()) to = repair_text(from, kMaxLabelBytes);
}

}  // namespace

PodLogName parse_pod_log_name(std::string_view name) {
  const std::size_t last = name.rfind('_');
  if (last == name.npos || last == 0) return {};
  const std::size_t first = name.rfind('_', last - 1);
  if (first == name.npos) return {};
  const PodLogName parts{name.substr(0, first), name.substr(first + 1, last - first - 1),
                         name.substr(last + 1)};
  const bool whole = !parts.namespace_name.empty() && !parts.pod.empty() && !parts.uid.empty();
  return whole && parts.namespace_name.find('_') == name.npos ? parts : PodLogName{};
}

ContainerLogName parse_container_log_name(std::string_view name) {
  constexpr std::size_t kId = 64;
  if (!name.ends_with(".log")) return {};
  name.remove_suffix(4);
  if (name.size() < kId + 1 || name[name.size() - kId - 1] != '-') return {};
  const std::string_view id = name.substr(name.size() - kId);
  const bool hex = std::ranges::all_of(
      id, [](char byte) { return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f'); });
  if (!hex) return {};
  name.remove_suffix(kId + 1);
  const PodLogName parts = parse_pod_log_name(name);  // three parts likewise, in another order
  if (parts.uid.empty()) return {};
  return {
      .pod = parts.namespace_name, .namespace_name = parts.pod, .container = parts.uid, .id = id};
}

std::optional<std::uint64_t> parse_log_number(std::string_view name) {
  const std::size_t dot = name.find('.');
  if (dot == name.npos) return std::nullopt;
  const std::string_view rest = name.substr(dot);
  if (rest != ".log" && !rest.starts_with(".log.")) return std::nullopt;
  return parse_number(name.substr(0, dot));
}

bool KubernetesLogs::name_container(std::string_view id, ContainerMetadata& metadata) {
  int error = 0;
  for (const std::string& name : host_.names(kContainers, kMaxContainers, error)) {
    const ContainerLogName parts = parse_container_log_name(name);
    if (parts.id.empty() || parts.id != id) continue;
    set(metadata.pod, parts.pod);
    set(metadata.namespace_name, parts.namespace_name);
    set(metadata.container, parts.container);
    return true;
  }
  return false;
}

bool KubernetesLogs::name_pod(std::string_view uid, ContainerMetadata& metadata) {
  for (const std::string& name : host_.directories(kPods, kMaxPods)) {
    const PodLogName parts = parse_pod_log_name(name);
    if (parts.uid.empty() || parts.uid != uid) continue;
    set(metadata.pod, parts.pod);
    set(metadata.namespace_name, parts.namespace_name);
    return true;
  }
  return false;
}

void KubernetesLogs::count_restarts(ContainerMetadata& metadata) {
  if (metadata.life.restarts || metadata.container.empty() || metadata.pod_uid.empty()) return;
  const std::string pod =
      joined({metadata.namespace_name, "_", metadata.pod, "_", metadata.pod_uid});
  if (!is_path_component(pod) || !is_path_component(metadata.container)) return;
  int error = 0;
  const std::string directory = joined({kPods, "/", pod, "/", metadata.container});
  for (const std::string& name : host_.names(directory, kMaxLogs, error)) {
    const auto number = parse_log_number(name);
    // The kubelet's own counter is a 32-bit one.
    if (!number || *number > INT32_MAX) continue;
    metadata.life.restarts = std::max(metadata.life.restarts.value_or(0), *number);
  }
}

}  // namespace cgmon
