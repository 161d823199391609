#include "collectors/lifecycle.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace cgmon {
namespace {

const Selection kAll({}, {});
constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::size_t kExited = row("container_state", R"(state="exited")");
constexpr std::size_t kRunning = row("container_state", R"(state="running")");
constexpr std::size_t kPaused = row("container_state", R"(state="paused")");
constexpr std::size_t kRestarts = row("container_restarts_total");
constexpr std::size_t kHealth = row("container_health_state");
constexpr std::size_t kCreation = row("container_creation_time_seconds");
constexpr std::size_t kExitCode = row("container_exit_code");
constexpr std::size_t kOom = row("container_exit_oom_killed");
constexpr std::size_t kFinish = row("container_finish_time_seconds");
constexpr std::size_t kInfo = row("container_info");

struct OnePass {
  OnePass() {
    for (const std::size_t one : {kExited, kRunning, kPaused, kRestarts, kHealth, kCreation,
                                  kExitCode, kOom, kFinish, kInfo}) {
      snapshot.columns[one].reset(1);
      snapshot.served[one] = true;
    }
  }
  std::optional<std::uint64_t> value(std::size_t index) {
    const Value value = snapshot.value(index, 0);
    return value.is_number() ? std::optional(value.number) : std::nullopt;
  }
  Snapshot snapshot;
};

CgroupLabels container(ContainerLife life) {
  CgroupLabels labels;
  labels.kind = CgroupKind::container;
  labels.life = std::move(life);
  return labels;
}

TEST(SetLifecycle, ShowsTheOneStateThatIs) {
  OnePass pass;
  set_lifecycle(0,
                container({.state = ContainerState::paused,
                           .health = Health::unhealthy,
                           .restarts = 4,
                           .created_at_ns = 7 * kSecond}),
                9 * kSecond, pass.snapshot);
  EXPECT_EQ(pass.value(kPaused), 1U);
  EXPECT_EQ(pass.value(kRunning), std::nullopt) << "no state that is not";
  EXPECT_EQ(pass.value(kRestarts), 4U);
  EXPECT_EQ(pass.value(kHealth), 0U);
  EXPECT_EQ(pass.value(kCreation), 7U) << "the engine knows better than the directory";
  EXPECT_EQ(pass.value(kInfo), 1U);
}

TEST(SetLifecycle, LeavesOutWhatNobodySays) {
  OnePass pass;
  set_lifecycle(0, container({}), 9 * kSecond, pass.snapshot);
  for (const std::size_t one : {kExited, kRunning, kPaused, kRestarts, kHealth}) {
    EXPECT_EQ(pass.value(one), std::nullopt) << one;
  }
  EXPECT_EQ(pass.value(kCreation), 9U);
  CgroupLabels unit = container({.state = ContainerState::running, .restarts = 1});
  unit.kind = CgroupKind::unit;
  set_lifecycle(0, unit, 0, pass.snapshot);
  EXPECT_EQ(pass.value(kRunning), std::nullopt) << "units have no engine";
  EXPECT_EQ(pass.value(kRestarts), std::nullopt);
  set_lifecycle(0, container({.state = ContainerState::running, .health = Health::none}), 0,
                pass.snapshot);
  EXPECT_EQ(pass.value(kHealth), std::nullopt) << "it is not checked";
}

EndedContainer ended(const std::string& id, ContainerLife life) {
  EndedContainer one{"docker", id, {}};
  one.metadata.name = "n" + id;
  one.metadata.life = std::move(life);
  return one;
}

std::optional<std::uint64_t> loose(const Snapshot& snapshot, std::size_t index,
                                   const std::string& id) {
  for (const LooseSample& sample : snapshot.loose) {
    if (sample.row == index && sample.labels->container_id == id) return sample.value;
  }
  return std::nullopt;
}

TEST(AddEnded, ShowsHowItEndedInTheOrderOfTheRows) {
  OnePass pass;
  add_ended({ended("a", {.state = ContainerState::exited,
                         .oom_killed = true,
                         .exit_code = 137,
                         .restarts = 2,
                         .finished_at_ns = 5 * kSecond}),
             ended("b", {.state = ContainerState::dead, .exit_code = -1}),
             ended("c", {.state = ContainerState::created})},
            kAll, pass.snapshot);
  const Snapshot& snapshot = pass.snapshot;
  EXPECT_EQ(loose(snapshot, kExited, "a"), 1U);
  EXPECT_EQ(loose(snapshot, kExitCode, "a"), 137U);
  EXPECT_EQ(loose(snapshot, kOom, "a"), 1U);
  EXPECT_EQ(loose(snapshot, kFinish, "a"), 5U);
  EXPECT_EQ(loose(snapshot, kRestarts, "a"), 2U);
  EXPECT_EQ(loose(snapshot, kExitCode, "b"), static_cast<std::uint64_t>(std::int64_t{-1}));
  EXPECT_EQ(loose(snapshot, kOom, "b"), 0U);
  EXPECT_EQ(loose(snapshot, kFinish, "b"), std::nullopt) << "not known";
  EXPECT_EQ(loose(snapshot, kExitCode, "c"), std::nullopt) << "it has not begun";
  EXPECT_TRUE(std::ranges::is_sorted(snapshot.loose, {}, &LooseSample::row));
}

TEST(AddEnded, SaysNothingOfWhatLivesOrIsListedTwiceOrIsNotAskedFor) {
  OnePass pass;
  Snapshot& snapshot = pass.snapshot;
  auto living = std::make_shared<CgroupLabels>();
  living->container_id = "a";
  snapshot.labels = {living};
  snapshot.order = {0};
  snapshot.served[kExitCode] = false;
  const ContainerLife over{.state = ContainerState::exited, .exit_code = 1};
  add_ended({ended("a", over), ended("b", over), ended("b", over), ended("c", {})}, kAll, snapshot);
  EXPECT_EQ(loose(snapshot, kExited, "a"), std::nullopt);
  EXPECT_EQ(loose(snapshot, kExited, "c"), std::nullopt);
  EXPECT_EQ(std::ranges::count(snapshot.loose, kExited, &LooseSample::row), 1);
  EXPECT_EQ(std::ranges::count(snapshot.loose, kExitCode, &LooseSample::row), 0);
}

TEST(AddEnded, LeavesThePodsCounterToTheNextContainer) {
  OnePass pass;
  EndedContainer one = ended("a", {.state = ContainerState::exited, .restarts = 3});
  one.metadata.pod = "shop-0";
  add_ended({one}, kAll, pass.snapshot);
  EXPECT_EQ(loose(pass.snapshot, kRestarts, "a"), std::nullopt);
  EXPECT_EQ(loose(pass.snapshot, kExited, "a"), 1U);
}

}  // namespace
}  // namespace cgmon
