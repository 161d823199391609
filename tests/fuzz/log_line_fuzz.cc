#include <nlohmann/json.hpp>

#include "agent/log.h"
#include "tests/fuzz/target.h"

namespace cgmon {
namespace {

/// What stands before the quote that ends the value at the beginning of `text`, which is behind the
/// opening one.
std::string_view take_quoted(std::string_view& text) {
  bool escaped = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"' && !escaped) {
      const std::string_view value = text.substr(0, i);
      text.remove_prefix(i + 1);
      return value;
    }
    escaped = !escaped && text[i] == '\\';
  }
  require(false, "what is in quotes ends");
  return {};
}

bool take(std::string_view& text, std::string_view expected) {
  if (!text.starts_with(expected)) return false;
  text.remove_prefix(expected.size());
  return true;
}

void check_logfmt(std::string_view input) {
  const std::string line = log_line(LineFormat::logfmt, 0, Severity::warn, input, {{"key", input}});
  std::string_view rest = line;
  require(take(rest, "ts=1970-01-01T00:00:00.000Z level=warn msg=\""), "time, severity, message");
  require(take_quoted(rest).size() <= 4 * 512 + 3, "a message is bounded");
  require(take(rest, " key="), "the field follows the message");
  if (take(rest, "\"")) {
    require(take_quoted(rest).size() <= 4 * 512 + 3, "a value is bounded");
    require(rest.empty(), "the line ends with the value");
  } else {
    require(rest == input && rest.size() <= 512, "a plain value stands as it is");
    require(rest.find_first_of(" \"=") == rest.npos, "a plain value is one word");
  }
}

void check_json(std::string_view input) {
  const std::string line = log_line(LineFormat::json, 0, Severity::warn, input, {{"key", input}});
  const auto object = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  require(object.is_object() && object.size() == 4, "an object of time, severity, message, field");
  require(object["msg"].is_string() && object["msg"] == object["key"],
          "both texts are repaired alike");
}

}  // namespace

void check_input(std::string_view input) {
  check_logfmt(input);
  check_json(input);
  for (const LineFormat format : {LineFormat::logfmt, LineFormat::json}) {
    for (const char byte : log_line(format, 0, Severity::warn, input, {{"key", input}})) {
      require(static_cast<unsigned char>(byte) >= 0x20 && byte != '\x7f', "a line is one line");
    }
  }
}

}  // namespace cgmon
