#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "collectors/kernel/files.h"

namespace cgmon {

/// Hands every call on to another Files, and remembers what was read of the files below chosen
/// directories: the very bytes that a pass made its numbers of. One-thread.
class RememberingFiles final : public Files {
 public:
  explicit RememberingFiles(Files& files) : files_(files) {}

  /// From now on; forgets what was read before.
  void remember(std::vector<std::string> directories) {
    directories_ = std::move(directories);
    texts_.clear();
  }
  /// What was last read of a file, nullptr when it was not.
  [[nodiscard]] const std::string* text_of(const std::string& path) const {
    const auto found = texts_.find(path);
    return found == texts_.end() ? nullptr : &found->second;
  }

  int open_directory(int dir, const char* path) override {
    return opened(files_.open_directory(dir, path), dir, path);
  }
  int open(int dir, const char* path) override { return opened(files_.open(dir, path), dir, path); }
  int open_beneath(int dir, const char* path) override { return files_.open_beneath(dir, path); }
  std::int64_t read(int file, std::span<char> buffer, std::uint64_t offset) override {
    const std::int64_t size = files_.read(file, buffer, offset);
    const auto path = paths_.find(file);
    if (size < 0 || path == paths_.end() || !is_chosen(path->second)) return size;
    std::string& text = texts_[path->second];
    text.resize(offset);
    text.append(buffer.data(), static_cast<std::size_t>(size));
    return size;
  }
  void close(int handle) override {
    paths_.erase(handle);
    files_.close(handle);
  }
  int status(int dir, const char* path, FileStatus& status) override {
    return files_.status(dir, path, status);
  }
  int read_link(int dir, const char* path, std::string& target) override {
    return files_.read_link(dir, path, target);
  }
  std::int64_t filesystem(const char* path) override { return files_.filesystem(path); }
  int readable(int dir, const char* path) override { return files_.readable(dir, path); }
  int list_directories(int dir, const char* path, DirectoryListing& listing) override {
    return files_.list_directories(dir, path, listing);
  }
  int list_beneath(int dir, const char* path, bool directories, std::size_t most,
                   DirectoryListing& listing) override {
    return files_.list_beneath(dir, path, directories, most, listing);
  }
  int count_links(int dir, const char* path, LinkCounts& counts) override {
    return files_.count_links(dir, path, counts);
  }
  int open_watch() override { return files_.open_watch(); }
  int watch_directory(int watch, int dir, const char* path) override {
    return files_.watch_directory(watch, dir, path);
  }
  int watch_file(int watch, int dir, const char* path) override {
    return files_.watch_file(watch, dir, path);
  }
  void unwatch(int watch, int number) override { files_.unwatch(watch, number); }
  int read_watch(int watch, WatchEvents& events) override {
    return files_.read_watch(watch, events);
  }

 private:
  int opened(int handle, int dir, const char* path) {
    if (handle < 0) return handle;
    const auto base = paths_.find(dir);
    const std::string_view relative(path);
    if (relative == "." && base != paths_.end()) {
      paths_[handle] = std::string(base->second);
      return handle;
    }
    paths_[handle] = base == paths_.end() || relative.starts_with('/')
                         ? std::string(relative)
                         : base->second + '/' + std::string(relative);
    return handle;
  }

  [[nodiscard]] bool is_chosen(std::string_view path) const {
    for (const std::string& directory : directories_) {
      if (path.size() > directory.size() && path.starts_with(directory) &&
          path[directory.size()] == '/') {
        return true;
      }
    }
    return false;
  }

  Files& files_;
  std::vector<std::string> directories_;
  std::unordered_map<int, std::string> paths_;  // by open handle
  std::unordered_map<std::string, std::string> texts_;
};

}  // namespace cgmon
