#include "agent/logfmt.h"
#include "tests/fuzz/target.h"

namespace cgmon {

void check_input(std::string_view input) {
  const std::string value = logfmt_value(input);
  require(value.size() >= 2 && value.front() == '"' && value.back() == '"', "a value is in quotes");
  require(value.size() <= 4 * 512 + 5, "a value is bounded");
  bool escaped = false;
  for (const char byte : std::string_view(value).substr(1, value.size() - 2)) {
    require(static_cast<unsigned char>(byte) >= 0x20 && byte != '\x7f', "a value is one line");
    require(escaped || byte != '"', "no quote ends a value early");
    escaped = !escaped && byte == '\\';
  }
  require(!escaped, "the last quote is no escaped one");
}

}  // namespace cgmon
