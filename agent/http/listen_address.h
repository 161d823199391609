#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "collectors/base/result.h"

namespace cgmon {

/// A place to listen at, as numbers.
struct ListenAddress {
  /// "0.0.0.0" is every IPv4 address, "::" every IPv6 address alone, an empty host both.
  std::string host;
  /// 0: the kernel chooses.
  std::uint16_t port = 0;

  /// "127.0.0.1:10190", "[::1]:10190", ":10190".
  [[nodiscard]] std::string text() const;
  friend bool operator==(const ListenAddress&, const ListenAddress&) = default;
};

/// Understands `host:port`, `[IPv6 address]:port` and `:port`, which is every address: of IPv4
/// alone where the kernel has no IPv6. A name is looked up; its IPv4 address is preferred. An
/// address with a scope id is an Error: the HTTP library drops the id, so that another interface
/// could be the one that serves.
[[nodiscard]] Result<ListenAddress> parse_listen_address(std::string_view text);

/// An address for the socket API.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;  // 0: the host is no address

  [[nodiscard]] const sockaddr* get() const;
};
[[nodiscard]] SocketAddress socket_address(const ListenAddress& address);

/// Why nothing can listen there: the kernel's errno for the attempt, 0 if it can.
[[nodiscard]] int listen_errno(const ListenAddress& address);

}  // namespace cgmon
