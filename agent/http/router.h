#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "agent/http/message.h"

namespace cgmon {

/// What a Router reports; each may be empty. Called by several threads at once.
struct RouterEvents {
  /// Every answer: the path it was registered with, or "other", so that clients cannot make up
  /// label values; and the status.
  std::function<void(std::string_view handler, int status)> answered;
  /// A handler threw, which is a bug or a lack of memory; the client got a 500.
  std::function<void(std::string_view handler, std::string_view what)> failed;
};

/// Exact paths to handlers, for GET and HEAD. Pure: needs no socket. Thread-safe once all paths
/// are added.
class Router {
 public:
  explicit Router(RouterEvents events = {}) : events_(std::move(events)) {}

  /// REQUIRES: no request has been answered yet, and `path` is new.
  void add(std::string path, Handler handler);

  /// The handler's answer; 404 for an unknown path, 405 for another method, 500 if the handler
  /// threw. A HEAD request has the answer of GET: leaving the body out is the server's part.
  [[nodiscard]] Response answer(const Request& request) const;

 private:
  [[nodiscard]] Response run(std::string_view path, const Handler& handler,
                             const Request& request) const;
  [[nodiscard]] std::string known_paths() const;

  RouterEvents events_;
  std::map<std::string, Handler, std::less<>> handlers_;
};

}  // namespace cgmon
