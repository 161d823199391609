#include "collectors/lifecycle.h"

#include <algorithm>
#include <array>
#include <memory>
#include <set>
#include <string_view>

#include "collectors/identity/identifier.h"

namespace cgmon {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::size_t kInfo = row("container_info");
constexpr std::size_t kCreation = row("container_creation_time_seconds");
constexpr std::size_t kRestarts = row("container_restarts_total");
constexpr std::size_t kHealth = row("container_health_state");
constexpr std::size_t kExitCode = row("container_exit_code");
constexpr std::size_t kOomKilled = row("container_exit_oom_killed");
constexpr std::size_t kFinish = row("container_finish_time_seconds");

/// By ContainerState; unknown has none.
constexpr std::array<std::size_t, 7> kStates{kNoRow,
                                             row("container_state", R"(state="created")"),
                                             row("container_state", R"(state="running")"),
                                             row("container_state", R"(state="paused")"),
                                             row("container_state", R"(state="restarting")"),
                                             row("container_state", R"(state="exited")"),
                                             row("container_state", R"(state="dead")")};

Value seconds(std::int64_t ns) { return Value::of(static_cast<std::uint64_t>(ns / kSecond)); }

void set(std::size_t row_index, Slot slot, Value value, Snapshot& snapshot) {
  Column& column = snapshot.columns[row_index];
  if (column.in_use()) column.set(slot, value);
}

CgroupLabels labels_of(const EndedContainer& ended) {
  const ContainerMetadata& said = ended.metadata;
  CgroupLabels labels;
  labels.name = said.name;
  labels.image = said.image;
  labels.container = said.container;
  labels.pod = said.pod;
  labels.namespace_name = said.namespace_name;
  labels.kind = CgroupKind::container;
  labels.runtime = ended.runtime;
  labels.container_id = ended.id;
  labels.life = said.life;
  return labels;
}

}  // namespace

void set_lifecycle(Slot slot, const CgroupLabels& labels, std::int64_t cgroup_made_ns,
                   Snapshot& snapshot) {
  const ContainerLife& life = labels.life;
  set(kInfo, slot, Value::of(1), snapshot);
  const std::int64_t made = life.created_at_ns != 0 ? life.created_at_ns : cgroup_made_ns;
  if (made > 0) set(kCreation, slot, seconds(made), snapshot);
  if (!is_container(labels.kind)) return;
  if (life.state != ContainerState::unknown) {
    set(kStates.at(static_cast<std::size_t>(life.state)), slot, Value::of(1), snapshot);
  }
  if (life.restarts) set(kRestarts, slot, Value::of(*life.restarts), snapshot);
  if (life.health != Health::unknown && life.health != Health::none) {
    set(kHealth, slot, Value::of(life.health == Health::healthy ? 1 : 0), snapshot);
  }
}

void add_ended(const std::vector<EndedContainer>& ended, const Selection& selection,
               Snapshot& snapshot) {
  if (ended.empty()) return;
  std::set<std::string_view> living;
  for (const Slot slot : snapshot.order) {
    const std::string& id = snapshot.labels[slot]->container_id;
    if (!id.empty()) living.insert(id);
  }
  const auto add = [&](std::size_t row_index, const std::shared_ptr<const CgroupLabels>& labels,
                       Value value) {
    if (snapshot.served[row_index]) snapshot.loose.push_back({row_index, labels, value.number});
  };
  for (const EndedContainer& one : ended) {
    const ContainerLife& life = one.metadata.life;
    if (!selection.shows_ended(one.runtime, one.metadata.namespace_name)) continue;
    if (!living.insert(one.id).second || life.state == ContainerState::unknown) continue;
    const auto labels = std::make_shared<const CgroupLabels>(labels_of(one));
    add(kStates.at(static_cast<std::size_t>(life.state)), labels, Value::of(1));
    // In a pod the next one counts on under the same labels.
    if (life.restarts && labels->pod.empty()) add(kRestarts, labels, Value::of(*life.restarts));
    if (!has_ended(life)) continue;
    if (life.exit_code) {
      add(kExitCode, labels, Value::of(static_cast<std::uint64_t>(std::int64_t{*life.exit_code})));
    }
    add(kOomKilled, labels, Value::of(life.oom_killed ? 1 : 0));
    if (life.finished_at_ns > 0) add(kFinish, labels, seconds(life.finished_at_ns));
  }
  std::ranges::stable_sort(snapshot.loose, {}, &LooseSample::row);
}

}  // namespace cgmon
