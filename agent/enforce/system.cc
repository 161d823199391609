#include "agent/enforce/system.h"

#include <dirent.h>
#include <fcntl.h>
#include <fts.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>

#include "collectors/parse/number.h"

namespace cgmon {
namespace {

constexpr std::array kHandled{SIGCHLD, SIGINT,  SIGTERM, SIGHUP, SIGQUIT,
                              SIGUSR1, SIGUSR2, SIGTSTP, SIGCONT};

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

bool is_writable(const std::string& path) {
  return ::faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) == 0;
}

bool is_marked_delegated(const std::string& cgroup) {
  for (const char* name : {"user.delegate", "trusted.delegate"}) {
    char mark = 0;
    if (::getxattr(cgroup.c_str(), name, &mark, 1) == 1 && mark == '1') return true;
  }
  return false;
}

Result<void> become_sealed_copy() {
  constexpr const char* kItself = "/proc/self/exe";
  constexpr const char* kWhat = "cannot make a copy of this program that no container can change";
  constexpr std::size_t kLineBytesMax = std::size_t{4} << 20U;
  std::array<char, 16> path{};
  if (::readlink(kItself, path.data(), path.size()) > 0 &&
      std::string_view(path.data(), path.size()).starts_with("/memfd:")) {
    ::prctl(PR_SET_NAME, "agent", 0, 0, 0);
    return {};
  }
  constexpr unsigned kExecutable = 0x10;  // MFD_EXEC, which Linux 6.3 wants and older ones refuse
  constexpr unsigned kFlags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  UniqueFd copy(::memfd_create("agent", kFlags | kExecutable));
  if (copy.get() < 0) copy = UniqueFd(::memfd_create("agent", kFlags));
  const UniqueFd program(::open(kItself, O_RDONLY | O_CLOEXEC));
  const UniqueFd line(::open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC));
  if (copy.get() < 0 || program.get() < 0 || line.get() < 0) return failure(kWhat, {}, errno);
  ssize_t copied = 0;
  do {
    copied = ::sendfile(copy.get(), program.get(), nullptr, std::size_t{1} << 30U);
  } while (copied > 0);
  constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  if (copied < 0 || ::fcntl(copy.get(), F_ADD_SEALS, kSeals) != 0) {
    return failure(kWhat, {}, errno);
  }
  std::string words = read_all(line.get(), kLineBytesMax);
  if (!words.ends_with('\0')) words += '\0';
  std::vector<char*> arguments;
  for (std::size_t at = 0; at < words.size(); at = words.find('\0', at) + 1) {
    arguments.push_back(words.data() + at);
  }
  arguments.push_back(nullptr);
  ::fexecve(copy.get(), arguments.data(), ::environ);
  return failure(kWhat, {}, errno);
}

int open_process(pid_t pid) { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)); }

bool is_alive(int pidfd) {
  return pidfd >= 0 && ::syscall(SYS_pidfd_send_signal, pidfd, 0, nullptr, 0) == 0;
}

int remove_directory(const std::string& path) { return ::rmdir(path.c_str()) == 0 ? 0 : errno; }

int write_kernel_file(const std::string& path, std::string_view text) {
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (file.get() < 0) return errno;
  return ::write(file.get(), text.data(), text.size()) < 0 ? errno : 0;
}

int move_self(const std::string& procs) { return write_kernel_file(procs, "0"); }

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
  struct stat status {};
  if (::fstat(directory.get(), &status) != 0 || status.st_uid != ::geteuid()) {
    return failure("the directory of the state files belongs to another user", path);
  }
  while (::flock(directory.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return failure("cannot lock the directory", path, errno);
  }
  return directory;
}

namespace {

/// Ends with this process, whoever has a copy of the descriptor: a child that is still dying when
/// the next run looks for leftovers is one of them.
bool lock_of_process(int file) {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return ::fcntl(file, F_SETLK, &lock) == 0;
}

}  // namespace

// Linked into the directory once it is locked and whole: nobody sees it before.
Result<UniqueFd> create_state_file(const std::string& directory, const std::string& name,
                                   std::string_view text) {
  UniqueFd file(::open(directory.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644));
  const std::string path = directory + '/' + name;
  if (file.get() < 0) return failure("cannot make the state file", path, errno);
  const std::string itself = "/proc/self/fd/" + std::to_string(file.get());
  if (!lock_of_process(file.get()) || !write_all(file.get(), text) ||
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
        ::openat(::dirfd(list), name.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (file.get() < 0 || !lock_of_process(file.get())) continue;
    found.push_back({name, read_all(file.get(), std::size_t{64} << 10U)});
  }
  ::closedir(list);
  return found;
}

void remove_file(const std::string& path) { ::unlink(path.c_str()); }

Result<void> make_scratch(const std::string& path, bool is_file, std::uint32_t mode,
                          std::uint32_t uid, std::uint32_t gid) {
  const int made = is_file ? ::mknod(path.c_str(), S_IFREG | 0600, 0) : ::mkdir(path.c_str(), 0700);
  const char* const what = is_file ? "cannot make the file" : "cannot make the directory";
  if (made != 0) return failure(what, path, errno);
  if ((uid != ::geteuid() || gid != ::getegid()) && ::lchown(path.c_str(), uid, gid) != 0) {
    return failure("cannot give away", path, errno);
  }
  if (::chmod(path.c_str(), mode) != 0) return failure(what, path, errno);
  return {};
}

// By the library, which gets along with trees that are deeper than paths and descriptors are long.
Result<void> remove_tree(const std::string& path) {
  const std::array<char*, 2> roots{const_cast<char*>(path.c_str()), nullptr};
  FTS* const tree = ::fts_open(roots.data(), FTS_PHYSICAL | FTS_XDEV, nullptr);
  if (tree == nullptr) return failure("cannot remove", path, errno);
  Result<void> done;
  const auto failed = [&](const FTSENT* entry, int error) {
    if (done && error != ENOENT) done = failure("cannot remove", entry->fts_path, error);
  };
  while (FTSENT* const entry = ::fts_read(tree)) {
    switch (entry->fts_info) {
      case FTS_D:
        // An overlay's work directory may be read by nobody, which holds for all but root.
        if ((entry->fts_statp->st_mode & 0700U) != 0700U) ::chmod(entry->fts_accpath, 0700);
        break;
      case FTS_DP:
        if (::rmdir(entry->fts_accpath) != 0) failed(entry, errno);
        break;
      case FTS_DNR:
        if (::rmdir(entry->fts_accpath) != 0) failed(entry, errno);
        break;
      case FTS_NS:
      case FTS_ERR:
        failed(entry, entry->fts_errno);
        break;
      default:
        if (::unlink(entry->fts_accpath) != 0) failed(entry, errno);
    }
  }
  ::fts_close(tree);
  return done;
}

std::vector<std::string> directories_below(const std::string& cgroup) {
  std::vector<std::string> found;
  for (const std::string& child : children_of(cgroup)) {
    const std::vector<std::string> deeper = directories_below(child);
    found.insert(found.end(), deeper.begin(), deeper.end());
    found.push_back(child);
  }
  return found;
}

std::vector<pid_t> processes_in(const std::string& cgroup) {
  std::vector<pid_t> pids;
  const UniqueFd file(::open((cgroup + "/cgroup.procs").c_str(), O_RDONLY | O_CLOEXEC));
  const std::string text =
      file.get() < 0 ? std::string() : read_all(file.get(), std::size_t{4} << 20U);
  std::string_view rest = text;
  while (!rest.empty()) {
    const auto pid = parse_number(take_until(rest, '\n'));
    if (pid && *pid > 0 && *pid <= INT32_MAX) pids.push_back(static_cast<pid_t>(*pid));
  }
  return pids;
}

std::vector<pid_t> processes_below(const std::string& cgroup) {
  std::vector<std::string> directories = directories_below(cgroup);
  directories.push_back(cgroup);
  std::vector<pid_t> pids;
  for (const std::string& directory : directories) {
    const std::vector<pid_t> found = processes_in(directory);
    pids.insert(pids.end(), found.begin(), found.end());
  }
  return pids;
}

void kill_process(pid_t pid, int signal) { ::kill(pid, signal); }

void kill_children() {
  const std::string path = "/proc/self/task/" + std::to_string(::getpid()) + "/children";
  while (true) {
    const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    std::string text = file.get() < 0 ? std::string() : read_all(file.get(), std::size_t{4} << 20U);
    std::string_view rest = text;
    bool is_any = false;
    while (!rest.empty()) {
      const auto pid = parse_number(take_word(rest));
      if (!pid || *pid == 0 || *pid > INT32_MAX) continue;
      is_any = true;
      ::kill(static_cast<pid_t>(*pid), SIGKILL);
      ::waitpid(static_cast<pid_t>(*pid), nullptr, 0);
    }
    if (!is_any) return;
  }
}

void pause_for(std::chrono::milliseconds time) {
  const timespec length{time.count() / 1000, (time.count() % 1000) * 1'000'000};
  ::nanosleep(&length, nullptr);
}

Result<void> map_ids_by(const std::string& program, pid_t pid, std::string_view map) {
  std::vector<std::string> words{program, std::to_string(pid)};
  while (!map.empty()) {
    std::string_view line = take_until(map, '\n');
    for (std::string_view word = take_word(line); !word.empty(); word = take_word(line)) {
      words.emplace_back(word);
    }
  }
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  pid_t helper = -1;
  const int error =
      ::posix_spawn(&helper, program.c_str(), nullptr, &attributes, arguments.data(), ::environ);
  ::posix_spawnattr_destroy(&attributes);
  if (error != 0) return failure("cannot map ids", program, error);
  int status = 0;
  while (::waitpid(helper, &status, 0) < 0) {
    if (errno != EINTR) return failure("cannot map ids", program, errno);
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  return failure(
      "cannot map ids: it failed, and says why above (the ranges of /etc/subuid and "
      "/etc/subgid are read anew, the program needs its set-user-ID bit)",
      program);
}

Result<void> remove_tree_in_namespace(const std::string& path, const std::vector<MapFile>& maps) {
  std::array<int, 2> ready{}, go{};
  if (::pipe2(ready.data(), O_CLOEXEC) != 0) return failure("cannot make a pipe", {}, errno);
  const UniqueFd ready_read(ready[0]);
  UniqueFd ready_write(ready[1]);
  if (::pipe2(go.data(), O_CLOEXEC) != 0) return failure("cannot make a pipe", {}, errno);
  UniqueFd go_read(go[0]), go_write(go[1]);
  const pid_t child = ::fork();
  if (child < 0) return failure("cannot start a process", {}, errno);
  char byte = 0;
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::unshare(CLONE_NEWUSER) != 0) ::_exit(1);
    if (::write(ready_write.get(), &byte, 1) != 1) ::_exit(1);
    go_write.reset();
    if (::read(go_read.get(), &byte, 1) != 1) ::_exit(1);
    if (::setresgid(0, 0, 0) != 0 || ::setresuid(0, 0, 0) != 0) ::_exit(1);
    ::_exit(remove_tree(path) ? 0 : 1);
  }
  ready_write.reset();
  go_read.reset();
  bool is_mapped = ::read(ready_read.get(), &byte, 1) == 1;
  for (const MapFile& map : maps) {
    const std::string file = "/proc/" + std::to_string(child) + '/' + map.name;
    is_mapped =
        is_mapped && (map.program.empty() ? write_kernel_file(file, map.text) == 0
                                          : map_ids_by(map.program, child, map.text).has_value());
  }
  if (is_mapped) is_mapped = ::write(go_write.get(), &byte, 1) == 1;
  go_write.reset();
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (is_mapped && WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  return failure("cannot remove, also not as root of a user namespace", path);
}

Result<Holder> Holder::start() {
  Holder holder;
  const pid_t parent = ::getpid();
  holder.pid_ = ::fork();
  if (holder.pid_ < 0) return failure("cannot start a process", {}, errno);
  if (holder.pid_ > 0) return holder;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(0);
  // Nobody waits for the end of a pipe because of it, nor for the lock of the state file.
  ::syscall(SYS_close_range, 0U, ~0U, 0U);
  // Only a signal that nothing can keep off ends it: all others are blocked.
  sigset_t all;
  sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, nullptr);
  while (true) ::pause();
}

Holder& Holder::operator=(Holder&& other) noexcept {
  if (this != &other) {
    end();
    pid_ = std::exchange(other.pid_, -1);
  }
  return *this;
}

void Holder::end() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
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

Wake Events::wait(int pidfd, int end_pipe, std::int64_t deadline_ns) {
  std::vector<pollfd> waited{pollfd{signals_.get(), POLLIN, 0}, pollfd{timer_.get(), POLLIN, 0},
                             pollfd{pidfd, POLLIN, 0}, pollfd{end_pipe, POLLIN, 0}};
  const std::size_t first_alarm = waited.size();
  for (const Alarm& alarm : alarms_) waited.push_back({alarm.file.get(), alarm.events, 0});
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
  wake.child_ended = waited[2].revents != 0 || waited[3].revents != 0;
  for (std::size_t i = alarms_.size(); i-- > 0;) {
    const short said = waited[first_alarm + i].revents;
    if (said == 0) continue;
    if ((said & alarms_[i].events) != 0) {
      wake.alarms.push_back(alarms_[i].kind);
      // Until it is read, a file of events or an eventfd says the same again.
      std::array<char, 4096> text{};
      ::lseek(alarms_[i].file.get(), 0, SEEK_SET);
      [[maybe_unused]] const ssize_t got = ::read(alarms_[i].file.get(), text.data(), text.size());
    } else {
      alarms_.erase(alarms_.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }
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

void stop_self() { ::kill(::getpid(), SIGSTOP); }

rusage reap_all() {
  while (::waitpid(-1, nullptr, WNOHANG) > 0) {
  }
  return children_usage();
}

rusage children_usage() {
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
