#include "collectors/identity/libpod.h"

#include <algorithm>
#include <array>

#include "collectors/identity/allowed_keys.h"
#include "collectors/identity/bolt.h"
#include "collectors/identity/docker.h"
#include "collectors/identity/json_visit.h"
#include "collectors/identity/oci_bundle.h"
#include "collectors/identity/utf8.h"

namespace cgmon {
namespace {

constexpr std::size_t kLongestPath = 4096;
constexpr int kAttempts = 3;  // podman may write twice while we read

std::string repaired(std::string_view text) { return repair_text(text, kMaxLabelBytes); }

/// What came of reading a database.
enum class Outcome : std::uint8_t { none, done, busy };

/// Lets `use` read a store's database, again where it was written meanwhile.
template <class F>
Outcome with_database(HostFiles& host, std::string_view store, F use) {
  const int file = host.open(joined({store, "/libpod/bolt_state.db"}));
  if (file < 0) return Outcome::none;
  bool done = false, opened = false;
  for (int attempt = 0; attempt < kAttempts && !done; ++attempt) {
    Bolt bolt([&](std::uint64_t offset, std::span<char> buffer) {
      return host.read_at(file, offset, buffer) == 0;
    });
    if (!bolt.is_open()) break;
    opened = true;
    use(bolt);
    done = bolt.unchanged();
  }
  host.close(file);
  return done ? Outcome::done : opened ? Outcome::busy : Outcome::none;
}

std::string name_of_pod(Bolt& bolt, std::string_view pod_id, std::string& text) {
  std::string name;
  if (!bolt.get({"pod", pod_id, "config"}, text)) return name;
  const JsonTop top = visit_json(text, [&](JsonKeys keys, const JsonValue& value) {
    if (keys_are(keys, "name") && value.is_text()) name = repaired(value.text);
  });
  return top == JsonTop::object ? name : std::string();
}

}  // namespace

bool parse_libpod_config(std::string_view json, const AllowedKeys& allowed,
                         ContainerMetadata& metadata) {
  ContainerMetadata read;
  BundleNamespaces namespaces;
  std::string shared;
  bool own = false;
  const JsonTop top = visit_json(json, [&](JsonKeys keys, const JsonValue& value) {
    if (!keys.empty() && keys[0] == "spec") take_namespace(keys.subspan(1), value, namespaces);
    if (keys_are(keys, "createNetNS") && value.kind == JsonValue::Kind::boolean) own = value.yes;
    if (keys_are(keys, "pause") && value.kind == JsonValue::Kind::boolean) read.sandbox = value.yes;
    if (!value.is_text()) return;
    const std::string_view text = value.text;
    if (keys_are(keys, "name")) read.name = repaired(text);
    if (keys_are(keys, "rootfsImageName")) read.image = repaired(text);
    if (keys_are(keys, "rootfsImageID")) read.image_id = repaired(text);
    if (keys_are(keys, "pod")) read.pod_uid = repaired(text);
    if (keys_are(keys, "netNsCtr")) shared = text;
    if (keys_are(keys, "createdTime")) read.life.created_at_ns = parse_rfc3339(text);
    if (keys_are(keys, "logPath") && text.starts_with('/') && text.size() <= kLongestPath) {
      read.log_path = text;
    }
    if (keys.size() == 2 && keys[0] == "labels") take_allowed_label(keys[1], text, allowed, read);
    if (keys_are(keys, "spec", "process", "env", "")) take_allowed_variable(text, allowed, read);
  });
  if (top != JsonTop::object || read.name.empty()) return false;
  const auto set = [](std::string& to, std::string& from) {
    if (!from.empty()) to.swap(from);
  };
  set(metadata.name, read.name);
  set(metadata.image, read.image);
  set(metadata.image_id, read.image_id);
  set(metadata.pod_uid, read.pod_uid);
  set(metadata.log_path, read.log_path);
  if (!shared.empty()) {
    metadata.network = metadata.pod_uid.empty() ? "container" : "pod";
  } else if (own) {
    metadata.network = "own";
  } else if (namespaces.any) {
    // One that podman neither makes nor joins is the runtime's, with nothing in it.
    metadata.network = !namespaces.network ? "host" : namespaces.with_path ? "own" : "none";
  }
  if (read.life.created_at_ns != 0) metadata.life.created_at_ns = read.life.created_at_ns;
  metadata.sandbox |= read.sandbox;
  metadata.labels.swap(read.labels);
  metadata.env.swap(read.env);
  metadata.left_out = read.left_out;
  return true;
}

bool parse_libpod_state(std::string_view json, ContainerMetadata& metadata) {
  using enum ContainerState;
  // define.ContainerStatus: unknown, configured, created, running, stopped, paused, exited,
  // removing, stopping.
  constexpr std::array kStates{unknown, created, created, running, exited,
                               paused,  exited,  exited,  running};
  ContainerLife life;
  std::int64_t started = 0, exit_code = 0;
  bool any = false;
  const JsonTop top = visit_json(json, [&](JsonKeys keys, const JsonValue& value) {
    if (keys.size() != 1) return;
    if (value.is_text()) {
      if (keys_are(keys, "startedTime")) started = parse_rfc3339(value.text);
      if (keys_are(keys, "finishedTime")) life.finished_at_ns = parse_rfc3339(value.text);
    } else if (value.kind == JsonValue::Kind::boolean) {
      if (keys_are(keys, "oomKilled")) life.oom_killed = value.yes;
    } else if (value.kind == JsonValue::Kind::number) {
      if (keys_are(keys, "exitCode")) exit_code = value.number;
      if (keys_are(keys, "restartCount") && value.number >= 0) {
        life.restarts = static_cast<std::uint64_t>(value.number);
      }
      if (keys_are(keys, "pid") && value.number > 0 && value.number <= UINT32_MAX) {
        metadata.init_pid = static_cast<std::uint32_t>(value.number);
      }
      if (!keys_are(keys, "state")) return;
      any = true;
      const bool known =
          value.number >= 0 && static_cast<std::uint64_t>(value.number) < kStates.size();
      life.state = known ? kStates.at(static_cast<std::size_t>(value.number)) : unknown;
    }
  });
  if (top != JsonTop::object || !any) return false;
  if (life.state == running || life.state == paused) life.started_at_ns = started;
  // One that is removed before it ran has none.
  if (life.state == exited && life.finished_at_ns != 0 && exit_code >= INT32_MIN &&
      exit_code <= INT32_MAX) {
    life.exit_code = static_cast<std::int32_t>(exit_code);  // left out where it is 0
  }
  // Not there while it is 0.
  if (!life.restarts) life.restarts = 0;
  life.created_at_ns = metadata.life.created_at_ns;
  life.health = metadata.life.health;
  metadata.life = life;
  return true;
}

bool LibpodDatabase::read(std::string_view store, std::string_view id, const AllowedKeys& allowed,
                          ContainerMetadata& metadata) {
  bool found = false;
  ContainerMetadata read;
  const Outcome outcome = with_database(host_, store, [&](Bolt& bolt) {
    read = metadata;
    found = bolt.get({"ctr", id, "config"}, text_) && parse_libpod_config(text_, allowed, read) &&
            bolt.get({"ctr", id, "state"}, text_) && parse_libpod_state(text_, read);
    if (found && !read.pod_uid.empty()) read.pod = name_of_pod(bolt, read.pod_uid, text_);
    if (found) read.runtime = "podman";
  });
  busy_ = outcome == Outcome::busy;
  found = found && outcome == Outcome::done;
  if (found) metadata = read;
  return found;
}

std::string LibpodDatabase::pod_name(std::string_view store, std::string_view pod_id) {
  std::string name;
  const Outcome outcome =
      with_database(host_, store, [&](Bolt& bolt) { name = name_of_pod(bolt, pod_id, text_); });
  return outcome == Outcome::done ? name : std::string();
}

std::vector<EndedContainer> LibpodDatabase::ended(std::string_view store,
                                                  const AllowedKeys& allowed, std::size_t most) {
  std::vector<EndedContainer> found;
  const Outcome outcome = with_database(host_, store, [&](Bolt& bolt) {
    found.clear();
    std::vector<std::string> ids;
    bolt.each({"ctr"}, [&](std::string_view key, bool is_bucket, std::string_view) {
      if (is_bucket) ids.emplace_back(key);
      return ids.size() < most;
    });
    for (const std::string& id : ids) {
      // The state is small, and tells of most that the rest is not wanted.
      ContainerMetadata read;
      if (!bolt.get({"ctr", id, "state"}, text_) || !parse_libpod_state(text_, read)) continue;
      if (read.life.state != ContainerState::exited) continue;
      if (!bolt.get({"ctr", id, "config"}, text_)) continue;
      if (!parse_libpod_config(text_, allowed, read) || read.sandbox) continue;
      if (!read.pod_uid.empty()) read.pod = name_of_pod(bolt, read.pod_uid, text_);
      found.push_back({"podman", repaired(id), std::move(read)});
    }
  });
  return outcome == Outcome::done ? found : std::vector<EndedContainer>();
}

}  // namespace cgmon
