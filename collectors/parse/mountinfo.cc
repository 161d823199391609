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
  while (!text.empty()) options.emplace_back(take_until(text, ','));
  return options;
}

bool has_option(std::string_view options, std::string_view wanted) {
  while (!options.empty()) {
    if (take_until(options, ',') == wanted) return true;
  }
  return false;
}

}  // namespace

std::optional<Mount> parse_mount(std::string_view line) {
  Mount mount;
  take_word(line);  // mount id
  take_word(line);  // parent id
  mount.device = take_word(line);
  mount.root = unescape(take_word(line));
  mount.point = unescape(take_word(line));
  const std::string_view mount_options = take_word(line);
  while (true) {  // optional fields, any number of them
    const std::string_view field = take_word(line);
    if (field.empty()) return std::nullopt;
    if (field == "-") break;
  }
  mount.type = take_word(line);
  take_word(line);  // source
  const std::string_view super_options = take_word(line);
  if (mount.type.empty() || !mount.point.starts_with('/') || !mount.root.starts_with('/')) {
    return std::nullopt;
  }
  mount.super_options = split_options(super_options);
  mount.read_only = has_option(mount_options, "ro") || has_option(super_options, "ro");
  return mount;
}

std::vector<Mount> parse_cgroup_mounts(std::string_view text) {
  std::vector<Mount> mounts;
  while (!text.empty()) {
    auto mount = parse_mount(take_until(text, '\n'));
    if (mount && (mount->type == "cgroup" || mount->type == "cgroup2")) {
      mounts.push_back(*std::move(mount));
    }
  }
  return mounts;
}

}  // namespace cgmon
