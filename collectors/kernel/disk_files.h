#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cgmon {

/// What is known of one entry of a directory without opening it (lstat).
struct DiskEntry {
  std::uint64_t device = 0;  ///< major << 32 | minor
  std::uint64_t inode = 0;
  std::uint64_t blocks = 0;  ///< of 512 bytes
  std::uint32_t links = 0;
  bool is_directory = false;
};

/// What statfs says of a file system.
struct DiskSpace {
  std::uint64_t bytes = 0, bytes_free = 0;  ///< free for root, too
  std::uint64_t inodes = 0, inodes_free = 0;
};

/// Every question that `collectors` puts to disks: those of containers' writable layers, and of the
/// host's file systems. They may hang and are asked on a thread of their own; hostile hands write
/// what they hold. Handles are small non-negative numbers; functions return a negative errno on
/// failure. Thread-compatible.
class DiskFiles {
 public:
  DiskFiles() = default;
  DiskFiles(const DiskFiles&) = delete;
  DiskFiles& operator=(const DiskFiles&) = delete;
  virtual ~DiskFiles() = default;

  /// A directory at an absolute path of the host whose / is at `root`: links are followed below
  /// that root alone (openat2 RESOLVE_IN_ROOT).
  virtual int open_directory(const char* root, const char* path) = 0;
  /// The same, good for entry(".") and space() alone, which takes no right to list it.
  virtual int open_point(const char* root, const char* path) = 0;
  /// A directory in another one; a link is not followed.
  virtual int open_child(int directory, const char* name) = 0;
  /// Names of the next entries of an open directory, `.` and `..` left out, a zero byte behind each
  /// in `names`, which is replaced. Returns how many, 0 at the end.
  virtual int next_names(int directory, std::string& names) = 0;
  /// lstat of an entry; "." is the directory itself.
  virtual int entry(int directory, const char* name, DiskEntry& entry) = 0;
  virtual int space(int directory, DiskSpace& space) = 0;
  virtual void close(int handle) = 0;
};

/// DiskFiles by system calls. Stateless: thread-safe.
class SystemDiskFiles final : public DiskFiles {
 public:
  int open_directory(const char* root, const char* path) override;
  int open_point(const char* root, const char* path) override;
  int open_child(int directory, const char* name) override;
  int next_names(int directory, std::string& names) override;
  int entry(int directory, const char* name, DiskEntry& entry) override;
  int space(int directory, DiskSpace& space) override;
  void close(int handle) override;
};

/// Lets the calling thread's disk I/O wait for everybody else's (ioprio_set, class idle) and its
/// CPU time nearly so (nice 19: not SCHED_IDLE, as it may hold a lock of a directory that others
/// want). Neither takes a right; where the kernel refuses nothing changes.
void yield_to_all_others();

}  // namespace cgmon
