#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_set>
#include <vector>

#include "collectors/kernel/disk_files.h"

namespace cgmon {

/// What a directory holds, as `du` counts it.
struct DiskUsage {
  std::uint64_t bytes = 0;  ///< allocated, that of the directory itself included
  std::uint64_t files = 0;  ///< entries of any kind below it, each link of a file
  std::uint64_t device = 0;
  int error = 0;          ///< negative errno of the first thing that could not be read
  bool complete = false;  ///< nothing was left out
};

/// Adds up what lies below a directory: no link is followed, other devices are left out, a file
/// with several links has its bytes once. What comes or goes meanwhile may or may not be counted.
/// Memory is bounded whatever the directory holds. One-thread.
class DiskWalker {
 public:
  static constexpr std::size_t kMaxDepth = 128;
  static constexpr std::uint64_t kMaxEntries = 4'000'000;
  /// Files with several links that are remembered; of more each link counts its share.
  static constexpr std::size_t kMaxLinks = 65'536;

  /// Called now and then with how many entries were looked at since the last call: the place to
  /// rest. False ends the walk, which is then not complete.
  using Pace = std::function<bool(std::size_t entries)>;

  DiskWalker(DiskFiles& files, Pace pace) : files_(files), pace_(std::move(pace)) {}

  /// Walks an open directory, which stays open.
  DiskUsage walk(int directory);
  /// Bytes of a file and of those whose names begin with its name and a dot (a log and what it was
  /// before). `directory`: the one that it lies in.
  DiskUsage add_up_log(int directory, const std::string& name);

 private:
  struct Level {
    int directory = -1;
    std::string names;  ///< those read and not looked at yet, from `at` on
    std::size_t at = 0;
  };

  bool next_name(Level& level, const char*& name);
  bool look_at(std::size_t depth, const char* name);
  void count(const DiskEntry& entry);
  bool rest();
  void fail(int error);

  DiskFiles& files_;
  Pace pace_;
  DiskUsage usage_;
  std::vector<Level> levels_;
  std::unordered_set<std::uint64_t> linked_;
  std::size_t since_rest_ = 0;
};

}  // namespace cgmon
