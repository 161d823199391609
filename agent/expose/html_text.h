#pragma once

#include <string>
#include <string_view>

namespace cgmon {

/// `text` for an HTML element or a quoted attribute. Bytes that are no UTF-8, and control
/// characters, are its caller's to mend: terminal_safe() does.
[[nodiscard]] std::string escape_html(std::string_view text);

}  // namespace cgmon
