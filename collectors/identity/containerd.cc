#include "collectors/identity/containerd.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "collectors/identity/json_visit.h"
#include "collectors/identity/oci_bundle.h"
#include "collectors/identity/utf8.h"
#include "collectors/parse/settings.h"

namespace cgmon {
namespace {

constexpr std::size_t kMaxNamespaces = 64;
constexpr std::string_view kTasks = "/io.containerd.runtime.v2.task/";
constexpr std::string_view kCri = "/io.containerd.grpc.v1.cri/containers/";

/// A time that is neither before the epoch nor nonsense.
std::int64_t time_of(std::int64_t ns) { return std::max<std::int64_t>(ns, 0); }

}  // namespace

Result<ContainerLife> parse_cri_status(std::string_view json) {
  ContainerLife life;
  bool any = false;
  std::int64_t exit_code = 0;
  const JsonTop top = visit_json(json, [&](JsonKeys keys, const JsonValue& value) {
    if (keys.size() != 1) return;
    if (value.is_text()) {
      if (keys_are(keys, "Reason")) life.oom_killed = value.text == "OOMKilled";
      return;
    }
    if (value.kind != JsonValue::Kind::number) return;
    if (keys_are(keys, "CreatedAt")) life.created_at_ns = time_of(value.number);
    if (keys_are(keys, "StartedAt")) life.started_at_ns = time_of(value.number);
    if (keys_are(keys, "FinishedAt")) life.finished_at_ns = time_of(value.number);
    if (keys_are(keys, "ExitCode")) exit_code = value.number;
    any |= keys_are(keys, "CreatedAt");
  });
  if (top != JsonTop::object || !any) return failure("no status of a container", {}, EBADMSG);
  using enum ContainerState;
  life.state = life.finished_at_ns != 0 ? exited : life.started_at_ns != 0 ? running : created;
  if (life.state == exited) {
    if (exit_code >= INT32_MIN && exit_code <= INT32_MAX) {
      life.exit_code = static_cast<std::int32_t>(exit_code);
    }
    life.started_at_ns = 0;
  } else {
    life.oom_killed = false;
  }
  return life;
}

ContainerdFiles::ContainerdFiles(HostFiles& host, AllowedKeys allowed)
    : host_(host), allowed_(std::move(allowed)) {
  std::string state = "/run/containerd", root = "/var/lib/containerd";
  if (host_.read("/etc/containerd/config.toml", text_) == 0) {
    visit_settings(text_, [&](const Setting& setting) {
      if (!setting.table.empty() || !setting.is_text || !setting.value.starts_with('/')) return;
      if (setting.key == "state") state = setting.value;
      if (setting.key == "root") root = setting.value;
    });
  }
  states_ = {state, "/run/k3s/containerd", "/var/snap/microk8s/common/run/containerd"};
  roots_ = {root, "/var/lib/rancher/k3s/agent/containerd",
            "/var/snap/microk8s/common/var/lib/containerd"};
}

Result<ContainerMetadata> ContainerdFiles::read(std::string_view name_space, std::string_view id) {
  int worst = -ENOENT;
  for (const std::string& state : states_) {
    std::vector<std::string> spaces{std::string(name_space)};
    if (name_space.empty()) {
      int error = 0;
      spaces = host_.names(state + std::string(kTasks), kMaxNamespaces, error);
      if (worst == -ENOENT && error != 0) worst = error;
      // Its directory may be searched by all, and listed by root alone.
      if (error == -EACCES || error == -EPERM) spaces = {"k8s.io", "default"};
    }
    for (const std::string& space : spaces) {
      const int error = host_.read(joined({state, kTasks, space, "/", id, "/config.json"}), text_);
      if (error == 0) {
        auto bundle = parse_bundle(text_, id, allowed_);
        if (bundle) {
          add_life(id, bundle->life);
          if (bundle->network == "pod") bundle->network = network_in(state, space, *bundle);
        }
        return bundle;
      }
      if (worst == -ENOENT) worst = error;
    }
  }
  return failure("cannot read containerd's bundle of the container", std::string(id), -worst);
}

/// The network of a container that joins its sandbox's: the file says so, too, where that is in
/// the host's.
std::string_view ContainerdFiles::network_in(std::string_view state, std::string_view space,
                                             const ContainerMetadata& container) {
  const std::string& id = container.sandbox_id;
  if (!is_path_component(id)) return {};
  if (host_.read(joined({state, kTasks, space, "/", id, "/config.json"}), text_) != 0) return {};
  const auto sandbox = parse_bundle(text_, id);
  if (!sandbox || sandbox->network.empty()) return {};
  return sandbox->network == "host" ? "host" : "pod";
}

/// What the CRI plugin knows; other containers have no such file.
void ContainerdFiles::add_life(std::string_view id, ContainerLife& life) {
  for (const std::string& root : roots_) {
    if (host_.read(joined({root, kCri, id, "/status"}), text_) != 0) continue;
    if (auto status = parse_cri_status(text_)) life = *status;
    return;
  }
}

std::vector<EndedContainer> ContainerdFiles::ended(std::size_t most) {
  std::vector<EndedContainer> ended;
  for (const std::string& root : roots_) {
    for (const std::string& id : host_.directories(root + std::string(kCri), most)) {
      if (host_.read(joined({root, kCri, id, "/status"}), text_) != 0) continue;
      const auto life = parse_cri_status(text_);
      if (!life || life->state != ContainerState::exited) continue;
      ContainerMetadata metadata;
      metadata.life = *life;
      ended.push_back({"containerd", repair_text(id, kMaxLabelBytes), std::move(metadata)});
    }
  }
  return ended;
}

}  // namespace cgmon
