#pragma once

#include <string>
#include <string_view>

namespace cgmon {

/// A text of any origin as a value in a logfmt line: in quotes, with quotes, backslashes and
/// control bytes spelt out (\\x1b), so that it ends neither the value nor the line and moves no
/// terminal; at most 512 bytes of it.
[[nodiscard]] std::string logfmt_value(std::string_view text);

}  // namespace cgmon
