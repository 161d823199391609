#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/identity/host_files.h"

namespace cgmon {

/// A line of /etc/passwd, `NAME:PASSWORD:UID:GID:FULL NAME:HOME:SHELL` (passwd(5)).
struct User {
  std::uint32_t uid = 0;
  std::string name;  ///< valid UTF-8, bounded
  std::string home;  ///< absolute, without a slash behind; empty where it is none
};
/// Its users, at most 16,384; lines that are none are skipped.
[[nodiscard]] std::vector<User> parse_passwd(std::string_view text);

/// The host's users, as its /etc/passwd has them: those of a directory service are not there.
/// One-thread.
class Users {
 public:
  explicit Users(HostFiles& host) : host_(host) {}

  /// Looks whether the file has changed; true if it has.
  bool refresh();
  /// The name of a uid in decimal digits; empty when it is not known.
  [[nodiscard]] std::string_view name_of(std::string_view uid) const;
  /// Those who log in (uid 1000 to 65533) and have a home, at most 256.
  [[nodiscard]] std::span<const User> persons() const { return persons_; }

 private:
  HostFiles& host_;
  std::string text_, read_;
  std::vector<User> all_, persons_;
};

}  // namespace cgmon
