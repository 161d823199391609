#pragma once

#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "agent/http/listen_address.h"
#include "agent/http/server.h"

namespace cgmon {

inline constexpr std::chrono::seconds kPatience{20};

/// For tests: one connection, reading with a time limit.
class Client {
 public:
  explicit Client(const Server& server, int receive_buffer = 0)
      : Client(ListenAddress{"127.0.0.1", server.ports().front()}, receive_buffer) {}
  explicit Client(const ListenAddress& address, int receive_buffer = 0)
      : Client(socket_address(address), receive_buffer) {}
  Client(const SocketAddress& there, int receive_buffer)
      : fd_(socket(there.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval limit{.tv_sec = kPatience.count(), .tv_usec = 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    if (receive_buffer != 0) {
      setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
    }
    connected_ = connect(fd_, there.get(), there.size) == 0;
  }
  ~Client() { close(fd_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  [[nodiscard]] bool connected() const { return connected_; }

  // NOLINTNEXTLINE(modernize-use-nodiscard): most clients only care about the answer
  bool send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  void finish_sending() const { shutdown(fd_, SHUT_WR); }

  /// Head and body of the next answer; what came of it when the connection ends first.
  std::pair<std::string, std::string> receive(bool with_body = true) {
    while (!head_is_whole() && receive_more()) {
    }
    if (!head_is_whole()) return {std::exchange(received_, ""), ""};
    const std::size_t head_size = received_.find("\r\n\r\n") + 4;
    const std::string head = received_.substr(0, head_size);
    const std::size_t at = head.find("Content-Length: ");
    const std::size_t size =
        !with_body || at == std::string::npos ? 0 : std::stoul(head.substr(at + 16));
    while (received_.size() < head_size + size && receive_more()) {
    }
    const std::string body = received_.substr(head_size, size);
    received_.erase(0, head_size + size);
    return {head, body};
  }

  std::pair<std::string, std::string> get(const std::string& path) {
    send("GET " + path + " HTTP/1.1\r\nHost: here\r\n\r\n");
    return receive();
  }

  /// Waits for more; false when the other side has closed, or after the time limit.
  bool receive_more(std::size_t most = kBufferBytes) {
    std::array<char, kBufferBytes> buffer{};
    errno = 0;
    const ssize_t size = recv(fd_, buffer.data(), std::min(most, buffer.size()), 0);
    if (size <= 0) return false;
    received_.append(buffer.data(), static_cast<std::size_t>(size));
    return true;
  }

  /// Everything until the other side closes; false after the time limit.
  bool receive_until_closed() {
    while (receive_more()) {
    }
    return errno != EAGAIN;
  }
  [[nodiscard]] const std::string& received() const { return received_; }

 private:
  static constexpr std::size_t kBufferBytes = 65'536;

  [[nodiscard]] bool head_is_whole() const {
    return received_.find("\r\n\r\n") != std::string::npos;
  }

  int fd_;
  bool connected_ = false;
  std::string received_;
};

}  // namespace cgmon
