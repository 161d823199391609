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
    case Group::identity:
    case Group::lifecycle:
    case Group::limits:
    case Group::network:
    case Group::netstat:
    case Group::disk:
    case Group::process:
    case Group::cpu_load:
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

std::uint64_t part_bit(const FileKind& kind) {
  const bool swap =
      kind.file.find("swap") != kind.file.npos || kind.file.find("memsw") != kind.file.npos;
  return std::uint64_t{1} << (swap ? kControllers : static_cast<std::size_t>(kind.controller));
}

std::optional<Reason> reason_without(std::size_t row_index, HostRows host) {
  constexpr std::size_t kSwap = row("host_swap_bytes");
  if (row_index != kSwap) return std::nullopt;
  switch (host) {
    case HostRows::failed:
      return Reason::failed;
    case HostRows::out_of_sight:
      return Reason::namespace_hidden;
    case HostRows::read:
      break;
  }
  return Reason::no_swap;
}

Reason reason_of(const FileKind& kind, ReadOutcome outcome, std::uint64_t seen) {
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
  if ((seen & part_bit(kind)) != 0) return Reason::kernel_lacks;  // others of its kind are there
  if (pressure) return Reason::psi_off;
  if (part_bit(kind) == std::uint64_t{1} << kControllers) return Reason::swap_accounting_off;
  if (kind.version == Version::v1) return Reason::kernel_lacks;
  return Reason::not_delegated;
}

}  // namespace cgmon
