#include <algorithm>
#include <vector>

#include "agent/http/listen_address.h"
#include "collectors/base/nearest.h"
#include "config/scalar.h"
#include "tests/fuzz/target.h"
#include "tests/fuzz/text.h"

namespace cgmon {
namespace {

void check_numbers(std::string_view input) {
  const auto count = parse_count(input);
  const bool digits =
      !input.empty() && input.find_first_not_of("0123456789") == std::string_view::npos;
  require(count.has_value() == digits, "a count is digits");
  if (count && *count != UINT64_MAX) {
    require(std::string(input).ends_with(std::to_string(*count)), "a count is its digits");
  }
  if (const auto duration = parse_duration(input)) {
    require(duration->count() >= 0, "no duration is negative");
    require(parse_duration(to_string(*duration)) == duration, "a duration is read back as it was");
  }
}

void check_words(std::string_view input) {
  if (const auto address = parse_host_port(input)) {
    require(parse_host_port(to_string(*address)) == address, "an address is read back as it was");
    require(is_printable_ascii(address->host), "a host is printable");
    require(input.find(address->host) != input.npos, "a host is what was typed");
    require(address->host.find('%') == std::string::npos, "a host has no scope id");
    if (address->host.find(':') != std::string::npos) {  // others may be looked up
      const auto place = parse_listen_address(to_string(*address));
      require(place.has_value() && place->port == address->port, "IPv6 can be listened on");
      require(*parse_listen_address(place->text()) == *place, "it is read back as it was");
    }
  }
  Scopes scopes;
  if (add_scopes(input, scopes)) {
    require(scopes.containers || scopes.pods || scopes.units || scopes.all, "a scope is chosen");
  }
  if (is_telemetry_path(input)) {
    require(is_printable_ascii(input) && input.front() == '/' && input.size() > 1 &&
                input.find_first_of("?#\"<> ") == input.npos && !input.starts_with("/-/"),
            "a telemetry path is one");
  }
  if (is_directory_path(input)) {
    require(!input.empty() && input.find('\0') == input.npos && input.size() < 4096,
            "a path is one for the kernel");
  }
  const std::string shown = in_quotes(input);
  require(is_printable_ascii(shown) && shown.size() <= 245,
          "what is quoted is short and printable");
}

}  // namespace

void check_input(std::string_view input) {
  check_numbers(input);
  check_words(input);
  const std::vector<std::string> names{"web.listen-address", "web.threads", "log.level", "only"};
  if (const auto near = nearest(input, names)) {
    require(std::ranges::find(names, *near) != names.end(), "the nearest is one of them");
  }
}

}  // namespace cgmon
