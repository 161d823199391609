#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cgmon {

/// A kind of namespace.
enum class Namespace : std::uint8_t { mount, uts, ipc, pid, net, user, cgroup, time };
inline constexpr std::array<std::string_view, 8> kNamespaceNames{"mount", "uts",  "ipc",    "pid",
                                                                 "net",   "user", "cgroup", "time"};

/// Some kinds of namespaces, a bit each.
using NamespaceSet = std::uint8_t;
[[nodiscard]] constexpr NamespaceSet bit(Namespace kind) {
  return static_cast<NamespaceSet>(1U << static_cast<unsigned>(kind));
}
inline constexpr NamespaceSet kAllNamespaces = 0xff;

/// The capabilities by number, as the kernel has them: capabilities(7), linux/capability.h.
inline constexpr auto kCapabilityNames = std::to_array<std::string_view>({"chown",
                                                                          "dac_override",
                                                                          "dac_read_search",
                                                                          "fowner",
                                                                          "fsetid",
                                                                          "kill",
                                                                          "setgid",
                                                                          "setuid",
                                                                          "setpcap",
                                                                          "linux_immutable",
                                                                          "net_bind_service",
                                                                          "net_broadcast",
                                                                          "net_admin",
                                                                          "net_raw",
                                                                          "ipc_lock",
                                                                          "ipc_owner",
                                                                          "sys_module",
                                                                          "sys_rawio",
                                                                          "sys_chroot",
                                                                          "sys_ptrace",
                                                                          "sys_pacct",
                                                                          "sys_admin",
                                                                          "sys_boot",
                                                                          "sys_nice",
                                                                          "sys_resource",
                                                                          "sys_time",
                                                                          "sys_tty_config",
                                                                          "mknod",
                                                                          "lease",
                                                                          "audit_write",
                                                                          "audit_control",
                                                                          "setfcap",
                                                                          "mac_override",
                                                                          "mac_admin",
                                                                          "syslog",
                                                                          "wake_alarm",
                                                                          "block_suspend",
                                                                          "audit_read",
                                                                          "perfmon",
                                                                          "bpf",
                                                                          "checkpoint_restore"});

/// Some capabilities, a bit each.
using CapabilitySet = std::uint64_t;
inline constexpr CapabilitySet kAllCapabilities = ~CapabilitySet{0};

[[nodiscard]] constexpr CapabilitySet capability(std::string_view name) {
  for (std::size_t i = 0; i < kCapabilityNames.size(); ++i) {
    if (kCapabilityNames[i] == name) return CapabilitySet{1} << i;
  }
  return 0;
}

/// What --isolate leaves: docker's set without mknod, as a device's node is a way to its data.
inline constexpr CapabilitySet kDefaultCapabilities =
    capability("chown") | capability("dac_override") | capability("fowner") | capability("fsetid") |
    capability("kill") | capability("setgid") | capability("setuid") | capability("setpcap") |
    capability("net_bind_service") | capability("net_raw") | capability("sys_chroot") |
    capability("audit_write") | capability("setfcap");

/// What becomes of system calls that a command in a container has no use for.
enum class Seccomp : std::uint8_t {
  off,       ///< allowed
  standard,  ///< answered with EPERM
  log,       ///< allowed, and in the kernel's log
};

/// A path of the host that is visible inside.
struct Bind {
  std::string source, target;
  bool read_only = false;
};

/// `count` ids from `inside` on are those from `outside` on of the user namespace we are in.
struct IdRange {
  std::uint32_t inside = 0, outside = 0, count = 0;
};

/// What the command is kept apart from, as it was asked for. Nothing by default.
struct Isolation {
  bool standard = false;        ///< --isolate: the sane set of all below
  NamespaceSet namespaces = 0;  ///< of its own
  NamespaceSet join = 0;        ///< those of the target of --into
  std::string hostname;
  std::string root;                 ///< a directory that becomes /
  bool chroot = false;              ///< by chroot(2) in place of pivot_root(2)
  std::vector<std::string> lowers;  ///< read-only layers of /, the uppermost first
  std::string upper;  ///< where what is written over the layers stays; "": thrown away
  bool diff = false;  ///< report what was added, changed and deleted
  std::vector<Bind> binds;
  std::vector<std::string> tmpfs;        ///< directories inside
  std::vector<std::string> environment;  ///< KEY=VALUE, or KEY alone: as it is outside
  std::string workdir;                   ///< inside; "": see docs/run.md
  std::string user;                      ///< NAME, UID, NAME:GROUP or UID:GID
  std::optional<CapabilitySet> capabilities;
  bool no_new_privileges = false;
  std::optional<Seccomp> seccomp;
  std::vector<IdRange> uid_map, gid_map;
  std::optional<std::chrono::seconds> time_offset;  ///< of CLOCK_MONOTONIC and CLOCK_BOOTTIME
};

}  // namespace cgmon
