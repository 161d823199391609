#include "collectors/host_pass.h"

namespace cgmon {

HostPass::HostPass(Files& files, const Clock& clock, const Roots& roots, const CgroupTree& tree,
                   const Identifier& identifier, DiskQueue* disks)
    : processes_(files, roots.procfs, tree,
                 [&identifier](const Cgroup& cgroup) {
                   return is_container(identifier.labels(cgroup.slot)->kind);
                 }),
      network_(files, clock, roots.procfs, tree, identifier, processes_),
      disk_(files, clock, roots.procfs, tree, identifier, processes_, disks),
      process_(files, clock, roots.procfs, tree, identifier, processes_) {}

void HostPass::begin() {
  network_.begin();
  disk_.begin();
}

void HostPass::remove(std::span<const Slot> slots) {
  for (const Slot slot : slots) processes_.forget(slot);
  network_.remove(slots);
  disk_.remove(slots);
}

void HostPass::read(Group group, std::span<const Cgroup* const> chosen, std::int64_t deadline_ns,
                    Snapshot& snapshot) {
  processes_.believe(snapshot);
  GroupReport& report = snapshot.report.groups[static_cast<std::size_t>(group)];
  const ProcessPass::Target target{chosen, deadline_ns, report, errors_, snapshot};
  if (group == Group::network) network_.read(chosen, deadline_ns, report, errors_);
  if (group == Group::netstat) network_.read_counts(chosen, deadline_ns, report, errors_);
  if (group == Group::disk) disk_.read(chosen, deadline_ns, report, errors_);
  if (group == Group::process) process_.read_processes(target);
  if (group == Group::cpu_load) process_.read_tasks(target);
}

void HostPass::settle(std::span<const Cgroup* const> chosen, std::int64_t disk_wait_ns,
                      ElementTable& elements, Snapshot& snapshot) {
  network_.settle(elements, snapshot);
  disk_.settle(chosen, disk_wait_ns, elements, snapshot, errors_);
  snapshot.elements = elements.share();
}

void HostPass::report(PassReport& totals) const {
  totals.interfaces_dropped = network_.dropped();
  totals.mounts_dropped = disk_.mounts_dropped();
  const DiskQueue::Counters counters = disk_.counters();
  totals.disk_files = counters.files;
  totals.disk_incomplete = counters.incomplete;
}

}  // namespace cgmon
