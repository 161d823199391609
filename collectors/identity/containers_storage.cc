#include "collectors/identity/containers_storage.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "collectors/identity/docker.h"
#include "collectors/identity/json_visit.h"
#include "collectors/identity/oci_bundle.h"
#include "collectors/identity/utf8.h"
#include "collectors/parse/settings.h"

namespace cgmon {
namespace {

constexpr std::size_t kMaxStored = 10'000, kMaxDrivers = 32;
constexpr std::string_view kSuffix = "-containers";

std::string repaired(std::string_view text) { return repair_text(text, kMaxLabelBytes); }

void take_metadata(JsonKeys keys, const JsonValue& value, StoredContainer& entry) {
  if (value.kind == JsonValue::Kind::number && keys_are(keys, "attempt") && value.number >= 0) {
    entry.restarts = static_cast<std::uint64_t>(value.number);
  }
  if (!value.is_text()) return;
  if (keys_are(keys, "image-name")) entry.image = repaired(value.text);
  if (keys_are(keys, "image-id")) entry.image_id = repaired(value.text);
  if (keys_are(keys, "name") && entry.name.empty()) entry.name = repaired(value.text);
  if (keys_are(keys, "metadata-name")) entry.container = repaired(value.text);
  if (keys_are(keys, "namespace")) entry.namespace_name = repaired(value.text);
}

/// "~" and "$HOME" are a user's own.
std::string expanded(std::string_view path, const std::string& home) {
  for (const std::string_view word : {"$HOME/", "~/"}) {
    if (path.starts_with(word)) return joined({home, "/", path.substr(word.size())});
  }
  return std::string(path);
}

}  // namespace

Result<std::vector<StoredContainer>> parse_stored_containers(std::string_view json) {
  std::vector<StoredContainer> stored;
  StoredContainer entry;
  const JsonTop top = visit_json(json, [&](JsonKeys keys, const JsonValue& value) {
    if (keys.size() == 1 && value.kind == JsonValue::Kind::object_end) {
      if (!entry.id.empty() && stored.size() < kMaxStored) stored.push_back(std::move(entry));
      entry = {};
    }
    if (!value.is_text()) return;
    if (keys_are(keys, "", "id")) entry.id = repaired(value.text);
    if (keys_are(keys, "", "names", "") && entry.name.empty()) entry.name = repaired(value.text);
    if (keys_are(keys, "", "created")) entry.created_at_ns = parse_rfc3339(value.text);
    if (!keys_are(keys, "", "metadata")) return;
    visit_json(value.text, [&](JsonKeys inner, const JsonValue& member) {
      take_metadata(inner, member, entry);
    });
  });
  if (top != JsonTop::array) return failure("no JSON array", {}, EBADMSG);
  return stored;
}

Result<ContainerLife> parse_crio_state(std::string_view json) {
  using enum ContainerState;
  ContainerLife life;
  std::string status;
  std::int64_t started = 0;
  const JsonTop top = visit_json(json, [&](JsonKeys keys, const JsonValue& value) {
    if (value.is_text()) {
      if (keys_are(keys, "status")) status = value.text;
      if (keys_are(keys, "created")) life.created_at_ns = parse_rfc3339(value.text);
      if (keys_are(keys, "started")) started = parse_rfc3339(value.text);
      if (keys_are(keys, "finished")) life.finished_at_ns = parse_rfc3339(value.text);
    } else if (value.kind == JsonValue::Kind::boolean) {
      if (keys_are(keys, "oomKilled")) life.oom_killed = value.yes;
    } else if (value.kind == JsonValue::Kind::number) {
      if (keys_are(keys, "exitCode") && value.number >= INT32_MIN && value.number <= INT32_MAX) {
        life.exit_code = static_cast<std::int32_t>(value.number);
      }
    }
  });
  if (top != JsonTop::object || status.empty()) {
    return failure("no state of a container", {}, EBADMSG);
  }
  life.state = status == "running"                           ? running
               : status == "paused"                          ? paused
               : status == "stopped"                         ? exited
               : status == "created" || status == "creating" ? created
                                                             : unknown;
  if (life.state == running || life.state == paused) life.started_at_ns = started;
  if (life.state != exited) {
    life.exit_code.reset();
    life.finished_at_ns = 0;
    life.oom_killed = false;
  }
  return life;
}

ContainersStorage::ContainersStorage(HostFiles& host, Users& users, AllowedKeys allowed)
    : host_(host), users_(users), allowed_(std::move(allowed)), libpod_(host) {
  find_stores();
}

void ContainersStorage::find_stores() {
  stores_.clear();
  const auto add = [this](const std::string& path, const std::string& uid) {
    if (std::ranges::find(stores_, path, &Store::path) == stores_.end()) {
      stores_.push_back({path, uid});
    }
  };
  const auto add_configured = [&](const std::string& file, const std::string& uid,
                                  const std::string& home) {
    if (host_.read(file, text_) != 0) return;
    visit_settings(text_, [&](const Setting& setting) {
      if (setting.table != "storage" || !setting.is_text) return;
      if (setting.key != "graphroot" && setting.key != "runroot") return;
      const std::string path = expanded(setting.value, home);
      if (path.starts_with('/') && path.find('$') == path.npos) add(path, uid);
    });
  };
  add_configured("/etc/containers/storage.conf", "0", "/root");
  add("/var/lib/containers/storage", "0");
  add("/run/containers/storage", "0");
  for (const User& user : users_.persons()) {
    const std::string uid = std::to_string(user.uid);
    add_configured(user.home + "/.config/containers/storage.conf", uid, user.home);
    add(user.home + "/.local/share/containers/storage", uid);
    add("/run/user/" + uid + "/containers", uid);
  }
}

std::vector<const ContainersStorage::Store*> ContainersStorage::in_order(
    std::string_view uid) const {
  std::vector<const Store*> order;
  for (const bool own : {true, false}) {
    for (const Store& store : stores_) {
      if ((store.uid == (uid.empty() ? "0" : uid)) == own) order.push_back(&store);
    }
  }
  return order;
}

std::vector<std::string> ContainersStorage::drivers(const Store& store) {
  std::vector<std::string> found;
  for (const std::string& name : host_.directories(store.path, kMaxDrivers)) {
    if (name.ends_with(kSuffix)) found.push_back(joined({store.path, "/", name}));
  }
  if (!found.empty()) return found;
  // A store may be searched, and listed by its owner alone.
  return {store.path + "/overlay-containers"};
}

Result<ContainerMetadata> ContainersStorage::read(std::string_view id, std::string_view uid) {
  int worst = -ENOENT;
  ContainerMetadata metadata;
  // Podman's database says all that its other files do, at a part of their cost.
  for (const Store* const store : in_order(uid)) {
    if (!libpod_.read(store->path, id, allowed_, metadata)) {
      // To be asked again: its files alone would take away what was known of its state.
      if (libpod_.was_busy()) return failure("podman writes its database", store->path, EAGAIN);
      continue;
    }
    for (const std::string& driver : drivers(*store)) add_health(driver, id, metadata.life);
    metadata.complete = true;
    return metadata;
  }
  std::vector<std::string> places;
  for (const Store* const store : in_order(uid)) {
    for (std::string& driver : drivers(*store)) places.push_back(std::move(driver));
  }
  bool found = false;
  // CRI-O has the list in /var/lib and what it runs in /run.
  for (const std::string& driver : places) {
    const int error = host_.read(joined({driver, "/", id, "/userdata/config.json"}), text_);
    if (worst == -ENOENT && error != 0) worst = error;
    if (error != 0) continue;
    auto bundle = parse_bundle(text_, id, allowed_);
    if (!bundle) return bundle;
    metadata = *std::move(bundle);
    if (metadata.network == "pod") metadata.network = network_in(driver, metadata);
    found = true;
    break;
  }
  for (const std::string& driver : places) {
    if (!find_entry(driver, id, metadata)) continue;
    add_life(driver, id, metadata);
    found = true;
    break;
  }
  if (!found) {
    return failure("cannot read the container in containers/storage", std::string(id), -worst);
  }
  metadata.complete = !metadata.name.empty();
  return metadata;
}

/// The network of a container that joins its sandbox's, which may be the host's.
std::string_view ContainersStorage::network_in(std::string_view driver,
                                               const ContainerMetadata& container) {
  const std::string& id = container.sandbox_id;
  if (!is_path_component(id)) return {};
  if (host_.read(joined({driver, "/", id, "/userdata/config.json"}), text_) != 0) return {};
  const auto sandbox = parse_bundle(text_, id);
  if (!sandbox || sandbox->network.empty()) return {};
  return sandbox->network == "host" ? "host" : "pod";
}

bool ContainersStorage::find_entry(const std::string& driver, std::string_view id,
                                   ContainerMetadata& metadata) {
  for (const char* const name : {"containers.json", "volatile-containers.json"}) {
    const std::string path = joined({driver, "/", name});
    if (host_.read(path, text_) != 0) continue;
    auto list = std::ranges::find(lists_, path, &List::path);
    if (list == lists_.end()) {
      lists_.push_back({.path = path, .text = {}, .entries = {}});
      list = lists_.end() - 1;
    }
    // Hosts with many containers ask many times in a row.
    if (text_ != list->text) {
      auto entries = parse_stored_containers(text_);
      list->text = text_;
      list->entries = entries ? *std::move(entries) : std::vector<StoredContainer>();
    }
    const auto entry = std::ranges::find(list->entries, id, &StoredContainer::id);
    if (entry == list->entries.end()) continue;
    const auto set = [](std::string& to, const std::string& from) {
      if (to.empty()) to = from;
    };
    set(metadata.name, entry->name);
    set(metadata.image, entry->image);
    set(metadata.image_id, entry->image_id);
    set(metadata.container, entry->container);
    set(metadata.namespace_name, entry->namespace_name);
    if (!metadata.life.restarts) metadata.life.restarts = entry->restarts;
    if (metadata.life.created_at_ns == 0) metadata.life.created_at_ns = entry->created_at_ns;
    return true;
  }
  return false;
}

/// What CRI-O says of its life.
void ContainersStorage::add_life(const std::string& driver, std::string_view id,
                                 ContainerMetadata& metadata) {
  if (host_.read(joined({driver, "/", id, "/userdata/state.json"}), text_) == 0) {
    if (auto life = parse_crio_state(text_)) {
      life->restarts = metadata.life.restarts;
      if (life->created_at_ns == 0) life->created_at_ns = metadata.life.created_at_ns;
      metadata.life = *life;
    }
  }
  add_health(driver, id, metadata.life);
}

/// The last check that podman made of its health.
void ContainersStorage::add_health(const std::string& driver, std::string_view id,
                                   ContainerLife& life) {
  if (host_.read(joined({driver, "/", id, "/userdata/healthcheck.log"}), text_) != 0) return;
  visit_json(text_, [&](JsonKeys keys, const JsonValue& value) {
    if (!keys_are(keys, "Status") || !value.is_text()) return;
    for (const Health health : {Health::starting, Health::healthy, Health::unhealthy}) {
      if (value.text == name_of(health)) life.health = health;
    }
  });
}

std::string ContainersStorage::pod_name(std::string_view pod_id, std::string_view uid) {
  for (const Store* const store : in_order(uid)) {
    if (auto name = libpod_.pod_name(store->path, pod_id); !name.empty()) return name;
  }
  return {};
}

std::vector<EndedContainer> ContainersStorage::ended(std::size_t most) {
  std::vector<EndedContainer> ended;
  for (const Store& store : stores_) {
    for (EndedContainer& one : libpod_.ended(store.path, allowed_, most)) {
      ended.push_back(std::move(one));
    }
    for (const std::string& driver : drivers(store)) {
      for (const std::string& id : host_.directories(driver, most)) {
        ContainerMetadata metadata;
        // CRI-O's alone have it.
        if (host_.read(joined({driver, "/", id, "/userdata/state.json"}), text_) != 0) continue;
        const auto life = parse_crio_state(text_);
        if (!life || life->state != ContainerState::exited) continue;
        if (host_.read(joined({driver, "/", id, "/userdata/config.json"}), text_) == 0) {
          if (auto bundle = parse_bundle(text_, id, allowed_)) metadata = *std::move(bundle);
        }
        find_entry(driver, id, metadata);
        const auto restarts = metadata.life.restarts;
        metadata.life = *life;
        metadata.life.restarts = restarts;
        if (!metadata.sandbox) ended.push_back({"crio", repaired(id), std::move(metadata)});
      }
    }
  }
  return ended;
}

}  // namespace cgmon
