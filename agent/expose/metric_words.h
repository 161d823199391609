#pragma once

#include <string_view>

#include "collectors/metrics/family.h"

namespace cgmon {

/// "counter", "gauge", "info" or "stateset".
[[nodiscard]] std::string_view word(Kind kind);

/// "bytes", "seconds", …
[[nodiscard]] std::string_view word(Unit unit);

}  // namespace cgmon
