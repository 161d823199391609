#include "collectors/identity/docker.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>

#include "collectors/identity/utf8.h"
#include "collectors/parse/number.h"

namespace cgmon {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxFile = 1U << 20U;
constexpr std::size_t kMaxText = 256;

/// A member that is wanted: of the document itself, or of an object that is a member of it.
struct Wanted {
  std::string_view outer, inner;  ///< keys; without `outer` a member of the document
  std::string text = {};          ///< empty when it is no string
  bool yes = false;               ///< whether it is `true`
};

/// Takes what is wanted out of a JSON document as it goes by. No tree is built of the rest, whose
/// size and depth are in hostile hands.
class WantedMembers final : public nlohmann::json_sax<Json> {
 public:
  explicit WantedMembers(std::span<Wanted> wanted) : wanted_(wanted) {}

  [[nodiscard]] bool is_object() const { return is_object_; }

  bool null() override { return true; }
  bool boolean(bool value) override {
    if (Wanted* const member = find()) member->yes = value;
    return true;
  }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t& value) override {
    if (Wanted* const member = find()) member->text = value;
    return true;
  }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override {
    if (depth_ == 0) is_object_ = true;
    return enter();
  }
  bool key(string_t& name) override {
    if (depth_ <= keys_.size()) keys_[depth_ - 1] = name;
    return true;
  }
  bool end_object() override { return leave(); }
  bool start_array(std::size_t) override { return enter(); }
  bool end_array() override { return leave(); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
    return false;
  }

 private:
  bool enter() {
    ++depth_;
    if (depth_ <= keys_.size()) keys_[depth_ - 1].clear();  // elements of an array have no key
    return true;
  }
  bool leave() {
    --depth_;
    return true;
  }
  /// The one whose value is at hand, if it is wanted.
  [[nodiscard]] Wanted* find() const {
    if (depth_ == 0 || depth_ > keys_.size()) return nullptr;
    const auto found = std::ranges::find_if(wanted_, [&](const Wanted& wanted) {
      // By depth, too: the key "" is one that a document may have.
      if (depth_ != (wanted.outer.empty() ? 1U : 2U) || wanted.inner != keys_[depth_ - 1]) {
        return false;
      }
      return depth_ == 1 || wanted.outer == keys_[0];
    });
    return found != wanted_.end() ? &*found : nullptr;
  }

  std::span<Wanted> wanted_;
  std::array<std::string, 2> keys_;  // of the members under way, from the outside
  std::size_t depth_ = 0;
  bool is_object_ = false;
};

/// Fills `wanted`; false when the text is no JSON object.
bool read_json(std::string_view json, std::span<Wanted> wanted) {
  WantedMembers members(wanted);
  return Json::sax_parse(json, &members) && members.is_object();
}

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

Result<ContainerMetadata> parse_docker_config(std::string_view json) {
  std::array<Wanted, 6> wanted{{{{}, "Name"},
                                {"Config", "Image"},
                                {{}, "Created"},
                                {"State", "Running"},
                                {"State", "StartedAt"},
                                {"State", "OOMKilled"}}};
  if (!read_json(json, wanted)) return failure("no JSON object", {}, EBADMSG);
  const auto& [name, image, created, running, started_at, oom_killed] = wanted;
  ContainerMetadata metadata;
  metadata.name =
      repair_text(std::string_view(name.text).substr(name.text.starts_with('/') ? 1 : 0), kMaxText);
  metadata.image = repair_text(image.text, kMaxText);
  if (metadata.name.empty() && metadata.image.empty()) {
    return failure("neither Name nor Config.Image", {}, EBADMSG);
  }
  metadata.created_at_ns = parse_rfc3339(created.text);
  // StartedAt is of the run before until dockerd has written that this one runs.
  if (running.yes) metadata.started_at_ns = parse_rfc3339(started_at.text);
  metadata.oom_killed = oom_killed.yes;
  return metadata;
}

DockerFiles::DockerFiles(Files& files, const Roots& roots, std::vector<std::string> data_roots)
    : files_(files), rootfs_(roots.rootfs), data_roots_(std::move(data_roots)) {
  root_ = files_.open_directory(Files::kAbsolute, rootfs_.c_str());
  if (data_roots_.empty() && root_ >= 0 &&
      read_file_beneath(files_, root_, "etc/docker/daemon.json", kMaxFile, text_) == 0) {
    std::array<Wanted, 1> configured{{{{}, "data-root"}}};
    if (read_json(text_, configured) && configured[0].text.starts_with('/')) {
      data_roots_.push_back(configured[0].text);
    }
  }
  if (data_roots_.empty()) data_roots_.emplace_back("/var/lib/docker");
  for (std::string& path : data_roots_) path = tidy_path(path);
}

DockerFiles::~DockerFiles() {
  if (root_ >= 0) files_.close(root_);
}

Result<ContainerMetadata> DockerFiles::read(std::string_view id) {
  constexpr auto kWhat = "cannot read docker's file of the container";
  if (root_ < 0) return failure(kWhat, rootfs_, -root_);
  int error = -ENOENT;
  std::string path, failed;
  for (const std::string& data_root : data_roots_) {
    path = data_root.substr(1) + "/containers/" + std::string(id) + "/config.v2.json";
    const int result = read_file_beneath(files_, root_, path.c_str(), kMaxFile, text_);
    if (result == 0) return parse_docker_config(text_);
    if (failed.empty() || result != -ENOENT) {
      error = result;
      failed = path;
    }
  }
  return failure(kWhat, '/' + failed, -error);
}

}  // namespace cgmon
