#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace cgmon {

enum class Severity : std::uint8_t { trace, debug, info, warn, error };

/// How a line is written: `ts=… level=info msg="…" key=value`, or the same as a JSON object.
enum class LineFormat : std::uint8_t { logfmt, json };

/// What a line says beside its message. Values may be of any origin: neither the value nor the line
/// ends in them, no terminal moves, and 512 bytes of each are enough.
using LogFields = std::initializer_list<std::pair<std::string_view, std::string_view>>;

/// One line without its end. `wall_ns` since the epoch.
[[nodiscard]] std::string log_line(LineFormat format, std::int64_t wall_ns, Severity severity,
                                   std::string_view message, LogFields fields);

/// Writes lines, whole, from any thread. Thread-safe.
class Log {
 public:
  using Write = std::function<void(std::string_view line)>;

  /// On stderr.
  Log(Severity least, LineFormat format);
  Log(Severity least, LineFormat format, Write write)
      : least_(least), format_(format), write_(std::move(write)) {}

  void set(Severity least, LineFormat format) {
    least_ = least;
    format_ = format;
  }

  void debug(std::string_view message, LogFields fields = {}) {
    say(Severity::debug, message, fields);
  }
  void info(std::string_view message, LogFields fields = {}) {
    say(Severity::info, message, fields);
  }
  void warn(std::string_view message, LogFields fields = {}) {
    say(Severity::warn, message, fields);
  }
  void error(std::string_view message, LogFields fields = {}) {
    say(Severity::error, message, fields);
  }

 private:
  void say(Severity severity, std::string_view message, LogFields fields);

  std::atomic<Severity> least_;
  std::atomic<LineFormat> format_;
  Write write_;
};

}  // namespace cgmon
