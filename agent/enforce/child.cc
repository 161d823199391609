#include "agent/enforce/child.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>

#include "agent/enforce/isolation.h"

namespace cgmon {
namespace {

/// What the new process says on its status pipe; that it closes, unsaid, is a command executed.
struct Message {
  std::int32_t step = 0, error = 0;
};
constexpr std::int32_t kExecve = -1, kReady = -2;

/// What an init says of its command.
struct EndMessage {
  std::int32_t code = 0, status = 0;
};

// All below is done in the new process, which shares no memory with us but has a copy of it: only
// calls that are safe after a fork of whatever was going on, so nothing that allocates.

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

/// Executes steps. Each returns 0 or errno.
class Worker {
 public:
  int run(const ChildStep& step) {
    const int error = act(step);
    const bool may_lack = step.act == ChildStep::Act::mask || step.act == ChildStep::Act::read_only;
    return may_lack && error == ENOENT ? 0 : error;
  }

  /// Goes to the directory of Act::keep, where the agent finds it as ours.
  void show_kept() const {
    if (kept_ >= 0 && ::fchdir(kept_) != 0) ::_exit(125);
  }
  void leave_kept() const {
    if (kept_ >= 0 && ::chdir("/") != 0) ::_exit(125);
  }

 private:
  int act(const ChildStep& step) {
    using Act = ChildStep::Act;
    const auto result = [](long returned) { return returned < 0 ? errno : 0; };
    switch (step.act) {
      case Act::join:
        return join(static_cast<int>(step.group), static_cast<int>(step.number));
      case Act::unshare:
        return result(::unshare(static_cast<int>(step.number)));
      case Act::write:
        return write(step.target.c_str(), step.data);
      case Act::identity:
        return identity();
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
  [[nodiscard]] int resolve(const std::string& path) const {
    if (root_ < 0) return ::open(path.c_str(), O_PATH | O_CLOEXEC);
    open_how how{};
    how.flags = O_PATH | O_CLOEXEC;
    how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
    return static_cast<int>(
        ::syscall(SYS_openat2, root_, path.c_str(), &how, sizeof(how)));  // Linux 5.6
  }

  static int write(const char* path, std::string_view text) {
    const int file = ::open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0) return errno;
    const int error = ::write(file, text.data(), text.size()) < 0 ? errno : 0;
    ::close(file);
    return error;
  }

  // Until the command is executed nobody in there may look into us, who have more rights.
  static int join(int pidfd, int namespaces) {
    if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return errno;
    return ::setns(pidfd, namespaces) != 0 ? errno : 0;
  }

  // Where the map does not hold who we were, we are nobody until here. A process whose ids change
  // is not dumpable, and its files in /proc belong to root.
  static int identity() {
    if (::setresgid(0, 0, 0) != 0 || ::setresuid(0, 0, 0) != 0) return errno;
    if (::setgroups(0, nullptr) != 0 && errno != EPERM) return errno;
    return ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0 ? errno : 0;
  }

  static int loopback() {
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

  int mount_at(int target, const char* source, const char* type, unsigned long flags,
               const char* data) const {
    if (target < 0) return errno;
    const int error =
        ::mount(source, DescriptorPath(target).c_str(), type, flags, data) != 0 ? errno : 0;
    ::close(target);
    return error;
  }

  [[nodiscard]] int mount(const ChildStep& step) const {
    return mount_at(resolve(step.target), step.source.c_str(), step.type.c_str(), step.number,
                    step.data.empty() ? nullptr : step.data.c_str());
  }

  /// Adds MOUNT_ATTR_… to the mount at a path, before Linux 5.12 not to those below it.
  [[nodiscard]] int add_attributes(const std::string& path, std::uint64_t attributes) const {
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

  // The flags that the mount has are repeated: in a user namespace none may be dropped.
  static int remount(int target, std::uint64_t attributes) {
    struct statvfs now {};
    const DescriptorPath path(target);
    if (::statvfs(path.c_str(), &now) != 0) return errno;
    // The first four of both sets have the same numbers.
    constexpr std::uint64_t kSame =
        MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
    const unsigned long flags = (now.f_flag | attributes) & kSame;
    return ::mount("", path.c_str(), nullptr, MS_REMOUNT | MS_BIND | flags, nullptr) != 0 ? errno
                                                                                          : 0;
  }

  [[nodiscard]] int bind(const ChildStep& step) const {
    const int error =
        mount_at(resolve(step.target), step.source.c_str(), nullptr, MS_BIND | MS_REC, nullptr);
    return error != 0 || step.number == 0 ? error : add_attributes(step.target, step.number);
  }

  [[nodiscard]] int read_only(const ChildStep& step) const {
    const int source = resolve(step.target);
    if (source < 0) return errno;
    const int error = mount_at(resolve(step.target), DescriptorPath(source).c_str(), nullptr,
                               MS_BIND | MS_REC, nullptr);
    ::close(source);
    return error != 0 ? error : add_attributes(step.target, MOUNT_ATTR_RDONLY);
  }

  [[nodiscard]] int mask(const ChildStep& step) const {
    const int target = resolve(step.target);
    struct stat status {};
    if (target < 0 || ::fstat(target, &status) != 0) return errno;
    if (S_ISDIR(status.st_mode)) {
      return mount_at(target, "tmpfs", "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
                      "size=0,nr_inodes=2,mode=755");
    }
    const int null = resolve("/dev/null");  // what was mounted there, of the host's if nothing was
    const int error = mount_at(target, null < 0 ? "/dev/null" : DescriptorPath(null).c_str(),
                               nullptr, MS_BIND, nullptr);
    if (null >= 0) ::close(null);
    return error;
  }

  [[nodiscard]] int make(const ChildStep& step) const {
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
  int pivot() {
    if (::fchdir(root_) != 0 || ::syscall(SYS_pivot_root, ".", ".") != 0 ||
        ::umount2(".", MNT_DETACH) != 0 || ::chdir("/") != 0) {
      return errno;
    }
    root_ = -1;
    return 0;
  }

  // Also those that are younger than our names; EINVAL: this kernel has no more.
  static int bounding(CapabilitySet keep) {
    for (unsigned number = 0; number < 64; ++number) {
      if ((keep >> number & 1U) != 0) continue;
      if (::prctl(PR_CAPBSET_DROP, number, 0, 0, 0) != 0) return errno == EINVAL ? 0 : errno;
    }
    return 0;
  }

  static int user(uid_t uid, gid_t gid) {
    // In a user namespace of an ordinary user groups cannot be dropped: they give nothing there.
    if (::setgroups(0, nullptr) != 0 && errno != EPERM) return errno;
    if (::setresgid(gid, gid, gid) != 0 || ::setresuid(uid, uid, uid) != 0) return errno;
    return 0;
  }

  static int capabilities(CapabilitySet keep) {
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
  static int close_all() {
    constexpr unsigned kCloseOnExec = 4;  // CLOSE_RANGE_CLOEXEC, Linux 5.11
    if (::syscall(SYS_close_range, 3U, UINT_MAX, kCloseOnExec) == 0) return 0;
    constexpr int kMost = 65536;
    for (int fd = 3; fd < kMost; ++fd) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    return 0;
  }

  static int seccomp(std::string_view filter) {
    std::array<sock_filter, BPF_MAXINSNS> instructions{};
    const std::size_t count = filter.size() / sizeof(sock_filter);
    if (count > instructions.size()) return E2BIG;
    std::memcpy(instructions.data(), filter.data(), count * sizeof(sock_filter));
    const sock_fprog program{static_cast<unsigned short>(count), instructions.data()};
    return ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) != 0 ? errno : 0;
  }

  int root_ = -1, kept_ = -1;
};

struct Pipes {
  int go, status, end;
};

void say(int pipe, Message message) {
  [[maybe_unused]] const ssize_t told = ::write(pipe, &message, sizeof(message));
}

[[noreturn]] void give_up(int pipe, std::int32_t step, int error) {
  say(pipe, {step, error});
  ::_exit(125);
}

void wait_for_go(int go) {
  char byte = 0;
  if (::read(go, &byte, 1) != 1) ::_exit(125);
}

/// What the agent has open is locked, too, as long as a copy is open.
void close_all_but(int kept) {
  const auto close_from = [](unsigned first, unsigned last) {
    if (first > last || ::syscall(SYS_close_range, first, last, 0U) == 0) return;
    constexpr unsigned kMost = 65536;  // before Linux 5.9
    for (unsigned fd = first; fd <= std::min(last, kMost); ++fd) ::close(static_cast<int>(fd));
  };
  const auto number = static_cast<unsigned>(kept);
  if (number > 0) close_from(0, number - 1);
  close_from(number + 1, UINT_MAX);
}

/// PID 1 of a namespace: only it gets the agent's signals, and all that lose their parent are its.
/// Ends when it is killed, so that whoever is left over is counted before.
[[noreturn]] void be_init(pid_t command, const Pipes& pipes) {
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  ::prctl(PR_SET_NAME, "cgmon-init", 0, 0, 0);
  close_all_but(pipes.end);
  sigset_t all;
  sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, nullptr);
  while (true) {
    siginfo_t dead{};
    while (::waitid(P_ALL, 0, &dead, WEXITED | WNOHANG) == 0 && dead.si_pid != 0) {
      if (dead.si_pid == command) {
        command = -1;
        const EndMessage end{dead.si_code, dead.si_status};
        [[maybe_unused]] const ssize_t told = ::write(pipes.end, &end, sizeof(end));
      }
      dead.si_pid = 0;
    }
    siginfo_t signal{};
    if (::sigwaitinfo(&all, &signal) < 0 || signal.si_signo == SIGCHLD) continue;
    // What a terminal sends the command has got, too.
    if (command > 0 && signal.si_code != SI_KERNEL) ::kill(command, signal.si_signo);
  }
}

/// Where to look for programs and what to hand them: read by execvp.
struct Program {
  char* const* arguments;
  char* const* environment;  ///< null: ours
};

// What the new process does between its birth and the command.
[[noreturn]] void become(const ChildPlan& plan, const Program& program, const Pipes& pipes,
                         pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent && ::getppid() != 0) ::_exit(125);
  wait_for_go(pipes.go);
  Worker worker;
  std::int32_t number = 0;
  for (const ChildStep& step : plan.setup) {
    if (const int error = worker.run(step); error != 0) give_up(pipes.status, number, error);
    ++number;
  }
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a change of ids had cleared it
  worker.show_kept();
  say(pipes.status, {kReady, 0});
  wait_for_go(pipes.go);
  worker.leave_kept();
  if (plan.has_init) {
    const pid_t command = ::_Fork();
    if (command < 0) give_up(pipes.status, kExecve, errno);
    if (command > 0) be_init(command, pipes);
  }
  for (const ChildStep& step : plan.command) {
    if (const int error = worker.run(step); error != 0) give_up(pipes.status, number, error);
    ++number;
  }
  if (!plan.has_init || !plan.is_first) ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  // execvp looks into its own environment for PATH.
  if (program.environment != nullptr) ::environ = const_cast<char**>(program.environment);
  ::execvp(program.arguments[0], program.arguments);
  const int error = errno;
  say(pipes.status, {kExecve, error});
  ::_exit(error == ENOENT ? 127 : 126);
}

/// In the cgroup if the kernel can (5.7), else where we are: `in_cgroup` says which.
pid_t clone_process(std::uint64_t namespaces, int cgroup, int* pidfd, bool& in_cgroup) {
  clone_args arguments{};
  arguments.flags = CLONE_PIDFD | namespaces;
  arguments.pidfd = reinterpret_cast<std::uint64_t>(pidfd);
  arguments.exit_signal = SIGCHLD;
  if (cgroup >= 0) {
    arguments.flags |= CLONE_INTO_CGROUP;
    arguments.cgroup = static_cast<std::uint64_t>(cgroup);
  }
  in_cgroup = cgroup >= 0;
  long pid = ::syscall(SYS_clone3, &arguments, sizeof(arguments));
  if (pid >= 0 || (errno != ENOSYS && errno != E2BIG && errno != EINVAL && errno != EPERM)) {
    return static_cast<pid_t>(pid);
  }
  // An old kernel, or a seccomp filter that cannot look into a struct.
  in_cgroup = false;
  pid = ::syscall(SYS_clone, namespaces | SIGCHLD, nullptr, nullptr, nullptr, nullptr);
  if (pid > 0) *pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  return static_cast<pid_t>(pid);
}

Result<void> make_pipe(UniqueFd& read_end, UniqueFd& write_end, int flags = 0) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC | flags) != 0) {
    return failure("cannot make a pipe", {}, errno);
  }
  read_end = UniqueFd(ends[0]);
  write_end = UniqueFd(ends[1]);
  return {};
}

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> found;
  found.reserve(words.size() + 1);
  for (const std::string& word : words) found.push_back(const_cast<char*>(word.c_str()));
  found.push_back(nullptr);
  return found;
}

std::string names_of_capabilities(CapabilitySet set) {
  std::string names;
  for (std::size_t i = 0; i < kCapabilityNames.size(); ++i) {
    if ((set >> i & 1U) != 0)
      names += (names.empty() ? "" : ",") + std::string(kCapabilityNames[i]);
  }
  return names.empty() ? "none" : names;
}

}  // namespace

Result<Child> Child::start(const ChildPlan& plan, const std::vector<std::string>& command,
                           const std::string& cgroup) {
  const std::vector<char*> arguments = pointers(command), environment = pointers(plan.environment);
  const Program program{arguments.data(), plan.has_environment ? environment.data() : nullptr};
  Child child;
  child.plan_ = &plan;
  UniqueFd go, status, end;
  if (auto made = make_pipe(go, child.go_); !made) return tl::unexpected(made.error());
  if (auto made = make_pipe(child.status_, status); !made) return tl::unexpected(made.error());
  if (plan.has_init) {
    if (auto made = make_pipe(child.end_, end, O_NONBLOCK); !made) {
      return tl::unexpected(made.error());
    }
  }
  UniqueFd directory;
  if (!cgroup.empty())
    directory = UniqueFd(::open(cgroup.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  int pidfd = -1;
  bool in_cgroup = false;
  const pid_t parent = ::getpid();
  child.pid_ = clone_process(plan.namespaces, directory.get(), &pidfd, in_cgroup);
  if (child.pid_ == 0) {
    ::close(child.go_.get());
    become(plan, program, {go.get(), status.get(), end.get()}, parent);
  }
  if (child.pid_ < 0) {
    const std::string names = names_of_clone_flags(plan.namespaces);
    const bool lacks_right = errno == EPERM && !names.empty();
    return failure(
        "cannot start a process" + (names.empty() ? "" : " in new namespaces (" + names + ")") +
            (lacks_right ? "; it takes CAP_SYS_ADMIN, or --ns=user where sysctls "
                           "(user.max_user_namespaces) and security modules let ordinary users"
                         : ""),
        {}, errno);
  }
  child.pidfd_ = UniqueFd(pidfd);
  if (in_cgroup || cgroup.empty()) return child;
  const std::string procs = cgroup + "/cgroup.procs";
  if (const int error = write_kernel_file(procs, std::to_string(child.pid_)); error != 0) {
    return failure("cannot put the command into its cgroup", procs, error);
  }
  return child;
}

std::optional<Child::Failure> Child::let_go() {
  if (::write(go_.get(), "x", 1) != 1) return Failure{nullptr, errno};
  Message message{kExecve, 0};
  ssize_t got = 0;
  do {
    got = ::read(status_.get(), &message, sizeof(message));
  } while (got < 0 && errno == EINTR);
  if (got != sizeof(message)) return Failure{nullptr, 0};
  if (message.step == kReady) return std::nullopt;
  const auto number = static_cast<std::size_t>(message.step);
  if (message.step < 0) return Failure{nullptr, message.error};
  const bool in_setup = number < plan_->setup.size();
  return Failure{
      in_setup ? &plan_->setup[number] : &plan_->command.at(number - plan_->setup.size()),
      message.error};
}

std::optional<Child::Failure> Child::set_up() {
  std::optional<Failure> failed = let_go();
  if (failed && failed->error == 0) failed->error = ECHILD;  // it was killed
  return failed;
}

UniqueFd Child::kept() const {
  const std::string path = "/proc/" + std::to_string(pid_) + "/cwd";
  return UniqueFd(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
}

// Nothing said, and the pipe is closed: it was executed.
std::optional<Child::Failure> Child::execute() {
  std::optional<Failure> failed = let_go();
  go_.reset();
  status_.reset();
  if (failed && failed->error == 0) return std::nullopt;
  return failed;
}

void Child::send(int signal) const {
  ::syscall(SYS_pidfd_send_signal, pidfd_.get(), signal, nullptr, 0);
}

std::optional<Child::End> Child::ended() {
  EndMessage end;
  const ssize_t got = end_.get() < 0 ? -1 : ::read(end_.get(), &end, sizeof(end));
  if (got == 0) end_.reset();  // the init has gone without a word
  if (got == sizeof(end)) return End{end.code != CLD_EXITED, end.code == CLD_DUMPED, end.status};
  siginfo_t info{};
  const int flags = WEXITED | WNOHANG | WNOWAIT;
  if (::waitid(P_PID, static_cast<id_t>(pid_), &info, flags) != 0 || info.si_pid == 0) return {};
  return End{info.si_code != CLD_EXITED, info.si_code == CLD_DUMPED, info.si_status};
}

std::string names_of_clone_flags(std::uint64_t flags) {
  constexpr std::array<std::pair<std::uint64_t, std::string_view>, 8> kFlags{
      {{CLONE_NEWNS, "mount"},
       {CLONE_NEWUTS, "uts"},
       {CLONE_NEWIPC, "ipc"},
       {CLONE_NEWPID, "pid"},
       {CLONE_NEWNET, "net"},
       {CLONE_NEWUSER, "user"},
       {CLONE_NEWCGROUP, "cgroup"},
       {CLONE_NEWTIME, "time"}}};
  std::string names;
  for (const auto& [flag, name] : kFlags) {
    if ((flags & flag) != 0) names += (names.empty() ? "" : ",") + std::string(name);
  }
  return names;
}

std::string text_of(const ChildStep& step) {
  using Act = ChildStep::Act;
  const std::string made =
      step.target + (step.target.ends_with('/') || step.data.empty() ? "" : "/") + step.data;
  switch (step.act) {
    case Act::join:
      return "join the namespaces " + names_of_clone_flags(step.number) + " of " + step.target;
    case Act::unshare:
      return "unshare " + names_of_clone_flags(step.number);
    case Act::write:
      return "write " + step.target + ": " + step.data.substr(0, step.data.find('\n'));
    case Act::identity:
      return "become root of the user namespace";
    case Act::hostname:
      return "set the host's name: " + step.data;
    case Act::loopback:
      return "bring up the interface lo";
    case Act::make_private:
      return "mount: no mount goes out or comes in";
    case Act::mount:
      if ((step.number & MS_BIND) != 0) {
        return "bind  " + step.source + " at " + step.target +
               ((step.number & MS_REC) != 0 ? "" : ", without the mounts below it");
      }
      return "mount " + step.type + " at " + step.target +
             (step.data.empty() ? "" : ": " + step.data);
    case Act::bind:
      return "bind  " + step.source + " at " + step.target +
             ((step.number & MOUNT_ATTR_RDONLY) != 0 ? ", read only" : "");
    case Act::read_only:
      return "read only " + step.target;
    case Act::mask:
      return "hide  " + step.target;
    case Act::keep:
      return "keep  " + step.target + " for the report";
    case Act::root:
      return "what follows is in " + step.target;
    case Act::directory:
      return "mkdir " + made;
    case Act::file:
      return "touch " + made;
    case Act::device:
      return "mknod " + made + " c " + std::to_string(major(step.number)) + ' ' +
             std::to_string(minor(step.number));
    case Act::link:
      return "link  " + made + " to " + step.source;
    case Act::pivot:
      return "pivot_root: that is /, what was / is gone";
    case Act::chroot:
      return "chroot: that is /";
    case Act::chdir:
      return "chdir " + step.target;
    case Act::bounding:
      return "capabilities of any program: " + names_of_capabilities(step.number);
    case Act::user:
      return "user " + std::to_string(step.number) + ", group " + std::to_string(step.group) +
             ", no other groups";
    case Act::capabilities:
      return "capabilities: " + names_of_capabilities(step.number);
    case Act::close:
      return "close all files but standard input, output and error";
    case Act::no_new_privileges:
      return "no new privileges by any program";
    case Act::seccomp:
      return "seccomp filter of " + std::to_string(step.data.size() / sizeof(sock_filter)) +
             " instructions";
  }
  return {};
}

}  // namespace cgmon
