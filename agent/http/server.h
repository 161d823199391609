#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/http/message.h"
#include "collectors/base/result.h"

namespace cgmon {

struct ServerOptions {
  /// As parse_listen_address understands them; port 0: the kernel chooses.
  std::vector<std::string> listen_addresses;
  /// One connection each, while it lives. Beyond half of them, connections are closed after their
  /// answer, so that idle ones cannot hold the last threads.
  std::uint32_t threads = 8;
  /// For a request's header to arrive whole, and for a client to take more of an answer. Short, as
  /// a silent connection holds a thread for so long.
  std::chrono::milliseconds request_timeout{3'000};
  /// For a client to take all of an answer: slow ones would hold the threads otherwise.
  std::chrono::milliseconds send_timeout{30'000};
  /// For the next request on a connection.
  std::chrono::milliseconds keep_alive_timeout{5'000};
  /// What stop() gives answers under way.
  std::chrono::milliseconds drain_timeout{8'000};
};

/// What a Server reports; each may be empty. Called by several threads at once.
struct ServerEvents {
  /// A line of the HTTP library's own, for the debug log: clients can cause it.
  std::function<void(std::string_view line)> log;
  /// A request that reached no handler: "malformed" (with the status sent) or "stopping" (503).
  std::function<void(std::string_view reason, int status)> rejected;
  /// An answer went out: the CPU time of that, the handler's aside.
  std::function<void(std::int64_t cpu_ns)> sent;
};

/// Serves one handler over HTTP/1.1, on threads of its own. The one place that knows CivetWeb.
/// start and stop belong to one thread; the rest is thread-safe.
///
/// Handlers run on a stack of 256 KiB (cmake/civetweb.cmake; 25 KiB are in use when they start):
/// large buffers belong on the heap. All signals are blocked on the server's threads;
/// SIGPIPE is ignored in the whole process.
class Server {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Server>> start(const ServerOptions& options,
                                                             Handler handler,
                                                             ServerEvents events = {});
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  /// Stops.
  ~Server();

  /// Where it listens, as numbers, in the options' order, with the ports that the kernel chose.
  [[nodiscard]] const std::vector<std::string>& addresses() const { return addresses_; }
  [[nodiscard]] const std::vector<std::uint16_t>& ports() const { return ports_; }

  /// Requests that a handler or the network is busy with.
  [[nodiscard]] std::uint32_t in_flight() const;

  /// Refuses new requests (503), lets those under way finish within drain_timeout, then closes
  /// everything. A handler that does not return holds it. An idle client's connection can hold it
  /// for two seconds. May be called again.
  void stop();

 private:
  class Connections;

  Server();

  std::unique_ptr<Connections> connections_;
  std::vector<std::string> addresses_;
  std::vector<std::uint16_t> ports_;
};

}  // namespace cgmon
