#include "collectors/identity/identifier.h"

#include <algorithm>
#include <utility>

#include "collectors/identity/cgroup_path.h"
#include "collectors/identity/utf8.h"

namespace cgmon {
namespace {

constexpr std::uint8_t kAsks = 12;  // one a pass: three minutes at 15 s
// Of what is a guess, or where nothing is to come later: what the question is about is older than
// its cgroup.
constexpr std::uint8_t kFewAsks = 3;
/// How many containers are asked about again in a pass, as their state changes; a quarter of them
/// if there are more.
constexpr std::int64_t kRefreshEveryNs = 5'000'000'000;
constexpr std::size_t kRefreshed = 64;
constexpr std::uint64_t kDeparted = std::uint64_t{1} << 63U;  // of a key; no generation gets there

/// An engine's key as the end of a label's name: what does not fit there is "_".
std::string label_name(std::string_view key) {
  std::string name(key);
  for (char& byte : name) {
    const bool fits = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
                      (byte >= 'A' && byte <= 'Z') || byte == '_';
    if (!fits) byte = '_';
  }
  return name;
}

}  // namespace

CgroupLabels labels_of_path(std::string_view path) {
  const PathIdentity identity = identify_path(path);
  CgroupLabels labels;
  labels.id = repair_path(path);
  labels.name = repair_text(identity.name, kMaxLabelBytes);
  labels.kind = identity.kind;
  labels.runtime = identity.runtime;
  labels.container_id = identity.container_id;
  const auto set = [](std::string& to, std::string_view text) {
    to = repair_text(text, kMaxLabelBytes);
  };
  set(labels.unit, identity.unit);
  set(labels.slice, identity.slice);
  set(labels.job_id, identity.job_id);
  set(labels.step_id, identity.step_id);
  set(labels.task_id, identity.task_id);
  labels.uid = identity.uid.substr(0, kMaxLabelBytes);
  labels.pod_uid = identity.pod_uid;
  labels.qos = identity.qos;
  if (!identity.outer.empty()) labels.outer = repair_path(identity.outer);
  return labels;
}

LabelBounds add_container_labels(const ContainerMetadata& metadata, CgroupLabels& labels) {
  LabelBounds bounds = metadata.left_out;
  labels.container_labels.clear();
  for (const auto& [prefix, pairs] : {std::pair{"container_label_", &metadata.labels},
                                      std::pair{"container_env_", &metadata.env}}) {
    std::vector<LabelPair> sorted = *pairs;
    std::ranges::sort(sorted);
    for (const auto& [key, value] : sorted) {
      if (key.empty() || key.size() + std::string_view(prefix).size() > kMaxLabelBytes) {
        ++bounds.label_length;
        continue;
      }
      const std::string name = prefix + label_name(key);
      if (std::ranges::find(labels.container_labels, name, &LabelPair::first) !=
          labels.container_labels.end()) {
        ++bounds.label_collision;
      } else if (labels.container_labels.size() >= kMaxContainerLabels) {
        ++bounds.container_labels;
      } else {
        std::string text = repair_text(value, kMaxLabelBytes);
        if (text.size() < value.size() && text.size() + 4 > kMaxLabelBytes) ++bounds.label_length;
        labels.container_labels.emplace_back(name, std::move(text));
      }
    }
  }
  std::ranges::sort(labels.container_labels);
  return bounds;
}

/// How often there is something to ask about a cgroup until it is answered.
std::uint8_t Identifier::asks_about(const CgroupLabels& labels, bool is_guess) {
  if (!labels.container_id.empty()) {
    const bool readable =
        std::ranges::find(kEnginesWithFiles, labels.runtime) != kEnginesWithFiles.end();
    return readable ? kAsks : labels.uid.empty() ? 0 : kFewAsks;
  }
  const bool named_in_files = labels.kind == CgroupKind::pod ||
                              (labels.kind == CgroupKind::machine && !labels.unit.empty());
  return named_in_files || !labels.uid.empty() || is_guess ? kFewAsks : 0;
}

void Identifier::add(Slot slot, std::string_view path) {
  if (slot >= entries_.size()) entries_.resize(slot + 1);
  auto labels = std::make_shared<CgroupLabels>(labels_of_path(path));
  const std::string pod_uid = labels->kind == CgroupKind::pod ? labels->pod_uid : std::string();
  const bool is_guess = !identify_path(path).possible_id.empty();
  const std::uint8_t asks = queue_ == nullptr ? 0 : asks_about(*labels, is_guess);
  Entry& entry = entries_[slot];
  entry.labels = std::move(labels);
  entry.known = entry.asked = entry.has_state = false;
  entry.asks_left = 0;
  const CgroupKind kind = entry.labels->kind;
  entry.to_be_named = is_container(kind) || kind == CgroupKind::pod || is_guess;
  if (!pod_uid.empty()) pods_.insert_or_assign(pod_uid, slot);
  if (asks == 0) return;
  entry.asks_left = asks;
  ++incomplete_;
  any_new_ = true;
  ask(slot);
}

void Identifier::remove(Slot slot) {
  Entry& entry = entries_[slot];
  if (entry.asks_left > 0) --incomplete_;
  entry.asks_left = 0;
  if (entry.labels && entry.labels->kind == CgroupKind::pod) {
    const auto pod = pods_.find(entry.labels->pod_uid);
    if (pod != pods_.end() && pod->second == slot) pods_.erase(pod);
  }
  ++entry.generation;  // an answer under way is nobody's
  entry.labels.reset();
  entry.log_path.clear();
}

void Identifier::ask(Slot slot) {
  Entry& entry = entries_[slot];
  entry.asked = true;
  ++open_questions_;
  const CgroupLabels& labels = *entry.labels;
  const PathIdentity path = identify_path(labels.id);
  const bool readable =
      std::ranges::find(kEnginesWithFiles, labels.runtime) != kEnginesWithFiles.end();
  MetadataQuestion question{.key = (std::uint64_t{entry.generation} << 32U) | slot,
                            .kind = labels.kind,
                            .runtime = labels.runtime,
                            .id = readable ? labels.container_id : std::string_view(),
                            .path = labels.id,
                            .pod_uid = labels.pod_uid,
                            .engine_namespace = path.engine_namespace,
                            .unit = labels.unit,
                            .uid = labels.uid};
  if (!path.possible_id.empty() && labels.container_id.empty()) question.id = path.possible_id;
  queue_->ask(question);
}

bool Identifier::ask_departed(std::uint32_t number, std::string_view runtime, std::string_view id) {
  if (queue_ == nullptr) return false;
  ++open_questions_;
  MetadataQuestion question;
  question.key = kDeparted | number;
  question.runtime = runtime;
  question.id = id;
  queue_->ask(question);
  return true;
}

void Identifier::refresh(std::int64_t now_ns) {
  if (queue_ == nullptr || entries_.empty()) return;
  if (auto ended = queue_->take_ended()) ended_ = *std::move(ended);
  // However many ask for pages; a clock that was set back does not hold it up.
  if (now_ns >= refreshed_ns_ && now_ns - refreshed_ns_ < kRefreshEveryNs) return;
  refreshed_ns_ = now_ns;
  queue_->ask_ended(now_ns);
  const std::size_t most = std::max(kRefreshed, entries_.size() / 4);
  std::size_t asked = 0;
  for (std::size_t i = 0; i < entries_.size() && asked < most; ++i) {
    next_refreshed_ = (next_refreshed_ + 1) % entries_.size();
    const Entry& entry = entries_[next_refreshed_];
    if (!entry.labels || !entry.has_state || entry.asked || entry.asks_left > 0) continue;
    ask(static_cast<Slot>(next_refreshed_));
    ++asked;
  }
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
  if (entry.asks_left > 0 && (complete || --entry.asks_left == 0)) {
    entry.asks_left = 0;
    --incomplete_;
  }
  if (!answer.found) {
    if (!answer.reason.empty()) count_failure(answer);
    return;
  }
  entry.known = true;
  entry.log_path = answer.metadata.log_path;
  apply(entry, answer.metadata);
  // Podman checks a container's health whether or not its state can be read.
  entry.has_state =
      answer.metadata.life.state != ContainerState::unknown || entry.labels->runtime == "podman";
}

/// Takes over what an engine says; the labels stay the same object if it says nothing new.
void Identifier::apply(Entry& entry, const ContainerMetadata& metadata) {
  auto labels = std::make_shared<CgroupLabels>(*entry.labels);
  const auto set = [](std::string& to, const std::string& from) {
    if (!from.empty()) to = from;
  };
  // An engine has it, and says so of nothing else.
  if (labels->kind == CgroupKind::other && !metadata.runtime.empty()) {
    labels->kind = CgroupKind::container;
    labels->container_id = identify_path(labels->id).possible_id;
  }
  set(labels->user, metadata.user);
  set(labels->name, metadata.name);
  set(labels->image, metadata.image);
  set(labels->image_id, metadata.image_id);
  set(labels->container, metadata.container);
  set(labels->pod, metadata.pod);
  set(labels->namespace_name, metadata.namespace_name);
  set(labels->runtime, metadata.runtime);
  if (!metadata.network.empty()) labels->network = metadata.network;
  // A pod's own is by its path: a static pod's differs from the one that the API knows.
  if (labels->pod_uid.empty()) labels->pod_uid = metadata.pod_uid;
  if (metadata.sandbox && labels->kind == CgroupKind::container) {
    labels->kind = CgroupKind::sandbox;
  }
  labels->life = metadata.life;
  const LabelBounds bounds = add_container_labels(metadata, *labels);
  if (*labels == *entry.labels) return;
  bounds_.add(bounds);
  const auto pod = pods_.find(labels->pod_uid);
  const bool of_pod = pod != pods_.end() && labels->kind != CgroupKind::pod;
  if (of_pod) name_pod(*pod, *labels);
  entry.labels = std::move(labels);
}

/// A pod's cgroup has no engine that knows it: its containers say what it is called.
void Identifier::name_pod(const std::pair<const std::string, Slot>& pod,
                          const CgroupLabels& container) {
  Entry& entry = entries_[pod.second];
  auto& labels = entry.labels;
  if (!labels || labels->kind != CgroupKind::pod || labels->pod_uid != pod.first) return;
  if (container.pod.empty() || labels->pod == container.pod) return;
  if (std::exchange(entry.asks_left, 0) > 0) --incomplete_;
  auto named = std::make_shared<CgroupLabels>(*labels);
  named->pod = container.pod;
  named->namespace_name = container.namespace_name;
  entry.known = true;
  labels = std::move(named);
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
    return entry.labels && !entry.labels->container_id.empty() && !entry.known &&
           entry.labels->name.empty();
  }));
}

}  // namespace cgmon
