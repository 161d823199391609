#pragma once

#include <string_view>

namespace cgmon {

/// Whether the pattern is the whole text: `*` stands for anything, `/` included, `?` for one
/// character. Linear in the text for one star, and never more than pattern times text.
[[nodiscard]] bool matches_glob(std::string_view pattern, std::string_view text);

}  // namespace cgmon
