#include "collectors/disk_pass.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "collectors/host/process.h"
#include "collectors/identity/utf8.h"
#include "collectors/metrics/read_errors.h"
#include "collectors/metrics/tables.h"

namespace cgmon {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
/// A layer is measured again after a minute, or after ten times as long as it took.
constexpr std::int64_t kLayerPause = 60 * kSecond, kPauseFactor = 10;
constexpr std::int64_t kLongestBackoff = 1200 * kSecond;
/// The host's file systems are asked for again after this, and older figures are not shown.
constexpr std::int64_t kHostPause = 5 * kSecond, kHostTooOld = 120 * kSecond;
constexpr std::int64_t kFirstWait = 50'000'000;
/// An engine makes the cgroup before the root file system: passes in which it is looked for.
constexpr std::uint8_t kLooks = 12;

constexpr std::size_t kUsage = row("container_fs_usage_bytes");
constexpr std::size_t kLimit = row("container_fs_limit_bytes");
constexpr std::size_t kInodes = row("container_fs_inodes_total");
constexpr std::size_t kInodesFree = row("container_fs_inodes_free");
constexpr std::size_t kLayerBytes = row("container_fs_writable_layer_bytes");
constexpr std::size_t kLayerFiles = row("container_fs_writable_layer_files");
constexpr std::size_t kLogBytes = row("container_fs_log_bytes");
constexpr std::size_t kMeasured = row("container_fs_measured_timestamp_seconds");

bool is_denied(int error) { return error == -EACCES || error == -EPERM; }

void show_space(Slot slot, std::uint32_t element, const DiskSpace& space, Snapshot& snapshot) {
  snapshot.axes[kLimit].push_back({slot, element, space.bytes});
  if (space.inodes == 0) return;  // btrfs has no number of them
  snapshot.axes[kInodes].push_back({slot, element, space.inodes});
  snapshot.axes[kInodesFree].push_back({slot, element, space.inodes_free});
}

}  // namespace

DiskPass::DiskPass(Files& files, const Clock& clock, std::string procfs, const CgroupTree& tree,
                   const Identifier& identifier, FirstProcesses& processes, DiskQueue* queue)
    : files_(files),
      clock_(clock),
      procfs_(std::move(procfs)),
      tree_(tree),
      identifier_(identifier),
      processes_(processes),
      queue_(queue) {}

void DiskPass::remove(std::span<const Slot> slots) {
  for (const Slot slot : slots) {
    if (slot >= layers_.size()) continue;
    const std::uint32_t generation = layers_[slot].generation + 1;
    layers_[slot] = Layer();
    layers_[slot].generation = generation;  // an answer under way is nobody's
  }
}

DiskPass::Layer& DiskPass::layer_of(Slot slot) {
  if (slot >= layers_.size()) layers_.resize(tree_.slots());
  Layer& layer = layers_[slot];
  if (!layer.known) {
    layer.known = true;
    layer.looks_left = kLooks;
  }
  return layer;
}

void DiskPass::read(std::span<const Cgroup* const> chosen, std::int64_t deadline_ns,
                    GroupReport& report, std::vector<ReadError>& errors) {
  if (queue_ == nullptr) return;
  read_ = true;
  take_answers(errors);
  ask_host(clock_.monotonic_ns());
  report.success &= !host_ || host_->error == 0;
  for (const Cgroup* const cgroup : chosen) {
    if (!is_container(identifier_.labels(cgroup->slot)->kind)) continue;
    Layer& layer = layer_of(cgroup->slot);
    if (layer.found == Found::not_yet && layer.looks_left > 0) {
      if (clock_.coarse_monotonic_ns() > deadline_ns) {
        ++report.unavailable[static_cast<std::size_t>(Reason::deadline)];
        report.success = false;
        continue;
      }
      look_for(*cgroup, layer, errors);
    }
  }
}

/// Why there are no figures; nothing where there are none to be had.
std::optional<Reason> DiskPass::lacking(const Layer& layer) {
  if (layer.error == 0) {
    const bool pending = layer.found == Found::layer;
    return pending ? std::optional(Reason::walk_pending) : std::nullopt;
  }
  if (is_denied(layer.error)) return Reason::permission;
  if (layer.error == -ESRCH) return Reason::namespace_hidden;
  return layer.error == -EOPNOTSUPP ? Reason::other_storage : Reason::failed;
}

/// Whether a container is still (or for good) in the host's root file system, which may be an
/// overlay itself.
bool DiskPass::is_hosts(const Mount& root) {
  if (host_root_.empty()) {
    const auto host = read_root_mount(files_, procfs_, 1);
    host_root_ = host ? host->device : "unknown";
  }
  return root.device == host_root_;
}

/// By the mounts of a process of the container. What may still come is looked for again.
void DiskPass::look_for(const Cgroup& cgroup, Layer& layer, std::vector<ReadError>& errors) {
  const FirstProcess process = processes_.of(cgroup);
  if (process.pid == 0) {
    layer.error = process.hidden ? -ESRCH : 0;
    return;
  }
  --layer.looks_left;
  const auto root = read_root_mount(files_, procfs_, process.pid);
  if (!root) {
    const int error = root.error().error;
    const bool gone = error == ENOENT || error == ESRCH;
    if (gone) processes_.forget(cgroup.slot);
    layer.error = gone ? -ESRCH : -error;
    if (!gone && layer.looks_left == 0) {
      count_read_error(errors, "mountinfo", errno_name(error), [&] { return root.error().path; });
    }
    return;
  }
  const auto overlay = is_hosts(*root) ? std::nullopt : parse_overlay(*root);
  layer.error = overlay ? 0 : -EOPNOTSUPP;
  if (!overlay) return;
  const bool writable = overlay->upper.starts_with('/');
  layer.found = writable ? Found::layer : Found::no_layer;
  if (writable) layer.directory = overlay->upper;
}

void DiskPass::ask_if_due(const Cgroup& cgroup, std::int64_t now_ns) {
  if (cgroup.slot >= layers_.size()) return;
  Layer& layer = layers_[cgroup.slot];
  if (layer.found != Found::layer || layer.asked || now_ns < layer.due_ns) return;
  layer.asked = true;
  queue_->ask({.key = (std::uint64_t{layer.generation} << 32U) | cgroup.slot,
               .directory = layer.directory,
               .log = identifier_.log_path(cgroup.slot)});
}

void DiskPass::ask_host(std::int64_t now_ns) {
  if (host_asked_ || (host_ && now_ns - host_asked_ns_ < kHostPause)) return;
  host_asked_ = true;
  host_asked_ns_ = now_ns;
  queue_->ask_host();
}

void DiskPass::take_answers(std::vector<ReadError>& errors) {
  answers_.clear();
  std::optional<HostDisks> host;
  queue_->take(answers_, host);
  if (host) {
    host_asked_ = false;
    host_answered_ns_ = clock_.monotonic_ns();
    if (host->error != 0) {
      count_read_error(errors, "mountinfo", errno_name(-host->error),
                       [&] { return procfs_ + "/1/mountinfo"; });
    }
    host_ = std::move(host);
  }
  for (const LayerAnswer& answer : answers_) take(answer, errors);
}

void DiskPass::take(const LayerAnswer& answer, std::vector<ReadError>& errors) {
  const auto slot = static_cast<Slot>(answer.key & UINT32_MAX);
  if (slot >= layers_.size() || layers_[slot].generation != answer.key >> 32U) return;
  Layer& layer = layers_[slot];
  layer.asked = false;
  const std::int64_t now = clock_.monotonic_ns();
  if (answer.usage.complete) {
    layer.error = 0;
    layer.backoff_ns = 0;
    layer.due_ns = now + std::max(kLayerPause, answer.duration_ns * kPauseFactor);
    layer.answer = answer;
    return;
  }
  layer.error = answer.usage.error != 0 ? answer.usage.error : -ECANCELED;
  layer.backoff_ns = std::clamp(layer.backoff_ns * 2, kLayerPause, kLongestBackoff);
  layer.due_ns = now + std::max(layer.backoff_ns, answer.duration_ns * kPauseFactor);
  if (is_denied(layer.error)) return;  // the same for all of them: the reason says it
  count_read_error(errors, "(writable layer)", errno_name(-layer.error),
                   [&] { return layer.directory; });
}

bool DiskPass::host_is_fresh() const {
  return host_ && clock_.monotonic_ns() - host_answered_ns_ < kHostTooOld;
}

void DiskPass::settle(std::span<const Cgroup* const> chosen, std::int64_t max_wait_ns,
                      ElementTable& elements, Snapshot& snapshot, std::vector<ReadError>& errors) {
  if (!read_) return;
  for (const Cgroup* const cgroup : chosen) {
    if (snapshot.alive[cgroup->slot] != 0) ask_if_due(*cgroup, clock_.monotonic_ns());
  }
  // The first page is to have the host's file systems; later ones have what came since the last.
  if (!std::exchange(waited_, true)) max_wait_ns = std::max(max_wait_ns, kFirstWait);
  if (max_wait_ns > 0) queue_->wait(max_wait_ns);
  take_answers(errors);
  auto& unavailable = snapshot.report.groups[static_cast<std::size_t>(Group::disk)].unavailable;
  for (const Cgroup* const cgroup : chosen) {
    const Slot slot = cgroup->slot;
    if (snapshot.alive[slot] == 0) continue;
    if (tree_.is_host_root(*cgroup)) {
      if (host_is_fresh()) show_host(slot, elements, snapshot);
      continue;
    }
    if (slot >= layers_.size() || !layers_[slot].known) continue;
    const Layer& layer = layers_[slot];
    std::optional<Reason> why = lacking(layer);
    if (layer.answer) {
      const bool shown = show_layer(slot, layer, elements, snapshot);
      why = shown ? std::nullopt : std::optional(Reason::walk_pending);
    }
    if (why) ++unavailable[static_cast<std::size_t>(*why)];
  }
}

/// The name that a device has on the root, if it is there, else the kernel's.
std::uint32_t DiskPass::element_of(std::uint64_t device, ElementTable& elements) const {
  if (host_) {
    const auto disk = std::ranges::find(host_->disks, device, &HostDisk::device);
    if (disk != host_->disks.end() && !disk->name.empty()) {
      return elements.text(repair_path(disk->name));
    }
  }
  return elements.device(
      {static_cast<std::uint32_t>(device >> 32U), static_cast<std::uint32_t>(device & UINT32_MAX)});
}

void DiskPass::show_host(Slot root, ElementTable& elements, Snapshot& snapshot) const {
  for (const HostDisk& disk : host_->disks) {
    const std::uint32_t element = element_of(disk.device, elements);
    if (element == ElementTable::kNone) continue;
    const std::uint64_t used = disk.space.bytes - std::min(disk.space.bytes, disk.space.bytes_free);
    snapshot.axes[kUsage].push_back({root, element, used});
    show_space(root, element, disk.space, snapshot);
  }
}

/// False while its device's name is still to come.
bool DiskPass::show_layer(Slot slot, const Layer& layer, ElementTable& elements,
                          Snapshot& snapshot) const {
  if (!host_ && clock_.monotonic_ns() - host_asked_ns_ < kLayerPause) return false;
  const LayerAnswer& answer = *layer.answer;
  const std::uint32_t element = element_of(answer.usage.device, elements);
  if (element == ElementTable::kNone) return true;
  const std::uint64_t log = answer.log ? answer.log->bytes : 0;
  snapshot.axes[kUsage].push_back({slot, element, answer.usage.bytes + log});
  if (answer.space) show_space(slot, element, *answer.space, snapshot);
  snapshot.axes[kLayerBytes].push_back({slot, element, answer.usage.bytes});
  snapshot.axes[kLayerFiles].push_back({slot, element, answer.usage.files});
  if (answer.log) {
    const std::uint32_t of_log = element_of(answer.log->device, elements);
    if (of_log != ElementTable::kNone) snapshot.axes[kLogBytes].push_back({slot, of_log, log});
  }
  snapshot.columns[kMeasured].set(slot,
                                  Value::of(static_cast<std::uint64_t>(answer.ended_ns / kSecond)));
  return true;
}

}  // namespace cgmon
