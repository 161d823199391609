#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "collectors/base/result.h"

namespace cgmon {

/// A place to listen at, as numbers.
struct ListenAddress {
  /// Dotted: "0.0.0.0" is every interface.
  std::string host;
  /// 0: the kernel chooses.
  std::uint16_t port = 0;

  /// "127.0.0.1:10190".
  [[nodiscard]] std::string text() const;
  friend bool operator==(const ListenAddress&, const ListenAddress&) = default;
};

/// Understands `host:port` and `:port` (every interface). A name is looked up. IPv4 only, since the
/// HTTP library at hand has no IPv6: such an address is an Error that says so.
[[nodiscard]] Result<ListenAddress> parse_listen_address(std::string_view text);

/// Why nothing can listen there: the kernel's errno for the attempt, 0 if it can.
[[nodiscard]] int listen_errno(const ListenAddress& address);

}  // namespace cgmon
