#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace cgmon {

/// A value of a JSON document, as it goes by.
struct JsonValue {
  enum class Kind : std::uint8_t { boolean, number, text, object_end };
  Kind kind = Kind::text;
  std::string_view text = {};  ///< of a text; lives as long as the call
  bool yes = false;            ///< of a boolean
  std::int64_t number = 0;     ///< of a whole number that fits
  [[nodiscard]] bool is_text() const { return kind == Kind::text; }
};

/// What a document is.
enum class JsonTop : std::uint8_t { broken, object, array, other };

/// Keys of the members that a value lies in, from the outside; those of array elements are empty.
using JsonKeys = std::span<const std::string>;

/// Hands each boolean, whole number and text, and the end of each object, to `visit`, as far as
/// they lie no deeper than five members. No tree is built: size and depth of the text are in
/// hostile hands. What was visited of a broken document is not to be trusted.
JsonTop visit_json(std::string_view json,
                   const std::function<void(JsonKeys, const JsonValue&)>& visit);

/// Whether the keys are these.
template <typename... Names>
[[nodiscard]] bool keys_are(JsonKeys keys, const Names&... names) {
  if (keys.size() != sizeof...(names)) return false;
  std::size_t at = 0;
  return ((keys[at++] == names) && ...);
}

}  // namespace cgmon
