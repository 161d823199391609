#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "collectors/parse/named_lines.h"
#include "collectors/parse/number.h"

namespace cgmon {

/// What a network interface counts, in the order of its line. Receiving comes first; fifo, frame,
/// compressed, multicast, collisions and carrier errors are left out.
struct InterfaceCounts {
  std::array<std::uint64_t, 4> receive{};   ///< bytes, packets, errors, packets dropped
  std::array<std::uint64_t, 4> transmit{};  ///< the same
};

/// Reads /proc/PID/net/dev (proc_pid_net(5)), a line for each interface of a network namespace
/// behind two lines of headings:
///
///     Inter-|   Receive                                                |  Transmit
///      face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs …
///       eth0: 1296      16    0    0    0     0          0         0     1086      13    0 …
///
/// Old kernels leave no blank behind the colon. Calls on_interface(name, counts) for each; accepts
/// any bytes, allocates nothing and returns how many lines were malformed.
template <std::invocable<std::string_view, const InterfaceCounts&> F>
[[nodiscard]] std::size_t parse_net_dev(std::string_view text, F on_interface) {
  return parse_lines(text, [&](std::string_view line) {
    if (line.find('|') != line.npos && line.find(':') == line.npos) return true;  // headings
    const std::size_t colon = line.rfind(':');
    if (colon == line.npos) return false;
    std::string_view name = line.substr(0, colon);
    while (name.starts_with(' ')) name.remove_prefix(1);
    std::string_view rest = line.substr(colon + 1);
    InterfaceCounts counts;
    for (std::size_t column = 0; column < 16; ++column) {
      const auto number = parse_number(take_word(rest));
      if (!number) return false;
      if (column < 4) counts.receive.at(column) = *number;
      if (column >= 8 && column < 12) counts.transmit.at(column - 8) = *number;
    }
    if (name.empty() || !take_word(rest).empty()) return false;
    on_interface(name, counts);
    return true;
  });
}

/// Whether an interface is left out, as cAdvisor does: the loopback, and on hosts the ends of the
/// containers' own interfaces and docker's bridges, whose traffic others have counted.
[[nodiscard]] inline bool is_left_out(std::string_view interface) {
  const auto begins_with = [&](std::string_view prefix) {
    if (interface.size() < prefix.size()) return false;
    for (std::size_t i = 0; i < prefix.size(); ++i) {
      const char byte = interface[i];
      if ((byte >= 'A' && byte <= 'Z' ? byte + ('a' - 'A') : byte) != prefix[i]) return false;
    }
    return true;
  };
  return interface == "lo" || begins_with("veth") || begins_with("docker") ||
         begins_with("nerdctl");
}

}  // namespace cgmon
