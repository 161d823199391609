#include "collectors/kernel/files.h"

#include <algorithm>
#include <cerrno>

namespace cgmon {

int read_file(Files& files, int dir, const char* path, std::size_t max_bytes,
              std::string& content) {
  content.clear();
  const int file = files.open(dir, path);
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

}  // namespace cgmon
