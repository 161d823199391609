#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cgmon {

/// One act of the new process between its birth and the command. Paths of targets are inside of the
/// new root once there is one (Act::root), and no link leads out of it.
struct ChildStep {
  enum class Act : std::uint8_t {
    join,          ///< namespaces of the process with pidfd `group`: CLONE_NEW… in `number`
    unshare,       ///< new namespaces, CLONE_NEW… in `number`
    write,         ///< `data` to the host's file `target`
    identity,      ///< uid 0 and gid 0 of the new user namespace
    hostname,      ///< `data`
    loopback,      ///< the interface lo is up
    make_private,  ///< no mount goes out or comes in any more
    mount,         ///< file system `type` from `source`, options `data`, flags `number`
    bind,          ///< `source` with all below it; `number`: MOUNT_ATTR_… for it
    read_only,     ///< `target` itself; no matter if it is not there
    mask,          ///< `target` is empty; no matter if it is not there
    keep,          ///< the host's directory `target` can be had by the agent: Child::kept()
    root,          ///< the host's directory `target` is the root of what follows
    directory,     ///< `target`/`data` is made, mode `number`, unless it is there
    file,          ///< `target`/`data` is made, empty, unless it is there
    device,        ///< character device `target`/`data`, number `number`
    link,          ///< `target`/`data` leads to `source`
    pivot,         ///< the root is /, and what was / is gone
    chroot,        ///< the root is /
    chdir,         ///< to `target`
    bounding,      ///< no program gets other capabilities than those in `number`
    user,          ///< uid `number`, gid `group`, no other groups
    capabilities,  ///< those in `number` and none that are inherited
    close,         ///< no open file but the three of every program
    no_new_privileges,
    seccomp,  ///< the filter in `data`, struct sock_filter[]
  };
  Act act;
  std::string target, source, type, data;
  std::uint64_t number = 0;
  std::uint32_t group = 0;
  std::string remedy;  ///< what would help when it fails
};

/// A step as --dry-run prints it, without a line's end.
[[nodiscard]] std::string text_of(const ChildStep& step);
/// "mount,pid" of CLONE_NEW….
[[nodiscard]] std::string names_of_clone_flags(std::uint64_t flags);

/// What the new process does.
struct ChildPlan {
  std::uint64_t namespaces = 0;          ///< CLONE_NEW… it is born in
  bool has_init = false;                 ///< it starts the command, passes signals on, reaps
  bool is_first = true;                  ///< with has_init: it is PID 1, with which all others end
  std::vector<ChildStep> setup;          ///< before its time is measured
  std::vector<ChildStep> command;        ///< then, by the process that becomes the command
  bool has_environment = false;          ///< else that of the agent
  std::vector<std::string> environment;  ///< KEY=VALUE
};

}  // namespace cgmon
