#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/kernel/files.h"
#include "collectors/kernel/roots.h"

namespace cgmon {

/// Regular files and directories below the host's root that hostile hands may have made: no link
/// leaves the root, no FIFO or device is opened, sizes and numbers are bounded. Paths are the
/// host's. Errors are negative errnos. One-thread.
class HostFiles {
 public:
  static constexpr std::size_t kMaxFile = 1U << 20U;

  HostFiles(Files& files, const Roots& roots);
  HostFiles(const HostFiles&) = delete;
  HostFiles& operator=(const HostFiles&) = delete;
  ~HostFiles();

  [[nodiscard]] const std::string& rootfs() const { return rootfs_; }
  /// 0, or why the root itself cannot be opened.
  [[nodiscard]] int error() const { return root_ < 0 ? root_ : 0; }
  /// Fills `text` with a whole file; -EFBIG beyond kMaxFile.
  int read(std::string_view path, std::string& text);
  /// The directories in a directory, at most `most` of them; none if it cannot be listed.
  [[nodiscard]] std::vector<std::string> directories(std::string_view path, std::size_t most);
  /// All that is in a directory, at most `most` names. `error`: 0, or why it cannot be listed.
  [[nodiscard]] std::vector<std::string> names(std::string_view path, std::size_t most, int& error);

  /// A handle to a file that is too large to be read as a whole, for read_at() and close().
  int open(std::string_view path);
  /// Fills all of `buffer`: 0, or -ERANGE where the file ends before.
  int read_at(int file, std::uint64_t offset, std::span<char> buffer);
  void close(int file) { files_.close(file); }

 private:
  std::vector<std::string> list(std::string_view path, bool directories, std::size_t most,
                                int& error);

  Files& files_;
  std::string rootfs_;
  int root_ = -1;
};

/// Whether a text, an id mostly, stays one component of a path.
[[nodiscard]] bool is_path_component(std::string_view text);

/// The parts one after the other.
[[nodiscard]] std::string joined(std::initializer_list<std::string_view> parts);

}  // namespace cgmon
