#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cgmon {

/// What stat says of a file, as far as this project asks.
struct FileStatus {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint32_t links = 0;
  std::uint32_t mode = 0;     ///< type and permissions, as st_mode
  std::int64_t mtime_ns = 0;  ///< since the epoch
};

/// What a directory holds, in most uses its directories; reused between calls so that listing
/// allocates nothing once it has grown.
class DirectoryListing {
 public:
  struct Entry {
    std::uint64_t inode;
    std::uint32_t offset, length;
  };
  void clear() { names_.clear(), entries_.clear(); }
  void add(std::string_view name, std::uint64_t inode) {
    entries_.push_back({inode, static_cast<std::uint32_t>(names_.size()),
                        static_cast<std::uint32_t>(name.size())});
    names_ += name;
  }
  [[nodiscard]] std::span<const Entry> entries() const { return entries_; }
  [[nodiscard]] std::string_view name(const Entry& entry) const {
    return std::string_view(names_).substr(entry.offset, entry.length);
  }

 private:
  std::string names_;
  std::vector<Entry> entries_;
};

/// Files of a cgroup that change without anybody setting anything: the kernel notes events in them,
/// and processes are moved through them. The watch of a directory's files leaves them out.
[[nodiscard]] constexpr bool is_no_setting(std::string_view file) {
  return file.ends_with(".events") || file.ends_with(".events.local") || file == "cgroup.procs" ||
         file == "cgroup.threads" || file == "tasks";
}

/// How many links a directory holds, and how many of them lead to a socket: of /proc/PID/fd, the
/// open descriptors of a process.
struct LinkCounts {
  std::uint64_t links = 0, sockets = 0;
  bool hidden = false;  ///< where some of them lead may not be read, so `sockets` is too few
};

/// What a watch reported since it was last asked; reused like DirectoryListing.
struct WatchEvents {
  /// A directory that was made or moved in; it may be gone by now.
  struct Made {
    int parent;  ///< watch number
    std::string name;
  };
  /// A file of a watched directory that was written to.
  struct Modified {
    int directory;  ///< watch number
    std::string name;
  };
  std::vector<int> directories;  ///< watch numbers of directories whose set of children changed
  std::vector<int> files;        ///< watch numbers of files that the kernel has marked as changed
  std::vector<Made> made;
  std::vector<Modified> modified;
  bool overflow = false;  ///< events were lost: all that is watched may have changed
  void clear() {
    directories.clear(), files.clear(), made.clear(), modified.clear();
    overflow = false;
  }
};

/// Every question that `collectors` puts to the kernel. One implementation makes the system calls
/// (SystemFiles), others answer from a captured tree or fail on purpose in tests.
///
/// Handles are small non-negative numbers; every function returns a negative errno on failure
/// (-ENOENT, ...) and never throws for it. `dir` is a handle from open_directory(), or
/// kAbsolute with an absolute path. Thread-compatible: one Files per thread, or stateless.
class Files {
 public:
  static constexpr int kAbsolute = -100;  // AT_FDCWD, so that the real calls can take it as it is

  Files() = default;
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;
  virtual ~Files() = default;

  /// A handle to a directory, usable as `dir` only.
  virtual int open_directory(int dir, const char* path) = 0;
  /// A handle to a kernel file (cgroupfs, procfs), for read(). A link as the last component is not
  /// followed.
  virtual int open(int dir, const char* path) = 0;
  /// A handle to a regular file below `dir` that hostile hands may have made: no component leaves
  /// `dir`, no FIFO or device is opened (openat2 RESOLVE_IN_ROOT). `path` is relative to `dir`.
  virtual int open_beneath(int dir, const char* path) = 0;
  /// pread: number of bytes, 0 at the end.
  virtual std::int64_t read(int file, std::span<char> buffer, std::uint64_t offset) = 0;
  virtual void close(int handle) = 0;
  /// lstat of a path below `dir`.
  virtual int status(int dir, const char* path, FileStatus& status) = 0;
  /// Where a link below `dir` leads, as it is written; of a process' namespace "mnt:[4026531841]".
  virtual int read_link(int dir, const char* path, std::string& target) = 0;
  /// statfs magic of the file system at an absolute path, as 32 bits.
  virtual std::int64_t filesystem(const char* path) = 0;
  /// Whether this process may read the file (faccessat): 0 or a negative errno.
  virtual int readable(int dir, const char* path) = 0;
  /// Fills `listing` with the directories in a directory, `.` and `..` left out.
  virtual int list_directories(int dir, const char* path, DirectoryListing& listing) = 0;
  /// Fills `listing` with what a directory holds that hostile hands may have made, resolved as
  /// open_beneath() does: `.` and `..` left out, at most `most` entries. `directories`: these
  /// alone.
  virtual int list_beneath(int dir, const char* path, bool directories, std::size_t most,
                           DirectoryListing& listing) = 0;
  /// Counts the links in a directory.
  virtual int count_links(int dir, const char* path, LinkCounts& counts) = 0;

  /// A watch for directories made, removed or renamed, and for files that change (inotify).
  virtual int open_watch() = 0;
  /// Watches one more directory below a handle; returns its watch number.
  virtual int watch_directory(int watch, int dir, const char* path) = 0;
  /// Watches a file: cgroup.events and the like, of which the kernel tells when they change. Of a
  /// directory, the files in it that somebody writes to, but for those of is_no_setting().
  virtual int watch_file(int watch, int dir, const char* path) = 0;
  virtual void unwatch(int watch, int number) = 0;
  /// What happened since the last call; never blocks. 0 or a negative errno.
  virtual int read_watch(int watch, WatchEvents& events) = 0;
};

/// Reads a whole file up to `max_bytes`. -EFBIG when there is more. For start-up and metadata, not
/// for the read loop.
[[nodiscard]] int read_file(Files& files, int dir, const char* path, std::size_t max_bytes,
                            std::string& content);

/// The same of a file that hostile hands may have made, as open_beneath() opens it.
[[nodiscard]] int read_file_beneath(Files& files, int dir, const char* path, std::size_t max_bytes,
                                    std::string& content);

}  // namespace cgmon
