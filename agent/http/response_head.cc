#include "agent/http/response_head.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <iterator>

namespace cgmon {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_ignoring_case(std::string_view left, std::string_view right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](char a, char b) { return lower(a) == lower(b); });
}

/// Whether a comma-separated header has a token.
bool has_token(std::string_view header, std::string_view token) {
  while (!header.empty()) {
    const std::size_t comma = header.find(',');
    std::string_view item = header.substr(0, comma);
    header = comma == std::string_view::npos ? std::string_view{} : header.substr(comma + 1);
    const std::size_t first = item.find_first_not_of(" \t");
    if (first == std::string_view::npos) continue;
    item = item.substr(first, item.find_last_not_of(" \t") - first + 1);
    if (same_ignoring_case(item, token)) return true;
  }
  return false;
}

/// "Tue, 24 Nov 2026 00:07:01 GMT": strftime's names would depend on the locale.
std::string http_date(std::time_t now) {
  static constexpr std::array<const char*, 7> kDays{"Sun", "Mon", "Tue", "Wed",
                                                    "Thu", "Fri", "Sat"};
  static constexpr std::array<const char*, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm utc{};
  gmtime_r(&now, &utc);
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                kDays.at(static_cast<std::size_t>(utc.tm_wday)), utc.tm_mday,
                kMonths.at(static_cast<std::size_t>(utc.tm_mon)), utc.tm_year + 1900, utc.tm_hour,
                utc.tm_min, utc.tm_sec);
  return text.data();
}

void append_header(std::string& head, std::string_view name, std::string_view value) {
  head += name;
  head += ": ";
  std::copy_if(value.begin(), value.end(), std::back_inserter(head),
               [](char c) { return static_cast<unsigned char>(c) >= ' ' && c != '\x7f'; });
  head += "\r\n";
}

}  // namespace

bool may_keep_alive(const ConnectionHeaders& headers) {
  const bool has_body = !headers.transfer_encoding.empty() ||
                        (!headers.content_length.empty() && headers.content_length != "0");
  if (has_body || !headers.upgrade.empty()) return false;
  if (headers.connection.empty()) return headers.http_version == "1.1";
  return has_token(headers.connection, "keep-alive");
}

std::string response_head(const Response& response, std::size_t body_size, bool keep_alive,
                          std::time_t now) {
  std::string head;
  head.reserve(512);
  head += "HTTP/1.1 ";
  head += std::to_string(response.status);
  head += ' ';
  head += status_text(response.status);
  head += "\r\n";
  append_header(head, "Date", http_date(now));
  if (!response.content_type.empty()) append_header(head, "Content-Type", response.content_type);
  if (!response.content_encoding.empty()) {
    append_header(head, "Content-Encoding", response.content_encoding);
  }
  if (!response.vary.empty()) append_header(head, "Vary", response.vary);
  append_header(head, "Content-Length", std::to_string(body_size));
  if (!response.allow.empty()) append_header(head, "Allow", response.allow);
  if (!response.content_security_policy.empty()) {
    append_header(head, "Content-Security-Policy", response.content_security_policy);
    append_header(head, "Referrer-Policy", "no-referrer");
  }
  append_header(head, "Cache-Control", "no-store");
  append_header(head, "X-Content-Type-Options", "nosniff");
  append_header(head, "Connection", keep_alive ? "keep-alive" : "close");
  head += "\r\n";
  return head;
}

}  // namespace cgmon
