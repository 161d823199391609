#include "collectors/parse/cpuinfo.h"

#include <optional>
#include <set>
#include <utility>

#include "collectors/parse/number.h"

namespace cgmon {
namespace {

/// The name in front of the colon, without the tabs that align it.
std::string_view take_name(std::string_view& line) {
  std::string_view name = take_until(line, ':');
  while (name.ends_with('\t') || name.ends_with(' ')) name.remove_suffix(1);
  if (line.starts_with(' ')) line.remove_prefix(1);
  return name;
}

}  // namespace

CpuInfo parse_cpuinfo(std::string_view text) {
  CpuInfo info;
  std::set<std::pair<std::uint64_t, std::uint64_t>> cores;
  std::set<std::uint64_t> sockets;
  std::optional<std::uint64_t> socket, core;
  bool in_cpu = false, all_say = true;
  const auto end_cpu = [&] {
    if (in_cpu) {
      ++info.cpus;
      all_say = all_say && socket && core;
      if (socket && core) sockets.insert(*socket), cores.emplace(*socket, *core);
    }
    in_cpu = false;
    socket.reset();
    core.reset();
  };
  while (text.find('\n') != text.npos) {
    std::string_view line = take_until(text, '\n');
    const std::string_view name = take_name(line);
    if (name == "processor" && parse_number(line)) {
      end_cpu();
      in_cpu = true;
    }
    if (name == "physical id") socket = parse_number(line);
    if (name == "core id") core = parse_number(line);
  }
  end_cpu();
  if (all_say) info.cores = cores.size(), info.sockets = sockets.size();
  return info;
}

}  // namespace cgmon
