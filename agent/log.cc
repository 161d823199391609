#include "agent/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>

#include "collectors/identity/utf8.h"

namespace cgmon {
namespace {

constexpr std::size_t kLongestValue = 512;

std::string_view name_of(Severity severity) {
  constexpr std::array<std::string_view, 5> kNames{"trace", "debug", "info", "warn", "error"};
  return kNames.at(static_cast<std::size_t>(severity));
}

/// "2026-11-24T03:07:01.250Z".
std::string timestamp(std::int64_t wall_ns) {
  const std::time_t seconds = wall_ns / 1'000'000'000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", utc.tm_year + 1900,
                utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                static_cast<int>(wall_ns / 1'000'000 % 1'000));
  return text.data();
}

/// In quotes; a control byte is spelt out behind `escape` ("\x1b", or JSON's "\u001b").
std::string quoted(std::string_view text, std::string_view escape) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string value = "\"";
  for (const char byte : text.substr(0, kLongestValue)) {
    const auto code = static_cast<unsigned char>(byte);
    if (byte == '"' || byte == '\\') {
      value += '\\';
      value += byte;
    } else if (code < 0x20 || code == 0x7f) {
      value += escape;
      value += kDigits[code >> 4U];
      value += kDigits[code & 15U];
    } else {
      value += byte;
    }
  }
  if (text.size() > kLongestValue) value += "...";
  return value += '"';
}

bool is_plain(std::string_view text) {
  const auto is_word = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           std::string_view("_-.:/+@[]").find(c) != std::string_view::npos;
  };
  for (const char c : text) {
    if (!is_word(c)) return false;
  }
  return !text.empty() && text.size() <= kLongestValue;
}

std::string json_text(std::string_view text) {
  // Cut first, so that no character is: half of one is repaired, too.
  std::string value = quoted(repair_text(text.substr(0, kLongestValue), kLongestValue), "\\u00");
  if (text.size() > kLongestValue) value.insert(value.size() - 1, "...");
  return value;
}

}  // namespace

std::string log_line(LineFormat format, std::int64_t wall_ns, Severity severity,
                     std::string_view message, LogFields fields) {
  std::string line;
  if (format == LineFormat::json) {
    line = "{\"ts\":\"" + timestamp(wall_ns) + "\",\"level\":\"";
    line += name_of(severity);
    line += "\",\"msg\":" + json_text(message);
    for (const auto& [key, value] : fields) {
      line += ",\"";
      line += key;
      line += "\":" + json_text(value);
    }
    return line += '}';
  }
  line = "ts=" + timestamp(wall_ns) + " level=";
  line += name_of(severity);
  line += " msg=" + quoted(message, "\\x");
  for (const auto& [key, value] : fields) {
    line += ' ';
    line += key;
    line += '=';
    line += is_plain(value) ? std::string(value) : quoted(value, "\\x");
  }
  return line;
}

Log::Log(Severity least, LineFormat format) : least_(least), format_(format) {
  auto logger =
      std::make_shared<spdlog::logger>("agent", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern("%v");
  logger->flush_on(spdlog::level::info);
  write_ = [logger](std::string_view line) { logger->info("{}", line); };
}

void Log::say(Severity severity, std::string_view message, LogFields fields) {
  if (severity < least_.load()) return;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  write_(
      log_line(format_.load(), std::chrono::nanoseconds(now).count(), severity, message, fields));
}

}  // namespace cgmon
