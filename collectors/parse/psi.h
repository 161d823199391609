#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "collectors/parse/number.h"

namespace cgmon {

/// The totals of a pressure file, in microseconds.
struct Psi {
  std::optional<std::uint64_t> some_usec, full_usec;
  std::size_t malformed = 0;  ///< lines that were not understood
};

/// Reads a *.pressure or /proc/pressure/* file (accounting/psi.rst):
///
///     some avg10=0.00 avg60=0.00 avg300=0.00 total=12345
///     full avg10=0.00 avg60=0.00 avg300=0.00 total=678
///
/// A missing line (irq has no "some", old kernels no "full" for cpu) leaves its value absent.
[[nodiscard]] inline Psi parse_psi(std::string_view text) {
  Psi psi;
  while (!text.empty()) {
    const bool cut = text.find('\n') == text.npos;
    const std::string_view line = take_until(text, '\n');
    const std::size_t total = line.find(" total=");
    const bool some = line.starts_with("some ");
    const auto value = cut || total == line.npos || (!some && !line.starts_with("full "))
                           ? std::nullopt
                           : parse_number(line.substr(total + 7));
    if (!value) {
      ++psi.malformed;
    } else {
      (some ? psi.some_usec : psi.full_usec) = value;
    }
  }
  return psi;
}

}  // namespace cgmon
