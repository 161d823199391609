#pragma once

#include <linux/bpf.h>
#include <sys/resource.h>
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/enforce/plan.h"
#include "agent/enforce/spec.h"
#include "collectors/base/result.h"

/// With child.h and child_worker.h, every system call of `agent run` that changes something:
/// nothing else in the program writes to a cgroup, starts or kills. One-thread.
namespace cgmon {

/// A descriptor that closes itself.
class UniqueFd {
 public:
  explicit UniqueFd(int fd = -1) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept;
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { reset(); }
  [[nodiscard]] int get() const { return fd_; }
  int release();
  void reset();

 private:
  int fd_;
};

/// Makes a directory; false where it was there.
[[nodiscard]] Result<bool> make_directory(const std::string& path);
/// Whether this process may write there.
[[nodiscard]] bool is_writable(const std::string& path);
/// Whether systemd marked the cgroup as handed over: user.delegate (251) or trusted.delegate is 1.
[[nodiscard]] bool is_marked_delegated(const std::string& cgroup);
/// Executes this very command line anew from a sealed copy of the program in memory; returns at
/// once in that copy. A container whose mounts are joined could have its own /proc/self/exe
/// executed, and through that write to the file that we were started from (as CVE-2019-5736 did).
[[nodiscard]] Result<void> become_sealed_copy();
/// A pidfd; -1 if the process is not there, or the kernel is older than 5.3.
[[nodiscard]] int open_process(pid_t pid);
[[nodiscard]] bool is_alive(int pidfd);
/// 0 or errno.
int remove_directory(const std::string& path);
/// Writes a kernel file with one write(2): 0 or errno.
[[nodiscard]] int write_kernel_file(const std::string& path, std::string_view text);
/// Moves this process to another cgroup, by its cgroup.procs: 0 or errno.
[[nodiscard]] int move_self(const std::string& procs);
/// Replaces a file by a whole one (a new file, renamed over the old one).
[[nodiscard]] Result<void> replace_file(const std::string& path, std::string_view text);
/// The block device whose node this is, or that the file system of this path is on.
[[nodiscard]] Result<BlockDevice> block_device(const std::string& path);
/// Type and numbers of a device's node.
[[nodiscard]] Result<DeviceRule> device_node(const std::string& path);
/// 64 random bits as 16 hexadecimal digits.
[[nodiscard]] std::string random_id();

/// An exclusive lock of a directory, so that two runs do not make and remove the same parent at a
/// time. Kept until the object goes.
[[nodiscard]] Result<UniqueFd> lock_directory(const std::string& path);

/// The state files: one for each run that is under way, locked by it, so that a file without a lock
/// is of a run that was killed.
[[nodiscard]] Result<UniqueFd> create_state_file(const std::string& directory,
                                                 const std::string& name, std::string_view text);
/// State files that nobody holds, names with their text (at most 64 KiB of each).
struct Leftover {
  std::string name, text;
};
[[nodiscard]] std::vector<Leftover> leftover_state_files(const std::string& directory);
void remove_file(const std::string& path);

/// Makes a directory, or an empty file, that was not there.
[[nodiscard]] Result<void> make_scratch(const std::string& path, bool is_file, std::uint32_t mode,
                                        std::uint32_t uid, std::uint32_t gid);
/// Removes a directory with all that is in it on its own file system; nothing there is success.
[[nodiscard]] Result<void> remove_tree(const std::string& path);

/// The processes of a cgroup and of all below it that this process can see; deepest first the
/// directories below it.
[[nodiscard]] std::vector<pid_t> processes_in(const std::string& cgroup);  ///< not below it
[[nodiscard]] std::vector<pid_t> processes_below(const std::string& cgroup);
[[nodiscard]] std::vector<std::string> directories_below(const std::string& cgroup);
void kill_process(pid_t pid, int signal);
/// Kills and reaps all children of this process, and those that become its children by that.
void kill_children();
void pause_for(std::chrono::milliseconds time);

/// What a process may take, its children inherit it; 0 or errno.
[[nodiscard]] int set_rlimit(pid_t pid, const Rlimit& limit);
[[nodiscard]] int set_nice(pid_t pid, int value);
/// Makes a cgroup of v2 and those below it ask this program for each device that is opened or made,
/// besides those that are asked already. Gone with the cgroup. 0 or errno.
[[nodiscard]] int attach_device_program(const std::string& cgroup,
                                        std::span<const bpf_insn> program);

/// Has a program with the right to it map ids of a process: newuidmap PID INSIDE OUTSIDE COUNT….
/// `map` is as of /proc/PID/uid_map.
[[nodiscard]] Result<void> map_ids_by(const std::string& program, pid_t pid, std::string_view map);
/// remove_tree() as root of a user namespace with these maps, for files of other ids than our own.
/// A MapFile without a program is written by this process.
[[nodiscard]] Result<void> remove_tree_in_namespace(const std::string& path,
                                                    const std::vector<MapFile>& maps);

/// A process that does nothing until it is ended; it ends with us.
class Holder {
 public:
  [[nodiscard]] static Result<Holder> start();
  Holder(Holder&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  Holder& operator=(Holder&& other) noexcept;
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;
  ~Holder() { end(); }
  [[nodiscard]] pid_t pid() const { return pid_; }
  void end();

 private:
  Holder() = default;
  pid_t pid_ = -1;
};

/// A file of the kernel that says when something happens.
struct Alarm {
  std::string kind;
  UniqueFd file, kept;  ///< `kept`: open as long as the alarm
  short events = 0;     ///< of poll
};

/// What wakes the parent while the command runs.
struct Wake {
  bool child_ended = false, tick = false;
  struct Signal {
    int number = 0;
    bool from_terminal = false;  ///< the command has got it, too
  };
  std::vector<Signal> signals;
  std::vector<std::string> alarms;  ///< their kinds
};

/// The signals of this process as events, a clock that ticks, and the child's end. While it lives
/// the process is the reaper of orphans below it. Make it before the child.
class Events {
 public:
  [[nodiscard]] static Result<Events> open();
  /// Asks for these, too, from now on. One whose file is gone is forgotten.
  void watch(std::vector<Alarm> alarms) { alarms_ = std::move(alarms); }
  /// Ticks from now on.
  void tick_every(std::chrono::milliseconds interval);
  /// Waits; `deadline_ns`: monotonic, 0 for none; `end_pipe`: says, too, that the child ended, or
  /// -1.
  Wake wait(int pidfd, int end_pipe, std::int64_t deadline_ns);
  /// Reaps what ended, all but `keep`.
  void reap_orphans(pid_t keep);

 private:
  UniqueFd signals_, timer_;
  std::vector<Alarm> alarms_;
};

/// Stops this process until somebody lets it go on.
void stop_self();

/// CPU time of the children that were reaped, the command's own tree.
[[nodiscard]] rusage reap_all();
/// Of those that were reaped until now.
[[nodiscard]] rusage children_usage();
/// CPU time of this process, user and system, in nanoseconds.
[[nodiscard]] std::int64_t own_cpu_ns();

}  // namespace cgmon
