#include "agent/http/router.h"

#include <cassert>
#include <exception>
#include <utility>

namespace cgmon {
namespace {

constexpr std::string_view kOtherPath = "other";

}  // namespace

void Router::add(std::string path, Handler handler) {
  [[maybe_unused]] const bool is_new =
      handlers_.emplace(std::move(path), std::move(handler)).second;
  assert(is_new && "a path has one handler");
}

Response Router::answer(const Request& request) const {
  const auto found = handlers_.find(request.path);
  const bool known = found != handlers_.end();
  const std::string_view label = known ? std::string_view(found->first) : kOtherPath;
  Response response;
  if (request.method != "GET" && request.method != "HEAD") {
    response = text_response(405, "405: only GET and HEAD are served\n");
    response.allow = "GET, HEAD";
  } else if (!known) {
    response = text_response(404, "404: nothing here; known paths: " + known_paths() + "\n");
  } else {
    response = run(label, found->second, request);
  }
  if (events_.answered) events_.answered(label, response.status);
  return response;
}

Response Router::run(std::string_view path, const Handler& handler, const Request& request) const {
  // Own code throws nothing, but the standard library does when memory is short, and a worker
  // thread of a C library must never see it.
  try {
    return handler(request);
  } catch (const std::exception& error) {
    if (events_.failed) events_.failed(path, error.what());
  } catch (...) {
    if (events_.failed) events_.failed(path, "an exception of unknown type");
  }
  return text_response(500, "500: the agent could not answer; its log says why\n");
}

std::string Router::known_paths() const {
  std::string paths;
  for (const auto& [path, handler] : handlers_) {
    if (!paths.empty()) paths += ' ';
    paths += path;
  }
  return paths;
}

}  // namespace cgmon
