// Disks over a captured host, with answers made up: what a pass asks, and what it shows when.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <vector>

#include "tests/support/fixture_host.h"

namespace cgmon {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* kV2 = "debian-6.1-v2-systemd";
constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kDisk = (254ULL << 32U) | 1U;
constexpr std::string_view kOverlay =
    "100 50 0:50 / / rw,relatime - overlay overlay "
    "rw,lowerdir=/l,upperdir=/var/lib/docker/o/A/diff,"
    "workdir=/w\n";

/// Keeps questions; a test answers.
class FakeDisks final : public DiskQueue {
 public:
  void ask(LayerQuestion question) override { asked_.push_back(std::move(question)); }
  void ask_host() override { ++host_asked_; }
  void wait(std::int64_t max_ns) override { waited_ns_ = max_ns; }
  void take(std::vector<LayerAnswer>& layers, std::optional<HostDisks>& host) override {
    for (const LayerAnswer& answer : answers_) layers.push_back(answer);
    answers_.clear();
    host = std::exchange(host_, std::nullopt);
  }
  [[nodiscard]] Counters counters() const override { return {.files = 3, .incomplete = 1}; }

  void answer_host() {
    host_ = HostDisks{
        .disks = {{.device = kDisk,
                   .name = "/dev/vda1",
                   .space = {.bytes = 1000, .bytes_free = 300, .inodes = 50, .inodes_free = 20}}}};
  }
  void answer(std::uint64_t key, std::uint64_t bytes) {
    answers_.push_back(
        {.key = key,
         .usage = {.bytes = bytes, .files = 4, .device = kDisk, .complete = true},
         .log = std::nullopt,
         .space = DiskSpace{.bytes = 1000, .bytes_free = 300, .inodes = 50, .inodes_free = 20},
         .ended_ns = 1'795'479'990 * kSecond,
         .duration_ns = kSecond});
  }

  std::vector<LayerQuestion> asked_;
  std::vector<LayerAnswer> answers_;
  std::optional<HostDisks> host_;
  std::size_t host_asked_ = 0;
  std::int64_t waited_ns_ = 0;
};

/// A captured host of whose containers the first has a process that a test gives mounts to.
class CollectorDisk : public testing::Test {
 protected:
  CollectorDisk() {
    const auto collector = host_.collector();
    collector->collect(snapshot_, kNoDeadline);
    for (const Slot slot : snapshot_.order) {
      const std::string& id = snapshot_.labels[slot]->id;
      if (id.find("docker-") == id.npos) continue;  // containers and what is below them
      host_.files.set_file("/sys/fs/cgroup" + id + "/cgroup.procs", id_.empty() ? "701\n" : "");
      if (id_.empty()) id_ = id;
    }
    set_mounts(kOverlay);
    collector_ = std::make_unique<Collector>(host_.files, host_.clock, host_.roots, host_.layout(),
                                             CollectorOptions(), nullptr, &disks_);
  }

  void set_mounts(std::string_view text) { host_.files.set_file("/proc/701/mountinfo", text); }
  std::vector<std::string> samples(const std::string& prefix) {
    collector_->collect(snapshot_, kNoDeadline);
    return samples_of(page_of(snapshot_), prefix);
  }
  [[nodiscard]] std::uint32_t lacking(Reason reason) const {
    return snapshot_.report.groups[static_cast<std::size_t>(Group::disk)]
        .unavailable[static_cast<std::size_t>(reason)];
  }
  [[nodiscard]] std::string sample(const std::string& family, const std::string& id,
                                   std::uint64_t value) const {
    return family + "{device=\"/dev/vda1\",id=\"" + id + "\"} " + std::to_string(value);
  }

  FixtureHost host_{kV2};
  FakeDisks disks_;
  std::string id_;
  Snapshot snapshot_;
  std::unique_ptr<Collector> collector_;
};

TEST_F(CollectorDisk, ShowsALayerOnceItWasMeasured) {
  disks_.answer_host();
  EXPECT_THAT(samples("container_fs_writable_layer_bytes"), IsEmpty());
  EXPECT_EQ(lacking(Reason::walk_pending), 1U);
  ASSERT_EQ(disks_.asked_.size(), 1U);
  EXPECT_EQ(disks_.asked_[0].directory, "/var/lib/docker/o/A/diff");
  EXPECT_EQ(disks_.waited_ns_, 50'000'000);  // for the first page alone
  disks_.waited_ns_ = 0;
  disks_.answer(disks_.asked_[0].key, 700);
  EXPECT_THAT(samples("container_fs_writable_layer_bytes"),
              ElementsAre(sample("container_fs_writable_layer_bytes", id_, 700)));
  EXPECT_EQ(lacking(Reason::walk_pending), 0U);
  EXPECT_EQ(disks_.waited_ns_, 0);
  EXPECT_THAT(samples("container_fs_usage_bytes"),
              ElementsAre(sample("container_fs_usage_bytes", "/", 700),
                          sample("container_fs_usage_bytes", id_, 700)));
  EXPECT_THAT(samples("container_fs_inodes_free"), SizeIs(2));
  EXPECT_THAT(
      samples("container_fs_measured_timestamp_seconds"),
      ElementsAre("container_fs_measured_timestamp_seconds{id=\"" + id_ + "\"} 1795479990"));
  EXPECT_EQ(snapshot_.report.disk_files, 3U);
}

TEST_F(CollectorDisk, MeasuresAgainAfterAMinute) {
  disks_.answer_host();
  samples("");
  disks_.answer(disks_.asked_.at(0).key, 700);
  samples("");
  host_.clock.advance(59 * kSecond);
  samples("");
  EXPECT_EQ(disks_.asked_.size(), 1U);
  host_.clock.advance(2 * kSecond);
  EXPECT_THAT(samples("container_fs_writable_layer_bytes"), SizeIs(1));  // the old one meanwhile
  EXPECT_EQ(disks_.asked_.size(), 2U);
  samples("");
  EXPECT_EQ(disks_.asked_.size(), 2U);  // one question at a time
}

TEST_F(CollectorDisk, KeepsTheLastCompleteFigureWhenAWalkCannotEnd) {
  disks_.answer_host();
  samples("");
  disks_.answer(disks_.asked_.at(0).key, 700);
  samples("");
  host_.clock.advance(61 * kSecond);
  samples("");
  disks_.answers_.push_back({.key = disks_.asked_.at(1).key, .usage = {.bytes = 9, .error = -EIO}});
  EXPECT_THAT(samples("container_fs_writable_layer_bytes"),
              ElementsAre(sample("container_fs_writable_layer_bytes", id_, 700)));
  EXPECT_THAT(snapshot_.read_errors, Contains(Field(&ReadError::reason, "EIO")));
}

TEST_F(CollectorDisk, SaysWhyThereIsNoFigure) {
  disks_.answer_host();
  samples("");
  disks_.answers_.push_back({.key = disks_.asked_.at(0).key, .usage = {.error = -EACCES}});
  EXPECT_THAT(samples("container_fs_writable_layer_bytes"), IsEmpty());
  EXPECT_EQ(lacking(Reason::permission), 1U);
  EXPECT_THAT(snapshot_.read_errors, IsEmpty());
}

TEST_F(CollectorDisk, LooksAgainForARootThatIsStillToBeMounted) {
  disks_.answer_host();
  set_mounts("100 50 254:1 / / rw - ext4 /dev/vda1 rw\n");  // the engine's own, so far
  samples("");
  EXPECT_EQ(lacking(Reason::other_storage), 1U);
  EXPECT_THAT(disks_.asked_, IsEmpty());
  set_mounts(kOverlay);
  samples("");
  EXPECT_THAT(disks_.asked_, SizeIs(1));
}

TEST_F(CollectorDisk, NeverTakesTheHostsOwnOverlayForAContainers) {
  disks_.answer_host();
  host_.files.set_file("/proc/1/mountinfo", kOverlay);  // the engine has not changed the root yet
  samples("");
  EXPECT_THAT(disks_.asked_, IsEmpty());
  set_mounts(
      "100 50 0:51 / / rw - overlay overlay rw,lowerdir=/l,upperdir=/var/lib/docker/o/B/diff\n");
  samples("");
  ASSERT_EQ(disks_.asked_.size(), 1U);
  EXPECT_EQ(disks_.asked_[0].directory, "/var/lib/docker/o/B/diff");
}

TEST_F(CollectorDisk, HasNothingToSayOfAReadOnlyRoot) {
  disks_.answer_host();
  set_mounts("100 50 0:50 / / ro - overlay overlay ro,lowerdir=/a:/b\n");
  samples("");
  EXPECT_THAT(disks_.asked_, IsEmpty());
  for (const Reason reason : {Reason::walk_pending, Reason::other_storage, Reason::failed}) {
    EXPECT_EQ(lacking(reason), 0U);
  }
}

TEST_F(CollectorDisk, DoesNotShowHostFiguresThatAreTwoMinutesOld) {
  disks_.answer_host();
  EXPECT_THAT(samples("container_fs_limit_bytes"),
              ElementsAre(sample("container_fs_limit_bytes", "/", 1000)));
  EXPECT_EQ(disks_.host_asked_, 1U);
  disks_.answer_host();
  host_.clock.advance(6 * kSecond);
  EXPECT_THAT(samples("container_fs_limit_bytes"), SizeIs(1));
  EXPECT_EQ(disks_.host_asked_, 2U);
  host_.clock.advance(130 * kSecond);  // the disk hangs
  EXPECT_THAT(samples("container_fs_limit_bytes"), IsEmpty());
  EXPECT_EQ(disks_.host_asked_, 2U);
}

TEST_F(CollectorDisk, TakesNoAnswerForAContainerThatIsGone) {
  disks_.answer_host();
  samples("");
  host_.files.remove_directory("/sys/fs/cgroup" + id_);
  samples("");
  disks_.answer(disks_.asked_.at(0).key, 700);
  EXPECT_THAT(samples("container_fs_writable_layer_bytes"), IsEmpty());
}

}  // namespace
}  // namespace cgmon
