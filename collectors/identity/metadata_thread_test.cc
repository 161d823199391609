#include "collectors/identity/metadata_thread.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <future>
#include <memory>
#include <thread>

namespace cgmon {
namespace {

using std::chrono::steady_clock;
using testing::Each;
using testing::Field;
using testing::SizeIs;

constexpr std::int64_t kLong = 20'000'000'000;  // bound of a wait that is to end early

/// A reader that does not return until it is let go.
class HangingDisk {
 public:
  Result<ContainerMetadata> read() {
    entered_.set_value();
    released_.get_future().wait();
    return ContainerMetadata{.name = "late"};
  }
  void wait_until_entered() { entered_.get_future().wait(); }
  void release() { released_.set_value(); }

 private:
  std::promise<void> entered_, released_;
};

std::vector<MetadataAnswer> answers_of(MetadataQueue& queue) {
  std::vector<MetadataAnswer> answers;
  queue.take(answers);
  return answers;
}

TEST(MetadataThread, AnswersEachQuestionOnceAndInOrder) {
  MetadataThread thread([](const MetadataQuestion& asked) {
    return Result<ContainerMetadata>(
        {.name = std::string(asked.runtime) + ' ' + std::string(asked.id)});
  });
  for (std::uint64_t key = 0; key < 100; ++key)
    thread.ask(MetadataQuestion{.key = key, .runtime = "docker", .id = std::to_string(key)});
  thread.wait(kLong);
  const auto answers = answers_of(thread);
  ASSERT_THAT(answers, SizeIs(100));
  for (std::uint64_t key = 0; key < 100; ++key) {
    EXPECT_EQ(answers[key].key, key);
    EXPECT_TRUE(answers[key].found);
    EXPECT_EQ(answers[key].source, "docker");
    EXPECT_EQ(answers[key].metadata.name, "docker " + std::to_string(key));
  }
  EXPECT_THAT(answers_of(thread), SizeIs(0));
}

TEST(MetadataThread, WaitsNotAtAllWithoutAQuestion) {
  MetadataThread thread([](const MetadataQuestion&) { return failure("unused"); });
  const auto began = steady_clock::now();
  thread.wait(kLong);
  EXPECT_LT(steady_clock::now() - began, std::chrono::seconds(10));
}

TEST(MetadataThread, WaitsForAReaderThatHangsAsLongAsItMayAndNoLonger) {
  HangingDisk disk;
  MetadataThread thread([&](const MetadataQuestion&) { return disk.read(); });
  thread.ask(MetadataQuestion{.key = 1, .runtime = "docker", .id = "x"});
  const auto began = steady_clock::now();
  thread.wait(20'000'000);
  EXPECT_GE(steady_clock::now() - began, std::chrono::milliseconds(20));
  EXPECT_THAT(answers_of(thread), SizeIs(0));
  thread.wait(0);
  thread.wait(-1);
  EXPECT_THAT(answers_of(thread), SizeIs(0));
  disk.release();
  thread.wait(kLong);
  EXPECT_THAT(answers_of(thread), SizeIs(1));
}

TEST(MetadataThread, EndsWhileItsReaderHangsAndLeavesTheReaderWhatItOwns) {
  const auto disk = std::make_shared<HangingDisk>();
  const auto freed = std::make_shared<std::promise<void>>();
  std::atomic<int> reads = 0;
  {
    // Says when the reader's own things are destroyed, on whichever thread.
    const std::shared_ptr<int> owned(new int(0), [freed](const int* number) {
      delete number;
      freed->set_value();
    });
    MetadataThread thread([disk, owned, &reads](const MetadataQuestion&) {
      ++reads;
      return disk->read();
    });
    thread.ask(MetadataQuestion{.key = 1, .runtime = "docker", .id = "x"});
    thread.ask(MetadataQuestion{.key = 2, .runtime = "docker", .id = "never read"});
    disk->wait_until_entered();
  }
  auto end = freed->get_future();
  EXPECT_EQ(end.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  disk->release();
  ASSERT_EQ(end.wait_for(std::chrono::seconds(20)), std::future_status::ready);
  EXPECT_EQ(reads, 1);
}

TEST(MetadataThread, EndsWithUnansweredQuestions) {
  MetadataThread thread([](const MetadataQuestion&) { return failure("x", {}, ENOENT); });
  for (std::uint64_t key = 0; key < 1000; ++key)
    thread.ask(MetadataQuestion{.key = key, .runtime = "docker", .id = "x"});
}

TEST(MetadataThread, BoundsWhatWaitsForADiskThatHangs) {
  HangingDisk disk;
  bool first = true;
  MetadataThread thread([&](const MetadataQuestion&) -> Result<ContainerMetadata> {
    if (std::exchange(first, false)) return disk.read();
    return ContainerMetadata{.name = "x"};
  });
  thread.ask(MetadataQuestion{.key = 0, .runtime = "docker", .id = "x"});
  disk.wait_until_entered();
  constexpr std::uint64_t kMany = 100'000;
  for (std::uint64_t key = 1; key < kMany; ++key)
    thread.ask(MetadataQuestion{.key = key, .runtime = "docker", .id = "x"});
  const auto refused = answers_of(thread);
  EXPECT_THAT(refused, Each(Field(&MetadataAnswer::reason, "EAGAIN")));
  EXPECT_GT(refused.size(), kMany / 2);
  disk.release();
  thread.wait(kLong);
  EXPECT_EQ(refused.size() + answers_of(thread).size(), kMany) << "every question is answered";
}

TEST(MetadataThread, MayBeAskedAndEmptiedByManyThreads) {
  MetadataThread thread(
      [](const MetadataQuestion&) { return Result<ContainerMetadata>({.name = "x"}); });
  std::atomic<std::size_t> taken = 0;
  {
    std::vector<std::future<void>> askers;
    askers.reserve(3);
    for (int i = 0; i < 3; ++i) {
      askers.push_back(std::async(std::launch::async, [&] {
        for (std::uint64_t key = 0; key < 200; ++key) {
          thread.ask(MetadataQuestion{.key = key, .runtime = "docker", .id = "x"});
          taken += answers_of(thread).size();
        }
        thread.wait(kLong);
      }));
    }
  }
  EXPECT_EQ(taken + answers_of(thread).size(), 600U);
}

TEST(ToAnswer, NamesTheReasonOfAFailure) {
  const auto reason = [](int error) {
    return to_answer({.key = 7, .runtime = "docker", .id = "a"}, failure("x", "/y", error)).reason;
  };
  EXPECT_EQ(reason(ENOENT), "ENOENT");
  EXPECT_EQ(reason(EACCES), "EACCES");
  EXPECT_EQ(reason(EBADMSG), "malformed");
  EXPECT_EQ(reason(EFBIG), "too_large");
  const MetadataAnswer answer =
      to_answer({.key = 7, .runtime = "rkt", .id = "a"}, failure("x", "", EIO));
  EXPECT_EQ(answer.key, 7U);
  EXPECT_FALSE(answer.found);
  EXPECT_EQ(answer.source, "unknown") << "a view may not outlive the question";
}

TEST(ToAnswer, TakesAWrongGuessForNoFailure) {
  const auto missing = [] { return failure("x", "", ENOENT); };
  EXPECT_EQ(to_answer({.runtime = "docker", .id = "a"}, missing()).reason, "ENOENT");
  EXPECT_EQ(to_answer({.id = "a"}, missing()).reason, "");
  EXPECT_EQ(to_answer({.kind = CgroupKind::pod, .pod_uid = "u"}, missing()).reason, "");
  const MetadataAnswer machine =
      to_answer({.kind = CgroupKind::machine, .unit = "x"}, failure("x", "", EACCES));
  EXPECT_EQ(machine.reason, "EACCES");
  EXPECT_EQ(machine.source, "machined");
  EXPECT_EQ(to_answer({.pod_uid = "u"}, missing()).source, "kubernetes");
  EXPECT_EQ(to_answer({.uid = "1"}, missing()).source, "passwd");
  EXPECT_EQ(to_answer({.id = "a"}, missing()).source, "unknown");
}

TEST(MetadataThread, ListsWhatHasEndedOnceAtATimeAndAfterTheQuestions) {
  std::promise<void> entered, released;
  std::atomic<int> lists = 0;
  MetadataThread thread(
      [&](const MetadataQuestion&) {
        entered.set_value();
        released.get_future().wait();
        return Result<ContainerMetadata>(ContainerMetadata{.name = "web"});
      },
      [&](std::int64_t now_ns) {
        ++lists;
        return EndedContainers{.containers = {}, .dropped = static_cast<std::size_t>(now_ns)};
      });
  thread.ask(MetadataQuestion{.key = 1, .runtime = "docker", .id = "a"});
  entered.get_future().wait();
  thread.ask_ended(7);
  thread.ask_ended(8);  // while one is wanted
  EXPECT_FALSE(thread.take_ended());
  released.set_value();
  std::optional<EndedContainers> ended;
  const auto give_up = steady_clock::now() + std::chrono::nanoseconds(kLong);
  while (!(ended = thread.take_ended()) && steady_clock::now() < give_up) {
    std::this_thread::yield();
  }
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->dropped, 7U);
  EXPECT_EQ(lists, 1);
  EXPECT_THAT(answers_of(thread), SizeIs(1)) << "names come first";
  EXPECT_FALSE(thread.take_ended()) << "each list is handed out once";
}

}  // namespace
}  // namespace cgmon
