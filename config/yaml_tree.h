#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/base/result.h"

namespace cgmon {

/// A YAML document with the place of every part in its text. Aliases, tags and more than eight
/// levels are refused while it is read, so its size is bounded by the text's.
struct YamlNode {
  enum class Kind : std::uint8_t { null, plain, quoted, list, map };

  Kind kind = Kind::null;
  std::string text;
  /// Of a list, or of a map: key, value, key, value.
  std::vector<YamlNode> children;
  /// From 1.
  std::uint32_t line = 1;
  std::uint32_t column = 1;
};

/// The one document of `text`; a null node if there is none. `name` is how errors call the file.
[[nodiscard]] Result<YamlNode> parse_yaml(std::string_view text, std::string_view name);

/// An Error at a place of the file: "name:line: column N: what".
[[nodiscard]] tl::unexpected<Error> failure_at(std::string_view name, const YamlNode& place,
                                               std::string_view what);

}  // namespace cgmon
