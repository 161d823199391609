#include <string>
#include <vector>

#include "collectors/parse/device_number.h"
#include "collectors/parse/named_lines.h"
#include "tests/fuzz/target.h"
#include "tests/fuzz/text.h"

namespace cgmon {
namespace {

struct Parsed {
  std::vector<std::string> values;  // "name|key|value"
  std::size_t malformed = 0;
  friend bool operator==(const Parsed&, const Parsed&) = default;
};

std::string joined(std::string_view name, std::string_view key, std::string_view value) {
  require(!name.empty() && !key.empty(), "names and keys are not empty");
  require(name.find_first_of(" \n") == name.npos && value.find_first_of(" \n") == value.npos,
          "names and values are words");
  return std::string(name).append("|").append(key).append("|").append(value);
}

Parsed nested(std::string_view text) {
  Parsed parsed;
  parsed.malformed = parse_nested_keyed(text, [&](auto name, auto key, auto value) {
    require(key.find('=') == key.npos, "a key ends at the first equals sign");
    parsed.values.push_back(joined(name, key, value));
    return value != "bad";
  });
  return parsed;
}

Parsed named(std::string_view text) {
  Parsed parsed;
  parsed.malformed = parse_named_values(text, [&](auto name, auto value) {
    require(!value.empty(), "a named value is not empty");
    parsed.values.push_back(joined(name, "-", value));
    return value != "bad";
  });
  return parsed;
}

Parsed operations(std::string_view text) {
  Parsed parsed;
  parsed.malformed = parse_operations(text, [&](auto name, auto operation, std::uint64_t value) {
    parsed.values.push_back(joined(name, operation, std::to_string(value)));
  });
  return parsed;
}

Parsed partitions(std::string_view text) {
  Parsed parsed;
  parsed.malformed = parse_partitions(text, [&](DeviceNumber number, std::string_view name) {
    const std::string written = std::to_string(number.major) + ':' + std::to_string(number.minor);
    parsed.values.push_back(joined(name, "-", written));
    const auto again = parse_device_number(written);
    require(!again || *again == number, "a device's number is read back as it was");
  });
  return parsed;
}

}  // namespace

void check_input(std::string_view input) {
  for (const auto parse : {nested, named, operations, partitions}) {
    Parsed lines;
    for (const std::string& line : whole_lines(input)) {
      const Parsed one = parse(line + '\n');
      require(one.malformed <= 1, "a line is malformed once");
      lines.malformed += one.malformed;
      lines.values.insert(lines.values.end(), one.values.begin(), one.values.end());
    }
    if (!input.empty() && !input.ends_with('\n')) ++lines.malformed;
    require(parse(input) == lines, "a text is its whole lines");
  }
}

}  // namespace cgmon
