#include "collectors/host_pass.h"

namespace cgmon {

HostPass::HostPass(Files& files, const Clock& clock, const Roots& roots, const CgroupTree& tree,
                   const Identifier& identifier)
    : processes_(files, tree,
                 [&identifier](const Cgroup& cgroup) {
                   return identifier.labels(cgroup.slot)->kind == CgroupKind::container;
                 }),
      network_(files, clock, roots.procfs, tree, identifier, processes_) {}

void HostPass::begin() { network_.begin(); }

void HostPass::remove(std::span<const Slot> slots) {
  for (const Slot slot : slots) processes_.forget(slot);
  network_.remove(slots);
}

void HostPass::read(Group, std::span<const Cgroup* const> chosen, std::int64_t deadline_ns,
                    GroupReport& report) {
  network_.read(chosen, deadline_ns, report, errors_);
}

void HostPass::settle(ElementTable& elements, Snapshot& snapshot) {
  network_.settle(elements, snapshot);
}

}  // namespace cgmon
