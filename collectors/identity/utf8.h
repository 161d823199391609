#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace cgmon {

/// Text from hostile hands made fit for a label: bytes that are no UTF-8 (overlong forms,
/// surrogates and anything above U+10FFFF included) become U+FFFD, and at most `max_bytes` stay,
/// cut between characters.
[[nodiscard]] std::string repair_text(std::string_view text, std::size_t max_bytes);

/// A path of any bytes as text, so that different paths stay different: a byte 0xHH that is no
/// UTF-8 becomes the private-use character U+F7HH, and so does each byte of such a character that
/// the path itself holds. Ordinary text is unchanged.
[[nodiscard]] std::string repair_path(std::string_view path);

}  // namespace cgmon
