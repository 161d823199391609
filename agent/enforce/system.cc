#include "agent/enforce/system.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>

#include "collectors/parse/number.h"

namespace cgmon {
namespace {

constexpr std::array kHandled{SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};

sigset_t handled_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : kHandled) sigaddset(&set, number);
  return set;
}

std::string read_all(int fd, std::size_t max_bytes) {
  std::string text;
  std::array<char, 4096> buffer{};
  while (text.size() < max_bytes) {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return text;
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t done = ::write(fd, text.data(), text.size());
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(done));
  }
  return true;
}

/// The directories right below one.
std::vector<std::string> children_of(const std::string& path) {
  std::vector<std::string> found;
  DIR* const directory = ::opendir(path.c_str());
  if (directory == nullptr) return found;
  while (const dirent* const entry = ::readdir(directory)) {
    const std::string_view name = entry->d_name;
    if (entry->d_type == DT_DIR && name != "." && name != "..") {
      found.push_back(path + '/' + std::string(name));
    }
  }
  ::closedir(directory);
  return found;
}

// What the child does between its birth and the command: only calls that are safe there.
[[noreturn]] void become(char* const* arguments, int go, int status, pid_t parent) {
  char byte = 0;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent && ::getppid() != 0) ::_exit(125);
  if (::read(go, &byte, 1) != 1) ::_exit(125);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execvp(arguments[0], arguments);
  const int error = errno;
  [[maybe_unused]] const ssize_t told = ::write(status, &error, sizeof(error));
  ::_exit(error == ENOENT ? 127 : 126);
}

/// In the cgroup if the kernel can (5.7), else where we are: `in_cgroup` says which.
pid_t clone_process(int cgroup, int* pidfd, bool& in_cgroup) {
  clone_args arguments{};
  arguments.flags = CLONE_PIDFD;
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
  in_cgroup = false;
  pid = ::fork();
  if (pid > 0) *pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  return static_cast<pid_t>(pid);
}

}  // namespace

UniqueFd& UniqueFd::operator=(UniqueFd&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.release();
  }
  return *this;
}

int UniqueFd::release() {
  const int fd = fd_;
  fd_ = -1;
  return fd;
}

void UniqueFd::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Result<bool> make_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0755) == 0) return true;
  if (errno == EEXIST) return false;
  return failure("cannot make the directory", path, errno);
}

int remove_directory(const std::string& path) { return ::rmdir(path.c_str()) == 0 ? 0 : errno; }

int write_kernel_file(const std::string& path, std::string_view text) {
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (file.get() < 0) return errno;
  return ::write(file.get(), text.data(), text.size()) < 0 ? errno : 0;
}

Result<void> replace_file(const std::string& path, std::string_view text) {
  const std::string next = path + '.' + random_id();
  const UniqueFd file(::open(next.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (file.get() < 0) return failure("cannot make the file", path, errno);
  if (write_all(file.get(), text) && ::rename(next.c_str(), path.c_str()) == 0) return {};
  const int error = errno;
  ::unlink(next.c_str());
  return failure("cannot write the file", path, error);
}

Result<BlockDevice> block_device(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return failure("no such device", path, errno);
  const bool is_disk = S_ISBLK(status.st_mode);
  if (S_ISCHR(status.st_mode)) return failure("not a block device", path);
  const dev_t number = is_disk ? status.st_rdev : status.st_dev;
  if (major(number) == 0) return failure("is on a file system that has no disk of its own", path);
  return BlockDevice{{major(number), minor(number)}, !is_disk};
}

Result<DeviceRule> device_node(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return failure("no such device", path, errno);
  if (!S_ISBLK(status.st_mode) && !S_ISCHR(status.st_mode)) return failure("no device", path);
  DeviceRule rule;
  rule.type = S_ISBLK(status.st_mode) ? 'b' : 'c';
  rule.major = major(status.st_rdev);
  rule.minor = minor(status.st_rdev);
  return rule;
}

int set_rlimit(pid_t pid, const Rlimit& limit) {
  constexpr std::array kNumbers{RLIMIT_CPU,      RLIMIT_FSIZE, RLIMIT_DATA,   RLIMIT_STACK,
                                RLIMIT_CORE,     RLIMIT_RSS,   RLIMIT_NPROC,  RLIMIT_NOFILE,
                                RLIMIT_MEMLOCK,  RLIMIT_AS,    RLIMIT_LOCKS,  RLIMIT_SIGPENDING,
                                RLIMIT_MSGQUEUE, RLIMIT_NICE,  RLIMIT_RTPRIO, RLIMIT_RTTIME};
  static_assert(kNumbers.size() == kRlimitNames.size());
  const rlimit wanted{limit.soft.value_or(RLIM_INFINITY), limit.hard.value_or(RLIM_INFINITY)};
  return ::prlimit(pid, kNumbers.at(limit.index), &wanted, nullptr) == 0 ? 0 : errno;
}

int set_nice(pid_t pid, int value) {
  return ::setpriority(PRIO_PROCESS, static_cast<id_t>(pid), value) == 0 ? 0 : errno;
}

int attach_device_program(const std::string& cgroup, std::span<const bpf_insn> program) {
  constexpr const char* kLicense = "Apache-2.0";
  const UniqueFd directory(::open(cgroup.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0) return errno;
  bpf_attr load{};
  load.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  load.insn_cnt = static_cast<std::uint32_t>(program.size());
  load.insns = reinterpret_cast<std::uint64_t>(program.data());
  load.license = reinterpret_cast<std::uint64_t>(kLicense);
  const UniqueFd loaded(static_cast<int>(::syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof(load))));
  if (loaded.get() < 0) return errno;
  bpf_attr attach{};
  attach.target_fd = static_cast<std::uint32_t>(directory.get());
  attach.attach_bpf_fd = static_cast<std::uint32_t>(loaded.get());
  attach.attach_type = BPF_CGROUP_DEVICE;
  attach.attach_flags = BPF_F_ALLOW_MULTI;
  return ::syscall(SYS_bpf, BPF_PROG_ATTACH, &attach, sizeof(attach)) == 0 ? 0 : errno;
}

std::string random_id() {
  std::array<unsigned char, 8> bytes{};
  [[maybe_unused]] const ssize_t got = ::getrandom(bytes.data(), bytes.size(), 0);
  std::string id;
  for (const unsigned char byte : bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    id += kDigits[byte >> 4U];
    id += kDigits[byte & 15U];
  }
  return id;
}

Result<UniqueFd> lock_directory(const std::string& path) {
  for (std::size_t slash = path.find('/', 1); slash != path.npos;
       slash = path.find('/', slash + 1)) {
    if (auto made = make_directory(path.substr(0, slash)); !made)
      return tl::unexpected(made.error());
  }
  if (auto made = make_directory(path); !made) return tl::unexpected(made.error());
  UniqueFd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0) return failure("cannot open the directory", path, errno);
  while (::flock(directory.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return failure("cannot lock the directory", path, errno);
  }
  return directory;
}

// Linked into the directory once it is locked and whole: nobody sees it before.
Result<UniqueFd> create_state_file(const std::string& directory, const std::string& name,
                                   std::string_view text) {
  UniqueFd file(::open(directory.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644));
  const std::string path = directory + '/' + name;
  if (file.get() < 0) return failure("cannot make the state file", path, errno);
  const std::string itself = "/proc/self/fd/" + std::to_string(file.get());
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0 || !write_all(file.get(), text) ||
      ::linkat(AT_FDCWD, itself.c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW) != 0) {
    return failure("cannot write the state file", path, errno);
  }
  return file;
}

std::vector<Leftover> leftover_state_files(const std::string& directory) {
  std::vector<Leftover> found;
  DIR* const list = ::opendir(directory.c_str());
  if (list == nullptr) return found;
  while (const dirent* const entry = ::readdir(list)) {
    const std::string name = entry->d_name;
    if (!name.ends_with(".json")) continue;
    const UniqueFd file(
        ::openat(::dirfd(list), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (file.get() < 0 || ::flock(file.get(), LOCK_EX | LOCK_NB) != 0) continue;
    found.push_back({name, read_all(file.get(), std::size_t{64} << 10U)});
  }
  ::closedir(list);
  return found;
}

void remove_file(const std::string& path) { ::unlink(path.c_str()); }

std::vector<std::string> directories_below(const std::string& cgroup) {
  std::vector<std::string> found;
  for (const std::string& child : children_of(cgroup)) {
    const std::vector<std::string> deeper = directories_below(child);
    found.insert(found.end(), deeper.begin(), deeper.end());
    found.push_back(child);
  }
  return found;
}

std::vector<pid_t> processes_below(const std::string& cgroup) {
  std::vector<std::string> directories = directories_below(cgroup);
  directories.push_back(cgroup);
  std::vector<pid_t> pids;
  for (const std::string& directory : directories) {
    const UniqueFd file(::open((directory + "/cgroup.procs").c_str(), O_RDONLY | O_CLOEXEC));
    if (file.get() < 0) continue;
    const std::string text = read_all(file.get(), std::size_t{4} << 20U);
    std::string_view rest = text;
    while (!rest.empty()) {
      const auto pid = parse_number(take_until(rest, '\n'));
      if (pid && *pid > 0 && *pid <= INT32_MAX) pids.push_back(static_cast<pid_t>(*pid));
    }
  }
  return pids;
}

void kill_process(pid_t pid, int signal) { ::kill(pid, signal); }

void pause_for(std::chrono::milliseconds time) {
  const timespec length{time.count() / 1000, (time.count() % 1000) * 1'000'000};
  ::nanosleep(&length, nullptr);
}

Result<Child> Child::start(std::span<const std::string> command, const std::string& cgroup) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  std::array<int, 2> go{}, status{};
  if (::pipe2(go.data(), O_CLOEXEC) != 0) return failure("cannot make a pipe", {}, errno);
  const UniqueFd go_end(go[0]);
  Child child;
  child.go_ = UniqueFd(go[1]);
  if (::pipe2(status.data(), O_CLOEXEC) != 0) return failure("cannot make a pipe", {}, errno);
  child.status_ = UniqueFd(status[0]);
  const UniqueFd status_end(status[1]);
  UniqueFd directory;
  if (!cgroup.empty())
    directory = UniqueFd(::open(cgroup.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  int pidfd = -1;
  bool in_cgroup = false;
  const pid_t parent = ::getpid();
  child.pid_ = clone_process(directory.get(), &pidfd, in_cgroup);
  if (child.pid_ == 0) {
    ::close(go[1]);
    become(arguments.data(), go[0], status[1], parent);
  }
  if (child.pid_ < 0) return failure("cannot start a process", {}, errno);
  child.pidfd_ = UniqueFd(pidfd);
  if (in_cgroup || cgroup.empty()) return child;
  const std::string procs = cgroup + "/cgroup.procs";
  if (const int error = write_kernel_file(procs, std::to_string(child.pid_)); error != 0) {
    return failure("cannot put the command into its cgroup", procs, error);
  }
  return child;
}

Result<void> Child::execute() {
  if (::write(go_.get(), "x", 1) != 1) return failure("the child has gone", {}, errno);
  go_.reset();
  int error = 0;
  ssize_t got = 0;
  do {
    got = ::read(status_.get(), &error, sizeof(error));
  } while (got < 0 && errno == EINTR);
  status_.reset();
  if (got == sizeof(error)) return failure("cannot execute", {}, error);
  return {};
}

void Child::send(int signal) const {
  ::syscall(SYS_pidfd_send_signal, pidfd_.get(), signal, nullptr, 0);
}

std::optional<Child::End> Child::ended() const {
  siginfo_t info{};
  const int flags = WEXITED | WNOHANG | WNOWAIT;
  if (::waitid(P_PID, static_cast<id_t>(pid_), &info, flags) != 0 || info.si_pid == 0) return {};
  return End{info.si_code != CLD_EXITED, info.si_code == CLD_DUMPED, info.si_status};
}

Result<Events> Events::open() {
  const sigset_t set = handled_signals();
  if (::sigprocmask(SIG_BLOCK, &set, nullptr) != 0) return failure("sigprocmask", {}, errno);
  Events events;
  events.signals_ = UniqueFd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  events.timer_ = UniqueFd(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  if (events.signals_.get() < 0 || events.timer_.get() < 0) {
    return failure("cannot wait for signals and time", {}, errno);
  }
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  return events;
}

void Events::tick_every(std::chrono::milliseconds interval) {
  const timespec length{interval.count() / 1000, (interval.count() % 1000) * 1'000'000};
  const itimerspec timer{length, length};
  ::timerfd_settime(timer_.get(), 0, &timer, nullptr);
}

Wake Events::wait(int pidfd, std::int64_t deadline_ns) {
  std::array<pollfd, 3> waited{pollfd{signals_.get(), POLLIN, 0}, pollfd{timer_.get(), POLLIN, 0},
                               pollfd{pidfd, POLLIN, 0}};
  timespec left{};
  if (deadline_ns > 0) {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    const std::int64_t ns =
        std::max<std::int64_t>(deadline_ns - (now.tv_sec * 1'000'000'000 + now.tv_nsec), 0);
    left = {ns / 1'000'000'000, ns % 1'000'000'000};
  }
  ::ppoll(waited.data(), waited.size(), deadline_ns > 0 ? &left : nullptr, nullptr);
  Wake wake;
  wake.child_ended = waited[2].revents != 0;
  std::uint64_t ticks = 0;
  wake.tick = ::read(timer_.get(), &ticks, sizeof(ticks)) == sizeof(ticks);
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof(info)) == sizeof(info)) {
    if (info.ssi_signo == SIGCHLD) continue;
    wake.signals.push_back({static_cast<int>(info.ssi_signo), info.ssi_code == SI_KERNEL});
  }
  return wake;
}

void Events::reap_orphans(pid_t keep) {
  siginfo_t info{};
  while (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0) {
    if (info.si_pid == keep) return;
    ::waitpid(info.si_pid, nullptr, WNOHANG);
    info.si_pid = 0;
  }
}

rusage reap_all() {
  while (::waitpid(-1, nullptr, WNOHANG) > 0) {
  }
  rusage usage{};
  ::getrusage(RUSAGE_CHILDREN, &usage);
  return usage;
}

std::int64_t own_cpu_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

}  // namespace cgmon
