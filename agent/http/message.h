#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace cgmon {

/// One request as handlers see it. The views live as long as the handler runs; a header that was
/// not sent is empty.
struct Request {
  std::string_view method;
  /// As the client sent it, without the query: not decoded, dot segments kept, so that a path is
  /// either exactly a known one or unknown.
  std::string_view path;
  std::string_view query;
  std::string_view accept;
  std::string_view accept_encoding;
  /// X-Prometheus-Scrape-Timeout-Seconds; see parse_scrape_timeout.
  std::string_view scrape_timeout;
};

/// What a handler answers. The body is shared, so that a kept page is sent without a copy; none is
/// an empty body. Content-Length, Connection and the security headers are the server's.
struct Response {
  int status = 200;
  std::string content_type;
  std::shared_ptr<const std::string> body;
  /// The Allow header of a 405; empty: none.
  std::string allow;
  /// "gzip" for a body that is; empty: as it is.
  std::string content_encoding;
  /// The Vary header: the request's headers that this answer depends on; empty: none.
  std::string vary;
  /// The Content-Security-Policy header of a page for people; empty: none.
  std::string content_security_policy;
};

/// Called by several threads at once.
using Handler = std::function<Response(const Request&)>;

/// A short plain-text answer.
[[nodiscard]] Response text_response(int status, std::string text);

/// The standard's words for a status ("Not Found").
[[nodiscard]] std::string_view status_text(int status);

/// The time that Prometheus gives a scrape ("10", "9.5" seconds), at most an hour; nothing for a
/// missing, malformed, zero or negative one.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_scrape_timeout(
    std::string_view header_value);

}  // namespace cgmon
