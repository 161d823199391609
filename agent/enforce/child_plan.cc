#include "agent/enforce/child_plan.h"

#include <linux/filter.h>
#include <linux/sched.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>

#include <array>
#include <string_view>
#include <utility>

#include "agent/enforce/isolation.h"

namespace cgmon {
namespace {

std::string names_of_capabilities(CapabilitySet set) {
  std::string names;
  for (std::size_t i = 0; i < kCapabilityNames.size(); ++i) {
    if ((set >> i & 1U) != 0)
      names += (names.empty() ? "" : ",") + std::string(kCapabilityNames[i]);
  }
  return names.empty() ? "none" : names;
}

}  // namespace

std::string names_of_clone_flags(std::uint64_t flags) {
  constexpr std::array<std::pair<std::uint64_t, std::string_view>, 8> kFlags{
      {{CLONE_NEWNS, "mount"},
       {CLONE_NEWUTS, "uts"},
       {CLONE_NEWIPC, "ipc"},
       {CLONE_NEWPID, "pid"},
       {CLONE_NEWNET, "net"},
       {CLONE_NEWUSER, "user"},
       {CLONE_NEWCGROUP, "cgroup"},
       {CLONE_NEWTIME, "time"}}};
  std::string names;
  for (const auto& [flag, name] : kFlags) {
    if ((flags & flag) != 0) names += (names.empty() ? "" : ",") + std::string(name);
  }
  return names;
}

std::string text_of(const ChildStep& step) {
  using Act = ChildStep::Act;
  const std::string made =
      step.target + (step.target.ends_with('/') || step.data.empty() ? "" : "/") + step.data;
  switch (step.act) {
    case Act::join:
      return "join the namespaces " + names_of_clone_flags(step.number) + " of " + step.target;
    case Act::unshare:
      return "unshare " + names_of_clone_flags(step.number);
    case Act::write:
      return "write " + step.target + ": " + step.data.substr(0, step.data.find('\n'));
    case Act::identity:
      return "become root of the user namespace";
    case Act::hostname:
      return "set the host's name: " + step.data;
    case Act::loopback:
      return "bring up the interface lo";
    case Act::make_private:
      return "mount: no mount goes out or comes in";
    case Act::mount:
      if ((step.number & MS_BIND) != 0) {
        return "bind  " + step.source + " at " + step.target +
               ((step.number & MS_REC) != 0 ? "" : ", without the mounts below it");
      }
      return "mount " + step.type + " at " + step.target +
             (step.data.empty() ? "" : ": " + step.data);
    case Act::bind:
      return "bind  " + step.source + " at " + step.target +
             ((step.number & MOUNT_ATTR_RDONLY) != 0 ? ", read only" : "");
    case Act::read_only:
      return "read only " + step.target;
    case Act::mask:
      return "hide  " + step.target;
    case Act::keep:
      return "keep  " + step.target + " for the report";
    case Act::root:
      return "what follows is in " + step.target;
    case Act::directory:
      return "mkdir " + made;
    case Act::file:
      return "touch " + made;
    case Act::device:
      return "mknod " + made + " c " + std::to_string(major(step.number)) + ' ' +
             std::to_string(minor(step.number));
    case Act::link:
      return "link  " + made + " to " + step.source;
    case Act::pivot:
      return "pivot_root: that is /, what was / is gone";
    case Act::chroot:
      return "chroot: that is /";
    case Act::chdir:
      return "chdir " + step.target;
    case Act::bounding:
      return "capabilities of any program: " + names_of_capabilities(step.number);
    case Act::user:
      return "user " + std::to_string(step.number) + ", group " + std::to_string(step.group) +
             ", no other groups";
    case Act::capabilities:
      return "capabilities: " + names_of_capabilities(step.number);
    case Act::close:
      return "close all files but standard input, output and error";
    case Act::no_new_privileges:
      return "no new privileges by any program";
    case Act::seccomp:
      return "seccomp filter of " + std::to_string(step.data.size() / sizeof(sock_filter)) +
             " instructions";
  }
  return {};
}

}  // namespace cgmon
