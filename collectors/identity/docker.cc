#include "collectors/identity/docker.h"

#include <cerrno>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>

#include "collectors/identity/utf8.h"
#include "collectors/parse/number.h"

namespace cgmon {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxFile = 1U << 20U;
constexpr std::size_t kMaxText = 256;

/// A member that is a string, else empty.
std::string text_at(const Json& object, const char* key) {
  if (!object.is_object()) return {};
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

const Json& member(const Json& object, const char* key) {
  static const Json kNone;
  if (!object.is_object()) return kNone;
  const auto found = object.find(key);
  return found != object.end() ? *found : kNone;
}

/// Reads a file below the host's root that hostile hands may have made.
int read_beneath(Files& files, int root, const std::string& path, std::string& text) {
  text.clear();
  const int file = files.open_beneath(root, path.c_str());
  if (file < 0) return file;
  text.resize(kMaxFile + 1);
  std::size_t size = 0;
  std::int64_t got = 0;
  while (size < text.size()) {
    got = files.read(file, std::span(text).subspan(size), size);
    if (got <= 0) break;
    size += static_cast<std::size_t>(got);
  }
  files.close(file);
  const bool too_large = size > kMaxFile;
  text.resize(too_large ? 0 : size);
  return too_large ? -EFBIG : static_cast<int>(std::min<std::int64_t>(got, 0));
}

std::string without_slash(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
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
  if (!hours || !minutes || !text.empty()) return std::nullopt;
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
  return seconds * 1'000'000'000 + nanoseconds;
}

Result<ContainerMetadata> parse_docker_config(std::string_view json) {
  const Json config = Json::parse(json, nullptr, false);
  if (!config.is_object()) return failure("no JSON object", {}, EBADMSG);
  ContainerMetadata metadata;
  std::string_view name;
  const std::string full_name = text_at(config, "Name");
  name = full_name;
  if (name.starts_with('/')) name.remove_prefix(1);
  metadata.name = repair_text(name, kMaxText);
  metadata.image = repair_text(text_at(member(config, "Config"), "Image"), kMaxText);
  if (metadata.name.empty() && metadata.image.empty()) {
    return failure("neither Name nor Config.Image", {}, EBADMSG);
  }
  // StartedAt is of the run before until dockerd has written that this one runs.
  const Json& state = member(config, "State");
  const Json& running = member(state, "Running");
  if (running.is_boolean() && running.get<bool>()) {
    metadata.started_at_ns = parse_rfc3339(text_at(state, "StartedAt"));
  }
  return metadata;
}

DockerFiles::DockerFiles(Files& files, const Roots& roots, std::vector<std::string> data_roots)
    : files_(files), rootfs_(roots.rootfs), data_roots_(std::move(data_roots)) {
  root_ = files_.open_directory(Files::kAbsolute, rootfs_.c_str());
  if (data_roots_.empty() && root_ >= 0 &&
      read_beneath(files_, root_, "etc/docker/daemon.json", text_) == 0) {
    const std::string configured =
        text_at(Json::parse(text_, nullptr, false), "data-root");
    if (configured.starts_with('/')) data_roots_.push_back(configured);
  }
  if (data_roots_.empty()) data_roots_.emplace_back("/var/lib/docker");
  for (std::string& path : data_roots_) path = without_slash(std::move(path));
}

DockerFiles::~DockerFiles() {
  if (root_ >= 0) files_.close(root_);
}

Result<ContainerMetadata> DockerFiles::read(std::string_view id) {
  int error = root_ < 0 ? root_ : -ENOENT;
  std::string path;
  for (const std::string& data_root : data_roots_) {
    if (root_ < 0) break;
    path = data_root.substr(1) + "/containers/" + std::string(id) + "/config.v2.json";
    const int result = read_beneath(files_, root_, path, text_);
    if (result == 0) return parse_docker_config(text_);
    if (result != -ENOENT) error = result;
  }
  return failure("cannot read docker's file of the container", '/' + path, -error);
}

}  // namespace cgmon
