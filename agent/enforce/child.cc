#include "agent/enforce/child.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "agent/enforce/child_process.h"

namespace cgmon {
namespace {

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
  ChildMessage message{kExecve, 0};
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

}  // namespace cgmon
