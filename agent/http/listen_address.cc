#include "agent/http/listen_address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <system_error>

namespace cgmon {
namespace {

std::string quoted(std::string_view text) { return '"' + std::string(text) + '"'; }

Result<std::string> ipv4_of(const std::string& host, std::string_view text) {
  addrinfo hints{};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failed = getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (failed != 0) {
    return failure("cannot listen on " + quoted(text) + ": no IPv4 address for " + quoted(host) +
                   " (" + gai_strerror(failed) + ")");
  }
  std::array<char, NI_MAXHOST> numeric{};
  const int unnamed = getnameinfo(found->ai_addr, found->ai_addrlen, numeric.data(), numeric.size(),
                                  nullptr, 0, NI_NUMERICHOST);
  freeaddrinfo(found);
  if (unnamed != 0) {
    return failure("cannot listen on " + quoted(text) + ": " + gai_strerror(unnamed));
  }
  return std::string(numeric.data());
}

}  // namespace

std::string ListenAddress::text() const { return host + ':' + std::to_string(port); }

Result<ListenAddress> parse_listen_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return failure("listen address " + quoted(text) + " has no port; expected host:port or :port");
  }
  const std::string_view host = text.substr(0, colon);
  if (host.find_first_of(":[]") != std::string_view::npos) {
    return failure("listen address " + quoted(text) +
                   " is IPv6, which this build's HTTP library (civetweb) cannot serve; use an IPv4 "
                   "address, or :port for every IPv4 interface");
  }
  const std::string_view digits = text.substr(colon + 1);
  ListenAddress address;
  const char* const end = digits.data() + digits.size();
  const auto [rest, error] = std::from_chars(digits.data(), end, address.port);
  if (error != std::errc{} || rest != end) {
    return failure("listen address " + quoted(text) + " has no port from 0 to 65535");
  }
  if (host.empty()) {
    address.host = "0.0.0.0";
    return address;
  }
  Result<std::string> numeric = ipv4_of(std::string(host), text);
  if (!numeric) return tl::unexpected<Error>(numeric.error());
  address.host = *numeric;
  return address;
}

int listen_errno(const ListenAddress& address) {
  sockaddr_in place{};
  place.sin_family = AF_INET;
  place.sin_port = htons(address.port);
  if (inet_pton(AF_INET, address.host.c_str(), &place.sin_addr) != 1) return EINVAL;
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  int error = 0;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the socket API's way
  if (bind(fd, reinterpret_cast<const sockaddr*>(&place), sizeof(place)) != 0) error = errno;
  if (error == 0 && listen(fd, 1) != 0) error = errno;
  close(fd);
  return error;
}

}  // namespace cgmon
