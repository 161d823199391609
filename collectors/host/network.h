#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/base/value.h"
#include "collectors/kernel/files.h"
#include "collectors/parse/net_dev.h"

namespace cgmon {

/// What is counted of a namespace as a whole, by protocol and name as in /proc/PID/net/snmp and
/// netstat.
struct NetCounter {
  std::string_view protocol, name;
};
inline constexpr auto kNetCounters = std::to_array<NetCounter>({
    {"Tcp", "RetransSegs"},
    {"Tcp", "OutSegs"},
    {"TcpExt", "ListenOverflows"},
    {"TcpExt", "ListenDrops"},
    {"Tcp", "ActiveOpens"},
    {"Tcp", "PassiveOpens"},
    {"Tcp", "OutRsts"},
    {"Udp", "RcvbufErrors"},
});
using NetCounts = std::array<Value, kNetCounters.size()>;

/// The network namespaces of processes, each read once a pass. A namespace is known by the inode of
/// /proc/PID/net/dev, which is the same for all processes in it and which any uid may ask for.
/// One-thread.
class Network {
 public:
  /// More interfaces of one namespace are left out and counted.
  static constexpr std::size_t kMaxInterfaces = 16;
  /// The same for the host's own, which has one for each container or pod.
  static constexpr std::size_t kMaxHostInterfaces = 256;

  struct Interface {
    std::string name;  ///< as the kernel has it: any bytes but '/', ':' and blanks
    InterfaceCounts counts;
  };

  Network(Files& files, std::string procfs) : files_(files), procfs_(std::move(procfs)) {}

  void begin_pass();

  /// The namespace that a process is in: a number that holds in this pass, or a negative errno.
  int namespace_of(std::uint32_t pid);
  /// The same for the host: the namespace of PID 1, else of this process where PID 1 is hidden.
  int namespace_of_host();

  [[nodiscard]] std::span<const Interface> interfaces(int number) const {
    const Namespace& space = spaces_[static_cast<std::size_t>(number)];
    return std::span(space.interfaces).first(space.count);
  }
  /// What it is known by from pass to pass.
  [[nodiscard]] std::uint64_t inode(int number) const {
    return spaces_[static_cast<std::size_t>(number)].inode;
  }
  /// Reads what is counted of a namespace as a whole; a negative errno, -EBADMSG where a part of it
  /// was malformed. What was understood is in counts().
  int read_counts(int number);
  [[nodiscard]] const NetCounts& counts(int number) const {
    return spaces_[static_cast<std::size_t>(number)].counts;
  }
  /// Whether a line of its file was not understood.
  [[nodiscard]] bool malformed(int number) const {
    return spaces_[static_cast<std::size_t>(number)].malformed != 0;
  }
  /// Interfaces beyond the bound in this pass.
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }
  /// Since the start.
  [[nodiscard]] std::uint64_t reads() const { return reads_; }

 private:
  struct Namespace {
    std::uint64_t inode = 0;
    std::string process;  ///< by which it was read: a PID, or "self"
    NetCounts counts{};
    std::vector<Interface> interfaces;  ///< kept beyond `count`, for their memory
    std::size_t count = 0, malformed = 0;
  };

  int find(std::string_view process, std::size_t most);
  int read(Namespace& space, std::size_t most);

  Files& files_;
  std::string procfs_, path_, text_;
  std::vector<Namespace> spaces_;
  std::size_t known_ = 0;  ///< of them, in this pass
  std::uint64_t dropped_ = 0, reads_ = 0;
};

}  // namespace cgmon
