#include "collectors/unavailable.h"

namespace cgmon {

Controller main_controller(Group group, const Layout& layout) {
  switch (group) {
    case Group::memory:
    case Group::memory_stat:
    case Group::memory_numa:
    case Group::events:
    case Group::swap:
    case Group::swap_detail:
    case Group::oom_event:
      return Controller::memory;
    case Group::pids:
      return Controller::pids;
    case Group::pressure:
      return Controller::psi;
    case Group::percpu:
      return Controller::cpuacct;
    case Group::cpu_detail:
      return Controller::cpu;
    case Group::cpuset:
      return Controller::cpuset;
    case Group::state:
      return layout.serving(Controller::freezer) >= 0 ? Controller::freezer : Controller::core;
    case Group::state_detail:
      return Controller::core;
    case Group::disk_io:
    case Group::io_detail:
      return layout.serving(Controller::blkio) >= 0 ? Controller::blkio : Controller::io;
    case Group::hugetlb:
      return Controller::hugetlb;
    case Group::rdma:
      return Controller::rdma;
    case Group::misc:
      return Controller::misc;
    case Group::dmem:
      return Controller::dmem;
    case Group::host:
    case Group::cpu_topology:
    case Group::limits:
      return Controller::agent;
    case Group::spec:
    case Group::cpu:
      break;
  }
  return layout.serving(Controller::cpuacct) >= 0 ? Controller::cpuacct : Controller::core;
}

bool is_served(Group group, const Layout& layout) {
  const Controller controller = main_controller(group, layout);
  return controller == Controller::agent || layout.serving(controller) >= 0;
}

Reason reason_of(const FileKind& kind, ReadOutcome outcome) {
  const bool pressure = kind.format == FileFormat::psi;
  switch (outcome) {
    case ReadOutcome::unsupported:
      return pressure ? Reason::psi_off : Reason::threaded;
    case ReadOutcome::denied:
      return Reason::permission;
    case ReadOutcome::failed:
      return Reason::failed;
    case ReadOutcome::ok:
    case ReadOutcome::gone:
    case ReadOutcome::absent:
      break;
  }
  if (pressure) return Reason::psi_off;
  if (kind.file.find("swap") != kind.file.npos || kind.file.find("memsw") != kind.file.npos) {
    return Reason::swap_accounting_off;
  }
  if (kind.file == "memory.peak" || kind.version == Version::v1) return Reason::kernel_lacks;
  return Reason::not_delegated;
}

}  // namespace cgmon
