#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "collectors/kernel/files.h"
#include "collectors/kernel/roots.h"

namespace cgmon {

/// Regular files below the host's root that hostile hands may have made: up to 1 MiB each, no link
/// leaves the root, no FIFO or device is opened. One-thread.
class HostFiles {
 public:
  HostFiles(Files& files, const Roots& roots);
  HostFiles(const HostFiles&) = delete;
  HostFiles& operator=(const HostFiles&) = delete;
  ~HostFiles();

  [[nodiscard]] const std::string& rootfs() const { return rootfs_; }
  /// 0, or why the root itself cannot be opened.
  [[nodiscard]] int error() const { return root_ < 0 ? root_ : 0; }
  /// Fills `text`; 0 or a negative errno, -EFBIG beyond the bound. `path` is on the host.
  int read(std::string_view path, std::string& text);
  /// The directories in a directory, at most `bound` of them.
  [[nodiscard]] std::vector<std::string> directories(std::string_view path, std::size_t bound);

 private:
  Files& files_;
  std::string rootfs_;
  int root_ = -1;
};

/// Home directories of the host's users (uid 1000 to 65533, at most 256), from /etc/passwd's text.
[[nodiscard]] std::vector<std::string> user_homes(std::string_view passwd);

}  // namespace cgmon
