#include <array>
#include <cstdio>

#include "collectors/parse/mountinfo.h"
#include "tests/fuzz/target.h"
#include "tests/fuzz/text.h"

namespace cgmon {
namespace {

bool same(const Mount& a, const Mount& b) {
  return a.device == b.device && a.root == b.root && a.point == b.point && a.type == b.type &&
         a.super_options == b.super_options && a.read_only == b.read_only;
}

/// Every byte but letters, digits and slashes as the kernel escapes a blank.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char byte : text) {
    std::array<char, 8> octal{};
    const auto code = static_cast<unsigned char>(byte);
    std::snprintf(octal.data(), octal.size(), "\\%03o", unsigned{code});
    const bool plain = byte == '/' || (byte >= 'a' && byte <= 'z');
    out += plain ? std::string(1, byte) : std::string(octal.data());
  }
  return out;
}

std::string written(const Mount& mount) {
  std::string line = "1 1 " + mount.device + ' ' + escaped(mount.root) + ' ' +
                     escaped(mount.point) + (mount.read_only ? " ro" : " rw") + " shared:1 - " +
                     mount.type + " none ";
  for (const std::string& option : mount.super_options) line += escaped(option) + ',';
  return line;
}

}  // namespace

void check_input(std::string_view input) {
  std::vector<Mount> by_line;
  for (const std::string& line : whole_lines(input)) {
    auto mount = parse_mount(line);
    if (!mount) continue;
    require(mount->root.starts_with('/') && mount->point.starts_with('/') && !mount->type.empty(),
            "a mount has a root, a place and a type");
    const auto again = parse_mount(written(*mount));
    require(again && same(*mount, *again), "a mount is read back as it was");
    if (mount->type == "cgroup" || mount->type == "cgroup2") by_line.push_back(*std::move(mount));
  }
  const std::vector<Mount> mounts = parse_cgroup_mounts(input);
  require(std::ranges::equal(mounts, by_line, same), "a text is its whole lines");
}

}  // namespace cgmon
