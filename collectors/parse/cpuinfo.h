#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace cgmon {

/// What /proc/cpuinfo says of the machine's CPUs.
struct CpuInfo {
  std::size_t cpus = 0;     ///< online ones
  std::size_t cores = 0;    ///< 0: it does not say, as on ARM
  std::size_t sockets = 0;  ///< 0: it does not say

  friend bool operator==(const CpuInfo&, const CpuInfo&) = default;
};

/// Reads the paragraphs of /proc/cpuinfo, one a CPU, of which these lines are looked at (x86):
///
///     processor	: 0
///     physical id	: 0
///     core id		: 0
///
/// A core is a pair of physical id and core id. Cores and sockets are known only where every CPU
/// says both. A last line without a newline was cut and is left out. Accepts any bytes.
[[nodiscard]] CpuInfo parse_cpuinfo(std::string_view text);

}  // namespace cgmon
