#include "collectors/identity/identifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "collectors/identity/utf8.h"

namespace cgmon {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const std::string kId(64, 'a'), kOtherId(64, 'b');
const std::string kPath = "/docker/" + kId, kOtherPath = "/docker/" + kOtherId;
constexpr std::int64_t kStartedAt = 1'700'000'000'000'000'000;
constexpr std::int64_t kWait = 250'000'000;

/// Holds questions until the test answers them.
class HeldQuestions final : public MetadataQueue {
 public:
  void ask(const MetadataQuestion& asked) override {
    questions.emplace_back(asked.key, asked.id);
    spaces.emplace_back(asked.engine_namespace);
    uids.emplace_back(asked.uid);
  }
  void ask_ended(std::int64_t now_ns) override { ended_asked.push_back(now_ns); }
  std::optional<EndedContainers> take_ended() override {
    return std::exchange(ended, std::nullopt);
  }
  void wait(std::int64_t max_ns) override { waits.push_back(max_ns); }
  void take(std::vector<MetadataAnswer>& answers) override {
    answers.insert(answers.end(), ready_.begin(), ready_.end());
    ready_.clear();
  }

  void answer_all(const ContainerMetadata& metadata) {
    for (const auto& [key, id] : std::exchange(questions, {})) {
      ready_.push_back({.key = key, .found = true, .source = "docker", .metadata = metadata});
    }
  }
  void fail_all(std::string_view reason) {
    for (const auto& [key, id] : std::exchange(questions, {})) {
      ready_.push_back({.key = key, .source = "docker", .reason = reason});
    }
  }

  std::vector<std::pair<std::uint64_t, std::string>> questions;
  std::vector<std::int64_t> waits;
  std::vector<std::string> spaces, uids;
  std::vector<std::int64_t> ended_asked;
  std::optional<EndedContainers> ended;

 private:
  std::vector<MetadataAnswer> ready_;
};

const ContainerMetadata kRunning{
    .name = "web", .image = "bb:1", .life = {.started_at_ns = kStartedAt}, .complete = true};
const ContainerMetadata kStarting{.name = "web", .image = "bb:1"};

struct Asked : testing::Test {
  HeldQuestions queue;
  Identifier identifier{&queue};
};

TEST(Identifier, KnowsACgroupByItsPathAtOnce) {
  Identifier identifier(nullptr);
  identifier.add(0, "/");
  identifier.add(5, kPath);
  identifier.add(2, "/system.slice/ssh.service");
  EXPECT_EQ(identifier.labels(0)->kind, CgroupKind::root);
  EXPECT_EQ(identifier.labels(5)->id, kPath);
  EXPECT_EQ(identifier.labels(5)->container_id, kId);
  EXPECT_EQ(identifier.labels(5)->runtime, "docker");
  EXPECT_EQ(identifier.labels(2)->unit, "ssh.service");
  identifier.ask_again();
  identifier.settle(kWait);
  EXPECT_EQ(identifier.labels(5)->name, "");
  EXPECT_EQ(identifier.unresolved(), 1U);
}

TEST(Identifier, RepairsAndBoundsWhatHostileHandsMayName) {
  Identifier identifier(nullptr);
  identifier.add(0, "/\xFF");
  EXPECT_EQ(identifier.labels(0)->id, "/\xEF\x9F\xBF");
  identifier.add(1, "/" + std::string(300, '\xFF') + ".service");
  EXPECT_LE(identifier.labels(1)->unit.size(), 256U);
}

TEST_F(Asked, AsksAboutContainersAlone) {
  identifier.add(0, "/");
  identifier.add(1, "/system.slice/ssh.service");
  identifier.add(2, "/docker");
  EXPECT_THAT(queue.questions, IsEmpty());
  identifier.add(3, kPath);
  ASSERT_THAT(queue.questions, SizeIs(1));
  EXPECT_EQ(queue.questions[0].second, kId);
}

TEST_F(Asked, TakesTheAnswerIntoANewLabelsObject) {
  identifier.add(0, kPath);
  const auto before = identifier.labels(0);
  queue.answer_all(kRunning);
  identifier.settle(kWait);
  EXPECT_EQ(before->name, "") << "labels are shared with pages: never changed";
  EXPECT_EQ(identifier.labels(0)->name, "web");
  EXPECT_EQ(identifier.labels(0)->image, "bb:1");
  EXPECT_EQ(identifier.labels(0)->life.started_at_ns, kStartedAt);
  EXPECT_EQ(identifier.labels(0)->id, kPath);
  EXPECT_EQ(identifier.labels(0)->container_id, kId);
  EXPECT_EQ(identifier.unresolved(), 0U);
  EXPECT_THAT(identifier.failures(), IsEmpty());
}

TEST_F(Asked, WaitsOnceForNewContainersAndNeverWithoutAQuestion) {
  identifier.settle(kWait);
  identifier.add(0, "/");
  identifier.settle(kWait);
  EXPECT_THAT(queue.waits, IsEmpty());
  identifier.add(1, kPath);
  identifier.settle(kWait);
  EXPECT_THAT(queue.waits, ElementsAre(kWait));
  for (int pass = 0; pass < 3; ++pass) {  // the disk hangs: later pages are not held up
    identifier.ask_again();
    identifier.settle(kWait);
  }
  EXPECT_THAT(queue.waits, SizeIs(1));
  EXPECT_THAT(queue.questions, SizeIs(1)) << "one question at a time";
  identifier.add(2, kOtherPath);
  identifier.settle(kWait);
  EXPECT_THAT(queue.waits, SizeIs(2));
}

TEST_F(Asked, TakesAnAnswerThatComesPassesLater) {
  identifier.add(0, kPath);
  identifier.settle(kWait);
  identifier.settle(kWait);
  EXPECT_EQ(identifier.unresolved(), 1U);
  queue.answer_all(kRunning);
  identifier.settle(kWait);
  EXPECT_EQ(identifier.labels(0)->name, "web");
}

TEST_F(Asked, AsksAgainUntilTheStartIsKnown) {
  identifier.add(0, kPath);
  queue.fail_all("ENOENT");
  identifier.settle(kWait);
  identifier.ask_again();
  queue.answer_all(kStarting);
  identifier.settle(kWait);
  EXPECT_EQ(identifier.labels(0)->name, "web");
  EXPECT_EQ(identifier.unresolved(), 0U);
  identifier.ask_again();
  ASSERT_THAT(queue.questions, SizeIs(1));
  queue.answer_all(kRunning);
  identifier.settle(kWait);
  EXPECT_EQ(identifier.labels(0)->life.started_at_ns, kStartedAt);
  identifier.ask_again();
  EXPECT_THAT(queue.questions, IsEmpty());
}

TEST_F(Asked, KeepsANameWhenALaterAnswerFails) {
  identifier.add(0, kPath);
  queue.answer_all(kStarting);
  identifier.settle(kWait);
  identifier.ask_again();
  queue.fail_all("EIO");
  identifier.settle(kWait);
  EXPECT_EQ(identifier.labels(0)->name, "web");
  EXPECT_EQ(identifier.unresolved(), 0U);
}

TEST_F(Asked, GivesUpAfterABoundedNumberOfQuestions) {
  identifier.add(0, kPath);
  std::size_t asks = 0;
  while (!queue.questions.empty() && asks < 1000) {
    ++asks;
    queue.fail_all("ENOENT");
    identifier.settle(kWait);
    identifier.ask_again();
  }
  EXPECT_GT(asks, 2U);
  EXPECT_LT(asks, 100U);
  EXPECT_EQ(identifier.unresolved(), 1U) << "and goes on saying so";
  ASSERT_THAT(identifier.failures(), SizeIs(1));
  EXPECT_EQ(identifier.failures()[0].source, "docker");
  EXPECT_EQ(identifier.failures()[0].reason, "ENOENT");
  EXPECT_EQ(identifier.failures()[0].count, asks);
}

TEST_F(Asked, CountsFailuresByReason) {
  identifier.add(0, kPath);
  identifier.add(1, kOtherPath);
  queue.fail_all("ENOENT");
  identifier.settle(kWait);
  identifier.ask_again();
  queue.fail_all("malformed");
  identifier.settle(kWait);
  std::map<std::string_view, std::uint64_t> counts;
  for (const MetadataFailure& failure : identifier.failures()) {
    counts[failure.reason] = failure.count;
  }
  EXPECT_EQ(counts, (std::map<std::string_view, std::uint64_t>{{"ENOENT", 2}, {"malformed", 2}}));
}

TEST_F(Asked, DropsAnAnswerAboutAContainerWhoseSlotIsAnothersNow) {
  identifier.add(0, kPath);
  const auto stale = queue.questions;
  identifier.remove(0);
  identifier.add(0, kOtherPath);
  queue.questions = stale;
  queue.answer_all(kRunning);
  identifier.settle(kWait);
  EXPECT_EQ(identifier.labels(0)->container_id, kOtherId);
  EXPECT_EQ(identifier.labels(0)->name, "") << "the name of the container before";
  EXPECT_EQ(identifier.unresolved(), 1U);
  identifier.ask_again();
  EXPECT_THAT(queue.questions, IsEmpty()) << "the new one's own question is still open";
}

TEST_F(Asked, DropsAnAnswerAboutAContainerThatWent) {
  identifier.add(0, kPath);
  identifier.remove(0);
  EXPECT_EQ(identifier.labels(0), nullptr);
  EXPECT_EQ(identifier.unresolved(), 0U);
  queue.answer_all(kRunning);
  identifier.settle(kWait);
  EXPECT_EQ(identifier.labels(0), nullptr);
  identifier.ask_again();
  EXPECT_THAT(queue.questions, IsEmpty());
  identifier.add(0, "/system.slice/ssh.service");
  EXPECT_EQ(identifier.labels(0)->name, "");
}

TEST_F(Asked, CountsContainersWithoutANameAsTheyComeAndGo) {
  for (Slot slot = 0; slot < 4; ++slot) identifier.add(slot, kPath);
  EXPECT_EQ(identifier.unresolved(), 4U);
  identifier.remove(2);
  EXPECT_EQ(identifier.unresolved(), 3U);
  queue.answer_all(kRunning);
  identifier.settle(kWait);
  EXPECT_EQ(identifier.unresolved(), 0U);
  identifier.remove(0);
  identifier.add(0, kOtherPath);
  EXPECT_EQ(identifier.unresolved(), 1U);
}

}  // namespace

constexpr const char* kUid = "12345678-9abc-4def-8123-456789abcdef";

TEST_F(Asked, AsksAboutEnginesWithFilesAlone) {
  identifier.add(0, "/lxc.payload.web");
  identifier.add(1, "/mesos/" + std::string(kUid));
  EXPECT_THAT(queue.questions, IsEmpty());
  EXPECT_TRUE(identifier.named(0)) << "nobody will ever say more";
}

TEST_F(Asked, SaysWhatIsStillToBeNamed) {
  identifier.add(0, kPath);
  identifier.add(1, "/testns/ktask");
  identifier.add(2, "/system.slice/ssh.service");
  identifier.add(3, "/user.slice/user-1000.slice");
  EXPECT_FALSE(identifier.named(0));
  EXPECT_FALSE(identifier.may_be_container(0)) << "it is one";
  EXPECT_FALSE(identifier.named(1));
  EXPECT_TRUE(identifier.may_be_container(1));
  EXPECT_TRUE(identifier.named(2));
  EXPECT_TRUE(identifier.named(3)) << "a user's name is no runtime and no namespace";
  queue.answer_all(kStarting);
  identifier.settle(kWait);
  EXPECT_TRUE(identifier.named(0));
  EXPECT_TRUE(identifier.named(1));
  EXPECT_FALSE(identifier.may_be_container(1));
}

TEST_F(Asked, NamesAPodByWhatItsContainerIsToldAndByItself) {
  const std::string pod = "/kubepods/pod" + std::string(kUid);
  identifier.add(0, pod);
  ASSERT_THAT(queue.questions, SizeIs(1));
  queue.fail_all("");
  identifier.settle(kWait);
  EXPECT_THAT(identifier.failures(), IsEmpty()) << "nobody had to know it";
  identifier.add(1, pod + "/" + kId);
  queue.answer_all({.name = "k8s_web", .pod = "shop-0", .namespace_name = "prod"});
  const auto before = identifier.labels(0);
  identifier.settle(kWait);
  EXPECT_EQ(identifier.labels(0)->pod, "shop-0");
  EXPECT_EQ(identifier.labels(0)->namespace_name, "prod");
  EXPECT_EQ(identifier.labels(0)->name, "") << "the container's is not the pod's";
  EXPECT_EQ(before->pod, "") << "labels are shared with pages: never changed";
  const auto named = identifier.labels(0);
  identifier.ask_again();
  EXPECT_THAT(queue.questions, SizeIs(1)) << "the pod has its name";
  queue.answer_all({.name = "k8s_web2", .pod = "shop-0", .namespace_name = "prod"});
  identifier.settle(kWait);
  EXPECT_EQ(identifier.labels(0), named) << "nothing new is no new object";
}

TEST_F(Asked, NamesNoPodThatIsGone) {
  const std::string pod = "/kubepods/pod" + std::string(kUid);
  identifier.add(0, pod);
  identifier.add(1, pod + "/" + kId);
  identifier.remove(0);
  identifier.add(0, "/system.slice/ssh.service");
  queue.answer_all({.name = "k8s_web", .pod = "shop-0", .namespace_name = "prod"});
  identifier.settle(kWait);
  EXPECT_EQ(identifier.labels(0)->pod, "");
  EXPECT_EQ(identifier.labels(1)->pod, "shop-0");
}

TEST_F(Asked, TakesAGuessForAContainerWhereAnEngineSaysSo) {
  identifier.add(0, "/testns/ktask");
  identifier.add(1, "/testns/other");
  ASSERT_THAT(queue.questions, SizeIs(2));
  EXPECT_EQ(queue.questions[0].second, "ktask");
  EXPECT_EQ(queue.spaces[0], "testns");
  EXPECT_EQ(identifier.labels(0)->kind, CgroupKind::other);
  const auto other = queue.questions[1];
  queue.questions.pop_back();
  queue.answer_all({.name = "ktask", .runtime = "containerd", .complete = true});
  queue.questions = {other};
  queue.fail_all("");
  identifier.settle(kWait);
  EXPECT_EQ(identifier.labels(0)->kind, CgroupKind::container);
  EXPECT_EQ(identifier.labels(0)->container_id, "ktask");
  EXPECT_EQ(identifier.labels(0)->runtime, "containerd");
  EXPECT_EQ(identifier.labels(1)->kind, CgroupKind::other);
  EXPECT_EQ(identifier.unresolved(), 0U);
  EXPECT_THAT(identifier.failures(), IsEmpty()) << "a wrong guess is none";
}

TEST_F(Asked, NamesUsers) {
  identifier.add(0, "/user.slice/user-1000.slice/session-3.scope");
  ASSERT_THAT(queue.questions, SizeIs(1));
  EXPECT_EQ(queue.questions[0].second, "");
  EXPECT_THAT(queue.uids, ElementsAre("1000"));
  ContainerMetadata ann;
  ann.user = "ann";
  ann.complete = true;
  queue.answer_all(ann);
  identifier.settle(kWait);
  EXPECT_EQ(identifier.labels(0)->user, "ann");
  EXPECT_EQ(identifier.labels(0)->kind, CgroupKind::unit);
}

TEST_F(Asked, AsksForEndedContainersEachFiveSecondsAndTakesThemAtOnce) {
  identifier.add(0, "/");
  identifier.refresh(kStartedAt);
  EXPECT_THAT(queue.ended_asked, ElementsAre(kStartedAt));
  EXPECT_THAT(identifier.ended(), IsEmpty());
  queue.ended = EndedContainers{.containers = {{"docker", kId, {.name = "gone"}}}, .dropped = 3};
  identifier.refresh(kStartedAt + 1);
  EXPECT_THAT(queue.ended_asked, SizeIs(1));
  ASSERT_THAT(identifier.ended(), SizeIs(1));
  EXPECT_EQ(identifier.ended()[0].metadata.name, "gone");
  EXPECT_EQ(identifier.ended_dropped(), 3U);
  identifier.refresh(kStartedAt + 5'000'000'000);
  EXPECT_THAT(queue.ended_asked, SizeIs(2));
  EXPECT_THAT(identifier.ended(), SizeIs(1)) << "until the next list is there";
}

TEST_F(Asked, SaysWhereTheEngineKeepsTheContainer) {
  identifier.add(0, "/default/" + kId);
  identifier.add(1, "/k8s.io/" + kOtherId);
  identifier.add(2, kPath);
  EXPECT_THAT(queue.spaces, ElementsAre("default", "k8s.io", ""));
}

TEST_F(Asked, TakesOverARenamedContainerWithoutANewCgroup) {
  ContainerMetadata said = kRunning;
  said.life.state = ContainerState::running;
  identifier.add(0, kPath);
  queue.answer_all(said);
  identifier.settle(kWait);
  said.name = "renamed";
  said.life.state = ContainerState::paused;
  identifier.refresh(kStartedAt);
  ASSERT_THAT(queue.questions, SizeIs(1));
  queue.answer_all(said);
  identifier.take_answers();
  EXPECT_EQ(identifier.labels(0)->name, "renamed");
  EXPECT_EQ(identifier.labels(0)->life.state, ContainerState::paused);
}

TEST_F(Asked, AsksAnewAboutABoundedNumberEachFiveSecondsAndAboutAllInTurn) {
  constexpr Slot kContainers = 300;
  ContainerMetadata said = kRunning;
  said.life.state = ContainerState::running;
  for (Slot slot = 0; slot < kContainers; ++slot) identifier.add(slot, kPath);
  queue.answer_all(said);
  identifier.settle(kWait);
  std::map<std::uint64_t, int> times;
  constexpr std::int64_t kFiveSeconds = 5'000'000'000;
  for (int pass = 0; pass < 4; ++pass) {
    identifier.refresh(kStartedAt + pass * kFiveSeconds);
    identifier.refresh(kStartedAt + pass * kFiveSeconds + kFiveSeconds - 1);  // another scraper's
    EXPECT_THAT(queue.questions, SizeIs(75));
    for (const auto& [key, id] : queue.questions) ++times[key];
    queue.answer_all(said);
    identifier.take_answers();
  }
  EXPECT_THAT(times, SizeIs(kContainers));
}

TEST(AddContainerLabels, KeepsHostileOnesBoundedValidAndCounted) {
  ContainerMetadata metadata;
  metadata.labels = {{"a\"b\n", "quote \" and\nline"},
                     {"", "no key"},
                     {"long", std::string(1'000'000, 'x')},
                     {std::string(1'000'000, 'k'), "long key"},
                     {"x.y", "first"},
                     {"x-y", "collides"},
                     {"raw", "\xff\xfe"}};
  for (int i = 0; i < 10'000; ++i) {
    metadata.labels.emplace_back("z" + std::to_string(i), "v");
  }
  CgroupLabels labels;
  const LabelBounds bounds = add_container_labels(metadata, labels);
  EXPECT_THAT(labels.container_labels, SizeIs(kMaxContainerLabels));
  EXPECT_EQ(bounds.label_length, 3U);  // no key, a long one, a long value
  EXPECT_EQ(bounds.label_collision, 1U);
  EXPECT_EQ(bounds.container_labels, 10'000U + 4 - kMaxContainerLabels);
  for (const auto& [name, value] : labels.container_labels) {
    EXPECT_THAT(name, testing::MatchesRegex("container_label_[a-zA-Z0-9_]+"));
    EXPECT_LE(value.size(), kMaxLabelBytes);
    EXPECT_EQ(repair_text(value, kMaxLabelBytes), value);
  }
}

}  // namespace cgmon
