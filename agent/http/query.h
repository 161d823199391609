#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cgmon {

/// The parameters of a query (`a=1&b%5B%5D=x+y`), decoded, in their order. One without `=` has an
/// empty value; a `%` that no two hexadecimal digits follow stands for itself. Takes any bytes.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> parse_query(std::string_view query);

}  // namespace cgmon
