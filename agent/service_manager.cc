#include "agent/service_manager.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

namespace cgmon {
namespace {

std::string message_of(ServicePhase phase, std::int64_t monotonic_ns) {
  switch (phase) {
    case ServicePhase::ready:
      return "READY=1";
    case ServicePhase::reloading:
      return "RELOADING=1\nMONOTONIC_USEC=" + std::to_string(monotonic_ns / 1000);
    case ServicePhase::stopping:
      return "STOPPING=1";
  }
  return {};
}

}  // namespace

Result<void> ServiceManager::tell(ServicePhase phase, std::int64_t monotonic_ns) const {
  if (socket_.empty()) return {};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  // A path ends with a zero byte, an abstract name begins with one.
  const bool is_known = socket_[0] == '/' || socket_[0] == '@';
  if (!is_known || socket_.size() >= sizeof(address.sun_path)) {
    return failure("NOTIFY_SOCKET is neither a path nor an abstract name that fits a socket",
                   socket_);
  }
  std::memcpy(address.sun_path, socket_.data(), socket_.size());
  std::size_t length = offsetof(sockaddr_un, sun_path) + socket_.size();
  if (socket_[0] == '@') {
    address.sun_path[0] = '\0';
  } else {
    ++length;
  }
  const int descriptor = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return failure("no socket for the service manager", socket_, errno);
  const std::string text = message_of(phase, monotonic_ns);
  const ssize_t sent =
      ::sendto(descriptor, text.data(), text.size(), MSG_NOSIGNAL,
               reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(length));
  const int error = errno;
  ::close(descriptor);
  if (sent < 0) return failure("the service manager cannot be told", socket_, error);
  return {};
}

}  // namespace cgmon
