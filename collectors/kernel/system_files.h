#pragma once

#include "collectors/kernel/files.h"

namespace cgmon {

/// Files by system calls. Stateless but for descriptors that the callers own: thread-safe.
class SystemFiles final : public Files {
 public:
  int open_directory(int dir, const char* path) override;
  int open(int dir, const char* path) override;
  int open_beneath(int dir, const char* path) override;
  std::int64_t read(int file, std::span<char> buffer, std::uint64_t offset) override;
  void close(int handle) override;
  int status(int dir, const char* path, FileStatus& status) override;
  int read_link(int dir, const char* path, std::string& target) override;
  std::int64_t filesystem(const char* path) override;
  int readable(int dir, const char* path) override;
  int list_directories(int dir, const char* path, DirectoryListing& listing) override;
  int list_beneath(int dir, const char* path, bool directories, std::size_t most,
                   DirectoryListing& listing) override;
  int count_links(int dir, const char* path, LinkCounts& counts) override;
  int open_watch() override;
  int watch_directory(int watch, int dir, const char* path) override;
  int watch_file(int watch, int dir, const char* path) override;
  void unwatch(int watch, int number) override;
  int read_watch(int watch, WatchEvents& events) override;
};

/// Raises the soft limit of open descriptors to the hard one and returns it.
std::size_t raise_descriptor_limit();

/// Clock ticks a second in cpuacct.stat and /proc/PID/stat (sysconf _SC_CLK_TCK).
[[nodiscard]] std::uint32_t user_ticks_per_second();

/// The size of a page of memory.
[[nodiscard]] std::uint32_t page_bytes();

}  // namespace cgmon
