#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "collectors/cgroup/cgroup_tree.h"
#include "collectors/first_processes.h"
#include "collectors/identity/identifier.h"
#include "collectors/kernel/clock.h"
#include "collectors/kernel/files.h"
#include "collectors/metrics/snapshot.h"

namespace cgmon {

/// Processes and tasks of a pass, each looked at once: what a cgroup shows is added up over those
/// in it and below it. What of one could not be seen is absent for every cgroup that holds it.
/// One-thread.
class ProcessPass {
 public:
  /// All must outlive it.
  ProcessPass(Files& files, const Clock& clock, std::string procfs, const CgroupTree& tree,
              const Identifier& identifier, FirstProcesses& processes)
      : files_(files),
        clock_(clock),
        procfs_(std::move(procfs)),
        tree_(tree),
        identifier_(identifier),
        processes_(processes) {}

  /// A pass' place for what it finds.
  struct Target {
    std::span<const Cgroup* const> chosen;
    std::int64_t deadline_ns;
    GroupReport& report;
    std::vector<ReadError>& errors;
    Snapshot& snapshot;
  };
  void read_processes(const Target& target);
  void read_tasks(const Target& target);

  /// Since the start.
  [[nodiscard]] std::uint64_t reads() const { return reads_; }

 private:
  /// What is known of a process or task.
  struct Facts {
    std::uint64_t descriptors = 0, sockets = 0, ratio = 0;  ///< ratio in millionths
    char state = 0;                                         ///< 0: it has ended meanwhile
    bool hidden = false, denied = false;
    bool sockets_denied = false;  ///< descriptors can be counted, but not what they are
  };
  /// The same of a cgroup and what is below it.
  struct Sums {
    std::uint64_t members = 0, zombies = 0, descriptors = 0, sockets = 0, highest = 0;
    std::uint64_t running = 0, sleeping = 0, stopped = 0, uninterruptible = 0;
    bool known = true, hidden = false, denied = false, sockets_denied = false;
    bool partial = false;  ///< there may be more than are listed
  };

  bool list_members(const Target& target, std::span<const std::string_view> files);
  int list_members_of(const Cgroup& cgroup, std::span<const std::string_view> files);
  bool look_at_members(const Target& target, bool descriptors);
  [[nodiscard]] Facts look_at(std::uint32_t id, bool descriptors, std::vector<ReadError>& errors);
  void count_descriptors(std::uint32_t id, Facts& facts, std::vector<ReadError>& errors);
  [[nodiscard]] Sums sums_of(std::size_t index) const;
  [[nodiscard]] bool may_lack_members(const Cgroup& cgroup, const Sums& sums,
                                      const Snapshot& snapshot) const;
  void note_lack(const Sums& sums, GroupReport& report) const;
  void show_first_process(const Cgroup& cgroup, Snapshot& snapshot);
  int read_of(std::uint32_t id, std::string_view file);
  void cut_off(const Target& target) const;

  Files& files_;
  const Clock& clock_;
  std::string procfs_;
  const CgroupTree& tree_;
  const Identifier& identifier_;
  FirstProcesses& processes_;
  bool hides_others_ = false;           ///< /proc is mounted with hidepid
  bool omits_others_ = false;           ///< lists lack those of other PID namespaces
  std::vector<std::uint32_t> members_;  ///< of all cgroups, in path order; 0: cannot be named
  std::vector<Facts> facts_;            ///< by member
  std::vector<std::size_t> begin_;      ///< by cgroup in path order: its first member
  std::vector<std::size_t> end_;        ///< the first cgroup in path order that is not below it
  std::vector<std::uint8_t> unknown_;   ///< its members could not be listed
  std::vector<std::size_t> at_;         ///< by slot: index in path order
  std::string path_, text_;
  std::uint64_t reads_ = 0;
};

}  // namespace cgmon
