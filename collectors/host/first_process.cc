#include "collectors/host/first_process.h"

#include <array>
#include <string>

namespace cgmon {

FirstProcess read_first_process(Files& files, int directory, const char* path) {
  const int file = files.open(directory, path);
  if (file < 0) return {.error = file};
  std::array<char, 512> buffer{};
  const std::int64_t size = files.read(file, buffer, 0);
  files.close(file);
  if (size < 0) return {.error = static_cast<int>(size)};
  return first_process({buffer.data(), static_cast<std::size_t>(size)});
}

bool in_own_pid_namespace(Files& files) {
  std::string target;
  if (files.read_link(Files::kAbsolute, "/proc/self/ns/pid", target) != 0) return false;
  return target != "pid:[4026531836]";
}

}  // namespace cgmon
