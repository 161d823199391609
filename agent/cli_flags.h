#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "agent/cli.h"

namespace cgmon {

/// A command: a word without dashes, with at most one argument.
struct CommandWord {
  std::string_view name;
  Command command;
  /// Empty: it takes none; in brackets: it may be left out.
  std::string_view argument = {};
  std::string_view help;
  /// The words that the argument may be, with blanks between; empty: any.
  std::string_view words = {};

  [[nodiscard]] constexpr bool needs_argument() const {
    return !argument.empty() && !argument.starts_with('[');
  }
};

inline constexpr auto kCommandWords = std::to_array<CommandWord>({
    {.name = "detect",
     .command = Command::detect,
     .help = "Say how this host's cgroups are laid out and what is missing."},
    {.name = "inspect",
     .command = Command::inspect,
     .argument = "NAME|ID|PID|PATH",
     .help = "Explain one cgroup: each figure with the file that it came from."},
    {.name = "metrics",
     .command = Command::metrics,
     .argument = "[NAME]",
     .help = "List the metrics, or explain one with its kernel sources."},
    {.name = "check-config",
     .command = Command::check_config,
     .argument = "FILE",
     .help = "Say what is wrong with a configuration file, or what it changes."},
    {.name = "completion",
     .command = Command::completion,
     .argument = "SHELL",
     .help = "Print what completes commands and flags in bash, zsh or fish.",
     .words = "bash zsh fish"},
    {.name = "run",
     .command = Command::run,
     .help = "Run -- COMMAND in a cgroup of its own, within limits, and say what it took."},
    {.name = "man", .command = Command::man, .help = "Print the manual page, cgmon-agent(8)."},
});

/// Where --help shows a flag of the command line alone.
enum class CommandTask : std::uint8_t { shell, detect, run, rest };

/// A flag that is no configuration: it says what to do, not how.
struct CommandFlag {
  std::string_view name;
  /// 0: none.
  char short_name = 0;
  CommandTask task = CommandTask::rest;
  /// Empty: the flag takes no value.
  std::string_view value_name = {};
  std::string_view help;
  /// The words that it takes, with blanks between; empty where there are too many.
  std::string_view words = {};
  bool repeatable = false;
};

/// Indexes of kCommandFlags.
enum class FlagOf : std::uint8_t {
  once,
  output,
  interval,
  sort,
  filter,
  limit,
  no_trunc,
  color,
  format,
  cpus,
  cpu_weight,
  cpuset,
  cpuset_mems,
  memory,
  memory_high,
  swap,
  pids,
  io,
  hugetlb,
  rdma,
  misc,
  device,
  rlimit,
  nice,
  oom_score_adj,
  timeout,
  kill_after,
  json,
  openmetrics,
  repeat,
  driver,
  best_effort,
  force,
  spec,
  dry_run,
  cleanup,
  quiet,
  into,
  join,
  isolate,
  ns,
  hostname,
  root,
  chroot,
  overlay,
  upper,
  diff,
  bind,
  tmpfs,
  env,
  workdir,
  user,
  caps,
  seccomp,
  no_new_privileges,
  uid_map,
  gid_map,
  time_offset,
  config_file,
  help,
  version,
};

/// Whether `agent run` takes a flag: its own ones and the time between samples.
[[nodiscard]] constexpr bool is_of_run(const CommandFlag& flag) {
  return flag.task == CommandTask::run || flag.name == "interval";
}

inline constexpr auto kCommandFlags = std::to_array<CommandFlag>({
    {.name = "once", .task = CommandTask::shell, .help = "Print once and exit, without serving."},
    {.name = "output",
     .short_name = 'o',
     .task = CommandTask::shell,
     .value_name = "FORMAT",
     .help = "With --once: table, wide (a table of more columns), prometheus or json. Default: "
             "table. With inspect: text or json. Default: text.",
     .words = "table wide prometheus json text"},
    {.name = "interval",
     .task = CommandTask::shell,
     .value_name = "DURATION",
     .help = "With --once: time between the two samples that rates are made of. Default: 1s. "
             "With run: time between samples. Default: 100ms."},
    {.name = "sort",
     .task = CommandTask::shell,
     .value_name = "KEY[,KEY...]",
     .help = "Order of the table: name, id or a column: cpu, memory, pids, throttled, psi-cpu, ... "
             "(an unknown one lists all). From the largest, or from a; =-KEY the other way round. "
             "Default: cpu."},
    {.name = "filter",
     .task = CommandTask::shell,
     .value_name = "KEY=PATTERN",
     .help = "Only what is so: kind=container, name='web*', runtime=docker, image=..., id=...; * "
             "and ? stand for anything and one character. Repeatable: one of those of a key, and "
             "so for every key.",
     .repeatable = true},
    {.name = "limit",
     .task = CommandTask::shell,
     .value_name = "N",
     .help = "No more than N lines, the host's beside them. Default: all."},
    {.name = "no-trunc",
     .task = CommandTask::shell,
     .help = "Whole names, ids and lines, also in a narrow terminal."},
    {.name = "color",
     .task = CommandTask::shell,
     .value_name = "WHEN",
     .help = "Yellow and red for what nears its limit: auto (on a terminal, unless NO_COLOR is "
             "set), always or never. Default: auto.",
     .words = "auto always never"},
    {.name = "format",
     .task = CommandTask::detect,
     .value_name = "FORMAT",
     .help = "With detect: text or json. Default: text.",
     .words = "text json"},
    {.name = "cpus",
     .task = CommandTask::run,
     .value_name = "N",
     .help = "CPU time a second, in CPUs: 0.5 is half of one. Default: no limit."},
    {.name = "cpu-weight",
     .task = CommandTask::run,
     .value_name = "N",
     .help = "Share when CPUs are short, 1 to 10000; 100 is what others have. "
             "Default: 100."},
    {.name = "cpuset",
     .task = CommandTask::run,
     .value_name = "LIST",
     .help = "Only these CPUs: 0-3,6. Default: all."},
    {.name = "cpuset-mems",
     .task = CommandTask::run,
     .value_name = "LIST",
     .help = "Memory of these nodes alone. Default: all."},
    {.name = "memory",
     .task = CommandTask::run,
     .value_name = "BYTES",
     .help = "Memory, page cache included: 64M, 1G. Above it the kernel kills. "
             "Default: no limit."},
    {.name = "memory-high",
     .task = CommandTask::run,
     .value_name = "BYTES",
     .help = "Memory above which the command is slowed down (v2). Default: none."},
    {.name = "swap",
     .task = CommandTask::run,
     .value_name = "BYTES",
     .help = "Swap beside the memory; 0 is none. On v1 with --memory. Default: "
             "no limit."},
    {.name = "pids",
     .task = CommandTask::run,
     .value_name = "N",
     .help = "Processes and threads. Default: no limit."},
    {.name = "io",
     .task = CommandTask::run,
     .value_name = "DEVICE:LIMITS",
     .help = "Bytes and operations a second on a disk, a path or MAJ:MIN: "
             "/dev/vda:rbps=10M,wbps=1M,riops=100,wiops=50. Repeatable.",
     .repeatable = true},
    {.name = "hugetlb",
     .task = CommandTask::run,
     .value_name = "SIZE:BYTES",
     .help = "Huge pages of a size: 2M:64M. Repeatable. Default: no limit.",
     .repeatable = true},
    {.name = "rdma",
     .task = CommandTask::run,
     .value_name = "DEVICE:LIMITS",
     .help = "RDMA resources: mlx5_0:hca_handle=2,hca_object=100. Repeatable. Default: no limit.",
     .repeatable = true},
    {.name = "misc",
     .task = CommandTask::run,
     .value_name = "NAME:N",
     .help = "What the misc controller counts: sev:5. Repeatable. Default: no limit.",
     .repeatable = true},
    {.name = "device",
     .task = CommandTask::run,
     .value_name = "DEVICE",
     .help = "Only these devices, /dev/fuse:rw or 'c 10:* rwm', and those that every program "
             "expects (null, zero, full, random, urandom, tty, ptmx, pts); none: only those. "
             "Repeatable. Default: all.",
     .repeatable = true},
    {.name = "rlimit",
     .task = CommandTask::run,
     .value_name = "NAME=SOFT[:HARD]",
     .help = "Limit of each process: nofile=64:128, core=0, as=unlimited. Repeatable. Default: "
             "those of the agent.",
     .repeatable = true},
    {.name = "nice",
     .task = CommandTask::run,
     .value_name = "N",
     .help = "Niceness, -20 to 19. Default: that of the agent."},
    {.name = "oom-score-adj",
     .task = CommandTask::run,
     .value_name = "N",
     .help =
         "How soon the host's OOM killer takes the command, -1000 to 1000. Default: that of the "
         "agent."},
    {.name = "timeout",
     .task = CommandTask::run,
     .value_name = "DURATION",
     .help = "SIGTERM after this time. Default: none."},
    {.name = "kill-after",
     .task = CommandTask::run,
     .value_name = "DURATION",
     .help = "At the time-out: SIGKILL so long after SIGTERM. Default: 5s."},
    {.name = "json",
     .task = CommandTask::run,
     .value_name = "FILE",
     .help = "Write the report as JSON; docs/run.md describes it. Default: none."},
    {.name = "openmetrics",
     .task = CommandTask::run,
     .value_name = "FILE",
     .help = "Write the figures for a textfile collector, atomically. Default: "
             "none."},
    {.name = "repeat",
     .task = CommandTask::run,
     .value_name = "N",
     .help =
         "Run it N times, one after the other, and give min, median and max. The exit status is "
         "the first that is not 0. Default: 1."},
    {.name = "driver",
     .task = CommandTask::run,
     .value_name = "DRIVER",
     .help = "Who makes the cgroups: systemd (a scope, over D-Bus), cgroupfs, or auto (systemd "
             "where it runs, unless --force). Default: auto.",
     .words = "auto systemd cgroupfs"},
    {.name = "best-effort",
     .task = CommandTask::run,
     .help = "A limit that cannot be enforced is a warning, no error."},
    {.name = "force",
     .task = CommandTask::run,
     .help = "Make cgroups also where systemd manages them."},
    {.name = "spec",
     .task = CommandTask::run,
     .value_name = "FILE",
     .help = "YAML file with the options of run and with command: [PROGRAM, ...]; what the line "
             "says counts before it. Default: none."},
    {.name = "dry-run",
     .task = CommandTask::run,
     .help = "Print what would be done, in order, and do nothing."},
    {.name = "cleanup",
     .task = CommandTask::run,
     .help = "Remove what killed runs left behind, and run nothing."},
    {.name = "quiet", .task = CommandTask::run, .help = "No summary on standard error."},
    {.name = "into",
     .task = CommandTask::run,
     .value_name = "TARGET",
     .help = "Run within the limits of a container, unit or process, by name, ID, PID or path of "
             "the cgroup, in a cgroup below its own."},
    {.name = "join",
     .task = CommandTask::run,
     .value_name = "KIND[,KIND...]",
     .help = "With --into: the target's namespaces of these kinds (see --ns), or all."},
    {.name = "isolate",
     .task = CommandTask::run,
     .help = "Keep the command apart from the host: own namespaces (all but user and time; as an "
             "ordinary user also user), /proc and /dev, few capabilities, a seccomp filter, no new "
             "privileges."},
    {.name = "ns",
     .task = CommandTask::run,
     .value_name = "KIND[,KIND...]",
     .help = "New namespaces: mount (or mnt), uts, ipc, pid, net, user, cgroup, time, or all."},
    {.name = "hostname",
     .task = CommandTask::run,
     .value_name = "NAME",
     .help = "The host's name inside. Default: the run's ID."},
    {.name = "root",
     .task = CommandTask::run,
     .value_name = "DIRECTORY",
     .help = "This directory is /, by pivot_root."},
    {.name = "chroot",
     .task = CommandTask::run,
     .help = "With --root: by chroot, out of which CAP_SYS_CHROOT leads."},
    {.name = "overlay",
     .task = CommandTask::run,
     .value_name = "LOWER[:LOWER...]",
     .help = "What is written to / goes to a layer above these directories, the uppermost first, "
             "which stay as they are; a : in a path as \\:."},
    {.name = "upper",
     .task = CommandTask::run,
     .value_name = "DIRECTORY",
     .help = "Keep that layer there. Default: thrown away."},
    {.name = "diff",
     .task = CommandTask::run,
     .help = "Report what the command added, changed and deleted, with sizes."},
    {.name = "bind",
     .task = CommandTask::run,
     .value_name = "SOURCE[:TARGET[:ro]]",
     .help = "A file or directory of the host that is visible inside. Repeatable.",
     .repeatable = true},
    {.name = "tmpfs",
     .task = CommandTask::run,
     .value_name = "DIRECTORY",
     .help = "An empty directory in memory. Repeatable.",
     .repeatable = true},
    {.name = "env",
     .task = CommandTask::run,
     .value_name = "KEY[=VALUE]",
     .help = "A variable, KEY alone as it is outside; with --isolate only PATH, HOME, TERM and "
             "LANG are there without it. Repeatable.",
     .repeatable = true},
    {.name = "workdir",
     .task = CommandTask::run,
     .value_name = "DIRECTORY",
     .help = "The working directory inside. Default: this one, / with a root of its own."},
    {.name = "user",
     .task = CommandTask::run,
     .value_name = "USER[:GROUP]",
     .help = "Names of the command's root, or numbers. Default: root inside."},
    {.name = "caps",
     .task = CommandTask::run,
     .value_name = "NAME[,NAME...]",
     .help = "Capabilities that are left: net_raw,chown, default, all or none; default,net_admin "
             "adds one. Default: all, with --isolate docker's without mknod."},
    {.name = "seccomp",
     .task = CommandTask::run,
     .value_name = "MODE",
     .help = "System calls that get at the host: default (they fail), log (they go through, and "
             "into the kernel's log) or off. Default: off, with --isolate default.",
     .words = "default log off"},
    {.name = "no-new-privileges",
     .task = CommandTask::run,
     .help = "No program gets rights by its set-user-ID bit or its file's capabilities."},
    {.name = "uid-map",
     .task = CommandTask::run,
     .value_name = "INSIDE:OUTSIDE:COUNT",
     .help = "Users of a new user namespace. Repeatable. Default: as they are; of an ordinary "
             "user root inside is that user.",
     .repeatable = true},
    {.name = "gid-map",
     .task = CommandTask::run,
     .value_name = "INSIDE:OUTSIDE:COUNT",
     .help = "Likewise groups.",
     .repeatable = true},
    {.name = "time-offset",
     .task = CommandTask::run,
     .value_name = "DURATION",
     .help =
         "Clocks since boot are ahead by this, or behind by -DURATION; the time of day is not."},
    {.name = "config.file",
     .value_name = "FILE",
     .help = "YAML file with the options; flags override it. Default: none."},
    {.name = "help", .short_name = 'h', .help = "Print this and exit."},
    {.name = "version", .help = "Print the version and what the program is made of, and exit."},
});

}  // namespace cgmon
