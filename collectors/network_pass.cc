#include "collectors/network_pass.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include "collectors/identity/utf8.h"
#include "collectors/metrics/read_errors.h"
#include "collectors/metrics/tables.h"

namespace cgmon {
namespace {

constexpr std::array kReceive{row("container_network_receive_bytes_total"),
                              row("container_network_receive_packets_total"),
                              row("container_network_receive_errors_total"),
                              row("container_network_receive_packets_dropped_total")};
constexpr std::array kTransmit{row("container_network_transmit_bytes_total"),
                               row("container_network_transmit_packets_total"),
                               row("container_network_transmit_errors_total"),
                               row("container_network_transmit_packets_dropped_total")};

/// In the order of kNetCounters.
constexpr std::array kCounters{row("container_network_tcp_retransmitted_segments_total"),
                               row("container_network_tcp_sent_segments_total"),
                               row("container_network_tcp_listen_overflows_total"),
                               row("container_network_tcp_listen_drops_total"),
                               row("container_network_tcp_active_opens_total"),
                               row("container_network_tcp_passive_opens_total"),
                               row("container_network_tcp_resets_sent_total"),
                               row("container_network_udp_receive_buffer_errors_total")};
static_assert(kCounters.size() == kNetCounters.size());

/// ENOENT is said of the host's where there is not even this process' own: a kernel without
/// network.
Reason why_not(int error) {
  if (error == -ENOENT) return Reason::kernel_lacks;
  return error == -EACCES || error == -EPERM ? Reason::permission : Reason::failed;
}

bool has_ended(int error) { return error == -ENOENT || error == -ESRCH || error == -EINVAL; }

}  // namespace

void NetworkPass::begin() {
  network_.begin_pass();
  members_.clear();
  found_ = shows_interfaces_ = shows_counts_ = false;
}

void NetworkPass::remove(std::span<const Slot> slots) {
  for (const Slot slot : slots) {
    for (Owner& owner : owners_) {
      if (owner.slot == slot) owner.slot = kNoSlot;
    }
  }
}

void NetworkPass::read(std::span<const Cgroup* const> chosen, std::int64_t deadline_ns,
                       GroupReport& report, std::vector<ReadError>& errors) {
  shows_interfaces_ = true;
  find_all(chosen, deadline_ns, report, errors);
}

void NetworkPass::read_counts(std::span<const Cgroup* const> chosen, std::int64_t deadline_ns,
                              GroupReport& report, std::vector<ReadError>& errors) {
  shows_counts_ = true;
  if (!found_) find_all(chosen, deadline_ns, report, errors);
  std::vector<bool>& done = counted_;
  done.clear();
  for (const Member& member : members_) {
    const auto space = static_cast<std::size_t>(member.space);
    if (done.size() <= space) done.resize(space + 1);
    if (done[space]) continue;
    done[space] = true;
    const int error = network_.read_counts(member.space);
    if (error == 0 || has_ended(error)) continue;
    report.success = false;
    count_read_error(errors, "net/snmp", error == -EBADMSG ? "malformed" : errno_name(-error),
                     [&] { return member.cgroup->path; });
  }
}

void NetworkPass::find_all(std::span<const Cgroup* const> chosen, std::int64_t deadline_ns,
                           GroupReport& report, std::vector<ReadError>& errors) {
  found_ = true;
  const int host = network_.namespace_of_host();
  std::uint32_t late = 0;
  for (const Cgroup* const cgroup : chosen) {
    if (tree_.is_host_root(*cgroup)) {
      read_host(*cgroup, host, report, errors);
      continue;
    }
    const CgroupKind kind = identifier_.labels(cgroup->slot)->kind;
    if (!is_container(kind) && kind != CgroupKind::machine) continue;
    if (host < 0) {  // then nobody knows who is in the host's
      ++report.unavailable[static_cast<std::size_t>(why_not(host))];
      continue;
    }
    if (clock_.coarse_monotonic_ns() > deadline_ns) {
      ++late;
      continue;
    }
    const int space = find(*cgroup, report, errors);
    if (space >= 0 && space != host) members_.push_back({cgroup, space});
  }
  report.unavailable[static_cast<std::size_t>(Reason::deadline)] += late;
  report.success &= late == 0;
}

void NetworkPass::read_host(const Cgroup& root, int host, GroupReport& report,
                            std::vector<ReadError>& errors) {
  if (host >= 0) {
    if (network_.malformed(host)) {
      count_read_error(errors, "net/dev", "malformed", [] { return std::string("net/dev"); });
      report.success = false;
    }
    members_.push_back({&root, host});
    return;
  }
  ++report.unavailable[static_cast<std::size_t>(why_not(host))];
  if (host == -ENOENT) return;
  count_read_error(errors, "net/dev", errno_name(-host), [] { return std::string("net/dev"); });
  report.success = false;
}

/// The namespace of a container, or a negative number where the report says why there is none.
int NetworkPass::find(const Cgroup& cgroup, GroupReport& report, std::vector<ReadError>& errors) {
  const auto lack = [&](Reason reason) {
    ++report.unavailable[static_cast<std::size_t>(reason)];
    return -1;
  };
  int error = 0;
  for (int attempt = 0; attempt < 2; ++attempt) {
    const FirstProcess process = processes_.of(cgroup);
    if (process.pid == 0) {
      if (process.hidden) return lack(Reason::namespace_hidden);
      if (process.error == 0 || has_ended(process.error) || process.error == -ENODEV) return -1;
      error = process.error;
      break;
    }
    const int space = network_.namespace_of(process.pid);
    if (space >= 0) {
      if (network_.malformed(space)) {
        count_read_error(errors, "net/dev", "malformed",
                         [&] { return std::to_string(process.pid) + "/net/dev"; });
        report.success = false;
      }
      return space;
    }
    error = space;
    if (!has_ended(error)) break;
    processes_.forget(cgroup.slot);  // it has just ended, or /proc does not show it
  }
  if (has_ended(error)) return lack(Reason::namespace_hidden);
  report.success = false;
  count_read_error(errors, "net/dev", errno_name(-error), [&] { return cgroup.path; });
  return lack(why_not(error));
}

bool NetworkPass::comes_first(const Cgroup& a, const Cgroup& b, std::uint64_t inode) const {
  const bool a_holds = identifier_.labels(a.slot)->kind == CgroupKind::sandbox;
  if (a_holds != (identifier_.labels(b.slot)->kind == CgroupKind::sandbox)) return a_holds;
  const auto before = std::ranges::find(owners_before_, inode, &Owner::inode);
  if (before != owners_before_.end() && (before->slot == a.slot) != (before->slot == b.slot)) {
    return before->slot == a.slot;
  }
  return a.created_ns < b.created_ns;
}

void NetworkPass::choose_owners() {
  owners_before_.swap(owners_);
  owners_.clear();
  owning_.clear();
  for (const Member& member : members_) {
    const auto space = static_cast<std::size_t>(member.space);
    if (owning_.size() <= space) owning_.resize(space + 1, {nullptr, 0});
    const Cgroup*& owner = owning_[space].cgroup;
    if (owner == nullptr || comes_first(*member.cgroup, *owner, network_.inode(member.space))) {
      owner = member.cgroup;
    }
  }
  std::erase_if(members_, [&](const Member& member) {
    return owning_[static_cast<std::size_t>(member.space)].cgroup != member.cgroup;
  });
  for (const Member& member : members_) {
    owners_.push_back({network_.inode(member.space), member.cgroup->slot});
  }
}

void NetworkPass::settle(ElementTable& elements, Snapshot& snapshot) {
  if (members_.empty()) return;
  choose_owners();
  for (const Member& member : members_) {
    if (shows_interfaces_) show_interfaces(member, elements, snapshot);
    if (!shows_counts_) continue;
    const NetCounts& counts = network_.counts(member.space);
    for (std::size_t i = 0; i < counts.size(); ++i) {
      snapshot.columns[kCounters.at(i)].set(member.cgroup->slot, counts.at(i));
    }
  }
}

void NetworkPass::show_interfaces(const Member& member, ElementTable& elements,
                                  Snapshot& snapshot) const {
  const Slot slot = member.cgroup->slot;
  for (const Network::Interface& interface : network_.interfaces(member.space)) {
    const std::uint32_t element = elements.text(repair_path(interface.name));
    if (element == ElementTable::kNone) continue;
    for (std::size_t i = 0; i < kReceive.size(); ++i) {
      snapshot.axes[kReceive.at(i)].push_back({slot, element, interface.counts.receive.at(i)});
      snapshot.axes[kTransmit.at(i)].push_back({slot, element, interface.counts.transmit.at(i)});
    }
  }
}

std::uint64_t NetworkPass::dropped() const {
  return network_.dropped() * (kReceive.size() + kTransmit.size());
}

}  // namespace cgmon
