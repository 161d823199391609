#include "collectors/identity/identifier.h"

#include <algorithm>
#include <utility>

#include "collectors/identity/cgroup_path.h"
#include "collectors/identity/utf8.h"

namespace cgmon {
namespace {

constexpr std::uint8_t kAsks = 12;  // one a pass: three minutes at 15 s
constexpr std::size_t kMaxText = 256;
constexpr std::uint64_t kDeparted = std::uint64_t{1} << 63U;  // of a key; no generation gets there

}  // namespace

void Identifier::add(Slot slot, std::string_view path) {
  if (slot >= entries_.size()) entries_.resize(slot + 1);
  const PathIdentity identity = identify_path(path);
  auto labels = std::make_shared<CgroupLabels>();
  labels->id = repair_path(path);
  labels->kind = identity.kind;
  labels->runtime = identity.runtime;
  labels->container_id = identity.container_id;
  labels->unit = repair_text(identity.unit, kMaxText);
  Entry& entry = entries_[slot];
  entry.labels = std::move(labels);
  entry.known = entry.asked = false;
  entry.asks_left = 0;
  if (queue_ == nullptr || identity.container_id.empty()) return;
  entry.asks_left = kAsks;
  ++incomplete_;
  any_new_ = true;
  ask(slot);
}

void Identifier::remove(Slot slot) {
  Entry& entry = entries_[slot];
  if (entry.asks_left > 0) --incomplete_;
  entry.asks_left = 0;
  ++entry.generation;  // an answer under way is nobody's
  entry.labels.reset();
}

void Identifier::ask(Slot slot) {
  Entry& entry = entries_[slot];
  entry.asked = true;
  ++open_questions_;
  queue_->ask({.key = (std::uint64_t{entry.generation} << 32U) | slot,
               .runtime = entry.labels->runtime,
               .id = entry.labels->container_id,
               .path = entry.labels->id,
               .pod_uid = entry.labels->pod_uid,
               .engine_namespace = {}});
}

bool Identifier::ask_departed(std::uint32_t number, std::string_view runtime, std::string_view id) {
  if (queue_ == nullptr) return false;
  ++open_questions_;
  queue_->ask({.key = kDeparted | number,
               .runtime = runtime,
               .id = id,
               .path = {},
               .pod_uid = {},
               .engine_namespace = {}});
  return true;
}

void Identifier::ask_again() {
  if (incomplete_ == 0) return;
  for (std::size_t slot = 0; slot < entries_.size(); ++slot) {
    const Entry& entry = entries_[slot];
    if (entry.labels && entry.asks_left > 0 && !entry.asked) ask(static_cast<Slot>(slot));
  }
}

void Identifier::settle(std::int64_t max_wait_ns) {
  if (open_questions_ == 0) return;
  // Only new containers are waited for, and once: a disk that hangs delays one page, not all.
  if (std::exchange(any_new_, false)) queue_->wait(max_wait_ns);
  take_answers();
}

void Identifier::take_answers() {
  if (open_questions_ == 0) return;
  answers_.clear();
  queue_->take(answers_);
  open_questions_ -= std::min(open_questions_, answers_.size());
  for (const MetadataAnswer& answer : answers_) take(answer);
}

void Identifier::take(const MetadataAnswer& answer) {
  if ((answer.key & kDeparted) != 0) {
    departed_.push_back(answer);
    return;
  }
  const auto slot = static_cast<Slot>(answer.key & UINT32_MAX);
  Entry& entry = entries_[slot];
  if (!entry.labels || entry.generation != answer.key >> 32U) return;
  entry.asked = false;
  const bool complete = answer.found && answer.metadata.complete;
  if (complete || --entry.asks_left == 0) {
    entry.asks_left = 0;
    --incomplete_;
  }
  if (!answer.found) {
    count_failure(answer);
    return;
  }
  entry.known = true;
  auto labels = std::make_shared<CgroupLabels>(*entry.labels);
  labels->name = answer.metadata.name;
  labels->image = answer.metadata.image;
  labels->life = answer.metadata.life;
  entry.labels = std::move(labels);
}

void Identifier::count_failure(const MetadataAnswer& answer) {
  for (MetadataFailure& failure : failures_) {
    if (failure.source == answer.source && failure.reason == answer.reason) {
      ++failure.count;
      return;
    }
  }
  failures_.push_back({answer.source, answer.reason, 1});
}

std::size_t Identifier::unresolved() const {
  return static_cast<std::size_t>(std::ranges::count_if(entries_, [](const Entry& entry) {
    return entry.labels && !entry.labels->container_id.empty() && !entry.known;
  }));
}

}  // namespace cgmon
