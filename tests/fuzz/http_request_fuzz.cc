#include <algorithm>

#include "agent/expose/html_text.h"
#include "agent/http/message.h"
#include "agent/http/negotiation.h"
#include "agent/http/response_head.h"
#include "agent/http/router.h"
#include "tests/fuzz/target.h"
#include "tests/fuzz/text.h"

namespace cgmon {
namespace {

void check_scrape_timeout(std::string_view value) {
  using std::chrono::milliseconds;
  const auto timeout = parse_scrape_timeout(value);
  if (!timeout) return;
  require(*timeout > milliseconds(0) && *timeout <= std::chrono::hours(1),
          "a time-out is more than nothing and at most an hour");
  require(value.find_first_not_of("0123456789.") == value.npos, "a time-out is digits and a point");
}

void check_router(std::string_view method, std::string_view path) {
  std::string answered;
  Router router({.answered = [&](std::string_view handler, int status) {
    answered = std::string(handler) + ' ' + std::to_string(status);
  }});
  const auto ok = [](const Request&) { return text_response(200, "ok\n"); };
  router.add("/", ok);
  router.add("/metrics", ok);
  const Response response = router.answer({.method = method, .path = path});
  const bool reads = method == "GET" || method == "HEAD";
  const bool known = path == "/" || path == "/metrics";
  require(response.status == (!reads ? 405 : known ? 200 : 404), "the status says what was wrong");
  require(answered == (known ? std::string(path) : "other") + ' ' + std::to_string(response.status),
          "no client makes up a label value");
  require(
      response.body->find(path.empty() ? "\xFF" : path) == std::string::npos || path.size() < 80,
      "an answer does not repeat what was asked");
}

void check_head(std::string_view hostile) {
  const Response response{.content_type = std::string(hostile), .allow = std::string(hostile)};
  const std::string head = response_head(response, 5, false, 0);
  std::size_t lines = 0;
  for (const std::string& line : whole_lines(head)) {
    require(line.ends_with('\r') && line.find('\r') == line.size() - 1, "lines end as they should");
    ++lines;
  }
  const std::size_t expected = 7 + (hostile.empty() ? 0 : 2);
  require(lines == expected && head.ends_with("\r\n\r\n"), "a value is no header of its own");
}

void check_html(std::string_view text) {
  std::string escaped = escape_html(text);
  require(escaped.find_first_of("<>\"'") == std::string::npos, "text is no markup");
  std::string plain;
  for (std::string_view rest = escaped; !rest.empty();) {
    if (rest.front() != '&') {
      plain += rest.front();
      rest.remove_prefix(1);
      continue;
    }
    const std::string_view entity = rest.substr(1, rest.find(';') - 1);
    plain += entity == "amp"    ? '&'
             : entity == "lt"   ? '<'
             : entity == "gt"   ? '>'
             : entity == "quot" ? '"'
                                : '\'';
    rest.remove_prefix(entity.size() + 2);
  }
  require(plain == text, "escaped text is the text");
}

void check_negotiation(std::string_view accept, std::string_view accept_encoding) {
  const auto has = [](std::string_view text, std::string_view word) {
    const auto same = [](char a, char b) {
      return a == b || (a >= 'A' && a <= 'Z' && a + 32 == b);
    };
    return std::search(text.begin(), text.end(), word.begin(), word.end(), same) != text.end();
  };
  require(!prefers_openmetrics(accept) || has(accept, "application/openmetrics-text"),
          "nobody gets OpenMetrics without asking");
  require(!prefers_gzip(accept_encoding) || has(accept_encoding, "gzip") ||
              accept_encoding.find('*') != accept_encoding.npos,
          "nobody gets gzip without asking");
  const std::string first(accept_encoding);
  require(prefers_gzip("gzip;q=1.000," + first) || has(first, "gzip") || has(first, "identity"),
          "what follows another coding's name does not hide gzip");
}

}  // namespace

/// Header values and the request line's parts: seven texts.
void check_input(std::string_view input) {
  const auto text = parts(input, 7);
  check_scrape_timeout(text[0]);
  check_router(text[1], text[2]);
  const ConnectionHeaders headers{.http_version = text[1],
                                  .connection = text[2],
                                  .upgrade = text[3],
                                  .content_length = text[4]};
  const bool keeps = may_keep_alive(headers);
  require(!keeps || (headers.upgrade.empty() &&
                     (headers.content_length.empty() || headers.content_length == "0")),
          "a connection ends with a body that nobody reads");
  check_negotiation(text[5], text[6]);
  check_head(text[3]);
  check_html(text[4]);
}

}  // namespace cgmon
