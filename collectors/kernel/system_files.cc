#include "collectors/kernel/system_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstddef>
#include <cstring>
#include <utility>

namespace cgmon {
namespace {

int or_errno(int result) { return result < 0 ? -errno : result; }

/// Without openat2 (kernel < 5.6, or a seccomp filter that does not know it): component by
/// component, no link followed at all.
int open_without_links(int dir, std::string_view path, int flags) {
  int at = dir;
  while (true) {
    const std::size_t slash = path.find('/');
    const std::string name(path.substr(0, slash));
    const bool last = slash == path.npos;
    int next = -ENOENT;
    if (name == "..") {
      next = -EXDEV;
    } else {
      const int how = last ? flags | O_NOFOLLOW : O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
      next = or_errno(::openat(at, name.empty() ? "." : name.c_str(), how));
    }
    if (at != dir) ::close(at);
    if (last || next < 0) return next;
    at = next;
    path.remove_prefix(slash + 1);
  }
}

/// inotify has no *at() call; the descriptor's own link is the same thing.
int watch_at(int watch, int dir, const char* path, std::uint32_t events) {
  std::array<char, 4200> absolute{};
  const std::size_t length = std::strlen(path);
  constexpr std::string_view kPrefix = "/proc/self/fd/";
  std::memcpy(absolute.data(), kPrefix.data(), kPrefix.size());
  char* end = std::to_chars(absolute.data() + kPrefix.size(), absolute.data() + 32, dir).ptr;
  if (length + 34 > absolute.size()) return -ENAMETOOLONG;
  *end++ = '/';
  std::memcpy(end, path, length + 1);
  return or_errno(::inotify_add_watch(watch, absolute.data(), events | IN_DONT_FOLLOW));
}

/// Calls on_entry(head, name) for what an open directory holds, `.` and `..` left out, until it
/// says false; closes the directory.
template <class F>
int each_entry_of(int handle, F on_entry) {
  if (handle < 0) return handle;
  alignas(dirent64) std::array<char, 32768>
      buffer;  // NOLINT(*-init-variables): getdents64 fills it
  int result = 0;
  for (bool more = true; more;) {
    const auto size = ::syscall(SYS_getdents64, handle, buffer.data(), buffer.size());
    if (size < 0) result = -errno;
    if (size <= 0) break;
    for (std::size_t at = 0; more && at < static_cast<std::size_t>(size);) {
      dirent64 head{};
      std::memcpy(&head, buffer.data() + at, offsetof(dirent64, d_name));
      const char* const name = buffer.data() + at + offsetof(dirent64, d_name);
      at += head.d_reclen;
      if (std::strcmp(name, ".") != 0 && std::strcmp(name, "..") != 0) {
        more = on_entry(head, name);
      }
    }
  }
  ::close(handle);
  return result;
}

/// The same of a path below `dir`, all of it: on_entry(directory, head, name).
template <class F>
int each_entry(int dir, const char* path, F on_entry) {
  const int handle = or_errno(::openat(dir, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  return each_entry_of(handle, [&](const dirent64& head, const char* name) {
    on_entry(handle, head, name);
    return true;
  });
}

/// Opens what hostile hands may have made: no component leaves `dir`.
int open_in(int dir, const char* path, int flags) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags);
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  const int file = or_errno(static_cast<int>(::syscall(SYS_openat2, dir, path, &how, sizeof how)));
  return file == -ENOSYS || file == -EPERM ? open_without_links(dir, path, flags) : file;
}

bool is_regular(int file) {
  struct stat status {};
  return ::fstat(file, &status) == 0 && S_ISREG(status.st_mode);
}

/// Opens for reading what an O_PATH handle stands for; by its path again where there is no /proc.
int reopen(int found, int dir, const char* path) {
  constexpr int kFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  std::array<char, 32> link{};
  constexpr std::string_view kPrefix = "/proc/self/fd/";
  std::memcpy(link.data(), kPrefix.data(), kPrefix.size());
  std::to_chars(link.data() + kPrefix.size(), link.data() + link.size() - 1, found);
  int file = or_errno(::open(link.data(), kFlags));
  if (file == -ENOENT) file = open_in(dir, path, kFlags);
  if (file < 0 || is_regular(file)) return file;
  ::close(file);  // another one has taken its place
  return -EINVAL;
}

/// Whether an entry is a directory; some file systems do not say so in their listings.
bool is_directory(int handle, const dirent64& head, const char* name) {
  if (head.d_type != DT_UNKNOWN) return head.d_type == DT_DIR;
  struct stat status {};
  return ::fstatat(handle, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode);
}

/// The name that comes with an event is padded with zeros.
std::string name_of(const inotify_event& event, const char* name) {
  return {name, ::strnlen(name, event.len)};
}

}  // namespace

int SystemFiles::open_directory(int dir, const char* path) {
  return or_errno(::openat(dir, path, O_PATH | O_DIRECTORY | O_CLOEXEC));
}

int SystemFiles::open(int dir, const char* path) {
  return or_errno(::openat(dir, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
}

int SystemFiles::open_beneath(int dir, const char* path) {
  // To open a FIFO or a device is an act in itself: a writer goes on, a tape is wound back. So what
  // it is is found out before, by a handle that opens nothing.
  const int found = open_in(dir, path, O_PATH | O_CLOEXEC);
  if (found < 0) return found;
  int file = -EINVAL;
  if (is_regular(found)) file = reopen(found, dir, path);
  ::close(found);
  return file;
}

std::int64_t SystemFiles::read(int file, std::span<char> buffer, std::uint64_t offset) {
  for (int attempt = 0;; ++attempt) {
    const ssize_t size = ::pread(file, buffer.data(), buffer.size(), static_cast<off_t>(offset));
    if (size >= 0) return size;
    if (errno != EINTR || attempt == 3) return -errno;
  }
}

void SystemFiles::close(int handle) { ::close(handle); }

int SystemFiles::status(int dir, const char* path, FileStatus& status) {
  struct statx answer {};
  // Attributes as the kernel has them: cgroupfs is never remote, so no synchronisation is wanted.
  if (::statx(dir, path, AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT,
              STATX_TYPE | STATX_MODE | STATX_NLINK | STATX_INO | STATX_MTIME, &answer) != 0) {
    return -errno;
  }
  status.device = (std::uint64_t{answer.stx_dev_major} << 32U) | answer.stx_dev_minor;
  status.inode = answer.stx_ino;
  status.links = answer.stx_nlink;
  status.mode = answer.stx_mode;
  status.mtime_ns = answer.stx_mtime.tv_sec * 1'000'000'000 + answer.stx_mtime.tv_nsec;
  return 0;
}

int SystemFiles::read_link(int dir, const char* path, std::string& target) {
  target.resize(PATH_MAX);
  const ssize_t size = ::readlinkat(dir, path, target.data(), target.size());
  target.resize(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  return size < 0 ? -errno : 0;
}

std::int64_t SystemFiles::filesystem(const char* path) {
  struct statfs answer {};
  if (::statfs(path, &answer) != 0) return -errno;
  return static_cast<std::uint32_t>(answer.f_type);  // signed long on some ABIs
}

int SystemFiles::readable(int dir, const char* path) {
  return or_errno(::faccessat(dir, path, R_OK, AT_EACCESS));
}

int SystemFiles::list_directories(int dir, const char* path, DirectoryListing& listing) {
  listing.clear();
  return each_entry(dir, path, [&](int, const dirent64& head, const char* name) {
    if (head.d_type == DT_DIR) listing.add(name, head.d_ino);
  });
}

int SystemFiles::list_beneath(int dir, const char* path, bool directories, std::size_t most,
                              DirectoryListing& listing) {
  listing.clear();
  const int handle = open_in(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  // Whoever owns the directory may fill it with what is not wanted.
  std::size_t left = 16 * most + 1024;
  return each_entry_of(handle, [&](const dirent64& head, const char* name) {
    if (listing.entries().size() == most || left-- == 0) return false;
    if (!directories || is_directory(handle, head, name)) listing.add(name, head.d_ino);
    return true;
  });
}

int SystemFiles::count_links(int dir, const char* path, LinkCounts& counts) {
  counts = {};
  constexpr std::string_view kSocket = "socket:";
  return each_entry(dir, path, [&](int directory, const dirent64& head, const char* name) {
    if (head.d_type != DT_LNK) return;
    ++counts.links;
    std::array<char, kSocket.size()> target{};
    const ssize_t size = ::readlinkat(directory, name, target.data(), target.size());
    counts.hidden = counts.hidden || (size < 0 && (errno == EACCES || errno == EPERM));
    counts.sockets += size > 0 && std::string_view(target.data(), target.size()) == kSocket ? 1 : 0;
  });
}

int SystemFiles::open_watch() { return or_errno(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)); }

int SystemFiles::watch_directory(int watch, int dir, const char* path) {
  return watch_at(watch, dir, path,
                  IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ONLYDIR);
}

int SystemFiles::watch_file(int watch, int dir, const char* path) {
  return watch_at(watch, dir, path, IN_MODIFY);
}

void SystemFiles::unwatch(int watch, int number) { ::inotify_rm_watch(watch, number); }

int SystemFiles::read_watch(int watch, WatchEvents& events) {
  events.clear();
  alignas(inotify_event) std::array<char, 16384> buffer;  // NOLINT(*-init-variables): read fills it
  while (true) {
    const ssize_t size = ::read(watch, buffer.data(), buffer.size());
    if (size < 0) return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    for (std::size_t at = 0; at < static_cast<std::size_t>(size);) {
      inotify_event event{};
      std::memcpy(&event, buffer.data() + at, sizeof event);
      const char* const name = buffer.data() + at + sizeof event;
      at += sizeof event + event.len;
      if ((event.mask & IN_Q_OVERFLOW) != 0) {
        events.overflow = true;
      } else if ((event.mask & IN_MODIFY) != 0) {
        if (event.len == 0) {
          events.files.push_back(event.wd);
        } else if (std::string file = name_of(event, name); !is_no_setting(file)) {
          events.modified.push_back({event.wd, std::move(file)});
        }
      } else if ((event.mask & IN_ISDIR) != 0) {
        if (events.directories.empty() || events.directories.back() != event.wd) {
          events.directories.push_back(event.wd);
        }
        if ((event.mask & (IN_CREATE | IN_MOVED_TO)) != 0) {
          events.made.push_back({event.wd, name_of(event, name)});
        }
      }
    }
  }
}

std::size_t raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 256;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

std::uint32_t user_ticks_per_second() {
  return static_cast<std::uint32_t>(std::max(1L, ::sysconf(_SC_CLK_TCK)));
}

std::uint32_t page_bytes() {
  return static_cast<std::uint32_t>(std::max(1L, ::sysconf(_SC_PAGESIZE)));
}

}  // namespace cgmon
