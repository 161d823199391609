#include "agent/http/listen_address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <system_error>

namespace cgmon {
namespace {

std::string quoted(std::string_view text) { return '"' + std::string(text) + '"'; }

tl::unexpected<Error> cannot_listen(std::string_view text, const std::string& why) {
  return failure("cannot listen on " + quoted(text) + ": " + why);
}

tl::unexpected<Error> has_scope_id(std::string_view text) {
  return failure("listen address " + quoted(text) +
                 " has a scope id (%...), which cannot be served; use an address without one, or "
                 "[::]:port for every IPv6 address");
}

Result<std::string> looked_up(const std::string& host, std::string_view text) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* first = nullptr;
  const int failed = getaddrinfo(host.c_str(), nullptr, &hints, &first);
  if (failed != 0) {
    return cannot_listen(text,
                         "no address for " + quoted(host) + " (" + gai_strerror(failed) + ")");
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> all(first, &freeaddrinfo);
  const addrinfo* chosen = first;
  while (chosen != nullptr && chosen->ai_family != AF_INET) chosen = chosen->ai_next;
  if (chosen == nullptr) chosen = first;
  std::array<char, NI_MAXHOST> numeric{};
  const int unnamed = getnameinfo(chosen->ai_addr, chosen->ai_addrlen, numeric.data(),
                                  numeric.size(), nullptr, 0, NI_NUMERICHOST);
  if (unnamed != 0) return cannot_listen(text, gai_strerror(unnamed));
  std::string address(numeric.data());
  if (address.find('%') != std::string::npos) return has_scope_id(text);
  return address;
}

/// `host` is what stands between the brackets.
Result<std::string> ipv6_of(const std::string& host, std::string_view text) {
  if (host.find('%') != std::string::npos) return has_scope_id(text);
  in6_addr binary{};
  std::array<char, INET6_ADDRSTRLEN> shortest{};
  // An embedded NUL would end the C string before the rest of it is checked.
  if (host.find('\0') != std::string::npos || inet_pton(AF_INET6, host.c_str(), &binary) != 1) {
    return failure("listen address " + quoted(text) + " has no IPv6 address in its brackets");
  }
  return std::string(inet_ntop(AF_INET6, &binary, shortest.data(), shortest.size()));
}

/// Without IPv6 (ipv6.disable=1, or a kernel that has none) there is no such socket.
std::string every_address() { return listen_errno({.host = "", .port = 0}) == 0 ? "" : "0.0.0.0"; }

Result<std::string> numeric_host(const std::string& host, std::string_view text) {
  if (host.empty()) return every_address();
  if (host.size() > 1 && host.front() == '[' && host.back() == ']') {
    return ipv6_of(host.substr(1, host.size() - 2), text);
  }
  if (host.find_first_of(":[]") != std::string::npos) {
    return failure("listen address " + quoted(text) +
                   " is no host:port; an IPv6 address stands in brackets, like [::1]:10190");
  }
  return looked_up(host, text);
}

}  // namespace

std::string ListenAddress::text() const {
  const std::string behind = ':' + std::to_string(port);
  return host.find(':') == std::string::npos ? host + behind : '[' + host + ']' + behind;
}

Result<ListenAddress> parse_listen_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return failure("listen address " + quoted(text) + " has no port; expected host:port or :port");
  }
  const std::string_view digits = text.substr(colon + 1);
  ListenAddress address;
  const char* const end = digits.data() + digits.size();
  const auto [rest, error] = std::from_chars(digits.data(), end, address.port);
  if (error != std::errc{} || rest != end) {
    return failure("listen address " + quoted(text) + " has no port from 0 to 65535");
  }
  Result<std::string> host = numeric_host(std::string(text.substr(0, colon)), text);
  if (!host) return tl::unexpected<Error>(host.error());
  address.host = *std::move(host);
  return address;
}

const sockaddr* SocketAddress::get() const {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the socket API's way
  return reinterpret_cast<const sockaddr*>(&storage);
}

SocketAddress socket_address(const ListenAddress& address) {
  SocketAddress made;
  sockaddr_in ipv4{};
  sockaddr_in6 ipv6{};
  if (inet_pton(AF_INET, address.host.c_str(), &ipv4.sin_addr) == 1) {
    ipv4.sin_family = AF_INET;
    ipv4.sin_port = htons(address.port);
    made.size = sizeof(ipv4);
    std::memcpy(&made.storage, &ipv4, sizeof(ipv4));
  } else if (address.host.empty() ||
             inet_pton(AF_INET6, address.host.c_str(), &ipv6.sin6_addr) == 1) {
    ipv6.sin6_family = AF_INET6;
    ipv6.sin6_port = htons(address.port);
    made.size = sizeof(ipv6);
    std::memcpy(&made.storage, &ipv6, sizeof(ipv6));
  }
  return made;
}

int listen_errno(const ListenAddress& address) {
  const SocketAddress place = socket_address(address);
  if (place.size == 0) return EINVAL;
  const int fd = socket(place.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  int error = 0;
  if (place.storage.ss_family == AF_INET6) {
    const int ipv6_only = address.host.empty() ? 0 : 1;
    if (setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &ipv6_only, sizeof(ipv6_only)) != 0) {
      error = errno;
    }
  }
  if (error == 0 && bind(fd, place.get(), place.size) != 0) error = errno;
  if (error == 0 && listen(fd, 1) != 0) error = errno;
  close(fd);
  return error;
}

}  // namespace cgmon
