#include "collectors/kernel/files.h"

#include <algorithm>
#include <cerrno>

namespace cgmon {

namespace {

/// Reads a handle to its end and closes it; one that is an error is returned.
int read_to_end(Files& files, int file, std::size_t max_bytes, std::string& content) {
  content.clear();
  if (file < 0) return file;
  int result = 0;
  constexpr std::size_t kStep = 16384;
  while (true) {
    const std::size_t have = content.size();
    content.resize(have + std::min(kStep, max_bytes + 1 - have));
    const std::int64_t size =
        files.read(file, std::span(content.data() + have, content.size() - have), have);
    content.resize(have + static_cast<std::size_t>(std::max<std::int64_t>(size, 0)));
    if (size < 0) result = static_cast<int>(size);
    if (size <= 0) break;
    if (content.size() > max_bytes) {
      result = -EFBIG;
      break;
    }
  }
  files.close(file);
  return result;
}

}  // namespace

int read_file(Files& files, int dir, const char* path, std::size_t max_bytes,
              std::string& content) {
  return read_to_end(files, files.open(dir, path), max_bytes, content);
}

int read_file_beneath(Files& files, int dir, const char* path, std::size_t max_bytes,
                      std::string& content) {
  return read_to_end(files, files.open_beneath(dir, path), max_bytes, content);
}

}  // namespace cgmon
