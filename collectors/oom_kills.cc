#include "collectors/oom_kills.h"

#include <algorithm>
#include <utility>

namespace cgmon {
namespace {

constexpr std::size_t kEvents = row("container_oom_events_total");
constexpr std::size_t kKills = row("container_oom_kills_total");
static_assert(kEvents < kKills, "loose samples stand in the order of their rows");

constexpr std::uint8_t kAsks = 3;  // one a pass: dockerd writes that a container ended a bit later
constexpr std::uint8_t kMaxPasses = 6;
constexpr std::size_t kMaxRemembered = 2000;
constexpr std::size_t kMaxCandidates = 2000;

/// The labels of an owner's sample.
CgroupLabels owner_labels(const CgroupLabels& of) {
  CgroupLabels labels;
  if (!of.namespace_name.empty() || !of.pod.empty() || !of.container.empty()) {
    labels.namespace_name = of.namespace_name;
    labels.pod = of.pod;
    labels.container = of.container;
  } else if (!of.name.empty()) {
    labels.name = of.name;
  } else {
    labels.id = of.id;
  }
  return labels;
}

/// What two owners' labels differ by; no label has a zero byte.
std::string key_of(const CgroupLabels& owner) {
  std::string key = owner.id;
  for (const std::string* const part :
       {&owner.name, &owner.namespace_name, &owner.pod, &owner.container}) {
    key += '\0';
    key += *part;
  }
  return key;
}

std::uint64_t less(std::uint64_t a, std::uint64_t b) { return a > b ? a - b : 0; }

}  // namespace

void OomKills::add(const Cgroup& cgroup, std::uint64_t inode) {
  if (cgroup.slot >= nodes_.size()) nodes_.resize(cgroup.slot + 1);
  Node& node = nodes_[cgroup.slot];
  node = {};
  node.used = true;
  node.parent = cgroup.parent != nullptr ? cgroup.parent->slot : kNoSlot;
  node.inode = inode;
  node.created_ns = cgroup.created_ns;
  if (node.parent != kNoSlot) nodes_[node.parent].inner = true;
  welcome_back(node);
}

void OomKills::place(Slot slot, std::uint64_t inode) {
  Node& node = nodes_[slot];
  if (node.inode != 0) return;
  node.inode = inode;
  if (!node.counted) welcome_back(node);
}

void OomKills::choose(Slot slot, bool chosen) {
  Node& node = nodes_[slot];
  node.may_own = chosen;
  if (chosen || !node.owner) return;
  if (--(*node.owner)->second.living == 0) owners_.erase(*node.owner);
  node.owner.reset();
}

void OomKills::welcome_back(Node& node) {
  if (node.inode == 0) return;
  const auto found = std::ranges::find(remembered_, node.inode, &Remembered::inode);
  if (found == remembered_.end()) return;
  node.based = true;
  node.base = found->base;
  node.gone = found->gone;  // its children's; those that are back, too, are taken off in turn
  node.owned_gone = found->owned_gone;
  Node& parent = node_or_host(node.parent);
  parent.gone = less(parent.gone, found->count);
  if (const auto owner = owners_.find(found->owner); owner != owners_.end()) {
    owner->second.ended = less(owner->second.ended, found->own);
    if (Node* const above = nearest_owner(node.parent)) {
      above->owned_gone = less(above->owned_gone, found->count);
    }
  }
  ended_.erase(found->id);
  remembered_.erase(found);
}

void OomKills::look(Slot slot, std::uint64_t count, bool final) {
  if (slot >= nodes_.size() || !nodes_[slot].used) return;
  Node& node = nodes_[slot];
  node.count = std::max(node.count, count);
  node.counted = true;
  node.final = final;
}

void OomKills::doubt(Slot slot) {
  if (slot < nodes_.size()) nodes_[slot].final = false;
}

void OomKills::remove(Slot slot, const std::shared_ptr<const CgroupLabels>& labels,
                      std::int64_t now_ns) {
  if (slot >= nodes_.size() || !nodes_[slot].used) return;
  Node node = std::exchange(nodes_[slot], {});
  // Its own last count may be older than those of its children.
  const std::uint64_t count = std::max(
      node.count, node.gone + static_cast<std::uint64_t>(std::max<std::int64_t>(node.base, 0)));
  node_or_host(node.parent).gone += count;
  for (Candidate& candidate : candidates_) {
    if (candidate.below == slot) candidate.below = node.parent;
  }
  Remembered remembered{.inode = node.inode,
                        .count = count,
                        .own = 0,
                        .gone = node.gone,
                        .owned_gone = node.owned_gone,
                        .base = node.base,
                        .owner = {},
                        .id = labels->id};
  if (node.may_own && count > 0) keep(labels, count, now_ns);
  node.labels = labels;
  if (owns(node)) {
    remembered.own = less(count, node.owned_gone);
    // One that was on no page, and has nothing to say, leaves no trace.
    if (node.owner || remembered.own > 0) {
      adopt(node, labels);
      Owner& owner = (*node.owner)->second;
      owner.ended += remembered.own;
      owner.ended_ns = now_ns;
      --owner.living;
      remembered.owner = (*node.owner)->first;
    }
    if (Node* const above = nearest_owner(node.parent)) above->owned_gone += count;
    if (!node.final && candidates_.size() < kMaxCandidates) {
      const bool can_ask = !labels->container_id.empty();
      candidates_.push_back({.below = node.parent,
                             .labels = labels,
                             .number = next_number_++,
                             .asks_left = can_ask ? kAsks : std::uint8_t{0},
                             .counted = count > 0,
                             .gone_ns = now_ns});
    }
  }
  // Processes are in leaves; what holds others goes with them. systemd's mounts have a cgroup and
  // no process, and those of docker's overlays go with each container.
  const bool stranger = !owns(node) && labels->kind == CgroupKind::other && !node.inner &&
                        !labels->id.ends_with(".mount");
  if (stranger && !node.final && node.inode != 0 && candidates_.size() < kMaxCandidates) {
    candidates_.push_back({.nobody = true,
                           .below = node.parent,
                           .labels = labels,
                           .number = next_number_++,
                           .gone_ns = now_ns});
  }
  if (count > 0 && node.inode != 0) {
    if (remembered_.size() >= kMaxRemembered) remembered_.erase(remembered_.begin());
    remembered_.push_back(std::move(remembered));
  }
}

void OomKills::add_brief(Slot parent, std::shared_ptr<const CgroupLabels> labels,
                         std::int64_t now_ns) {
  if (candidates_.size() >= kMaxCandidates) return;
  candidates_.push_back({.below = parent,
                         .labels = std::move(labels),
                         .number = next_number_++,
                         .asks_left = kAsks,
                         .gone_ns = now_ns});
}

void OomKills::take_questions(Asking asking, std::vector<Question>& questions) {
  for (Candidate& candidate : candidates_) {
    if (candidate.asked || !candidate.waits()) continue;
    if (asking == Asking::first_time && candidate.asks_left < kAsks) continue;
    candidate.asked = true;
    candidate.early = asking == Asking::first_time;
    questions.push_back(
        {candidate.number, candidate.labels->runtime, candidate.labels->container_id});
  }
}

void OomKills::answer(std::uint32_t number, const Answer& answer) {
  const auto found = std::ranges::find(candidates_, number, &Candidate::number);
  if (found == candidates_.end() || !found->asked) return;
  found->asked = false;
  const bool may_change = answer.running || (found->early && !answer.oom_killed);
  found->asks_left = answer.found && may_change ? found->asks_left - 1 : 0;
  if (!answer.found) return;
  found->oom_killed = answer.oom_killed && !answer.running;
  auto labels = std::make_shared<CgroupLabels>(*found->labels);
  labels->name = answer.name;
  labels->image = answer.image;
  found->labels = std::move(labels);
}

void OomKills::settle(const Pass& pass, Snapshot& snapshot) {
  take_counts(pass, snapshot);
  weigh(pass);
  sum_owners(pass.order);
  expire(pass.now_ns);
  snapshot.loose.clear();
  write(snapshot);
}

void OomKills::take_counts(const Pass& pass, const Snapshot& snapshot) {
  for (const Cgroup* const cgroup : pass.order) {
    Node& node = nodes_[cgroup->slot];
    const Value value = snapshot.value(kEvents, cgroup->slot);
    // Its directory with the count goes before others, and may then be the only one that goes.
    const bool left = node.inode != 0 && cgroup->places && !cgroup->is_in(pass.counted_in);
    // Whose it is may not be known, though its count was read before it vanished.
    const bool vanished = node.may_own && snapshot.alive[cgroup->slot] == 0;
    const bool missing = left ? node.left_for < kMaxPasses : node.counted || vanished;
    node.unread = value.is_number() ? vanished : missing;
    if (left && node.left_for < kMaxPasses) ++node.left_for;
    if (value.is_number()) {
      node.count = std::max(node.count, value.number);
      node.counted = true;
    }
    if (snapshot.alive[cgroup->slot] == 0) continue;
    const auto& labels = snapshot.labels[cgroup->slot];
    const bool renamed = node.labels != labels;
    if (renamed) {
      node.labels = labels;
      ended_.erase(labels->id);
    }
    if (node.counted && (renamed || !node.owner) && owns(node)) adopt(node, labels);
  }
}

/// Compares each witness' count with what is below it, the deepest first.
void OomKills::weigh(const Pass& pass) {
  below_.assign(nodes_.size(), 0);
  unsure_.assign(nodes_.size(), 0);
  std::uint64_t below_host = 0;
  bool any_unread = false, unsure_host = false;
  still_.reset();
  for (auto at = pass.order.rbegin(); at != pass.order.rend(); ++at) {
    const Slot slot = (*at)->slot;
    Node& node = nodes_[slot];
    const std::uint64_t explained = below_[slot] + node.gone;
    const bool sure = unsure_[slot] == 0 && !node.unread;
    if (node.counted && sure) weigh(slot, explained, node.created_ns < pass.started_ns, pass);
    const std::uint64_t count = node.counted ? node.count : explained;
    if (node.parent != kNoSlot) {
      below_[node.parent] += count;
      if (node.unread || (!node.counted && unsure_[slot] != 0)) unsure_[node.parent] = 1;
    } else {
      below_host += count;
      unsure_host |= !sure && !node.counted;
    }
    any_unread |= node.unread;
    // v1's sums are made of what is below: one that was not read is missing in all of them.
    unsure_host |= node.unread && (!hierarchical_ || node.parent == kNoSlot);
  }
  if (!pass.host) {
    believe_engines();
  } else if (!unsure_host) {
    host_.count = std::max(host_.count, *pass.host);
    weigh(kNoSlot, below_host + host_.gone, true, pass);
  }
  std::erase_if(candidates_, [&](Candidate& candidate) {
    const bool deferred = std::exchange(candidate.deferred, false) || any_unread || !is_still(pass);
    return (!candidate.waits() && !deferred) || ++candidate.passes > kMaxPasses;
  });
}

void OomKills::weigh(Slot slot, std::uint64_t explained, bool has_past, const Pass& pass) {
  Node& node = node_or_host(slot);
  const auto unexplained = static_cast<std::int64_t>(node.count - explained);
  if (!node.based) {
    if (has_past && !is_still(pass)) return;
    node.based = true;
    node.base = has_past ? unexplained : 0;
  }
  if (unexplained <= node.base) return;
  // The host's count is older than all others: what it has more than they have is certain.
  if (slot != kNoSlot && !is_still(pass)) return;
  explain(slot, static_cast<std::uint64_t>(unexplained - node.base));
}

/// Whether all counts of this pass are of one moment, as far as anybody can tell.
bool OomKills::is_still(const Pass& pass) {
  if (!still_) still_ = !pass.host || !pass.host_again || pass.host_again() == pass.host;
  return *still_;
}

/// The nearest one above, or itself, that counts what is below it.
Slot OomKills::witness_of(Slot slot) const {
  if (!hierarchical_) return kNoSlot;
  while (slot != kNoSlot && !nodes_[slot].counted) slot = nodes_[slot].parent;
  return slot;
}

/// Says whose the kills are that a witness has seen and nobody below it has.
void OomKills::explain(Slot witness, std::uint64_t kills) {
  suspects_.clear();
  for (Candidate& candidate : candidates_) {
    if (witness_of(candidate.below) == witness) suspects_.push_back(&candidate);
  }
  // One each is certain of those that were OOM-killed.
  const auto guilty = std::partition(
      suspects_.begin(), suspects_.end(),
      [](const Candidate* suspect) { return !suspect->oom_killed || suspect->counted; });
  const auto guilty_ones = static_cast<std::size_t>(suspects_.end() - guilty);
  const bool several = suspects_.size() > 1 && !same_owner();
  if (several && kills >= guilty_ones) {
    std::for_each(guilty, suspects_.end(), [&](Candidate* suspect) {
      credit(*suspect, witness, 1);
      suspect->counted = true;
    });
    kills -= guilty_ones;
  }
  if (kills == 0) return;
  if (std::ranges::any_of(suspects_, &Candidate::waits)) {
    for (Candidate* const suspect : suspects_) suspect->deferred = true;
    return;  // until their engine has said what it knows
  }
  if (!several && !suspects_.empty() && !suspects_.front()->nobody) {
    credit(*suspects_.front(), witness, kills);
    return;
  }
  node_or_host(witness).base += static_cast<std::int64_t>(kills);
  if (witness == kNoSlot || nearest_owner(witness) == nullptr) unattributed_ += kills;
}

bool OomKills::same_owner() const {
  const std::string first = key_of(owner_labels(*suspects_.front()->labels));
  return std::ranges::all_of(suspects_, [&](const Candidate* suspect) {
    return key_of(owner_labels(*suspect->labels)) == first;
  });
}

/// Where there is no witness at all.
void OomKills::believe_engines() {
  for (Candidate& candidate : candidates_) {
    if (candidate.waits() || !candidate.oom_killed || candidate.counted ||
        witness_of(candidate.below) != kNoSlot) {
      continue;
    }
    candidate.counted = true;
    credit(candidate, kNoSlot, 1);
  }
}

void OomKills::credit(const Candidate& candidate, Slot witness, std::uint64_t kills) {
  const auto owner = owner_for(*candidate.labels);
  owner->second.ended += kills;
  owner->second.ended_ns = std::max(owner->second.ended_ns, candidate.gone_ns);
  node_or_host(witness).gone += kills;
  if (Node* const above = nearest_owner(witness)) above->owned_gone += kills;
  const auto remembered = std::ranges::find(remembered_, candidate.labels->id, &Remembered::id);
  if (remembered != remembered_.end()) {
    remembered->count += kills;
    remembered->own += kills;
  }
  const bool is_back = std::ranges::any_of(nodes_, [&](const Node& node) {
    return node.labels && node.labels->id == candidate.labels->id;
  });
  if (!is_back) keep(candidate.labels, kills, candidate.gone_ns);
}

void OomKills::keep(const std::shared_ptr<const CgroupLabels>& labels, std::uint64_t kills,
                    std::int64_t gone_ns) {
  Ended& ended = ended_[labels->id];
  ended.labels = labels;
  ended.count += kills;
  ended.gone_ns = gone_ns;
}

bool OomKills::owns(const Node& node) const {
  if (!node.may_own || !node.labels) return false;
  if (is_container(node.labels->kind)) return true;
  if (!may_own_kills(node.labels->kind)) return false;
  // A unit in a container is the container's.
  for (Slot at = node.parent; at != kNoSlot; at = nodes_[at].parent) {
    if (nodes_[at].labels && is_container(nodes_[at].labels->kind)) return false;
  }
  return true;
}

/// The owner that a cgroup is or is in.
OomKills::Node* OomKills::nearest_owner(Slot slot) {
  for (Slot at = slot; at != kNoSlot; at = nodes_[at].parent) {
    if (owns(nodes_[at])) return &nodes_[at];
  }
  return nullptr;
}

OomKills::OwnerAt OomKills::owner_for(const CgroupLabels& labels) {
  CgroupLabels own = owner_labels(labels);
  const auto [at, is_new] = owners_.try_emplace(key_of(own));
  if (is_new) at->second.labels = std::make_shared<const CgroupLabels>(std::move(own));
  return at;
}

/// Makes a cgroup an incarnation of the owner that its labels name; they may have changed.
void OomKills::adopt(Node& node, const std::shared_ptr<const CgroupLabels>& labels) {
  node.labels = labels;
  const OwnerAt owner = owner_for(*labels);
  if (node.owner == owner) return;
  ++owner->second.living;
  if (node.owner && --(*node.owner)->second.living == 0 && (*node.owner)->second.ended == 0) {
    owners_.erase(*node.owner);  // known by its id until its name came
  }
  node.owner = owner;
}

void OomKills::sum_owners(std::span<const Cgroup* const> order) {
  for (auto& [key, owner] : owners_) owner.current = 0;
  below_.assign(nodes_.size(), 0);  // of owners inside
  for (auto at = order.rbegin(); at != order.rend(); ++at) {
    const Slot slot = (*at)->slot;
    const Node& node = nodes_[slot];
    if (node.owner) {
      (*node.owner)->second.current += less(node.count, below_[slot] + node.owned_gone);
    }
    if (node.parent != kNoSlot) {
      below_[node.parent] += node.owner ? node.count : below_[slot];
    }
  }
  for (auto& [key, owner] : owners_) {
    owner.shown = std::max(owner.shown, owner.ended + owner.current);
  }
}

void OomKills::expire(std::int64_t now_ns) {
  std::erase_if(
      ended_, [&](const auto& entry) { return now_ns - entry.second.gone_ns > bounds_.ended_ns; });
  while (ended_.size() > bounds_.ended) {
    ended_.erase(std::ranges::min_element(ended_, {},
                                          [](const auto& entry) { return entry.second.gone_ns; }));
    ++ended_dropped_;
  }
  std::erase_if(owners_, [&](const auto& entry) {
    return entry.second.living == 0 && now_ns - entry.second.ended_ns > bounds_.owner_ns;
  });
  if (owners_.size() <= bounds_.owners) return;
  std::vector<OwnerAt> gone;
  for (auto at = owners_.begin(); at != owners_.end(); ++at) {
    if (at->second.living == 0) gone.push_back(at);
  }
  std::ranges::sort(gone, {}, [](OwnerAt at) { return at->second.ended_ns; });
  gone.resize(std::min(gone.size(), owners_.size() - bounds_.owners));
  for (const OwnerAt at : gone) owners_.erase(at);
  owners_dropped_ += gone.size();
}

void OomKills::write(Snapshot& snapshot) const {
  if (snapshot.served[kEvents]) {
    for (const auto& [id, ended] : ended_) {
      snapshot.loose.push_back({kEvents, ended.labels, ended.count});
    }
  }
  if (snapshot.served[kKills]) {
    for (const auto& [key, owner] : owners_) {
      snapshot.loose.push_back({kKills, owner.labels, owner.shown});
    }
  }
}

}  // namespace cgmon
