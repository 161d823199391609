#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "collectors/metrics/row.h"

namespace cgmon {

/// Labels of an axis' element as the text formats have them, with a comma behind: `cpu="cpu00",`.
[[nodiscard]] std::string_view element_label(Axis axis, std::uint32_t element,
                                             std::array<char, 48>& buffer);

}  // namespace cgmon
