#include "agent/enforce/child_worker.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>

#include "agent/enforce/isolation.h"

namespace cgmon {
namespace {

/// "/proc/self/fd/N", without allocating.
class DescriptorPath {
 public:
  explicit DescriptorPath(int fd) {
    constexpr std::string_view kStart = "/proc/self/fd/";
    std::copy(kStart.begin(), kStart.end(), text_.begin());
    std::array<char, 12> digits{};
    std::size_t count = 0;
    do {
      digits.at(count++) = static_cast<char>('0' + fd % 10);
      fd /= 10;
    } while (fd > 0);
    std::size_t at = kStart.size();
    while (count > 0) text_.at(at++) = digits.at(--count);
  }
  [[nodiscard]] const char* c_str() const { return text_.data(); }

 private:
  std::array<char, 32> text_{};
};

int write(const char* path, std::string_view text) {
  const int file = ::open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0) return errno;
  const int error = ::write(file, text.data(), text.size()) < 0 ? errno : 0;
  ::close(file);
  return error;
}

// Until the command is executed nobody in there may look into us, who have more rights.
int join(int pidfd, int namespaces) {
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return errno;
  return ::setns(pidfd, namespaces) != 0 ? errno : 0;
}

// Where the map does not hold who we were, we are nobody until here. A process whose ids change
// is not dumpable, and its files in /proc belong to root.
int identity(bool is_dumpable) {
  if (::setresgid(0, 0, 0) != 0 || ::setresuid(0, 0, 0) != 0) return errno;
  if (::setgroups(0, nullptr) != 0 && errno != EPERM) return errno;
  return ::prctl(PR_SET_DUMPABLE, is_dumpable ? 1 : 0, 0, 0, 0) < 0 ? errno : 0;
}

int loopback() {
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return errno;
  ifreq request{};
  std::memcpy(request.ifr_name, "lo", 3);
  int error = 0;
  if (::ioctl(socket, SIOCGIFFLAGS, &request) != 0) {
    error = errno;
  } else {
    request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
    if (::ioctl(socket, SIOCSIFFLAGS, &request) != 0) error = errno;
  }
  ::close(socket);
  return error;
}

// The flags that the mount has are repeated: in a user namespace none may be dropped.
int remount(int target, std::uint64_t attributes) {
  struct statvfs now {};
  const DescriptorPath path(target);
  if (::statvfs(path.c_str(), &now) != 0) return errno;
  // The first four of both sets have the same numbers.
  constexpr std::uint64_t kSame =
      MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  const unsigned long flags = (now.f_flag | attributes) & kSame;
  return ::mount("", path.c_str(), nullptr, MS_REMOUNT | MS_BIND | flags, nullptr) != 0 ? errno : 0;
}

// Also those that are younger than our names; EINVAL: this kernel has no more.
int bounding(CapabilitySet keep) {
  for (unsigned number = 0; number < 64; ++number) {
    if ((keep >> number & 1U) != 0) continue;
    if (::prctl(PR_CAPBSET_DROP, number, 0, 0, 0) != 0) return errno == EINVAL ? 0 : errno;
  }
  return 0;
}

int user(uid_t uid, gid_t gid) {
  // In a user namespace of an ordinary user groups cannot be dropped: they give nothing there.
  if (::setgroups(0, nullptr) != 0 && errno != EPERM) return errno;
  if (::setresgid(gid, gid, gid) != 0 || ::setresuid(uid, uid, uid) != 0) return errno;
  return 0;
}

int capabilities(CapabilitySet keep) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> sets{};
  if (::syscall(SYS_capget, &header, sets.data()) != 0) return errno;
  for (std::size_t i = 0; i < sets.size(); ++i) {
    const auto mask = static_cast<std::uint32_t>(keep >> (32 * i));
    sets.at(i).permitted &= mask;
    sets.at(i).effective = sets.at(i).permitted;
    sets.at(i).inheritable = 0;
  }
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 && errno != EINVAL) {
    return errno;
  }
  return ::syscall(SYS_capset, &header, sets.data()) != 0 ? errno : 0;
}

// On execution: until then the status pipe is needed.
int close_all() {
  constexpr unsigned kCloseOnExec = 4;  // CLOSE_RANGE_CLOEXEC, Linux 5.11
  if (::syscall(SYS_close_range, 3U, UINT_MAX, kCloseOnExec) == 0) return 0;
  constexpr int kMost = 65536;
  for (int fd = 3; fd < kMost; ++fd) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  return 0;
}

int seccomp(std::string_view filter) {
  std::array<sock_filter, BPF_MAXINSNS> instructions{};
  const std::size_t count = filter.size() / sizeof(sock_filter);
  if (count > instructions.size()) return E2BIG;
  std::memcpy(instructions.data(), filter.data(), count * sizeof(sock_filter));
  const sock_fprog program{static_cast<unsigned short>(count), instructions.data()};
  return ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) != 0 ? errno : 0;
}

}  // namespace

int ChildWorker::run(const ChildStep& step) {
  const int error = act(step);
  const bool may_lack = step.act == ChildStep::Act::mask || step.act == ChildStep::Act::read_only;
  return may_lack && error == ENOENT ? 0 : error;
}

/// Goes to the directory of Act::keep, where the agent finds it as ours.
void ChildWorker::show_kept() const {
  if (kept_ >= 0 && ::fchdir(kept_) != 0) ::_exit(125);
}

void ChildWorker::leave_kept() const {
  if (kept_ >= 0 && ::chdir("/") != 0) ::_exit(125);
}

int ChildWorker::act(const ChildStep& step) {
  using Act = ChildStep::Act;
  const auto result = [](long returned) { return returned < 0 ? errno : 0; };
  switch (step.act) {
    case Act::join:
      is_hidden_ = true;
      return join(static_cast<int>(step.group), static_cast<int>(step.number));
    case Act::unshare:
      return result(::unshare(static_cast<int>(step.number)));
    case Act::write:
      return write(step.target.c_str(), step.data);
    case Act::identity:
      return identity(!is_hidden_);
    case Act::hostname:
      return result(::sethostname(step.data.c_str(), step.data.size()));
    case Act::loopback:
      return loopback();
    case Act::make_private:
      return result(::mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr));
    case Act::mount:
      return mount(step);
    case Act::bind:
      return bind(step);
    case Act::read_only:
      return read_only(step);
    case Act::mask:
      return mask(step);
    case Act::keep:
      kept_ = ::open(step.target.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
      return kept_ < 0 ? errno : 0;
    case Act::root:
      root_ = ::open(step.target.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
      return root_ < 0 ? errno : 0;
    case Act::directory:
    case Act::file:
    case Act::device:
    case Act::link:
      return make(step);
    case Act::pivot:
      return pivot();
    case Act::chroot:
      if (::fchdir(root_) != 0 || ::chroot(".") != 0) return errno;
      root_ = -1;
      return 0;
    case Act::chdir:
      return result(::chdir(step.target.c_str()));
    case Act::bounding:
      return bounding(step.number);
    case Act::user:
      return user(static_cast<uid_t>(step.number), step.group);
    case Act::capabilities:
      return capabilities(step.number);
    case Act::close:
      return close_all();
    case Act::no_new_privileges:
      return result(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    case Act::seccomp:
      return seccomp(step.data);
  }
  return EINVAL;
}

/// A descriptor of a path inside; no link leads out of it.
int ChildWorker::resolve(const std::string& path) const {
  if (root_ < 0) return ::open(path.c_str(), O_PATH | O_CLOEXEC);
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  return static_cast<int>(
      ::syscall(SYS_openat2, root_, path.c_str(), &how, sizeof(how)));  // Linux 5.6
}

int ChildWorker::mount_at(int target, const char* source, const char* type, unsigned long flags,
                          const char* data) const {
  if (target < 0) return errno;
  const int error =
      ::mount(source, DescriptorPath(target).c_str(), type, flags, data) != 0 ? errno : 0;
  ::close(target);
  return error;
}

int ChildWorker::mount(const ChildStep& step) const {
  return mount_at(resolve(step.target), step.source.c_str(), step.type.c_str(), step.number,
                  step.data.empty() ? nullptr : step.data.c_str());
}

/// Adds MOUNT_ATTR_… to the mount at a path, before Linux 5.12 not to those below it.
int ChildWorker::add_attributes(const std::string& path, std::uint64_t attributes) const {
  const int target = resolve(path);
  if (target < 0) return errno;
  mount_attr change{};
  change.attr_set = attributes;
  int error = 0;
  if (::syscall(SYS_mount_setattr, target, "", AT_EMPTY_PATH | AT_RECURSIVE, &change,
                sizeof(change)) != 0) {
    error = errno == ENOSYS ? remount(target, attributes) : errno;
  }
  ::close(target);
  return error;
}

int ChildWorker::bind(const ChildStep& step) const {
  const int error =
      mount_at(resolve(step.target), step.source.c_str(), nullptr, MS_BIND | MS_REC, nullptr);
  return error != 0 || step.number == 0 ? error : add_attributes(step.target, step.number);
}

int ChildWorker::read_only(const ChildStep& step) const {
  const int source = resolve(step.target);
  if (source < 0) return errno;
  const int error = mount_at(resolve(step.target), DescriptorPath(source).c_str(), nullptr,
                             MS_BIND | MS_REC, nullptr);
  ::close(source);
  return error != 0 ? error : add_attributes(step.target, MOUNT_ATTR_RDONLY);
}

int ChildWorker::mask(const ChildStep& step) const {
  const int target = resolve(step.target);
  struct stat status {};
  if (target < 0 || ::fstat(target, &status) != 0) return errno;
  if (S_ISDIR(status.st_mode)) {
    return mount_at(target, "tmpfs", "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
                    "size=0,nr_inodes=2,mode=755");
  }
  const int null = resolve("/dev/null");  // what was mounted there, of the host's if nothing was
  const int error = mount_at(target, null < 0 ? "/dev/null" : DescriptorPath(null).c_str(), nullptr,
                             MS_BIND, nullptr);
  if (null >= 0) ::close(null);
  return error;
}

int ChildWorker::make(const ChildStep& step) const {
  const int parent = resolve(step.target);
  if (parent < 0) return errno;
  const char* const name = step.data.c_str();
  const auto mode = static_cast<mode_t>(step.number);
  int error = 0;
  if (step.act == ChildStep::Act::directory) {
    // The umask is the command's.
    if (::mkdirat(parent, name, mode) != 0 || ::fchmodat(parent, name, mode, 0) != 0) {
      error = errno;
    }
  } else if (step.act == ChildStep::Act::link) {
    if (::symlinkat(step.source.c_str(), parent, name) != 0) error = errno;
  } else if (step.act == ChildStep::Act::device) {
    // The umask is the command's and may take away what everybody needs.
    if (::mknodat(parent, name, S_IFCHR | 0666, step.number) != 0 ||
        ::fchmodat(parent, name, 0666, 0) != 0) {
      error = errno;
    }
  } else if (::mknodat(parent, name, S_IFREG | 0644, 0) != 0) {
    error = errno;
  }
  ::close(parent);
  return error == EEXIST ? 0 : error;
}

// Both stacked at the same place, then the old one is taken off: no directory for it is needed.
int ChildWorker::pivot() {
  if (::fchdir(root_) != 0 || ::syscall(SYS_pivot_root, ".", ".") != 0 ||
      ::umount2(".", MNT_DETACH) != 0 || ::chdir("/") != 0) {
    return errno;
  }
  root_ = -1;
  return 0;
}

}  // namespace cgmon
