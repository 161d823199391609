#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace cgmon {

/// Compresses whole texts, fast rather than small (libdeflate, level 1). Output is appended, so
/// that buffers can be reused. Deterministic. One-thread.
class Gzip {
 public:
  Gzip();
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;
  ~Gzip();

  /// Appends the text as a gzip file (RFC 1952).
  void append_file(std::string_view text, std::string& out);

  /// Appends the text as a whole deflate stream (RFC 1951), its last block marked as such.
  void append_stream(std::string_view text, std::string& out);

  /// What ends a gzip file whose stream holds `text`: its checksum and size.
  static void append_trailer(std::string_view text, std::string& out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace cgmon
