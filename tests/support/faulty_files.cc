#include "tests/support/faulty_files.h"

#include <utility>

namespace cgmon {

void FaultyFiles::set_fault(Fault fault) {
  fault_ = std::move(fault);
  calls_ = 0;
}

bool FaultyFiles::fails(Call call, std::string_view path) {
  if (fault_.call && *fault_.call != call) return false;
  if (!path.ends_with(fault_.path_suffix)) return false;
  ++calls_;
  return fault_.nth != 0 && (fault_.lasting ? calls_ >= fault_.nth : calls_ == fault_.nth);
}

int FaultyFiles::opened(int handle, const char* path) {
  if (handle < 0) return handle;
  const auto index = static_cast<std::size_t>(handle);
  if (paths_.size() <= index) paths_.resize(index + 1);
  paths_[index] = path;
  return handle;
}

std::string_view FaultyFiles::path_of(int handle) const {
  const auto index = static_cast<std::size_t>(handle);
  return handle >= 0 && index < paths_.size() ? std::string_view(paths_[index]) : "";
}

int FaultyFiles::open_directory(int dir, const char* path) {
  if (fails(Call::open_directory, path)) return -fault_.error;
  return opened(files_.open_directory(dir, path), path);
}

int FaultyFiles::open(int dir, const char* path) {
  if (fails(Call::open, path)) return -fault_.error;
  return opened(files_.open(dir, path), path);
}

int FaultyFiles::open_beneath(int dir, const char* path) {
  if (fails(Call::open_beneath, path)) return -fault_.error;
  return opened(files_.open_beneath(dir, path), path);
}

std::int64_t FaultyFiles::read(int file, std::span<char> buffer, std::uint64_t offset) {
  if (fails(Call::read, path_of(file))) return -fault_.error;
  return files_.read(file, buffer, offset);
}

void FaultyFiles::close(int handle) { files_.close(handle); }

int FaultyFiles::status(int dir, const char* path, FileStatus& status) {
  if (fails(Call::status, path)) return -fault_.error;
  return files_.status(dir, path, status);
}

int FaultyFiles::read_link(int dir, const char* path, std::string& target) {
  if (fails(Call::read_link, path)) return -fault_.error;
  return files_.read_link(dir, path, target);
}

std::int64_t FaultyFiles::filesystem(const char* path) {
  if (fails(Call::filesystem, path)) return -fault_.error;
  return files_.filesystem(path);
}

int FaultyFiles::readable(int dir, const char* path) {
  if (fails(Call::readable, path)) return -fault_.error;
  return files_.readable(dir, path);
}

int FaultyFiles::list_directories(int dir, const char* path, DirectoryListing& listing) {
  if (fails(Call::list_directories, path)) {
    listing.clear();
    return -fault_.error;
  }
  return files_.list_directories(dir, path, listing);
}

int FaultyFiles::list_beneath(int dir, const char* path, bool directories, std::size_t most,
                              DirectoryListing& listing) {
  if (fails(Call::list_beneath, path)) {
    listing.clear();
    return -fault_.error;
  }
  return files_.list_beneath(dir, path, directories, most, listing);
}

int FaultyFiles::count_links(int dir, const char* path, LinkCounts& counts) {
  if (fails(Call::count_links, path)) return -fault_.error;
  return files_.count_links(dir, path, counts);
}

int FaultyFiles::open_watch() {
  if (fails(Call::open_watch, "")) return -fault_.error;
  return opened(files_.open_watch(), "");
}

int FaultyFiles::watch_directory(int watch, int dir, const char* path) {
  if (fails(Call::watch_directory, path)) return -fault_.error;
  return files_.watch_directory(watch, dir, path);
}

int FaultyFiles::watch_file(int watch, int dir, const char* path) {
  if (fails(Call::watch_file, path)) return -fault_.error;
  return files_.watch_file(watch, dir, path);
}

void FaultyFiles::unwatch(int watch, int number) { files_.unwatch(watch, number); }

int FaultyFiles::read_watch(int watch, WatchEvents& events) {
  if (fails(Call::read_watch, "")) {
    events.clear();
    return -fault_.error;
  }
  return files_.read_watch(watch, events);
}

}  // namespace cgmon
