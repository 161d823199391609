#include "collectors/host/first_process.h"

#include <algorithm>
#include <array>
#include <string>

namespace cgmon {
namespace {

constexpr std::size_t kLargestStatus = 64U << 10U;

}  // namespace

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

PidView pid_view(Files& files, const std::string& procfs) {
  PidView view{.own_namespace = in_own_pid_namespace(files)};
  std::string text;
  const std::string path = procfs + "/self/status";
  if (read_file(files, Files::kAbsolute, path.c_str(), kLargestStatus, text) != 0) return view;
  // "NSpid:\t4711\t1": this process' PIDs from the procfs' namespace down to its own.
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view line = take_until(rest, '\n');
    if (line.starts_with("NSpid:")) view.fits_procfs = std::ranges::count(line, '\t') <= 1;
  }
  return view;
}

}  // namespace cgmon
