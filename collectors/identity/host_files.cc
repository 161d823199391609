#include "collectors/identity/host_files.h"

#include <algorithm>
#include <cerrno>
#include <span>

#include "collectors/parse/number.h"

namespace cgmon {
namespace {

constexpr std::size_t kMaxFile = 1U << 20U;
constexpr std::size_t kStep = 16384;  // most are smaller
constexpr std::size_t kMaxUsers = 256;

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

int HostFiles::read(std::string_view path, std::string& text) {
  text.clear();
  if (root_ < 0) return root_;
  const int file = files_.open_beneath(root_, relative(path).c_str());
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

std::vector<std::string> HostFiles::directories(std::string_view path, std::size_t bound) {
  std::vector<std::string> names;
  DirectoryListing listing;
  if (root_ < 0 || files_.list_directories(root_, relative(path).c_str(), listing) != 0) {
    return names;
  }
  for (const auto& entry : listing.entries()) {
    if (names.size() == bound) break;
    names.emplace_back(listing.name(entry));
  }
  return names;
}

std::vector<std::string> user_homes(std::string_view passwd) {
  std::vector<std::string> homes;
  while (!passwd.empty() && homes.size() < kMaxUsers) {
    std::string_view line = take_until(passwd, '\n');
    take_until(line, ':');  // name
    take_until(line, ':');  // password
    const auto uid = parse_number(take_until(line, ':'));
    take_until(line, ':');  // group
    take_until(line, ':');  // full name
    std::string_view home = take_until(line, ':');
    while (home.ends_with('/')) home.remove_suffix(1);
    if (!uid || *uid < 1000 || *uid >= 65534 || !home.starts_with('/')) continue;
    homes.emplace_back(home);
  }
  return homes;
}

}  // namespace cgmon
