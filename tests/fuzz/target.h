#pragma once

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace cgmon {

/// What each fuzz target defines: gives any bytes to a parser and requires what has to hold.
/// Deterministic, without files, network or state that outlives the call.
void check_input(std::string_view input);

/// Ends the process, which is how fuzzer and replay learn that a property is broken.
inline void require(bool holds, const char* property) {
  if (holds) return;
  std::fprintf(stderr, "broken property: %s\n", property);
  std::abort();
}

}  // namespace cgmon
