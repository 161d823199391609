// Files that only a write changes, over captured hosts: when they are read, and that what is shown
// in between is what they say.

#include "collectors/cgroup/written_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <set>

#include "tests/collector/passes.h"

namespace cgmon {
namespace {

using testing::Contains;
using testing::Each;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kV1 = "debian-6.1-v1-systemd";
constexpr const char* kV2 = "debian-6.1-v2-systemd";
constexpr const char* kHybrid = "debian-6.1-hybrid-cgroupfs";
constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::size_t kMemoryLimit = row("container_spec_memory_limit_bytes");
constexpr std::size_t kThreadsMax = row("container_threads_max");

Value limit(const Passes& host) { return host.value(kMemoryLimit, host.container); }
Value mib(std::uint64_t count) { return Value::of(count << 20U); }

TEST(WrittenFiles, AreShownInTheNextPassAfterAWrite) {
  for (const auto& [fixture, file] :
       {std::pair{kV1, "memory.limit_in_bytes"}, std::pair{kV2, "memory.max"},
        std::pair{kHybrid, "memory.limit_in_bytes"}}) {
    Passes host(fixture);
    host.pass();
    for (std::uint64_t turn = 1; turn < 5; ++turn) {
      host.host.files.set_file(host.file(Controller::memory, file),
                               std::to_string(turn << 20U) + "\n");
      host.pass();
      EXPECT_EQ(limit(host), mib(turn)) << fixture;
      host.pass();
      EXPECT_EQ(limit(host), mib(turn)) << fixture << ": kept";
    }
    EXPECT_EQ(host.snapshot.report.watch_failures, 0U);
  }
}

TEST(WrittenFiles, AreNotReadWhileNobodyWritesAndThePageStaysTheSame) {
  for (const char* fixture : {kV1, kV2, kHybrid, "linux-6.18-hybrid"}) {
    Passes host(fixture);
    host.pass();
    const std::string first = host.page();
    const std::uint64_t all = host.reads;
    host.pass();
    EXPECT_EQ(samples_of(host.page(), "container_"), samples_of(first, "container_")) << fixture;
    EXPECT_LT(host.reads, all * 3 / 4) << fixture;
    for (const std::string& path : host.read_of_container()) {
      EXPECT_FALSE(only_writes_change(path.substr(path.find(' ') + 1))) << path;
    }
  }
}

TEST(WrittenFiles, OfACgroupAreReadOnceAMinuteAndNotAllInTheSamePass) {
  Passes host(kV2);
  host.pass();
  host.pass();
  const std::uint64_t quiet = host.reads;
  std::uint64_t more = 0, most = 0, passes = 0;
  for (int second = 0; second < 60; ++second) {
    host.host.clock.advance(kSecond);
    host.pass();
    more += host.reads - quiet;
    most = std::max(most, host.reads - quiet);
    passes += host.reads > quiet ? 1 : 0;
  }
  Passes fresh(kV2);
  fresh.pass();
  EXPECT_EQ(more, fresh.reads - quiet) << "each once";
  EXPECT_GT(passes, 20U);
  EXPECT_LT(most, more / 8);
}

TEST(WrittenFiles, AreNeverOlderThanAMinuteEvenWhereNoEventTells) {
  Passes host(kV2);
  host.pass();
  host.host.files.mute_watches(true).set_file(host.file(Controller::memory, "memory.max"),
                                              "1048576\n");
  host.host.clock.advance(WrittenFiles::kTurnNs);
  host.pass();
  EXPECT_EQ(limit(host), mib(1));
}

TEST(WrittenFiles, AreReadEachTimeOnceTheirEventsProvedWrong) {
  Passes host(kV2);
  host.pass();
  host.host.files.mute_watches(true);
  for (int turn = 1; turn <= 3; ++turn) {
    host.host.files.set_file(host.file(Controller::memory, "memory.max"),
                             std::to_string(turn) + "\n");
    host.host.clock.advance(WrittenFiles::kTurnNs);
    host.pass();
    EXPECT_EQ(limit(host), Value::of(static_cast<std::uint64_t>(turn)));
  }
  EXPECT_EQ(host.snapshot.report.watch_failures, 1U);
  host.host.files.set_file(host.file(Controller::memory, "memory.max"), "1048576\n");
  host.pass();
  EXPECT_EQ(limit(host), mib(1));
}

TEST(WrittenFiles, AreAllReadWhenEventsWereLost) {
  Passes host(kV2);
  host.pass();
  host.host.files.mute_watches(true).set_file(host.file(Controller::memory, "memory.max"),
                                              "1048576\n");
  host.pass();
  ASSERT_NE(limit(host), mib(1)) << "nothing told";
  host.host.files.mute_watches(false).overflow_watches();
  host.pass();
  EXPECT_EQ(limit(host), mib(1));
  const std::uint64_t after_overflow = host.reads;
  host.pass();
  EXPECT_LT(host.reads, after_overflow);
}

TEST(WrittenFiles, AreReadEachTimeWhereTheyCannotBeWatched) {
  for (const bool no_instance : {false, true}) {
    Passes host(kV2);
    if (no_instance) {
      host.host.files.fail_open_watch(EMFILE);
    } else {
      host.host.files.fail_watches(ENOSPC);
    }
    host.collector->reconfigure({});  // now that watches fail
    host.pass();
    for (std::uint64_t turn = 1; turn < 4; ++turn) {
      host.host.files.set_file(host.file(Controller::memory, "memory.max"),
                               std::to_string(turn << 20U) + "\n");
      host.pass();
      EXPECT_EQ(limit(host), mib(turn)) << no_instance;
      EXPECT_THAT(host.read_of_container(), Contains("/sys/fs/cgroup pids.max"));
    }
    EXPECT_GE(host.snapshot.report.watch_failures, 1U);
    EXPECT_TRUE(host.snapshot.read_errors.empty());
  }
}

TEST(WrittenFiles, TakeAQuarterOfTheWatchesAtTheMostAndAreRightBeyondIt) {
  Passes host(kV2);
  host.host.files.set_file("/proc/sys/fs/inotify/max_user_watches", "40\n");
  host.collector = host.host.collector({}, &host.read);
  host.pass();
  const std::size_t watched = host.host.files.watched();
  Passes all(kV2);
  all.pass();
  EXPECT_EQ(all.host.files.watched() - watched, all.snapshot.order.size() - 1 - 10)
      << "the root has no limits";
  for (const Slot slot : host.snapshot.order) {
    const std::string id = host.snapshot.labels[slot]->id;
    if (id == "/") continue;
    host.host.files.set_file("/sys/fs/cgroup" + id + "/pids.max", "77\n");
  }
  host.pass();
  for (const Slot slot : host.snapshot.order) {
    if (host.snapshot.labels[slot]->id == "/") continue;
    EXPECT_EQ(host.snapshot.value(kThreadsMax, slot), Value::of(77))
        << host.snapshot.labels[slot]->id;
  }
}

TEST(WrittenFiles, OfACgroupMadeAnewAreItsOwn) {
  Passes host(kV1);
  host.pass();
  host.host.files.set_file(host.file(Controller::memory, "memory.limit_in_bytes"), "1048576\n");
  host.host.files.set_file(host.file(Controller::pids, "pids.max"), "11\n");
  host.pass();
  // In one hierarchy: the cgroup keeps its slot.
  const std::string pids = host.file(Controller::pids, "");
  host.host.files.remove_directory(pids).add_directory(pids).set_file(pids + "pids.max", "22\n");
  host.pass();
  EXPECT_EQ(host.value(kThreadsMax, host.container), Value::of(22));
  EXPECT_EQ(limit(host), mib(1));
  // In all of them, under the same name and at once another one in its slot.
  for (const Hierarchy& hierarchy : host.collector->layout().hierarchies) {
    const std::string path = hierarchy.mount_point + host.container;
    if (host.host.files.exists(path)) host.host.files.remove_directory(path);
  }
  const std::string other = "/sys/fs/cgroup/memory/other";
  host.host.files.add_directory(other).set_file(other + "/memory.limit_in_bytes", "2097152\n");
  host.pass();
  EXPECT_EQ(limit(host), Value::absent());
  EXPECT_EQ(host.value(kMemoryLimit, "/other"), mib(2));
  EXPECT_EQ(host.value(kThreadsMax, "/other"), Value::absent());
  host.host.files.set_file(other + "/memory.limit_in_bytes", "3145728\n");
  host.pass();
  EXPECT_EQ(host.value(kMemoryLimit, "/other"), mib(3)) << "its own watch tells";
}

TEST(WrittenFiles, FollowARenamedDirectory) {
  Passes host(kV1);
  host.pass();
  for (const Hierarchy& hierarchy : host.collector->layout().hierarchies) {
    const std::string path = hierarchy.mount_point + host.container;
    if (host.host.files.exists(path)) host.host.files.rename_directory(path, path + "-new");
  }
  host.container += "-new";
  host.pass();
  for (std::uint64_t turn = 1; turn < 4; ++turn) {
    host.host.files.set_file(host.file(Controller::memory, "memory.limit_in_bytes"),
                             std::to_string(turn << 20U) + "\n");
    host.pass();
    EXPECT_EQ(limit(host), mib(turn));
  }
}

TEST(WrittenFiles, AreReadAnewAfterAReload) {
  Passes host(kV2);
  host.pass();
  host.collector->reconfigure({.groups = bit(Group::pids)});
  host.pass();
  host.host.files.set_file(host.file(Controller::memory, "memory.max"), "1048576\n");
  host.host.files.set_file(host.file(Controller::pids, "pids.max"), "11\n");
  host.collector->reconfigure({});
  host.pass();
  EXPECT_EQ(limit(host), mib(1));
  EXPECT_EQ(host.value(kThreadsMax, host.container), Value::of(11));
  host.host.files.set_file(host.file(Controller::pids, "pids.max"), "12\n");
  host.pass();
  EXPECT_EQ(host.value(kThreadsMax, host.container), Value::of(12));
}

TEST(WrittenFiles, ThatANarrowPassWasToldOfAreReadWhenTheyAreAskedFor) {
  Passes host(kV2);
  host.pass();
  host.host.files.set_file(host.file(Controller::pids, "pids.max"), "11\n");
  host.pass(bit(Group::cpu));
  host.collector->look();
  host.pass();
  EXPECT_EQ(host.value(kThreadsMax, host.container), Value::of(11));
}

TEST(WrittenFiles, OfChildrenAreReadWhenControllersWereHandedDown) {
  Passes host(kV2);
  host.pass();
  const std::string parent = "/sys/fs/cgroup" + host.container.substr(0, host.container.rfind('/'));
  // The kernel makes the files anew without a word in their own directory.
  host.host.files.mute_watches(true).set_file(host.file(Controller::pids, "pids.max"), "11\n");
  host.host.files.mute_watches(false).set_file(parent + "/cgroup.subtree_control", "pids\n");
  host.pass();
  EXPECT_EQ(host.value(kThreadsMax, host.container), Value::of(11));
}

TEST(WrittenFiles, WithALineForEachDiskAreReadWhenDisksComeOrGo) {
  Passes host(kV1);
  const std::string rules = "blkio.throttle.read_bps_device";
  host.pass();
  host.host.files.set_file(host.file(Controller::blkio, rules), "254:0 1048576\n");
  host.pass();
  ASSERT_THAT(samples_of(host.page(), "container_spec_io_read_bytes_per_second{"),
              Contains(HasSubstr(host.container)));
  host.host.files.mute_watches(true).set_file(host.file(Controller::blkio, rules), "");
  host.host.files.set_file("/proc/partitions", "major minor  #blocks  name\n\n");
  host.pass();
  EXPECT_THAT(samples_of(host.page(), "container_spec_io_read_bytes_per_second{"),
              Each(Not(HasSubstr(host.container))));
}

TEST(WrittenFiles, ThatCouldNotBeReadAreTriedAgain) {
  Passes host(kV2);
  host.pass();
  const std::string file = host.file(Controller::memory, "memory.max");
  host.host.files.set_file(file, "1048576\n").set_error(file, EIO);
  host.pass();
  EXPECT_EQ(limit(host), Value::absent());
  host.host.files.set_error(file, 0);
  host.pass();
  EXPECT_EQ(limit(host), mib(1));
  host.host.files.set_file(file, "nonsense\n");
  host.pass();
  EXPECT_EQ(limit(host), Value::absent());
  host.host.files.mute_watches(true).set_file(file, "2097152\n");
  host.pass();
  EXPECT_EQ(limit(host), mib(2));
}

TEST(WrittenFiles, AreNotReadForWhatTheKernelNotesInTheSameDirectory) {
  Passes host(kV2);
  host.pass();
  host.pass();
  const std::uint64_t quiet = host.reads;
  for (const char* file : {"memory.events", "cgroup.events", "cgroup.procs"}) {
    host.host.files.set_file(host.file(Controller::memory, file), "");
  }
  host.host.files.set_file(host.file(Controller::memory, "memory.events"), "oom_kill 0\n");
  host.pass();
  EXPECT_EQ(host.reads, quiet);
}

TEST(WrittenFiles, AreWatchedNowhereWhereNoneIsRead) {
  Passes host(kHybrid, {.groups = bit(Group::pressure)});
  host.pass();
  std::set<int> with_settings;
  for (const FileKind& kind : host.collector->plan().files) {
    if (kind.written) with_settings.insert(kind.hierarchy);
  }
  const int unified = host.collector->layout().serving(Controller::psi);
  EXPECT_FALSE(with_settings.contains(unified)) << "v2 of a hybrid host: no limit is read there";
}

}  // namespace
}  // namespace cgmon
