#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "collectors/kernel/system_files.h"

namespace cgmon {

/// The reads of a pass, in order and as small as they can be: the floor's own data is to cost as
/// little as possible.
struct Reads {
  struct Step {
    enum class What : std::uint8_t { open, read_kept, read_opened, close };
    What what = What::read_kept;
    int handle = -1;         ///< of a kept file, or of the directory below which to open
    std::uint32_t more = 0;  ///< to open: index into paths; to read: the offset
  };
  std::vector<Step> steps;
  std::vector<std::string> paths;
  std::size_t kept = 0, opened = 0;  ///< files
};

/// SystemFiles that notes which files a pass reads and how, so that the same reads can be made
/// again without anything around them: the kernel's own price, the floor. What fails is not noted:
/// it is nothing that a floor would do.
class RecordingFiles final : public Files {
 public:
  void record(bool on) {
    recording_ = on;
    if (on) reads_ = {};
    opened_ = -1;
  }
  [[nodiscard]] const Reads& reads() const { return reads_; }

  int open_directory(int dir, const char* path) override { return real_.open_directory(dir, path); }
  int open(int dir, const char* path) override {
    const int handle = real_.open(dir, path);
    if (recording_ && handle >= 0) {
      opened_ = handle;  // a pass has one file open at a time, besides those that it keeps
      ++reads_.opened;
      note(Reads::Step::What::open, dir, reads_.paths.size());
      reads_.paths.emplace_back(path);
    }
    return handle;
  }
  int open_beneath(int dir, const char* path) override { return real_.open_beneath(dir, path); }
  std::int64_t read(int file, std::span<char> buffer, std::uint64_t offset) override {
    const std::int64_t size = real_.read(file, buffer, offset);
    if (recording_ && size >= 0) {
      const bool opened = file == opened_;
      if (!opened) ++reads_.kept;
      note(opened ? Reads::Step::What::read_opened : Reads::Step::What::read_kept, file, offset);
    }
    return size;
  }
  void close(int handle) override {
    if (recording_ && handle == opened_) {
      note(Reads::Step::What::close, handle, 0);
      opened_ = -1;
    }
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
  void note(Reads::Step::What what, int handle, std::uint64_t more) {
    reads_.steps.push_back({what, handle, static_cast<std::uint32_t>(more)});
  }

  SystemFiles real_;
  bool recording_ = false;
  Reads reads_;
  int opened_ = -1;  // in this recording, and not yet closed
};

}  // namespace cgmon
