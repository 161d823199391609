#include "agent/enforce/child_process.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "agent/enforce/child_worker.h"

namespace cgmon {
namespace {

void say(int pipe, ChildMessage message) {
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
[[noreturn]] void be_init(pid_t command, const ChildPipes& pipes) {
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

}  // namespace

void become(const ChildPlan& plan, const Program& program, const ChildPipes& pipes, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent && ::getppid() != 0) ::_exit(125);
  wait_for_go(pipes.go);
  ChildWorker worker;
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

}  // namespace cgmon
