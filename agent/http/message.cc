#include "agent/http/message.h"

#include <algorithm>
#include <charconv>
#include <system_error>
#include <utility>

namespace cgmon {

Response text_response(int status, std::string text) {
  return Response{.status = status,
                  .content_type = "text/plain; charset=utf-8",
                  .body = std::make_shared<const std::string>(std::move(text))};
}

std::string_view status_text(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 411:
      return "Length Required";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 417:
      return "Expectation Failed";
    case 500:
      return "Internal Server Error";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Unknown";
  }
}

std::optional<std::chrono::milliseconds> parse_scrape_timeout(std::string_view header_value) {
  constexpr double kLongestSeconds = 3600;
  double seconds = 0;
  const char* const end = header_value.data() + header_value.size();
  const auto [rest, error] =
      std::from_chars(header_value.data(), end, seconds, std::chars_format::fixed);
  // "nan" and "inf" are numbers to from_chars; the comparison leaves both out.
  const bool positive = seconds > 0 && seconds < 1e12;
  if (error != std::errc{} || rest != end || !positive) return std::nullopt;
  return std::chrono::ceil<std::chrono::milliseconds>(
      std::chrono::duration<double>(std::min(seconds, kLongestSeconds)));
}

}  // namespace cgmon
