#include "collectors/oom_kills.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace cgmon {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::size_t kEvents = row("container_oom_events_total");
constexpr std::size_t kKills = row("container_oom_kills_total");
constexpr std::int64_t kSecond = 1'000'000'000;

/// A host whose cgroups come, count and go; the books are asked after each pass.
class OomKillsTest : public testing::Test {
 protected:
  struct Made {
    Cgroup cgroup;
    std::shared_ptr<const CgroupLabels> labels;
    std::uint64_t count = 0;
    bool readable = true, alive = true;
  };

  void use_v1(OomKills::Bounds bounds = {}) { kills_.emplace(bounds, false); }
  void use_v2(OomKills::Bounds bounds = {}) { kills_.emplace(bounds, true); }

  /// What is above must be there. `name`: a container's.
  void make(const std::string& path, CgroupKind kind, const std::string& name = {},
            std::uint64_t inode = 0) {
    Made& made = made_[path];
    made.cgroup.path = path;
    made.cgroup.slot = next_slot_++;
    made.cgroup.created_ns = now_ns_;
    const std::string above = path.substr(0, path.rfind('/'));
    made.cgroup.parent = path == "/" ? nullptr : &made_.at(above.empty() ? "/" : above).cgroup;
    CgroupLabels labels{.id = path, .name = name, .kind = kind};
    if (kind == CgroupKind::container) labels.container_id = labels.runtime = "x";
    made.labels = std::make_shared<const CgroupLabels>(std::move(labels));
    made.cgroup.places = std::make_unique<Cgroup::Place[]>(1);
    made.cgroup.places[0].inode = inode == 0 ? next_inode_++ : inode;
    kills_->add(made.cgroup, made.cgroup.places[0].inode);
    kills_->choose(made.cgroup.slot, true);
  }
  /// The kernel's count after some kills: of it and, on v2 or as the agent sums, of all above.
  void kill(const std::string& path, std::uint64_t times = 1) {
    for (const Cgroup* at = &made_.at(path).cgroup; at != nullptr; at = at->parent) {
      made_.at(at->path).count += times;
    }
    host_ += times;
  }
  /// It goes; `look`: having been read when its last process was gone.
  void remove(const std::string& path, bool look) {
    const Made& made = made_.at(path);
    if (look) kills_->look(made.cgroup.slot, made.count, true);
    kills_->remove(made.cgroup.slot, made.labels, now_ns_);
    made_.erase(path);
  }
  /// Lines "ID-OR-NAME KILLS" of owners.
  std::vector<std::string> pass(bool with_host = true) {
    now_ns_ += kSecond;
    Snapshot snapshot;
    snapshot.served[kEvents] = snapshot.served[kKills] = true;
    snapshot.alive.assign(next_slot_, 0);
    snapshot.labels.resize(next_slot_);
    snapshot.columns[kEvents].reset(next_slot_);
    std::vector<const Cgroup*> order;
    for (const auto& [path, made] : made_) {  // by name: parents come first
      order.push_back(&made.cgroup);
      snapshot.alive[made.cgroup.slot] = made.alive ? 1 : 0;
      if (made.alive) snapshot.labels[made.cgroup.slot] = made.labels;
      const bool counted = path != "/" || !v2_root_has_none_;
      if (made.readable && counted) {
        snapshot.columns[kEvents].set(made.cgroup.slot, Value::of(made.count));
      }
    }
    asked_again_ = 0;
    kills_->settle({.order = order,
                    .host = with_host ? std::optional(host_ - during_) : std::nullopt,
                    .host_again =
                        [this] {
                          ++asked_again_;
                          return host_;
                        },
                    .started_ns = kSecond,
                    .now_ns = now_ns_},
                   snapshot);
    std::vector<std::string> owners;
    ended_.clear();
    for (const LooseSample& sample : snapshot.loose) {
      const std::string who = sample.labels->id.empty() ? sample.labels->name : sample.labels->id;
      (sample.row == kKills ? owners : ended_).push_back(who + ' ' + std::to_string(sample.value));
    }
    return owners;
  }
  /// Answers every question alike.
  void engine_says(const OomKills::Answer& answer) {
    std::vector<OomKills::Question> questions;
    kills_->take_questions(OomKills::Asking::again, questions);
    for (const auto& question : questions) kills_->answer(question.number, answer);
  }

  std::optional<OomKills> kills_;
  std::map<std::string, Made> made_;
  std::vector<std::string> ended_;  // "ID COUNT", of the last pass
  Slot next_slot_ = 0;
  std::uint64_t next_inode_ = 1000, host_ = 7;  // 7: before there was an agent
  std::uint64_t during_ = 0;                    // of them, after the pass has read the host's
  int asked_again_ = 0;
  std::int64_t now_ns_ = 2 * kSecond;
  bool v2_root_has_none_ = true;
};

constexpr auto kContainer = CgroupKind::container;
constexpr auto kUnit = CgroupKind::unit;
constexpr auto kSlice = CgroupKind::slice;
constexpr auto kOther = CgroupKind::other;

class OomKillsV2 : public OomKillsTest {
 protected:
  void SetUp() override {
    use_v2();
    make("/", CgroupKind::root);
    make("/s", kSlice);
    pass();
  }
};

class OomKillsV1 : public OomKillsTest {
 protected:
  void SetUp() override {
    use_v1();
    v2_root_has_none_ = false;
    make("/", CgroupKind::root);
    make("/s", kSlice);
    pass();
  }
};

TEST_F(OomKillsV2, BelongToContainersAndUnitsAndNotToWhatHoldsThem) {
  make("/s/a", kContainer, "web");
  make("/s/u", kUnit);
  EXPECT_THAT(pass(), ElementsAre("web 0", "/s/u 0"));
  kill("/s/a", 2);
  kill("/s/u");
  EXPECT_THAT(pass(), ElementsAre("web 2", "/s/u 1"));
  EXPECT_EQ(kills_->unattributed(), 0U);
}

TEST_F(OomKillsV2, OfAnOwnerLeaveOutOwnersInsideIt) {
  make("/s/u", kUnit);
  make("/s/u/c", kContainer, "inner");
  make("/s/u/c/i.service", kUnit);
  pass();
  kill("/s/u/c/i.service");  // a unit in a container is the container's
  kill("/s/u/c");
  kill("/s/u");
  EXPECT_THAT(pass(), ElementsAre("inner 2", "/s/u 1"));
  remove("/s/u/c/i.service", true);
  remove("/s/u/c", true);
  EXPECT_THAT(pass(), ElementsAre("inner 2", "/s/u 1"));
  EXPECT_EQ(kills_->unattributed(), 0U);
}

TEST_F(OomKillsV2, AddUpOverIncarnations) {
  make("/s/a", kContainer, "web");
  pass();
  kill("/s/a");
  remove("/s/a", true);
  EXPECT_THAT(pass(), ElementsAre("web 1"));
  EXPECT_THAT(ended_, ElementsAre("/s/a 1"));
  make("/s/b", kContainer, "web");
  EXPECT_THAT(pass(), ElementsAre("web 1"));
  kill("/s/b", 3);
  EXPECT_THAT(pass(), ElementsAre("web 4"));
  remove("/s/b", false);
  EXPECT_THAT(pass(), ElementsAre("web 4"));
  EXPECT_EQ(kills_->unattributed(), 0U);
}

TEST_F(OomKillsV2, OfACgroupThatLivedBetweenPassesAreTheSame) {
  make("/s/a", kContainer, "web");
  kill("/s/a");
  remove("/s/a", true);
  EXPECT_THAT(pass(), ElementsAre("web 1"));
  EXPECT_EQ(kills_->unattributed(), 0U);
  make("/s/b", kContainer, "idle");
  remove("/s/b", true);
  EXPECT_THAT(pass(), ElementsAre("web 1")) << "who was on no page and lost nothing is no owner";
}

TEST_F(OomKillsV2, ThatOnlyTheParentSawBelongToTheOneThatWentAway) {
  make("/s/a", kContainer, "web");
  make("/s/b", kContainer, "other");
  pass();
  kill("/s/a");
  kill("/s/b");
  remove("/s/a", false);
  engine_says({});
  EXPECT_THAT(pass(), ElementsAre("other 1", "web 1"));
  EXPECT_THAT(ended_, ElementsAre("/s/a 1"));
  EXPECT_EQ(kills_->unattributed(), 0U);
}

TEST_F(OomKillsV2, WaitForTheEngineBeforeTheyAreAnybodys) {
  make("/s/a", kContainer, "web");
  pass();
  kill("/s/a");
  remove("/s/a", false);
  std::vector<OomKills::Question> questions;
  kills_->take_questions(OomKills::Asking::first_time, questions);
  ASSERT_EQ(questions.size(), 1U);
  EXPECT_THAT(pass(), ElementsAre("web 0"));
  kills_->answer(questions[0].number, {.found = true, .running = true, .name = "web"});
  EXPECT_THAT(pass(), ElementsAre("web 0"));
  engine_says({.found = true, .oom_killed = true, .name = "web"});
  EXPECT_THAT(pass(), ElementsAre("web 1"));
  EXPECT_EQ(kills_->unattributed(), 0U);
}

TEST_F(OomKillsV1, AreNotDeniedByAnEngineThatNoticedTheEndAloneWhenItWasAskedAtOnce) {
  make("/s/a", kContainer, "web");
  make("/s/b", kContainer, "other");
  pass();
  host_ += 1;  // in "web"
  remove("/s/a", false);
  remove("/s/b", false);
  std::vector<OomKills::Question> questions;
  kills_->take_questions(OomKills::Asking::first_time, questions);
  ASSERT_EQ(questions.size(), 2U);
  kills_->answer(questions[0].number, {.found = true, .name = "web"});
  kills_->answer(questions[1].number, {.found = true, .name = "other"});
  questions.clear();
  kills_->take_questions(OomKills::Asking::again, questions);
  ASSERT_EQ(questions.size(), 2U);
  kills_->answer(questions[0].number, {.found = true, .oom_killed = true, .name = "web"});
  kills_->answer(questions[1].number, {.found = true, .name = "other"});
  EXPECT_THAT(pass(), ElementsAre("other 0", "web 1"));
  EXPECT_EQ(kills_->unattributed(), 0U);
}

TEST_F(OomKillsV2, OfTwoThatWentAtOnceBelongToTheOneThatItsEngineNames) {
  make("/s/a", kContainer, "web");
  make("/s/b", kContainer, "other");
  pass();
  kill("/s/b");
  remove("/s/a", false);
  remove("/s/b", false);
  std::vector<OomKills::Question> questions;
  kills_->take_questions(OomKills::Asking::first_time, questions);
  ASSERT_EQ(questions.size(), 2U);
  kills_->answer(questions[0].number, {.found = true, .name = "web"});
  kills_->answer(questions[1].number, {.found = true, .oom_killed = true, .name = "other"});
  EXPECT_THAT(pass(), ElementsAre("other 1", "web 0"));
  EXPECT_EQ(kills_->unattributed(), 0U);
}

TEST_F(OomKillsV2, OfTwoThatWentAtOnceAreNobodysWithoutEvidence) {
  make("/s/a", kContainer, "web");
  make("/s/b", kContainer, "other");
  pass();
  kill("/s/b");
  remove("/s/a", false);
  remove("/s/b", false);
  engine_says({});
  EXPECT_THAT(pass(), ElementsAre("other 0", "web 0"));
  EXPECT_EQ(kills_->unattributed(), 1U);
  pass();
  EXPECT_EQ(kills_->unattributed(), 1U) << "counted once";
}

TEST_F(OomKillsV2, AreNotThoseOfOneWhoseLastCountIsKnown) {
  make("/s/a", kContainer, "web");
  make("/s/b", kContainer, "other");
  pass();
  kill("/s/b");
  remove("/s/a", true);
  remove("/s/b", false);
  engine_says({});
  EXPECT_THAT(pass(), ElementsAre("other 1", "web 0"));
}

TEST_F(OomKillsV2, OfAWholeSubtreeThatWentAreSeenFromAbove) {
  make("/s/p", CgroupKind::pod);
  make("/s/p/a", kContainer, "web");
  pass();
  kill("/s/p/a");
  remove("/s/p/a", false);
  remove("/s/p", false);
  engine_says({});
  EXPECT_THAT(pass(), ElementsAre("web 1"));
  EXPECT_EQ(kills_->unattributed(), 0U);
}

TEST_F(OomKillsV2, OfAContainerThatNobodyLookedAtHaveTheNameThatItsEngineKnows) {
  host_ += 1;
  made_.at("/s").count += 1;
  auto labels = CgroupLabels{.id = "/s/c", .kind = kContainer, .runtime = "x", .container_id = "c"};
  kills_->add_brief(made_.at("/s").cgroup.slot, std::make_shared<const CgroupLabels>(labels),
                    now_ns_);
  engine_says({.found = true, .oom_killed = true, .name = "brief"});
  EXPECT_THAT(pass(), ElementsAre("brief 1"));
  EXPECT_THAT(ended_, ElementsAre("/s/c 1"));
}

TEST_F(OomKillsV2, OutsideOfAnyOwnerAreNobodys) {
  make("/s/x", kOther);
  make("/s/u", kUnit);
  make("/s/u/x", kOther);
  pass();
  kill("/s/x");
  kill("/s/u/x");
  host_ += 1;  // of a process in the root cgroup
  EXPECT_THAT(pass(), ElementsAre("/s/u 1"));
  EXPECT_EQ(kills_->unattributed(), 2U);
}

TEST_F(OomKillsV2, FromBeforeTheAgentCountForOwnersAlone) {
  use_v2();
  made_.clear();
  now_ns_ = 0;  // made before the first pass
  make("/", CgroupKind::root);
  make("/s", kSlice);
  make("/s/x", kOther);
  make("/s/a", kContainer, "web");
  kill("/s/a", 2);
  kill("/s/x", 4);
  kill("/s", 8);  // those who had them are gone
  EXPECT_THAT(pass(), ElementsAre("web 2"));
  EXPECT_EQ(kills_->unattributed(), 0U);
}

TEST_F(OomKillsV2, WaitWhileSomethingBelowCouldNotBeRead) {
  make("/s/a", kContainer, "web");
  make("/s/b", kContainer, "other");
  pass();
  kill("/s/a");
  made_.at("/s/a").readable = false;  // it is dying
  EXPECT_THAT(pass(), ElementsAre("other 0", "web 0"));
  EXPECT_EQ(kills_->unattributed(), 0U);
  remove("/s/a", false);
  engine_says({});
  EXPECT_THAT(pass(), ElementsAre("other 0", "web 1"));
  EXPECT_EQ(kills_->unattributed(), 0U);
}

TEST_F(OomKillsV2, GoFromTheIdToTheNameWhenItComes) {
  make("/s/a", kContainer);
  kill("/s/a");
  EXPECT_THAT(pass(), ElementsAre("/s/a 1"));
  auto labels = *made_.at("/s/a").labels;
  labels.name = "web";
  made_.at("/s/a").labels = std::make_shared<const CgroupLabels>(labels);
  EXPECT_THAT(pass(), ElementsAre("web 1"));
}

TEST_F(OomKillsV2, AreNotCountedTwiceOfACgroupThatIsBack) {
  make("/s/a", kContainer, "web", 5);
  pass();
  kill("/s/a", 2);
  pass();
  const std::uint64_t count = made_.at("/s/a").count;
  remove("/s/a", false);  // there was no room for it
  engine_says({});
  EXPECT_THAT(pass(), ElementsAre("web 2"));
  make("/s/a", kContainer, "web", 5);
  made_.at("/s/a").count = count;
  EXPECT_THAT(pass(), ElementsAre("web 2"));
  EXPECT_THAT(ended_, IsEmpty());
  kill("/s/a");
  EXPECT_THAT(pass(), ElementsAre("web 3"));
  EXPECT_EQ(kills_->unattributed(), 0U);
}

TEST_F(OomKillsV1, OfOneThatWentAwayAreSeenByTheHost) {
  make("/s/a", kContainer, "web");
  make("/s/b", kContainer, "other");
  pass();
  kill("/s/b");
  host_ += 1;  // in "web", whose count nobody read
  remove("/s/a", false);
  engine_says({});
  EXPECT_THAT(pass(), ElementsAre("other 1", "web 1"));
  EXPECT_EQ(kills_->unattributed(), 0U);
}

TEST_F(OomKillsV1, OfSeveralThatTheEngineKnowsAreOneEach) {
  for (const char* const path : {"/s/a", "/s/b", "/s/c"}) make(path, kContainer, path + 3);
  pass();
  host_ += 4;
  for (const char* const path : {"/s/a", "/s/b", "/s/c"}) remove(path, false);
  std::vector<OomKills::Question> questions;
  kills_->take_questions(OomKills::Asking::again, questions);
  ASSERT_EQ(questions.size(), 3U);
  kills_->answer(questions[0].number, {.found = true, .oom_killed = true, .name = "a"});
  kills_->answer(questions[1].number, {.found = true, .oom_killed = true, .name = "b"});
  kills_->answer(questions[2].number, {.found = true, .oom_killed = false, .name = "c"});
  EXPECT_THAT(pass(), ElementsAre("a 1", "b 1", "c 0"));
  EXPECT_EQ(kills_->unattributed(), 2U);
}

TEST_F(OomKillsV1, ThatOneDuringThePassHidIsNotTheNextOnes) {
  make("/s/a", kContainer, "web");
  make("/s/b", kContainer, "other");
  pass();
  host_ += 1;  // in "web"
  remove("/s/a", false);
  engine_says({});
  kill("/s/b");
  during_ = 1;
  EXPECT_THAT(pass(), ElementsAre("other 1", "web 0"));
  during_ = 0;
  remove("/s/b", false);
  engine_says({});
  EXPECT_THAT(pass(), ElementsAre("other 1", "web 0"));
  EXPECT_EQ(kills_->unattributed(), 1U) << "one of the two has it";
}

TEST_F(OomKillsV1, ThatOneDuringThePassHidAreTheOnlyOnesThatCanHaveIt) {
  make("/s/a", kContainer, "web");
  make("/s/b", kContainer, "other");
  pass();
  host_ += 1;  // in "web"
  remove("/s/a", false);
  engine_says({});
  kill("/s/b");
  during_ = 1;
  pass();
  during_ = 0;
  EXPECT_THAT(pass(), ElementsAre("other 1", "web 1"));
  EXPECT_EQ(kills_->unattributed(), 0U);
}

TEST_F(OomKillsV2, OfAChildThatWasReadBeforeItsParentAreNobodysOnlyIfTheyStayUnexplained) {
  make("/s/a", kContainer, "web");
  pass();
  made_.at("/s").count += 1;
  host_ += 1;
  during_ = 1;
  EXPECT_THAT(pass(), ElementsAre("web 0"));
  EXPECT_EQ(kills_->unattributed(), 0U);
  during_ = 0;
  made_.at("/s/a").count += 1;
  EXPECT_THAT(pass(), ElementsAre("web 1"));
  EXPECT_EQ(kills_->unattributed(), 0U);
  made_.at("/s").count += 1;
  host_ += 1;
  pass();
  EXPECT_EQ(kills_->unattributed(), 1U) << "nothing hides it";
}

TEST_F(OomKillsV2, FromBeforeTheAgentAreNotMistakenForThoseDuringItsFirstPass) {
  use_v2();
  made_.clear();
  now_ns_ = 0;  // made before the first pass
  make("/", CgroupKind::root);
  make("/s", kSlice);
  make("/s/a", kContainer, "web");
  kill("/s/a");
  made_.at("/s").count -= 1;  // read before
  made_.at("/s").count += 5;  // those who had them are gone
  host_ += 5;
  during_ = 1;
  EXPECT_THAT(pass(), ElementsAre("web 1"));
  during_ = 0;
  made_.at("/s").count += 1;
  EXPECT_THAT(pass(), ElementsAre("web 1"));
  EXPECT_EQ(kills_->unattributed(), 0U);
}

TEST_F(OomKillsV1, OfOneThatVanishedBeforeItWasEverReadAreNotThoseOfWhoWentBefore) {
  make("/s/a", kContainer, "web");
  pass();
  remove("/s/a", false);
  engine_says({});
  make("/s/b", kContainer, "other");
  host_ += 1;  // in "other"
  made_.at("/s/b").readable = made_.at("/s/b").alive = false;
  EXPECT_THAT(pass(), ElementsAre("web 0"));
  remove("/s/b", false);
  engine_says({});
  EXPECT_THAT(pass(), ElementsAre("web 0")) << "one of the two has it";
  EXPECT_EQ(kills_->unattributed(), 1U);
}

TEST_F(OomKillsV1, OfOneWhoseCountWentBeforeItsOtherDirectoriesAreItsOwn) {
  make("/s/a", kContainer, "web");
  host_ += 1;  // in "web"
  made_.at("/s/a").cgroup.places[0].inode = 0;
  made_.at("/s/a").readable = false;
  EXPECT_THAT(pass(), IsEmpty());
  EXPECT_EQ(kills_->unattributed(), 0U);
  remove("/s/a", false);
  engine_says({});
  EXPECT_THAT(pass(), ElementsAre("web 1"));
  EXPECT_EQ(kills_->unattributed(), 0U);
}

TEST_F(OomKillsV1, OfOneThatVanishedAfterItsCountWasReadAreCountedOnce) {
  make("/s", CgroupKind::slice);
  pass();
  make("/s/a", kContainer, "web");
  kill("/s/a");
  made_.at("/s/a").alive = false;  // in the pass that met it
  pass();
  EXPECT_EQ(kills_->unattributed(), 0U);
  remove("/s/a", false);
  engine_says({});
  EXPECT_THAT(pass(), ElementsAre("web 1"));
  EXPECT_EQ(kills_->unattributed(), 0U);
}

TEST_F(OomKillsV1, DoNotWaitForeverForOneThatLivesOnWithoutItsCount) {
  make("/s/a", kContainer, "web");
  make("/s/b", kContainer, "other");
  pass();
  made_.at("/s/a").cgroup.places[0].inode = 0;
  made_.at("/s/a").readable = false;
  host_ += 1;
  for (int passes = 0; passes < 6; ++passes) pass();
  EXPECT_EQ(kills_->unattributed(), 0U);
  pass();
  EXPECT_EQ(kills_->unattributed(), 1U);
}

TEST_F(OomKillsV1, AreNotThoseOfTheOnlyContainerThatWentIfAnotherCgroupWentToo) {
  make("/s/a", kContainer, "web");
  make("/s/x", kOther);
  pass();
  host_ += 1;  // in "/s/x"
  remove("/s/a", false);
  remove("/s/x", false);
  engine_says({});
  EXPECT_THAT(pass(), ElementsAre("web 0"));
  EXPECT_EQ(kills_->unattributed(), 1U);
}

TEST_F(OomKillsV1, AreNotThoseOfAMountThatWentWithItsContainer) {
  make("/s/a", kContainer, "web");
  make("/s/var-lib-docker-overlay2-a-merged.mount", kOther);
  pass();
  host_ += 1;
  remove("/s/a", false);
  remove("/s/var-lib-docker-overlay2-a-merged.mount", false);
  engine_says({});
  EXPECT_THAT(pass(), ElementsAre("web 1"));
  EXPECT_EQ(kills_->unattributed(), 0U);
}

TEST_F(OomKillsV1, OfACgroupWithoutAnOwnerThatWentAreNobodys) {
  make("/s/x", kOther);
  pass();
  host_ += 1;
  remove("/s/x", false);
  pass();
  EXPECT_EQ(kills_->unattributed(), 1U);
}

TEST_F(OomKillsV1, MakeTheHostBeAskedAgainAndOnceAtMost) {
  make("/s/a", kContainer, "web");
  make("/s/b", kContainer, "other");
  pass();
  EXPECT_THAT(pass(), ElementsAre("other 0", "web 0"));
  EXPECT_EQ(asked_again_, 0) << "none was killed, and none is gone";
  kill("/s/b");
  host_ += 1;
  remove("/s/a", false);
  engine_says({});
  pass();
  EXPECT_EQ(asked_again_, 1);
  pass();
  EXPECT_EQ(asked_again_, 0);
}

TEST_F(OomKillsV1, AreWhatTheEngineSaysWhereTheHostIsNotSeen) {
  make("/s/a", kContainer, "web");
  pass(false);
  remove("/s/a", false);
  engine_says({.found = true, .oom_killed = true, .name = "web"});
  EXPECT_THAT(pass(false), ElementsAre("web 1"));
  EXPECT_THAT(pass(false), ElementsAre("web 1"));
}

TEST_F(OomKillsV1, OutsideOfAnyOwnerAreNobodys) {
  make("/s/x", kOther);
  pass();
  kill("/s/x");
  pass();
  EXPECT_EQ(kills_->unattributed(), 1U);
}

TEST_F(OomKillsV2, OfEndedCgroupsAreShownForFiveMinutes) {
  make("/s/a", kContainer, "web");
  make("/s/u", kUnit);
  pass();
  kill("/s/a");
  remove("/s/a", true);
  remove("/s/u", true);
  pass();
  EXPECT_THAT(ended_, ElementsAre("/s/a 1")) << "a 0 says nothing";
  now_ns_ += 298 * kSecond;
  pass();
  EXPECT_THAT(ended_, ElementsAre("/s/a 1"));
  now_ns_ += kSecond;
  EXPECT_THAT(pass(), ElementsAre("web 1", "/s/u 0"));
  EXPECT_THAT(ended_, IsEmpty());
}

TEST_F(OomKillsV2, OfAnEndedCgroupGiveWayToOneOfTheSameId) {
  make("/s/u", kUnit);
  pass();
  kill("/s/u");
  remove("/s/u", true);
  pass();
  EXPECT_THAT(ended_, ElementsAre("/s/u 1"));
  make("/s/u", kUnit);
  EXPECT_THAT(pass(), ElementsAre("/s/u 1"));
  EXPECT_THAT(ended_, IsEmpty());
}

TEST_F(OomKillsV2, OfAnOwnerAreForgottenADayAfterItsEnd) {
  make("/s/a", kContainer, "web");
  pass();
  remove("/s/a", true);
  now_ns_ += 24 * 3600 * kSecond - 2 * kSecond;
  EXPECT_THAT(pass(), ElementsAre("web 0"));
  now_ns_ += 2 * kSecond;
  EXPECT_THAT(pass(), IsEmpty());
}

TEST_F(OomKillsTest, AreOfABoundedNumberOfOwnersTheOldestOutFirst) {
  use_v2({.owners = 2, .ended = 1});
  make("/", CgroupKind::root);
  for (const char* const path : {"/a", "/b", "/c"}) make(path, kContainer, path + 1);
  EXPECT_THAT(pass(), ElementsAre("a 0", "b 0", "c 0")) << "those that live stay";
  for (const char* const path : {"/b", "/a", "/c"}) {
    kill(path);
    remove(path, true);
    now_ns_ += kSecond;
  }
  EXPECT_THAT(pass(), ElementsAre("a 1", "c 1"));
  EXPECT_EQ(kills_->owners(), 2U);
  EXPECT_EQ(kills_->owners_dropped(), 1U);
  EXPECT_THAT(ended_, ElementsAre("/c 1"));
  EXPECT_EQ(kills_->ended_dropped(), 2U);
}

TEST_F(OomKillsV2, OfAPodsContainerCarryItsThreeNames) {
  make("/s/a", kContainer, "k8s_web_p_n");
  auto labels = *made_.at("/s/a").labels;
  labels.container = "web";
  labels.pod = "p";
  labels.namespace_name = "n";
  made_.at("/s/a").labels = std::make_shared<const CgroupLabels>(labels);
  EXPECT_THAT(pass(), ElementsAre(" 0")) << "neither name nor id";
}

}  // namespace
}  // namespace cgmon
