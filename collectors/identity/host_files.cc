#include "collectors/identity/host_files.h"

#include <algorithm>
#include <cerrno>

namespace cgmon {
namespace {

constexpr std::size_t kStep = 16384;  // most are smaller

std::string relative(std::string_view path) {
  while (path.starts_with('/')) path.remove_prefix(1);
  return path.empty() ? "." : std::string(path);
}

}  // namespace

HostFiles::HostFiles(Files& files, const Roots& roots) : files_(files), rootfs_(roots.rootfs) {
  root_ = files_.open_directory(Files::kAbsolute, rootfs_.c_str());
}

HostFiles::~HostFiles() {
  if (root_ >= 0) files_.close(root_);
}

int HostFiles::open(std::string_view path) {
  return root_ < 0 ? root_ : files_.open_beneath(root_, relative(path).c_str());
}

int HostFiles::read(std::string_view path, std::string& text) {
  text.clear();
  const int file = open(path);
  if (file < 0) return file;
  std::size_t size = 0;
  std::int64_t got = 0;
  do {
    if (size == text.size()) text.resize(size + kStep);
    got = files_.read(file, std::span(text).subspan(size), size);
    if (got > 0) size += static_cast<std::size_t>(got);
  } while (got > 0 && size <= kMaxFile);
  files_.close(file);
  const bool too_large = size > kMaxFile;
  text.resize(too_large ? 0 : size);
  return too_large ? -EFBIG : static_cast<int>(std::min<std::int64_t>(got, 0));
}

int HostFiles::read_at(int file, std::uint64_t offset, std::span<char> buffer) {
  while (!buffer.empty()) {
    const std::int64_t got = files_.read(file, buffer, offset);
    if (got < 0) return static_cast<int>(got);
    if (got == 0) return -ERANGE;
    offset += static_cast<std::uint64_t>(got);
    buffer = buffer.subspan(static_cast<std::size_t>(got));
  }
  return 0;
}

std::vector<std::string> HostFiles::list(std::string_view path, bool directories, std::size_t most,
                                         int& error) {
  std::vector<std::string> names;
  DirectoryListing listing;
  error = root_ < 0
              ? root_
              : files_.list_beneath(root_, relative(path).c_str(), directories, most, listing);
  if (error != 0) return names;
  for (const auto& entry : listing.entries()) names.emplace_back(listing.name(entry));
  return names;
}

std::vector<std::string> HostFiles::directories(std::string_view path, std::size_t most) {
  int error = 0;
  return list(path, true, most, error);
}

std::vector<std::string> HostFiles::names(std::string_view path, std::size_t most, int& error) {
  return list(path, false, most, error);
}

bool is_path_component(std::string_view text) {
  return !text.empty() && text.size() <= 255 && text != "." && text != ".." &&
         text.find('/') == text.npos && text.find('\0') == text.npos;
}

std::string joined(std::initializer_list<std::string_view> parts) {
  std::string path;
  for (const std::string_view part : parts) path += part;
  return path;
}

}  // namespace cgmon
