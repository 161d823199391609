#pragma once

#include <cerrno>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/kernel/files.h"

namespace cgmon {

/// Hands every call on to another Files, but lets one fail on purpose, so that a test can say "for
/// every n":
///
///     for (std::size_t n = 1;; ++n) {
///       FaultyFiles faulty(files, {.nth = n, .error = EIO});
///       … what is to survive …
///       if (!faulty.fired()) break;
///     }
///
/// close() and unwatch() cannot fail and are not counted. A call that fails is not handed on.
/// Thread-compatible.
class FaultyFiles final : public Files {
 public:
  enum class Call : std::uint8_t {
    open_directory,
    open,
    open_beneath,
    read,
    status,
    read_link,
    filesystem,
    readable,
    list_directories,
    list_beneath,
    count_links,
    open_watch,
    watch_directory,
    watch_file,
    read_watch,
  };
  /// Which call fails, and how. Only calls that pass the filters are counted.
  struct Fault {
    std::size_t nth = 0;                      ///< from 1 on; 0: none fails, calls are only counted
    int error = EIO;                          ///< positive errno
    bool lasting = false;                     ///< those after the n-th fail as well
    std::optional<Call> call = std::nullopt;  ///< only this kind
    std::string path_suffix;  ///< only where the path (of a handle: what it was opened as) ends so
  };

  explicit FaultyFiles(Files& files) : files_(files) {}
  FaultyFiles(Files& files, Fault fault) : files_(files), fault_(std::move(fault)) {}

  /// Takes another fault and counts from the start; handles stay open.
  void set_fault(Fault fault);
  /// Calls counted since the fault was set.
  [[nodiscard]] std::size_t calls() const { return calls_; }
  /// Whether any call failed on purpose since the fault was set.
  [[nodiscard]] bool fired() const { return fault_.nth != 0 && calls_ >= fault_.nth; }

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

 private:
  /// Counts a call; true when it is to fail.
  bool fails(Call call, std::string_view path);
  /// Notes under which path a handle was opened.
  int opened(int handle, const char* path);
  [[nodiscard]] std::string_view path_of(int handle) const;

  Files& files_;
  Fault fault_;
  std::size_t calls_ = 0;
  std::vector<std::string> paths_;  ///< by handle
};

}  // namespace cgmon
