#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace cgmon {

/// Text from hostile hands made fit for a terminal: what would move the cursor, colour, break or
/// reorder a line is spelt out. Control bytes become \x1b, invisible and direction-changing
/// characters \u202e (or \U000e0001), bytes that are no UTF-8 \xff; of a heap of combining marks
/// the first four stay. All else is as it was: a backslash too, as units have \x2d in their names.
[[nodiscard]] std::string terminal_safe(std::string_view text);

/// Columns that terminal_safe() text takes: 2 for East Asian and emoji characters, 0 for combining
/// marks. By ranges of its own (from Unicode 15's EastAsianWidth.txt), not by the locale.
[[nodiscard]] std::size_t display_width(std::string_view text);

/// terminal_safe() text within `width` columns: whole, or its start and end around a "…".
[[nodiscard]] std::string shortened(std::string_view text, std::size_t width);

}  // namespace cgmon
