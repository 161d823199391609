#include <array>
#include <cstdio>
#include <ctime>

#include "collectors/identity/docker.h"
#include "tests/fuzz/target.h"

namespace cgmon {

void check_input(std::string_view input) {
  const std::int64_t time_ns = parse_rfc3339(input);
  require(time_ns >= 0, "no time is before the epoch");
  if (time_ns == 0) return;
  const std::time_t seconds = time_ns / 1'000'000'000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 128> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02d.%09lldZ",
                utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min,
                utc.tm_sec, static_cast<long long>(time_ns % 1'000'000'000));
  // A zone may shift a time out of the years that are understood.
  const bool within = utc.tm_year + 1900 <= 2261;
  require(!within || parse_rfc3339(text.data()) == time_ns, "a time is read back as it was");
  require(input.size() >= 20, "a time has a date, a clock and a zone");
  const std::string_view written(text.data());
  if (input.back() == 'Z' && input.substr(17, 2) != "60") {
    require(input.substr(0, 10) == written.substr(0, 10) &&
                input.substr(11, 8) == written.substr(11, 8),
            "the calendar is the C library's");
  }
}

}  // namespace cgmon
