#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "collectors/cgroup/cgroup_tree.h"
#include "collectors/metrics/snapshot.h"

namespace cgmon {

/// What owns kills: pods, slices and users do not.
[[nodiscard]] constexpr bool may_own_kills(CgroupKind kind) {
  return is_container(kind) || kind == CgroupKind::unit || kind == CgroupKind::machine ||
         kind == CgroupKind::job || kind == CgroupKind::step;
}

/// OOM kills that outlive their cgroup: what each owner has lost over all its incarnations, and
/// what ended cgroups had counted. Pure bookkeeping: the collector reads and tells. One-thread.
///
/// An owner is a container (by namespace, pod and container, else by name, else by id) or a systemd
/// unit, machine, job or step (by id, machines by name); pods and slices own nothing. An owner's
/// number leaves out owners inside it.
///
/// The last count of a cgroup is mostly read while it dies. Where it was not, witnesses are asked.
/// Each counts kills in all that is below it, and outlives it: on v2 the parent (memory.events is
/// hierarchical), on any layout the host (oom_kill in /proc/vmstat). What a witness has and what is
/// below does not explain belongs to the one that went away below it meanwhile; if several did, to
/// those of which their engine says that they were OOM-killed; else to nobody, and is counted.
///
/// A witness and what is below it are read one after the other. A kill in between may hide one of a
/// cgroup that is gone, or look like one; so whoever went away stays a suspect until a pass in
/// which nothing was killed has weighed what is unexplained.
class OomKills {
 public:
  struct Bounds {
    std::size_t owners = 2000;  ///< more only while all of them live
    std::size_t ended = 2000;   ///< ended cgroups whose counts are kept
    std::int64_t owner_ns = std::int64_t{24} * 3600 * 1'000'000'000;
    std::int64_t ended_ns = std::int64_t{300} * 1'000'000'000;
  };

  /// `hierarchical`: the kernel counts what is below each cgroup (v2), so that any is a witness.
  OomKills(Bounds bounds, bool hierarchical) : bounds_(bounds), hierarchical_(hierarchical) {}

  /// A cgroup that is new in its slot, parents first. `inode`: of its directory with the count, 0
  /// if there is none.
  void add(const Cgroup& cgroup, std::uint64_t inode);
  /// Its directory with the count has come: engines make a cgroup's directories one by one.
  void place(Slot slot, std::uint64_t inode);
  /// Whether it is to be served, and so may be an owner.
  void choose(Slot slot, bool chosen);
  [[nodiscard]] bool may_own(Slot slot) const { return nodes_[slot].may_own; }
  /// What it and all below it have counted, read between passes. `final`: it has no process, so
  /// that this is its last count unless one enters.
  void look(Slot slot, std::uint64_t count, bool final);
  /// What was its last count may not be: a process entered, or nothing can be read.
  void doubt(Slot slot);
  /// It went away, children before parents.
  void remove(Slot slot, const std::shared_ptr<const CgroupLabels>& labels, std::int64_t now_ns);
  /// A container of this path came and went without being looked at, below the one in `parent`.
  void add_brief(Slot parent, std::shared_ptr<const CgroupLabels> labels, std::int64_t now_ns);

  /// A question to an engine about a container that is gone.
  struct Question {
    std::uint32_t number;
    std::string_view runtime, container_id;
  };
  enum class Asking : std::uint8_t { first_time, again };
  /// What is to be asked now; each is asked once until it was answered.
  void take_questions(Asking asking, std::vector<Question>& questions);
  /// `running`: the engine has not noticed yet that it ended, and is asked again. One that notices
  /// an end before it hears of the kill is asked again once.
  struct Answer {
    bool found = false, running = false, oom_killed = false;  ///< as far as it has noticed
    std::string_view name, image;
  };
  void answer(std::uint32_t number, const Answer& answer);

  struct Pass {
    std::span<const Cgroup* const> order;  ///< all that live, parents first
    std::optional<std::uint64_t> host;     ///< the host's kills, read before all others
    /// Reads them again, after all others. Called once at most, and only where it matters.
    std::function<std::optional<std::uint64_t>()> host_again;
    std::size_t counted_in = 0;   ///< walked hierarchy that has the counts
    std::int64_t started_ns = 0;  ///< since the epoch: older cgroups have a past
    std::int64_t now_ns = 0;      ///< monotonic
  };
  /// The last count that is known of a cgroup.
  [[nodiscard]] std::uint64_t count(Slot slot) const {
    return slot < nodes_.size() ? nodes_[slot].count : 0;
  }

  /// After a pass has read and summed: takes its counts, says whose the unexplained ones are, and
  /// adds the samples of ended cgroups and of owners to `snapshot`.
  void settle(const Pass& pass, Snapshot& snapshot);

  [[nodiscard]] std::size_t owners() const { return owners_.size(); }
  [[nodiscard]] std::uint64_t unattributed() const { return unattributed_; }
  [[nodiscard]] std::uint64_t owners_dropped() const { return owners_dropped_; }
  [[nodiscard]] std::uint64_t ended_dropped() const { return ended_dropped_; }

 private:
  struct Owner {
    std::shared_ptr<const CgroupLabels> labels;  ///< of its sample
    std::uint64_t ended = 0;                     ///< of incarnations that are gone
    std::uint64_t current = 0;                   ///< of those that live
    std::uint64_t shown = 0;                     ///< it never falls
    std::uint32_t living = 0;
    std::int64_t ended_ns = 0;  ///< when the last one went away
  };
  using Owners = std::map<std::string, Owner, std::less<>>;  // sorted, as the page is
  using OwnerAt = Owners::iterator;

  struct Node {
    bool used = false, may_own = false, final = false;
    bool inner = false;    ///< has had others below it
    bool counted = false;  ///< has ever been read
    bool based = false;
    bool unread = false;        ///< in this pass, though it has a count
    std::uint8_t left_for = 0;  ///< passes without its directory
    Slot parent = kNoSlot;
    std::uint64_t inode = 0;
    std::int64_t created_ns = 0;
    std::uint64_t count = 0;       ///< of it and all below
    std::uint64_t gone = 0;        ///< of its children that went away
    std::uint64_t owned_gone = 0;  ///< of owners inside it that went away
    std::int64_t base = 0;         ///< unexplained since before it was first looked at
    std::shared_ptr<const CgroupLabels> labels;
    std::optional<OwnerAt> owner;
  };
  /// One that went away without its last count. `nobody`: no owner, but it may be whose the kills
  /// are.
  struct Candidate {
    bool nobody = false;
    Slot below = kNoSlot;  ///< its nearest living ancestor, kNoSlot for the host
    std::shared_ptr<const CgroupLabels> labels;
    std::uint32_t number = 0;
    std::uint8_t asks_left = 0;
    bool asked = false, oom_killed = false;
    bool early = false;       ///< asked when it had just gone, and its engine may not have noticed
    bool counted = false;     ///< kills of it are known already
    bool deferred = false;    ///< what may be its has to wait
    std::uint8_t passes = 0;  ///< since it went away
    std::int64_t gone_ns = 0;
    [[nodiscard]] bool waits() const { return asks_left > 0; }
  };
  struct Ended {
    std::shared_ptr<const CgroupLabels> labels;
    std::uint64_t count = 0;
    std::int64_t gone_ns = 0;
  };
  /// What a cgroup had when it was let go. One that is back (the bound, or v1's rename) is no
  /// other.
  struct Remembered {
    std::uint64_t inode = 0, count = 0, own = 0;
    std::uint64_t gone = 0, owned_gone = 0;
    std::int64_t base = 0;
    std::string owner;  ///< key of its owner, empty: none
    std::string id;
  };

  [[nodiscard]] bool owns(const Node& node) const;
  [[nodiscard]] Node* nearest_owner(Slot slot);
  [[nodiscard]] Slot witness_of(Slot slot) const;
  [[nodiscard]] Node& node_or_host(Slot slot) { return slot == kNoSlot ? host_ : nodes_[slot]; }
  OwnerAt owner_for(const CgroupLabels& labels);
  void adopt(Node& node, const std::shared_ptr<const CgroupLabels>& labels);
  void welcome_back(Node& node);
  void take_counts(const Pass& pass, const Snapshot& snapshot);
  void weigh(const Pass& pass);
  void weigh(Slot slot, std::uint64_t explained, bool has_past, const Pass& pass);
  bool is_still(const Pass& pass);
  void explain(Slot witness, std::uint64_t kills);
  [[nodiscard]] bool same_owner() const;
  void believe_engines();
  void credit(const Candidate& candidate, Slot witness, std::uint64_t kills);
  void keep(const std::shared_ptr<const CgroupLabels>& labels, std::uint64_t kills,
            std::int64_t gone_ns);
  void sum_owners(std::span<const Cgroup* const> order);
  void expire(std::int64_t now_ns);
  void write(Snapshot& snapshot) const;

  Bounds bounds_;
  bool hierarchical_;
  std::vector<Node> nodes_;  // by slot
  Node host_;                // the witness of all; its count is /proc/vmstat's
  Owners owners_;
  std::map<std::string, Ended, std::less<>> ended_;  // by id
  std::vector<Candidate> candidates_;
  std::vector<Remembered> remembered_;
  std::uint32_t next_number_ = 0;
  std::uint64_t unattributed_ = 0, owners_dropped_ = 0, ended_dropped_ = 0;
  std::optional<bool> still_;         // nothing was killed during this pass, as far as was asked
  std::vector<std::uint64_t> below_;  // by slot: scratch
  std::vector<std::uint8_t> unsure_;  // by slot: something below was not read
  std::vector<Candidate*> suspects_;  // scratch
};

}  // namespace cgmon
