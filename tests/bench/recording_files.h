#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "collectors/kernel/system_files.h"

namespace cgmon {

/// SystemFiles that notes which files a pass reads and how, so that the same reads can be made
/// again without anything around them: the kernel's own price, the floor.
class RecordingFiles final : public Files {
 public:
  /// One read: of a kept handle, or by opening `path` below `dir` first.
  struct Read {
    int kept = -1;
    int dir = -1;
    std::string path;
  };

  void record(bool on) {
    recording_ = on;
    if (on) reads_.clear();
  }
  [[nodiscard]] const std::vector<Read>& reads() const { return reads_; }

  int open_directory(int dir, const char* path) override { return real_.open_directory(dir, path); }
  int open(int dir, const char* path) override {
    const int handle = real_.open(dir, path);
    if (recording_ && handle >= 0) opened_[handle] = {-1, dir, path};
    return handle;
  }
  int open_beneath(int dir, const char* path) override { return real_.open_beneath(dir, path); }
  std::int64_t read(int file, std::span<char> buffer, std::uint64_t offset) override {
    const std::int64_t size = real_.read(file, buffer, offset);
    if (recording_ && size >= 0) {  // failures are nothing that a floor would do
      const auto found = opened_.find(file);
      reads_.push_back(found != opened_.end() ? found->second : Read{file, -1, {}});
    }
    return size;
  }
  void close(int handle) override {
    if (recording_) opened_.erase(handle);
    real_.close(handle);
  }
  int status(int dir, const char* path, FileStatus& status) override {
    return real_.status(dir, path, status);
  }
  int read_link(int dir, const char* path, std::string& target) override {
    return real_.read_link(dir, path, target);
  }
  std::int64_t filesystem(const char* path) override { return real_.filesystem(path); }
  int readable(int dir, const char* path) override { return real_.readable(dir, path); }
  int list_directories(int dir, const char* path, DirectoryListing& listing) override {
    return real_.list_directories(dir, path, listing);
  }
  int list_beneath(int dir, const char* path, bool directories, std::size_t most,
                   DirectoryListing& listing) override {
    return real_.list_beneath(dir, path, directories, most, listing);
  }
  int count_links(int dir, const char* path, LinkCounts& counts) override {
    return real_.count_links(dir, path, counts);
  }
  int open_watch() override { return real_.open_watch(); }
  int watch_directory(int watch, int dir, const char* path) override {
    return real_.watch_directory(watch, dir, path);
  }
  int watch_file(int watch, int dir, const char* path) override {
    return real_.watch_file(watch, dir, path);
  }
  void unwatch(int watch, int number) override { real_.unwatch(watch, number); }
  int read_watch(int watch, WatchEvents& events) override {
    return real_.read_watch(watch, events);
  }

 private:
  SystemFiles real_;
  bool recording_ = false;
  std::vector<Read> reads_;
  std::unordered_map<int, Read> opened_;  // in this recording
};

}  // namespace cgmon
