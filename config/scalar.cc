#include "config/scalar.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <utility>

namespace cgmon {
namespace {

constexpr std::size_t kPathBytesMax = 4095;
constexpr std::size_t kHostBytesMax = 253;
constexpr std::size_t kQuotedBytesMax = 60;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_printable(char c) { return c >= ' ' && c <= '~'; }

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == '\x7f'; }

bool is_host_name(std::string_view host) {
  return host.size() <= kHostBytesMax && std::ranges::all_of(host, [](char c) {
           return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
                  c == '.' || c == '_';
         });
}

bool is_address(int family, std::string_view host) {
  std::array<unsigned char, sizeof(in6_addr)> binary{};
  return inet_pton(family, std::string(host).c_str(), binary.data()) == 1;
}

/// Digits and dots alone are meant as an IPv4 address, so 300.0.0.1 is no name.
bool is_host(std::string_view host) {
  if (host.empty()) return true;
  const bool numeric = std::ranges::all_of(host, [](char c) { return is_digit(c) || c == '.'; });
  return numeric ? is_address(AF_INET, host) : is_host_name(host);
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  const std::optional<std::uint64_t> port = parse_count(text);
  if (!port || *port > std::numeric_limits<std::uint16_t>::max()) return std::nullopt;
  return static_cast<std::uint16_t>(*port);
}

bool is_word_pattern(std::string_view text) {
  return !text.empty() && text.size() <= 253 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '*' || c == '?';
  });
}

}  // namespace

std::optional<bool> parse_boolean(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return std::nullopt;
}

std::optional<std::uint64_t> parse_count(std::string_view text) {
  if (text.empty() || !std::ranges::all_of(text, is_digit)) return std::nullopt;
  std::uint64_t value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} ? value : std::numeric_limits<std::uint64_t>::max();
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  using std::chrono::milliseconds;
  constexpr std::array<std::pair<std::string_view, std::uint64_t>, 4> kUnits{
      {{"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}}};
  const auto digits_end = std::ranges::find_if_not(text, is_digit);
  const auto digits = static_cast<std::size_t>(digits_end - text.begin());
  const std::optional<std::uint64_t> number = parse_count(text.substr(0, digits));
  if (!number) return std::nullopt;
  const std::string_view unit = text.substr(digits);
  if (unit.empty()) return *number == 0 ? std::optional(milliseconds{0}) : std::nullopt;
  const auto* const found = std::ranges::find(kUnits, unit, &decltype(kUnits)::value_type::first);
  if (found == kUnits.end()) return std::nullopt;
  if (*number > static_cast<std::uint64_t>(milliseconds::max().count()) / found->second) {
    return milliseconds::max();
  }
  return milliseconds{static_cast<milliseconds::rep>(*number * found->second)};
}

std::string to_string(std::chrono::milliseconds duration) {
  const auto count = duration.count();
  if (count == 0) return "0";
  if (count % 3'600'000 == 0) return std::to_string(count / 3'600'000) + "h";
  if (count % 60'000 == 0) return std::to_string(count / 60'000) + "m";
  if (count % 1'000 == 0) return std::to_string(count / 1'000) + "s";
  return std::to_string(count) + "ms";
}

std::optional<HostPort> parse_host_port(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::optional<std::uint16_t> port = parse_port(text.substr(colon + 1));
  if (!port) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
    // An embedded NUL would end the C string that is checked before the rest of it.
    if (std::ranges::any_of(host, is_control) || !is_address(AF_INET6, host)) return std::nullopt;
  } else if (!is_host(host)) {
    return std::nullopt;
  }
  return HostPort{std::string(host), *port};
}

std::string to_string(const HostPort& address) {
  const std::string port = ":" + std::to_string(address.port);
  return address.host.find(':') == std::string::npos ? address.host + port
                                                     : "[" + address.host + "]" + port;
}

std::optional<LogLevel> parse_log_level(std::string_view text) {
  if (text == "trace") return LogLevel::trace;
  if (text == "debug") return LogLevel::debug;
  if (text == "info") return LogLevel::info;
  if (text == "warn") return LogLevel::warn;
  if (text == "error") return LogLevel::error;
  return std::nullopt;
}

std::string to_string(LogLevel level) {
  switch (level) {
    case LogLevel::trace:
      return "trace";
    case LogLevel::debug:
      return "debug";
    case LogLevel::info:
      return "info";
    case LogLevel::warn:
      return "warn";
    case LogLevel::error:
      break;
  }
  return "error";
}

std::optional<LogFormat> parse_log_format(std::string_view text) {
  if (text == "logfmt") return LogFormat::logfmt;
  if (text == "json") return LogFormat::json;
  return std::nullopt;
}

bool add_scopes(std::string_view text, Scopes& scopes) {
  while (true) {
    const std::size_t comma = text.find(',');
    const std::string_view word = text.substr(0, comma);
    if (word == "containers") {
      scopes.containers = true;
    } else if (word == "pods") {
      scopes.pods = true;
    } else if (word == "units") {
      scopes.units = true;
    } else if (word == "all") {
      scopes.all = true;
    } else {
      return false;
    }
    if (comma == std::string_view::npos) return true;
    text.remove_prefix(comma + 1);
  }
}

bool is_directory_path(std::string_view text) {
  return !text.empty() && is_directory_path_or_empty(text);
}

bool is_directory_path_or_empty(std::string_view text) {
  return text.size() <= kPathBytesMax && std::ranges::none_of(text, is_control);
}

bool is_key_pattern(std::string_view text) {
  return !text.empty() && text.size() <= 255 &&
         std::ranges::none_of(text, [](char c) { return is_control(c) || c == ' ' || c == ','; });
}

bool is_path_pattern(std::string_view text) {
  return !text.empty() && text.size() <= kPathBytesMax && (text[0] == '/' || text[0] == '*') &&
         std::ranges::none_of(text, [](char c) {
           return is_control(c) || std::string_view(",[]{}").find(c) != std::string_view::npos;
         });
}

bool is_namespace_pattern(std::string_view text) { return is_word_pattern(text); }

bool is_runtime_pattern(std::string_view text) {
  if (!is_word_pattern(text)) return false;
  if (text.find_first_of("*?") != std::string_view::npos) return true;
  std::string_view words = kRuntimeWords;
  while (!words.empty()) {
    const std::size_t end = std::min(words.find(' '), words.size());
    if (words.substr(0, end) == text) return true;
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  return false;
}

bool is_telemetry_path(std::string_view text) {
  return text.size() > 1 && text.size() <= 255 && text.starts_with('/') &&
         !text.starts_with("/-/") && std::ranges::all_of(text, [](char c) {
           return is_printable(c) &&
                  std::string_view(" ?#%\"<>\\").find(c) == std::string_view::npos;
         });
}

std::string printable(std::string_view text, std::size_t max_bytes) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  for (const char c : text.substr(0, max_bytes)) {
    if (is_printable(c)) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += {'\\', 'x', kHex[byte >> 4U], kHex[byte & 0xFU]};
  }
  if (text.size() > max_bytes) out += "...";
  return out;
}

std::string in_quotes(std::string_view text) {
  return '`' + printable(text, kQuotedBytesMax) + '`';
}

}  // namespace cgmon
