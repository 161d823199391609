#include "agent/expose/life_json.h"

namespace cgmon {

void write_time(JsonWriter& json, std::string_view name, std::int64_t ns) {
  if (ns <= 0) return;
  json.key(name);
  json.number(static_cast<std::uint64_t>(ns), 9);
}

void write_life(JsonWriter& json, const ContainerLife& life) {
  if (life.state != ContainerState::unknown) json.member("state", name_of(life.state));
  if (life.health != Health::unknown) json.member("health", name_of(life.health));
  if (life.restarts) json.member("restarts", *life.restarts);
  write_time(json, "created", life.created_at_ns);
  write_time(json, "started", life.started_at_ns);
  if (!has_ended(life)) return;
  write_time(json, "finished", life.finished_at_ns);
  if (life.exit_code) {
    json.key("exit_code");
    json.number(static_cast<std::uint64_t>(std::int64_t{*life.exit_code}), 0, true);
  }
  json.member("oom_killed", life.oom_killed);
}

}  // namespace cgmon
