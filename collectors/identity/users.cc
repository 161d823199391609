#include "collectors/identity/users.h"

#include <algorithm>
#include <utility>

#include "collectors/identity/metadata.h"
#include "collectors/identity/utf8.h"
#include "collectors/parse/number.h"

namespace cgmon {
namespace {

constexpr std::size_t kMaxUsers = 16'384, kMaxPersons = 256;

}  // namespace

std::vector<User> parse_passwd(std::string_view text) {
  std::vector<User> users;
  while (!text.empty() && users.size() < kMaxUsers) {
    std::string_view line = take_until(text, '\n');
    const std::string_view name = take_until(line, ':');
    take_until(line, ':');  // password
    const auto uid = parse_number(take_until(line, ':'));
    take_until(line, ':');  // group
    take_until(line, ':');  // full name
    std::string_view home = take_until(line, ':');
    while (home.ends_with('/')) home.remove_suffix(1);
    if (name.empty() || !uid || *uid >= UINT32_MAX) continue;
    users.push_back({.uid = static_cast<std::uint32_t>(*uid),
                     .name = repair_text(name, kMaxLabelBytes),
                     .home = home.starts_with('/') ? std::string(home) : std::string()});
  }
  return users;
}

bool Users::refresh() {
  if (host_.read("/etc/passwd", read_) != 0) read_.clear();
  if (read_ == text_) return false;
  text_.swap(read_);
  all_ = parse_passwd(text_);
  persons_.clear();
  for (const User& user : all_) {
    if (persons_.size() == kMaxPersons) break;
    if (user.uid >= 1000 && user.uid < 65534 && !user.home.empty()) persons_.push_back(user);
  }
  return true;
}

std::string_view Users::name_of(std::string_view uid) const {
  const auto number = parse_number(uid);
  if (!number) return {};
  const auto found = std::ranges::find(all_, *number, &User::uid);
  return found == all_.end() ? std::string_view() : std::string_view(found->name);
}

}  // namespace cgmon
