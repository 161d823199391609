#pragma once

#include <string_view>

namespace cgmon {

// What a client would rather have, by its quality values (RFC 9110, 12.4.2). Malformed parts of a
// header count as not sent.

/// Whether an Accept-Encoding header lists gzip, not behind identity. `q=0` refuses it.
[[nodiscard]] bool prefers_gzip(std::string_view accept_encoding);

/// Whether an Accept header asks for OpenMetrics 1.0 by name, not behind plain text. Wildcards mean
/// plain text; so does everything else, since there is nothing that nobody would take.
[[nodiscard]] bool prefers_openmetrics(std::string_view accept);

}  // namespace cgmon
