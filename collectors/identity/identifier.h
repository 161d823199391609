#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "collectors/identity/metadata.h"
#include "collectors/metrics/labels.h"
#include "collectors/metrics/snapshot.h"

namespace cgmon {

/// The labels that a path alone gives.
[[nodiscard]] CgroupLabels labels_of_path(std::string_view path);

/// What an engine allows to be shown, as label names: sorted by key, the first of those that
/// become the same name wins. Returns what was left out.
LabelBounds add_container_labels(const ContainerMetadata& metadata, CgroupLabels& labels);

/// Who each cgroup is: by its path at once, by its engine's files when the answer comes.
/// One-thread.
class Identifier {
 public:
  /// Without a queue (nullptr) only paths speak.
  explicit Identifier(MetadataQueue* queue) : queue_(queue) {}

  /// A new cgroup in a slot. Its labels so far are by path.
  void add(Slot slot, std::string_view path);
  void remove(Slot slot);
  /// Asks again about containers of which something is still to come: engines write their files
  /// after they make the cgroup.
  void ask_again();
  /// Asks some of the others anew, in turn, since containers are paused, restarted and checked;
  /// at most every five seconds.
  void refresh(std::int64_t now_ns);
  /// Takes in what was answered.
  void take_answers();
  /// The same, having waited at most `max_wait_ns` if new containers were asked
  /// about since the last call.
  void settle(std::int64_t max_wait_ns);

  /// Whether its runtime and namespace are known, or will never be.
  [[nodiscard]] bool named(Slot slot) const {
    const Entry& entry = entries_[slot];
    return !entry.to_be_named || entry.known || entry.asks_left == 0;
  }
  /// Whether an engine may still say that it is a container.
  [[nodiscard]] bool may_be_container(Slot slot) const {
    return !named(slot) && entries_[slot].labels->kind == CgroupKind::other;
  }

  /// Asks about a container whose cgroup is gone; false when there is nobody to ask.
  bool ask_departed(std::uint32_t number, std::string_view runtime, std::string_view id);
  /// What was answered of those, by number, taken in by settle() since the last clear.
  [[nodiscard]] std::vector<MetadataAnswer>& departed() { return departed_; }

  [[nodiscard]] const std::shared_ptr<const CgroupLabels>& labels(Slot slot) const {
    return entries_[slot].labels;
  }
  /// The engine's log file, on the host; empty where it is not known.
  [[nodiscard]] const std::string& log_path(Slot slot) const { return entries_[slot].log_path; }
  [[nodiscard]] const std::vector<MetadataFailure>& failures() const { return failures_; }
  /// Containers that have ended, as their engines last said.
  [[nodiscard]] const std::vector<EndedContainer>& ended() const { return ended_.containers; }
  [[nodiscard]] std::size_t ended_dropped() const { return ended_.dropped; }
  /// What was left out of container_info, ever.
  [[nodiscard]] const LabelBounds& bounds() const { return bounds_; }
  /// Containers without a name now.
  [[nodiscard]] std::size_t unresolved() const;

 private:
  struct Entry {
    std::shared_ptr<const CgroupLabels> labels;
    std::string log_path;
    std::uint32_t generation = 0;
    std::uint8_t asks_left = 0;
    bool asked = false, known = false;
    bool to_be_named = false;  ///< of a container or pod, or of what may be one
    bool has_state = false;    ///< its engine says how it is, which changes
  };

  [[nodiscard]] static std::uint8_t asks_about(const CgroupLabels& labels, bool is_guess);
  void ask(Slot slot);
  void take(const MetadataAnswer& answer);
  void apply(Entry& entry, const ContainerMetadata& metadata);
  void name_pod(const std::pair<const std::string, Slot>& pod, const CgroupLabels& container);
  void count_failure(const MetadataAnswer& answer);

  MetadataQueue* queue_;
  std::vector<Entry> entries_;  // by slot
  std::vector<MetadataAnswer> answers_, departed_;
  std::vector<MetadataFailure> failures_;
  std::size_t open_questions_ = 0, incomplete_ = 0;
  std::map<std::string, Slot, std::less<>> pods_;  // their cgroups, by uid
  std::size_t next_refreshed_ = 0;
  std::int64_t refreshed_ns_ = 0;  // since the epoch
  LabelBounds bounds_;
  EndedContainers ended_;
  bool any_new_ = false;  ///< asked about for the first time since the last settle()
};

}  // namespace cgmon
