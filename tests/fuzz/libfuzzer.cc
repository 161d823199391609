#include <cstdint>

#include "tests/fuzz/target.h"

/// What libFuzzer calls with every input that it makes up.
// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes are text to a parser
  cgmon::check_input({reinterpret_cast<const char*>(data), size});
  return 0;
}
