// Run while the agent is built: prints its seccomp filters as a header. To make one takes
// libseccomp a millisecond, which each start of an isolated command would pay. The filters hang on
// the machine's architecture alone, which the program is built for as well.
#include <fcntl.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <vector>

namespace {

// What docker's default profile leaves out, with or without the capability that it asks for.
constexpr auto kRefused = std::to_array<const char*>({"acct",
                                                      "add_key",
                                                      "adjtimex",
                                                      "bpf",
                                                      "clock_adjtime",
                                                      "clock_adjtime64",
                                                      "clock_settime",
                                                      "clock_settime64",
                                                      "create_module",
                                                      "delete_module",
                                                      "fanotify_init",
                                                      "finit_module",
                                                      "fsconfig",
                                                      "fsmount",
                                                      "fsopen",
                                                      "fspick",
                                                      "get_kernel_syms",
                                                      "init_module",
                                                      "io_uring_enter",
                                                      "io_uring_register",
                                                      "io_uring_setup",
                                                      "ioperm",
                                                      "iopl",
                                                      "kcmp",
                                                      "kexec_file_load",
                                                      "kexec_load",
                                                      "keyctl",
                                                      "lookup_dcookie",
                                                      "mount",
                                                      "mount_setattr",
                                                      "move_mount",
                                                      "move_pages",
                                                      "name_to_handle_at",
                                                      "nfsservctl",
                                                      "open_by_handle_at",
                                                      "open_tree",
                                                      "perf_event_open",
                                                      "pivot_root",
                                                      "process_vm_readv",
                                                      "process_vm_writev",
                                                      "ptrace",
                                                      "query_module",
                                                      "quotactl",
                                                      "quotactl_fd",
                                                      "reboot",
                                                      "request_key",
                                                      "setns",
                                                      "settimeofday",
                                                      "stime",
                                                      "swapoff",
                                                      "swapon",
                                                      "_sysctl",
                                                      "sysfs",
                                                      "syslog",
                                                      "umount",
                                                      "umount2",
                                                      "unshare",
                                                      "uselib",
                                                      "userfaultfd",
                                                      "ustat",
                                                      "vhangup",
                                                      "vm86",
                                                      "vm86old"});

using Filter = std::unique_ptr<void, decltype(&seccomp_release)>;

int refuse(const Filter& filter, std::uint32_t action, const char* name) {
  const int number = seccomp_syscall_resolve_name(name);
  // No such call here, or younger than the library: then no rule can be made.
  if (number == __NR_SCMP_ERROR) return 0;
  return seccomp_rule_add(filter.get(), action, number, 0);
}

int add_rules(const Filter& filter, bool logs) {
  const std::uint32_t refused = logs ? SCMP_ACT_LOG : SCMP_ACT_ERRNO(EPERM);
  for (const char* const name : kRefused) {
    if (const int error = refuse(filter, refused, name); error != 0) return error;
  }
  constexpr std::array<std::uint64_t, 7> kNamespaces{CLONE_NEWNS,    CLONE_NEWUTS, CLONE_NEWIPC,
                                                     CLONE_NEWPID,   CLONE_NEWNET, CLONE_NEWUSER,
                                                     CLONE_NEWCGROUP};
  for (const std::uint64_t flag : kNamespaces) {
    const scmp_arg_cmp wanted{0, SCMP_CMP_MASKED_EQ, flag, flag};
    const int error = seccomp_rule_add(filter.get(), refused, SCMP_SYS(clone), 1, wanted);
    if (error != 0) return error;
  }
  // Its flags are in memory, where no filter looks.
  if (const int error = seccomp_rule_add(filter.get(), logs ? SCMP_ACT_LOG : SCMP_ACT_ERRNO(ENOSYS),
                                         SCMP_SYS(clone3), 0);
      error != 0) {
    return error;
  }
  // By these a command types into the terminal that it shares with whoever started it.
  for (const std::uint64_t request : {std::uint64_t{TIOCSTI}, std::uint64_t{TIOCLINUX}}) {
    const scmp_arg_cmp wanted{1, SCMP_CMP_MASKED_EQ, 0xffffffffU, request};
    const int error = seccomp_rule_add(filter.get(), refused, SCMP_SYS(ioctl), 1, wanted);
    if (error != 0) return error;
  }
  return 0;
}

/// Programs of the machine's other ABIs would be killed, as the filter does not know their calls.
int add_architectures(const Filter& filter) {
  std::array<std::uint32_t, 2> others{};
  switch (seccomp_arch_native()) {
    case SCMP_ARCH_X86_64:
      others[0] = SCMP_ARCH_X86;
      others[1] = SCMP_ARCH_X32;
      break;
    case SCMP_ARCH_AARCH64:
      others[0] = SCMP_ARCH_ARM;
      break;
    default:
      break;
  }
  for (const std::uint32_t other : others) {
    if (other == 0) continue;
    const int error = seccomp_arch_add(filter.get(), other);
    if (error != 0 && error != -EEXIST) return error;
  }
  return 0;
}

/// The filter as the kernel takes it, struct sock_filter[]. 0 or a negative errno.
int make_program(bool logs, std::vector<unsigned char>& program) {
  const Filter filter(seccomp_init(SCMP_ACT_ALLOW), &seccomp_release);
  if (!filter) return -ENOMEM;
  int error = add_architectures(filter);
  if (error == 0) error = add_rules(filter, logs);
  if (error != 0) return error;
  const int memory = ::memfd_create("seccomp", MFD_CLOEXEC);
  if (memory < 0) return -errno;
  error = seccomp_export_bpf(filter.get(), memory);
  const off_t size = ::lseek(memory, 0, SEEK_END);
  if (error == 0 && size <= 0) error = -EIO;
  program.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  if (error == 0 && ::pread(memory, program.data(), program.size(), 0) != size) error = -EIO;
  ::close(memory);
  return error;
}

bool print_program(const char* name, bool logs) {
  std::vector<unsigned char> program;
  if (const int error = make_program(logs, program); error != 0) {
    std::fprintf(stderr, "cannot make a seccomp filter: errno %d\n", -error);
    return false;
  }
  std::printf("inline constexpr unsigned char %s[] = {", name);
  for (std::size_t i = 0; i < program.size(); ++i) {
    std::printf("%s%u,", i % 24 == 0 ? "\n    " : "", static_cast<unsigned>(program[i]));
  }
  std::printf("\n};\n");
  return true;
}

}  // namespace

int main() {
  std::printf("// Made by seccomp_compiler.cc.\n#pragma once\n\nnamespace cgmon {\n\n");
  const bool done =
      print_program("kRefusingFilter", false) && print_program("kLoggingFilter", true);
  std::printf("\n}  // namespace cgmon\n");
  return done && std::fflush(stdout) == 0 ? 0 : 1;
}
