#include "collectors/kernel/disk_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/ioprio.h>
#include <linux/openat2.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

namespace cgmon {
namespace {

constexpr int kDirectory = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK;

int or_errno(int result) { return result < 0 ? -errno : result; }

int open_in_root(const char* root, const char* path, int flags) {
  const int top = ::open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (top < 0) return -errno;
  open_how how{};
  how.flags = static_cast<unsigned>(flags);
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  int directory = static_cast<int>(::syscall(SYS_openat2, top, path, &how, sizeof how));
  if (directory < 0) directory = -errno;
  ::close(top);
  // Kernels before 5.6 have no openat2: then only where the host's root is this process' own.
  if (directory == -ENOSYS && std::strcmp(root, "/") == 0) {
    directory = or_errno(::open(path, flags));
  }
  return directory;
}

}  // namespace

int SystemDiskFiles::open_point(const char* root, const char* path) {
  return open_in_root(root, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

int SystemDiskFiles::open_directory(const char* root, const char* path) {
  return open_in_root(root, path, kDirectory);
}

int SystemDiskFiles::open_child(int directory, const char* name) {
  // Reading is not to change access times; only the owner and root may ask for that.
  const int child = ::openat(directory, name, kDirectory | O_NOFOLLOW | O_NOATIME);
  if (child >= 0 || errno != EPERM) return or_errno(child);
  return or_errno(::openat(directory, name, kDirectory | O_NOFOLLOW));
}

int SystemDiskFiles::next_names(int directory, std::string& names) {
  names.clear();
  alignas(dirent64) std::array<char, 32768>
      buffer;  // NOLINT(*-init-variables): getdents64 fills it
  int count = 0;
  while (count == 0) {
    const auto size = ::syscall(SYS_getdents64, directory, buffer.data(), buffer.size());
    if (size < 0) return -errno;
    if (size == 0) return 0;
    for (std::size_t at = 0; at < static_cast<std::size_t>(size);) {
      dirent64 head{};
      std::memcpy(&head, buffer.data() + at, offsetof(dirent64, d_name));
      const std::string_view name = buffer.data() + at + offsetof(dirent64, d_name);
      at += head.d_reclen;
      if (name == "." || name == "..") continue;
      names.append(name).push_back('\0');
      ++count;
    }
  }
  return count;
}

int SystemDiskFiles::entry(int directory, const char* name, DiskEntry& entry) {
  struct stat status {};
  const int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;
  if (::fstatat(directory, name, &status, flags) != 0) return -errno;
  entry.device = (std::uint64_t{major(status.st_dev)} << 32U) | std::uint64_t{minor(status.st_dev)};
  entry.inode = status.st_ino;
  entry.blocks = static_cast<std::uint64_t>(status.st_blocks);
  entry.links = static_cast<std::uint32_t>(status.st_nlink);
  entry.is_directory = S_ISDIR(status.st_mode);
  return 0;
}

int SystemDiskFiles::space(int directory, DiskSpace& space) {
  struct statvfs answer {};
  if (::fstatvfs(directory, &answer) != 0) return -errno;
  const std::uint64_t block = answer.f_frsize != 0 ? answer.f_frsize : answer.f_bsize;
  space.bytes = answer.f_blocks * block;
  space.bytes_free = answer.f_bfree * block;
  space.inodes = answer.f_files;
  space.inodes_free = answer.f_ffree;
  return 0;
}

void SystemDiskFiles::close(int handle) { ::close(handle); }

void yield_to_all_others() {
  ::syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0));
  ::setpriority(PRIO_PROCESS, 0, 19);  // Linux: of the calling thread alone
}

}  // namespace cgmon
