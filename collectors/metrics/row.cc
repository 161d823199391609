#include "collectors/metrics/row.h"

namespace cgmon {

std::string_view name_of(Controller controller) {
  static constexpr std::array<std::string_view, kControllers> kNames{
      "core",  "psi",     "cpu",      "cpuacct",    "cpuset",  "memory", "io",
      "blkio", "pids",    "hugetlb",  "freezer",    "devices", "rdma",   "misc",
      "dmem",  "net_cls", "net_prio", "perf_event", "proc",    "agent"};
  return kNames[static_cast<std::size_t>(controller)];
}

}  // namespace cgmon
