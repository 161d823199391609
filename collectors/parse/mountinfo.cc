#include "collectors/parse/mountinfo.h"

#include "collectors/parse/number.h"

namespace cgmon {
namespace {

bool is_octal(char byte) { return byte >= '0' && byte <= '7'; }

std::string unescape(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && is_octal(text[i + 1]) && is_octal(text[i + 2]) &&
        is_octal(text[i + 3])) {
      const int code = (text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0');
      plain += static_cast<char>(code);
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

std::vector<std::string> split_options(std::string_view text) {
  std::vector<std::string> options;
  while (!text.empty()) options.push_back(unescape(take_until(text, ',')));
  return options;
}

bool has_option(std::string_view options, std::string_view wanted) {
  while (!options.empty()) {
    if (take_until(options, ',') == wanted) return true;
  }
  return false;
}

/// The parts between colons that no backslash stands before; backslashes are taken off. Before
/// directories of data alone stand two colons.
std::vector<std::string> split_directories(std::string_view text) {
  std::vector<std::string> parts(1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ':') {
      parts.emplace_back();
      continue;
    }
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    parts.back() += text[i];
  }
  std::erase(parts, "");
  return parts;
}

std::string without_backslashes(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    plain += text[i];
  }
  return plain;
}

}  // namespace

std::optional<Mount> parse_mount(std::string_view line) {
  // Exactly one blank between fields, since the source may be empty.
  const auto take_field = [&line] { return take_until(line, ' '); };
  Mount mount;
  take_field();  // mount id
  take_field();  // parent id
  mount.device = take_field();
  mount.root = unescape(take_field());
  mount.point = unescape(take_field());
  const std::string_view mount_options = take_field();
  while (true) {  // optional fields, any number of them
    const std::string_view field = take_field();
    if (field.empty()) return std::nullopt;
    if (field == "-") break;
  }
  mount.type = take_field();
  mount.source = unescape(take_field());
  const std::string_view super_options = take_field();
  if (mount.type.empty() || super_options.empty() || !mount.point.starts_with('/') ||
      !mount.root.starts_with('/')) {
    return std::nullopt;
  }
  mount.super_options = split_options(super_options);
  mount.read_only = has_option(mount_options, "ro") || has_option(super_options, "ro");
  return mount;
}

std::vector<Mount> parse_mounts(std::string_view text) {
  std::vector<Mount> mounts;
  while (text.find('\n') != text.npos) {  // a last line without one was cut
    auto mount = parse_mount(take_until(text, '\n'));
    if (mount) mounts.push_back(*std::move(mount));
  }
  return mounts;
}

std::vector<Mount> parse_cgroup_mounts(std::string_view text) {
  std::vector<Mount> mounts = parse_mounts(text);
  std::erase_if(
      mounts, [](const Mount& mount) { return mount.type != "cgroup" && mount.type != "cgroup2"; });
  return mounts;
}

std::optional<Overlay> parse_overlay(const Mount& mount) {
  if (mount.type != "overlay") return std::nullopt;
  Overlay overlay;
  for (const std::string& option : mount.super_options) {
    std::string_view value = option;
    const std::string_view key = take_until(value, '=');
    if (key == "lowerdir") {
      overlay.lower = split_directories(value);
    } else if (key == "lowerdir+" || key == "datadir+") {  // one each, since Linux 6.8
      overlay.lower.push_back(std::string(value));
    } else if (key == "upperdir") {
      overlay.upper = without_backslashes(value);
    } else if (key == "workdir") {
      overlay.work = without_backslashes(value);
    }
  }
  return overlay;
}

}  // namespace cgmon
