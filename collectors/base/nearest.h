#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace cgmon {

/// The candidate that somebody who typed `word` most likely meant: a typo or two away, or the same
/// last part behind other dots (`listen-address` for `web.listen-address`). Nothing when none is
/// close. The first of equally near ones.
[[nodiscard]] std::optional<std::string> nearest(std::string_view word,
                                                 std::span<const std::string> candidates);

}  // namespace cgmon
