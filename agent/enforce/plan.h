#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "agent/enforce/isolate.h"
#include "agent/enforce/spec.h"
#include "agent/enforce/target.h"
#include "agent/enforce/unit.h"
#include "collectors/base/result.h"
#include "collectors/cgroup/layout.h"
#include "collectors/kernel/files.h"
#include "collectors/kernel/roots.h"
#include "collectors/parse/device_number.h"

namespace cgmon {

/// The parent of all cgroups that `agent run` makes, in each hierarchy.
inline constexpr const char* kRunParent = "/cgmon-run";
/// Behind a run's ID: the cgroup of the agent itself, where it has to leave its own.
inline constexpr const char* kAgentEnding = ".agent";
/// Where the state files of runs under way are: root's, or those of another user.
[[nodiscard]] std::string state_directory(const Caller& caller);

/// One thing that a run does. What --dry-run prints is made of the same steps that are executed.
struct Step {
  enum class Act : std::uint8_t {
    scope,           ///< systemd makes `path`, a unit, with the properties in `value`
    hold,            ///< the process that keeps the scope to `path`, a cgroup.procs
    make_directory,  ///< `path`; undone by removing it
    leave,           ///< this process to `path`, a cgroup.procs; at the end back to that in `value`
    enable,          ///< `value` ("+memory") to `path`, a cgroup.subtree_control; stays
    copy,            ///< `path` gets what `value`, a file of the parent, says (v1's cpuset)
    expect,          ///< `path` has `value`, which systemd was asked for
    write,           ///< `value` to `path`; read back
    allow_devices,   ///< the devices of `value` alone in the v2 cgroup `path`
    start,           ///< the command, waiting, in the v2 cgroup `path` ("" without one)
    set_rlimit,      ///< of the waiting process, NAME=SOFT:HARD
    set_nice,        ///< of the waiting process
    set_oom_score,   ///< of the waiting process
    attach,          ///< the waiting process to the scope's own cgroup `path`, by systemd
    join,            ///< its PID to `path`, a cgroup.procs of v1
    scratch,         ///< `path`, which is removed at the end with all that is in it
    map,             ///< `value` to the file `path` of its /proc; by `program`, if any
    inside,          ///< what the waiting process does itself, in words
    execute,         ///< the command
  };
  Act act = Act::write;
  std::string path, value;
  std::string limit;       ///< the flag that asked for it; empty: no limit
  std::string remedy;      ///< what would help when it fails
  bool optional = false;   ///< may fail: nothing that was asked for hangs on it
  std::string read_back;   ///< the file that says what the kernel has; empty: `path`
  std::string program;     ///< that does it in place of the agent
  std::uint64_t unit = 0;  ///< the kernel rounds down to a multiple of it; 0: of a page
};

/// The cgroup's directory in one hierarchy.
struct RunDirectory {
  std::size_t hierarchy = 0;  ///< index into Layout::hierarchies
  Version version = Version::v1;
  std::string path;    ///< of the command's own
  std::string limits;  ///< of the scope above it that has the limits; else the same
};

/// What a run will do, in order.
struct Plan {
  std::string id;
  std::vector<Step> steps;
  std::vector<RunDirectory> directories;
  UnitPlan unit;                    ///< of Act::scope
  std::vector<DeviceRule> devices;  ///< of Act::allow_devices
  IsolationPlan isolation;
  std::string kills_above;  ///< memory.events that counts the command's OOM kills; empty: its own
  std::vector<std::string> warnings;  ///< what is enforced in part, or not with --best-effort
};

/// A disk, or the device of the file system that a path is on.
struct BlockDevice {
  DeviceNumber number;
  bool of_file_system = false;
};

/// What the plan is made from besides the spec. `device` resolves a path to a block device, `node`
/// the path of any device's node.
struct PlanContext {
  Files& files;
  const Roots& roots;
  const Layout& layout;
  std::string id;
  std::function<Result<BlockDevice>(const std::string&)> device;
  std::function<Result<DeviceRule>(const std::string&)> node;
  bool by_systemd = false;  ///< systemd makes the cgroup
  Caller caller = {};
  const RunTarget* target = nullptr;  ///< of --into
  /// With by_systemd: the cgroup of the user's own manager, "/user.slice/…"; empty: the host's.
  std::string user_manager = {};
};

/// An Error is a limit that this host cannot enforce: why, and what would help. Changes nothing.
[[nodiscard]] Result<Plan> make_plan(const RunSpec& spec, const PlanContext& context);

/// A step as --dry-run prints it, without a line's end.
[[nodiscard]] std::string text_of(const Step& step);

}  // namespace cgmon
