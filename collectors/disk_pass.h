#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "collectors/cgroup/cgroup_tree.h"
#include "collectors/cgroup/element_table.h"
#include "collectors/first_processes.h"
#include "collectors/host/disk_queue.h"
#include "collectors/identity/identifier.h"
#include "collectors/kernel/clock.h"
#include "collectors/kernel/files.h"
#include "collectors/metrics/snapshot.h"
#include "collectors/parse/mountinfo.h"

namespace cgmon {

/// Disks in a pass. It finds containers' writable layers by /proc and asks others to measure them
/// and the host's file systems; what it shows is the last answer. But for a moment in
/// the first one, a pass waits for no disk.
/// One-thread.
class DiskPass {
 public:
  /// All must outlive it; without a queue (nullptr) there are no figures.
  DiskPass(Files& files, const Clock& clock, std::string procfs, const CgroupTree& tree,
           const Identifier& identifier, FirstProcesses& processes, DiskQueue* queue);

  void begin() { read_ = false; }
  void remove(std::span<const Slot> slots);
  /// Finds the layers of the containers in `chosen`, and asks about the host.
  void read(std::span<const Cgroup* const> chosen, std::int64_t deadline_ns, GroupReport& report,
            std::vector<ReadError>& errors);
  /// Once names are settled, and with them where logs are: asks about the layers whose turn it is,
  /// takes the answers that came and hands all figures on. Waits for them at most `max_wait_ns`.
  void settle(std::span<const Cgroup* const> chosen, std::int64_t max_wait_ns,
              ElementTable& elements, Snapshot& snapshot, std::vector<ReadError>& errors);

  [[nodiscard]] DiskQueue::Counters counters() const {
    return queue_ != nullptr ? queue_->counters() : DiskQueue::Counters();
  }
  /// Samples of file systems beyond the bound in the last answer.
  [[nodiscard]] std::uint64_t mounts_dropped() const { return host_ ? host_->dropped * 4 : 0; }

 private:
  enum class Found : std::uint8_t { not_yet, layer, no_layer };
  struct Layer {
    Found found = Found::not_yet;
    std::uint8_t looks_left = 0;
    bool known = false;  ///< there is something in the slot
    bool asked = false;
    std::uint32_t generation = 0;
    int error = 0;  ///< of the last measurement, or of looking for the layer
    std::string directory;
    std::int64_t due_ns = 0, backoff_ns = 0;  ///< monotonic
    std::optional<LayerAnswer> answer;        ///< the last complete one
  };

  Layer& layer_of(Slot slot);
  [[nodiscard]] static std::optional<Reason> lacking(const Layer& layer);
  [[nodiscard]] bool is_hosts(const Mount& root);
  void look_for(const Cgroup& cgroup, Layer& layer, std::vector<ReadError>& errors);
  void ask_if_due(const Cgroup& cgroup, std::int64_t now_ns);
  void ask_host(std::int64_t now_ns);
  void take_answers(std::vector<ReadError>& errors);
  void take(const LayerAnswer& answer, std::vector<ReadError>& errors);
  [[nodiscard]] bool host_is_fresh() const;
  std::uint32_t element_of(std::uint64_t device, ElementTable& elements) const;
  void show_host(Slot root, ElementTable& elements, Snapshot& snapshot) const;
  bool show_layer(Slot slot, const Layer& layer, ElementTable& elements, Snapshot& snapshot) const;

  Files& files_;
  const Clock& clock_;
  std::string procfs_;
  const CgroupTree& tree_;
  const Identifier& identifier_;
  FirstProcesses& processes_;
  DiskQueue* queue_;
  std::vector<Layer> layers_;  // by slot
  std::string host_root_;      // "MAJ:MIN" of the host's root; empty: not asked yet
  std::optional<HostDisks> host_;
  std::int64_t host_answered_ns_ = 0, host_asked_ns_ = 0;  // monotonic
  bool host_asked_ = false, read_ = false, waited_ = false;
  std::vector<LayerAnswer> answers_;
};

}  // namespace cgmon
