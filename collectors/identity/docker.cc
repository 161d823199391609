#include "collectors/identity/docker.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <functional>
#include <optional>

#include "collectors/identity/allowed_keys.h"
#include "collectors/identity/json_visit.h"
#include "collectors/identity/users.h"
#include "collectors/identity/utf8.h"
#include "collectors/parse/number.h"

namespace cgmon {
namespace {

constexpr std::size_t kMaxListed = 4096;  // directories of containers
constexpr std::size_t kLongestPath = 4096;

/// A directory's absolute path with one slash in front and none behind.
std::string tidy_path(std::string_view path) {
  while (path.starts_with('/')) path.remove_prefix(1);
  while (path.ends_with('/')) path.remove_suffix(1);
  return '/' + std::string(path);
}

/// `count` digits at the front of `text`, taken off.
std::optional<unsigned> take_digits(std::string_view& text, std::size_t count) {
  if (text.size() < count) return std::nullopt;
  const auto value = parse_number(text.substr(0, count));
  text.remove_prefix(count);
  if (!value) return std::nullopt;
  return static_cast<unsigned>(*value);
}

bool take_byte(std::string_view& text, char byte) {
  if (!text.starts_with(byte)) return false;
  text.remove_prefix(1);
  return true;
}

/// "Z", "+02:00" or "-05:30" in seconds, nothing for anything else.
std::optional<int> zone_offset(std::string_view text) {
  if (text == "Z" || text == "z") return 0;
  const bool west = text.starts_with('-');
  if (!west && !text.starts_with('+')) return std::nullopt;
  text.remove_prefix(1);
  const auto hours = take_digits(text, 2);
  if (!take_byte(text, ':')) return std::nullopt;
  const auto minutes = take_digits(text, 2);
  if (!hours || !minutes || *hours > 23 || *minutes > 59 || !text.empty()) return std::nullopt;
  const int seconds = static_cast<int>(*hours * 3600 + *minutes * 60);
  return west ? -seconds : seconds;
}

}  // namespace

std::int64_t parse_rfc3339(std::string_view text) {
  const auto year = take_digits(text, 4);
  if (!take_byte(text, '-')) return 0;
  const auto month = take_digits(text, 2);
  if (!take_byte(text, '-')) return 0;
  const auto day = take_digits(text, 2);
  if (!take_byte(text, 'T') && !take_byte(text, 't')) return 0;
  const auto hour = take_digits(text, 2);
  if (!take_byte(text, ':')) return 0;
  const auto minute = take_digits(text, 2);
  if (!take_byte(text, ':')) return 0;
  const auto second = take_digits(text, 2);
  if (!year || !month || !day || !hour || !minute || !second) return 0;
  if (*hour > 23 || *minute > 59 || *second > 60) return 0;
  std::int64_t nanoseconds = 0;
  if (take_byte(text, '.')) {
    if (text.empty() || text.front() < '0' || text.front() > '9') return 0;
    std::int64_t unit = 100'000'000;
    while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
      nanoseconds += (text.front() - '0') * unit;
      unit /= 10;
      text.remove_prefix(1);
    }
  }
  const auto offset = zone_offset(text);
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(*month), std::chrono::day(*day)};
  if (!offset || !date.ok() || *year < 1970 || *year > 2261) return 0;
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  const std::int64_t seconds = days * 86400 + *hour * 3600LL + *minute * 60LL + *second - *offset;
  return std::max<std::int64_t>(seconds * 1'000'000'000 + nanoseconds, 0);
}

namespace {

/// A config.v2.json as it is read.
struct DockerConfig {
  ContainerMetadata metadata;
  bool running = false, paused = false, restarting = false, dead = false, any_state = false;
  std::int64_t started_at_ns = 0;
  std::optional<std::int32_t> exit_code;
};

/// A network that docker calls so. Its own two have these names, and no other can.
std::string_view network_called(std::string_view name) {
  return name == "host" ? "host" : name == "none" ? "none" : "own";
}

std::string repaired(std::string_view text) { return repair_text(text, kMaxLabelBytes); }

Health health_named(std::string_view text) {
  for (const Health health : {Health::none, Health::starting, Health::healthy, Health::unhealthy}) {
    if (text == name_of(health)) return health;
  }
  return Health::unknown;
}

void take_label(std::string_view key, std::string_view value, const AllowedKeys& allowed,
                ContainerMetadata& metadata) {
  // cri-dockerd's.
  if (key == "io.kubernetes.container.name") metadata.container = repaired(value);
  if (key == "io.kubernetes.pod.name") metadata.pod = repaired(value);
  if (key == "io.kubernetes.pod.namespace") metadata.namespace_name = repaired(value);
  if (key == "io.kubernetes.pod.uid") metadata.pod_uid = repaired(value);
  if (key == "io.kubernetes.docker.type") metadata.sandbox = value == "podsandbox";
  take_allowed_label(key, value, allowed, metadata);
}

void take_text(JsonKeys keys, std::string_view text, const AllowedKeys& allowed,
               DockerConfig& config) {
  ContainerMetadata& metadata = config.metadata;
  if (keys_are(keys, "Name")) {
    metadata.name = repaired(text.substr(text.starts_with('/') ? 1 : 0));
  } else if (keys_are(keys, "Config", "Image")) {
    metadata.image = repaired(text);
  } else if (keys_are(keys, "Image")) {
    metadata.image_id = repaired(text);
  } else if (keys_are(keys, "Driver")) {
    metadata.storage_driver = repaired(text);
  } else if (keys_are(keys, "LogPath")) {
    if (text.starts_with('/') && text.size() <= kLongestPath) metadata.log_path = text;
  } else if (keys_are(keys, "Created")) {
    metadata.life.created_at_ns = parse_rfc3339(text);
  } else if (keys_are(keys, "State", "StartedAt")) {
    config.started_at_ns = parse_rfc3339(text);
  } else if (keys_are(keys, "State", "FinishedAt")) {
    metadata.life.finished_at_ns = parse_rfc3339(text);
  } else if (keys_are(keys, "State", "Health", "Status")) {
    metadata.life.health = health_named(text);
  } else if (keys_are(keys, "Config", "Env", "")) {
    take_allowed_variable(text, allowed, metadata);
  } else if (keys.size() == 3 && keys[0] == "Config" && keys[1] == "Labels") {
    take_label(keys[2], text, allowed, metadata);
  }
}

void take_state(JsonKeys keys, const JsonValue& value, DockerConfig& config) {
  ContainerMetadata& metadata = config.metadata;
  if (value.kind == JsonValue::Kind::boolean && keys.size() == 2 && keys[0] == "State") {
    if (keys[1] == "Running") config.running = value.yes, config.any_state = true;
    if (keys[1] == "Paused") config.paused = value.yes;
    if (keys[1] == "Restarting") config.restarting = value.yes;
    if (keys[1] == "Dead") config.dead = value.yes;
    if (keys[1] == "OOMKilled") metadata.life.oom_killed = value.yes;
  }
  if (value.kind != JsonValue::Kind::number || value.number < INT32_MIN ||
      value.number > INT32_MAX) {
    return;
  }
  const auto number = static_cast<std::int32_t>(value.number);
  if (keys_are(keys, "State", "ExitCode")) config.exit_code = number;
  if (number < 0) return;
  if (keys_are(keys, "State", "Pid")) metadata.init_pid = static_cast<std::uint32_t>(number);
  if (keys_are(keys, "RestartCount")) {
    metadata.life.restarts = static_cast<std::uint64_t>(number);
  }
}

ContainerState state_of(const DockerConfig& config) {
  if (!config.any_state) return ContainerState::unknown;
  if (config.dead) return ContainerState::dead;
  if (config.restarting) return ContainerState::restarting;
  if (config.paused) return ContainerState::paused;
  if (config.running) return ContainerState::running;
  return config.started_at_ns != 0 ? ContainerState::exited : ContainerState::created;
}

/// A directory of a daemon that maps users: its data lies in DATA_ROOT/UID.GID.
bool is_remapped(std::string_view name) {
  const std::size_t dot = name.find('.');
  return dot != name.npos && parse_number(name.substr(0, dot)) &&
         parse_number(name.substr(dot + 1));
}

}  // namespace

Result<ContainerMetadata> parse_docker_config(std::string_view json, const AllowedKeys& allowed) {
  DockerConfig config;
  const JsonTop top = visit_json(json, [&](JsonKeys keys, const JsonValue& value) {
    const bool is_network = value.kind == JsonValue::Kind::object_end && keys.size() == 3 &&
                            keys[0] == "NetworkSettings" && keys[1] == "Networks" &&
                            !keys[2].empty();
    if (is_network) config.metadata.network = network_called(keys[2]);
    if (value.is_text()) {
      take_text(keys, value.text, allowed, config);
    } else {
      take_state(keys, value, config);
    }
  });
  if (top != JsonTop::object) return failure("no JSON object", {}, EBADMSG);
  ContainerMetadata& metadata = config.metadata;
  if (metadata.name.empty() && metadata.image.empty()) {
    return failure("neither Name nor Config.Image", {}, EBADMSG);
  }
  ContainerLife& life = metadata.life;
  life.state = state_of(config);
  // StartedAt is of the run before until dockerd has written that this one runs; ExitCode is 0
  // for what has not ended.
  if (config.running) life.started_at_ns = config.started_at_ns;
  if (has_ended(life) && config.started_at_ns != 0) {
    life.exit_code = config.exit_code;
  }
  metadata.complete = life.started_at_ns != 0;
  return std::move(metadata);
}

DockerFiles::DockerFiles(Files& files, const Roots& roots, std::vector<std::string> data_roots,
                         AllowedKeys allowed)
    : host_(files, roots), data_roots_(std::move(data_roots)), allowed_(std::move(allowed)) {
  const bool found_out = data_roots_.empty();
  if (found_out && host_.read("/etc/docker/daemon.json", text_) == 0) {
    std::string data_root;
    const JsonTop top = visit_json(text_, [&](JsonKeys keys, const JsonValue& value) {
      if (keys_are(keys, "data-root") && value.is_text()) data_root = value.text;
    });
    if (top == JsonTop::object && data_root.starts_with('/')) data_roots_.push_back(data_root);
  }
  if (data_roots_.empty()) data_roots_.emplace_back("/var/lib/docker");
  for (std::string& path : data_roots_) path = tidy_path(path);
  search_ = data_roots_;
  for (const std::string& root : data_roots_) {
    for (const std::string& name : host_.directories(root, kMaxListed)) {
      if (is_remapped(name)) search_.push_back(root + '/' + name);
    }
  }
  if (!found_out) return;
  search_.emplace_back("/var/snap/docker/common/var-lib-docker");
  Users users(host_);
  users.refresh();
  for (const User& user : users.persons()) search_.push_back(user.home + "/.local/share/docker");
}

Result<ContainerMetadata> DockerFiles::read(std::string_view id) {
  constexpr auto kWhat = "cannot read docker's file of the container";
  if (host_.error() != 0) return failure(kWhat, host_.rootfs(), -host_.error());
  int error = -ENOENT;
  std::string path, failed;
  for (const std::string& data_root : search_) {
    path = data_root.substr(data_root == "/" ? 1 : 0) + "/containers/" + std::string(id) +
           "/config.v2.json";
    const int result = host_.read(path, text_);
    if (result == 0) {
      auto metadata = parse_docker_config(text_, allowed_);
      if (metadata && metadata->network.empty()) add_shared_network(path, *metadata);
      return metadata;
    }
    if (failed.empty() || (error == -ENOENT && result != -ENOENT)) {
      error = result;
      failed = path;
    }
  }
  return failure(kWhat, failed, -error);
}

/// A container that uses another's network is in none by its own file.
void DockerFiles::add_shared_network(std::string_view config, ContainerMetadata& metadata) {
  const std::string_view directory = config.substr(0, config.rfind('/'));
  if (host_.read(joined({directory, "/hostconfig.json"}), text_) != 0) return;
  std::string mode;
  const JsonTop top = visit_json(text_, [&](JsonKeys keys, const JsonValue& value) {
    if (keys_are(keys, "NetworkMode") && value.is_text()) mode = value.text;
  });
  if (top != JsonTop::object || mode.empty()) return;
  if (mode.starts_with("container:")) {
    metadata.network = metadata.pod_uid.empty() ? "container" : "pod";
  } else {
    metadata.network = network_called(mode);
  }
}

EndedContainers DockerFiles::ended(std::int64_t now_ns, const EndedBounds& bounds) {
  EndedContainers ended;
  for (const std::string& data_root : search_) {
    for (const std::string& id : host_.directories(data_root + "/containers", kMaxListed)) {
      if (host_.read(data_root + "/containers/" + id + "/config.v2.json", text_) != 0) continue;
      auto metadata = parse_docker_config(text_, allowed_);
      if (!metadata) continue;
      const ContainerLife& life = metadata->life;
      if (!has_ended(life) || life.finished_at_ns < now_ns - bounds.age_ns) continue;
      ended.containers.push_back({"docker", repaired(id), *std::move(metadata)});
    }
  }
  std::ranges::sort(ended.containers, std::ranges::greater{},
                    [](const EndedContainer& each) { return each.metadata.life.finished_at_ns; });
  if (ended.containers.size() > bounds.containers) {
    ended.dropped = ended.containers.size() - bounds.containers;
    ended.containers.resize(bounds.containers);
  }
  return ended;
}

}  // namespace cgmon
