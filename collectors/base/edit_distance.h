#pragma once

#include <cstddef>
#include <string_view>

namespace cgmon {

/// How many typos lie between two names: insertions, deletions, replacements and swaps of
/// neighbours that turn `a` into `b`; case and _ for - are free. (Damerau–Levenshtein, optimal
/// string alignment.) Takes the product of the lengths: the caller bounds them.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace cgmon
