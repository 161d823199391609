#pragma once

#include <cstddef>
#include <ctime>
#include <string>
#include <string_view>

#include "agent/http/message.h"

namespace cgmon {

/// What a client said about its connection, in headers as they came (empty: not sent).
struct ConnectionHeaders {
  std::string_view http_version;
  std::string_view connection;
  std::string_view upgrade;
  std::string_view transfer_encoding;
  std::string_view content_length;
};

/// Whether the client wants to go on and its next request can be found: not after a request with a
/// body, which no handler reads, nor after one that asked for another protocol.
[[nodiscard]] bool may_keep_alive(const ConnectionHeaders& headers);

/// Status line and headers up to the empty line, for a body of `body_size` bytes. Control
/// characters in the response's own values are left out.
[[nodiscard]] std::string response_head(const Response& response, std::size_t body_size,
                                        bool keep_alive, std::time_t now);

}  // namespace cgmon
