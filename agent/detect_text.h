#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cgmon {

/// How the report of `agent detect` is set. Paths and names come from outside: nothing of them may
/// move the terminal's cursor, so control bytes are written in octal (\012).
[[nodiscard]] std::string printable(std::string_view text);

/// Container ids cut to the length that engines show.
[[nodiscard]] std::string with_short_ids(std::string_view path);

[[nodiscard]] std::string joined(const std::vector<std::string>& words, std::string_view separator);

/// The words of a text in lines of at most 96 columns, where they are not longer themselves; each
/// line begins with `first` or `others`.
[[nodiscard]] std::string wrapped(std::string_view text, std::string_view first,
                                  std::string_view others);

/// Lines whose columns stand below each other.
class Table {
 public:
  void add(std::vector<std::string> cells) { lines_.push_back(std::move(cells)); }
  [[nodiscard]] std::string text() const;

 private:
  std::vector<std::vector<std::string>> lines_;
};

}  // namespace cgmon
