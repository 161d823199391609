#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace cgmon {

/// Why something could not be had, in words for a person: `what` says what was tried and the
/// remedy where there is one, `path` the file it happened to (may be empty), `error` the errno
/// value (0: not a system error), `line` the line in that file (0: none).
struct Error {
  std::string what;
  std::string path;
  int error = 0;
  std::uint32_t line = 0;

  /// One line: "path:line: what: strerror".
  [[nodiscard]] std::string message() const;
};

/// A value or an Error. For folder borders and start-up; the read loop uses one-byte outcomes.
template <class T>
using Result = tl::expected<T, Error>;

/// Shorthand for returning an Error from a function that returns a Result.
[[nodiscard]] inline tl::unexpected<Error> failure(std::string what, std::string_view path = {},
                                                   int error = 0, std::uint32_t line = 0) {
  return tl::unexpected<Error>(Error{std::move(what), std::string(path), error, line});
}

/// The symbolic name of an errno value ("ENOENT"), "unknown" for one that has none.
/// It is a label value in metrics, so it is stable and short.
[[nodiscard]] std::string_view errno_name(int error);

}  // namespace cgmon
