#include "collectors/cgroup/cgroup_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/support/faulty_files.h"
#include "tests/support/tree_files.h"

namespace cgmon {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr Slot kSlot = 3;
constexpr const char* kTop = "/sys/fs/cgroup";

/// One cgroup of a captured host, read by one of the reader's two users' ways.
class Reading {
 public:
  explicit Reading(const std::string& fixture, GroupSet groups = ~GroupSet{0}) {
    const auto loaded = tree_.load("tests/fixtures/" + fixture + ".tree");
    if (!loaded) ADD_FAILURE() << loaded.error().message();
    auto layout = detect_layout(tree_, Roots());
    layout_ = *layout;
    plan_ = make_read_plan(layout_, groups);
    snapshot_.parent.assign(kSlot + 1, kNoSlot);
    reset();
  }
  void reset() {
    for (std::size_t row = 0; row < kRowCount; ++row) {
      snapshot_.axes[row].clear();
      if (plan_.read[row]) snapshot_.columns[row].reset(kSlot + 1);
    }
  }
  [[nodiscard]] std::size_t file(std::string_view name) const {
    const auto found = std::ranges::find(plan_.files, name, &FileKind::file);
    if (found == plan_.files.end()) ADD_FAILURE() << name;
    return static_cast<std::size_t>(found - plan_.files.begin());
  }
  [[nodiscard]] const std::string& mount(std::size_t file) const {
    return layout_.hierarchies[static_cast<std::size_t>(plan_.files[file].hierarchy)].mount_point;
  }
  [[nodiscard]] std::string path(std::string_view name, const std::string& cgroup) const {
    return mount(file(name)) + cgroup + '/' + std::string(name);
  }
  /// By the hierarchy's handle and the relative path.
  ReadOutcome read(CgroupReader& reader, std::string_view name, const std::string& cgroup) {
    const std::size_t index = file(name);
    const int top = tree_.open_directory(Files::kAbsolute, mount(index).c_str());
    const ReadOutcome outcome =
        reader.read(index, {top, cgroup.c_str() + 1, -1}, kSlot, false, snapshot_);
    tree_.close(top);
    return outcome;
  }
  [[nodiscard]] Value value(std::string_view family, std::string_view labels = {}) const {
    return snapshot_.value(find_row(family, labels), kSlot);
  }

  TreeFiles tree_;
  Layout layout_;
  ReadPlan plan_;
  Snapshot snapshot_;
};

std::string container_of(TreeFiles& tree, const std::string& parent, std::string_view prefix) {
  DirectoryListing listing;
  tree.list_directories(Files::kAbsolute, parent.c_str(), listing);
  for (const auto& entry : listing.entries()) {
    const std::string name(listing.name(entry));
    if (name.starts_with(prefix) && name.size() > 60) return name;
  }
  ADD_FAILURE() << "no container in " << parent;
  return {};
}

class CgroupReaderV2 : public testing::Test {
 protected:
  CgroupReaderV2()
      : cgroup_("/system.slice/" +
                container_of(on_.tree_, "/sys/fs/cgroup/system.slice", "docker-")) {}
  ReadOutcome read_as(std::string_view name, std::string_view text) {
    on_.reset();
    on_.tree_.set_file(on_.path(name, cgroup_), text);
    return on_.read(reader_, name, cgroup_);
  }
  Reading on_{"debian-6.1-v2-systemd"};
  CgroupReader reader_{on_.tree_, on_.plan_, ReaderOptions{}};
  std::string cgroup_;
};

TEST_F(CgroupReaderV2, ReadsTheSameByTheCgroupsOwnHandleAsByTheHierarchysAndAPath) {
  const int own = on_.tree_.open_directory(Files::kAbsolute, (kTop + cgroup_).c_str());
  Snapshot by_handle = on_.snapshot_;
  std::size_t values = 0;
  for (std::size_t i = 0; i < on_.plan_.files.size(); ++i) {
    if (on_.plan_.files[i].hierarchy == FileKind::kProc) continue;
    if (!reader_.wanted(i, kSlot, false, by_handle)) continue;
    const ReadOutcome outcome = reader_.read(i, {own, ".", -1}, kSlot, false, by_handle);
    EXPECT_TRUE(outcome == ReadOutcome::ok || outcome == ReadOutcome::absent)
        << on_.plan_.files[i].file;
    EXPECT_EQ(on_.read(reader_, on_.plan_.files[i].file, cgroup_), outcome);
  }
  reader_.derive(kSlot, false, by_handle);
  reader_.derive(kSlot, false, on_.snapshot_);
  for (std::size_t row = 0; row < kRowCount; ++row) {
    EXPECT_EQ(by_handle.value(row, kSlot), on_.snapshot_.value(row, kSlot)) << kRows[row].family;
    values += by_handle.value(row, kSlot).is_absent() ? 0 : 1;
  }
  EXPECT_GT(values, 30U);
  on_.tree_.close(own);
  EXPECT_THAT(on_.tree_.open_paths(), IsEmpty());
}

TEST_F(CgroupReaderV2, TakesAKeptHandleInsteadOfOpening) {
  const std::size_t index = on_.file("memory.current");
  const int top = on_.tree_.open_directory(Files::kAbsolute, kTop);
  const int kept = on_.tree_.open(top, (cgroup_.substr(1) + "/memory.current").c_str());
  ASSERT_GE(kept, 0);
  for (const char* text : {"4096\n", "8192\n"}) {
    on_.tree_.set_file(on_.path("memory.current", cgroup_), text);
    EXPECT_EQ(reader_.read(index, {-1, "", kept}, kSlot, false, on_.snapshot_), ReadOutcome::ok);
    EXPECT_EQ(on_.value("container_memory_usage_bytes"), Value::of(text[0] == '4' ? 4096 : 8192));
  }
  on_.tree_.close(kept);
  on_.tree_.close(top);
}

TEST_F(CgroupReaderV2, ReadsEveryFormatInItsUnit) {
  EXPECT_EQ(read_as("memory.max", "67108864\n"), ReadOutcome::ok);
  EXPECT_EQ(on_.value("container_spec_memory_limit_bytes"), Value::of(67108864));
  EXPECT_EQ(read_as("memory.max", "max\n"), ReadOutcome::ok);
  EXPECT_EQ(on_.value("container_spec_memory_limit_bytes"), Value::unlimited());
  EXPECT_EQ(read_as("cpu.max", "max 100000\n"), ReadOutcome::ok);
  EXPECT_EQ(on_.value("container_spec_cpu_quota"), Value::unlimited());
  EXPECT_EQ(on_.value("container_spec_cpu_period"), Value::of(100000));
  EXPECT_EQ(read_as("cpu.max", "20000 50000\n"), ReadOutcome::ok);
  reader_.derive(kSlot, false, on_.snapshot_);
  EXPECT_EQ(on_.value("container_spec_cpu_quota_cores"), Value::of(400'000));  // 0.4 cores
  EXPECT_EQ(read_as("cpu.stat", "usage_usec 7\nuser_usec 5\nsystem_usec 2\nnr_periods 9\n"),
            ReadOutcome::ok);
  EXPECT_EQ(on_.value("container_cpu_user_seconds_total"), Value::of(5000));
  EXPECT_TRUE(on_.value("container_cpu_cfs_periods_total").is_absent()) << "without a quota";
  EXPECT_EQ(read_as("cpu.pressure", "some avg10=0.00 avg60=0.00 avg300=0.00 total=12\n"),
            ReadOutcome::ok);
  EXPECT_EQ(on_.value("container_pressure_cpu_waiting_seconds_total"), Value::of(12000));
  EXPECT_TRUE(on_.value("container_pressure_cpu_stalled_seconds_total").is_absent());
  EXPECT_THAT(reader_.errors(), IsEmpty());
}

TEST_F(CgroupReaderV2, CountsMalformedTextAndKeepsTheGoodLines) {
  EXPECT_EQ(read_as("memory.stat", "anon 4096\nfile x\nfile_mapped 1\n"), ReadOutcome::failed);
  EXPECT_EQ(on_.value("container_memory_rss"), Value::of(4096));
  EXPECT_TRUE(on_.value("container_memory_cache").is_absent());
  EXPECT_EQ(on_.value("container_memory_mapped_file"), Value::of(1));
  for (const auto& [file, text] : {std::pair{"memory.max", "max"},
                                   {"memory.max", "12"},
                                   {"memory.max", ""},
                                   {"memory.max", "-7\n"},
                                   {"memory.max", "99999999999999999999\n"},
                                   {"cpu.max", "max\n"},
                                   {"cpu.max", "1 2"},
                                   {"cpu.stat", "usage_usec 18446744073709551615\n"},
                                   {"pids.current", "\n"},
                                   {"cpu.pressure", "some avg10=0.00 total=\n"}}) {
    EXPECT_EQ(read_as(file, text), ReadOutcome::failed) << file << ": " << text;
  }
  EXPECT_TRUE(on_.value("container_cpu_usage_seconds_total", "cpu=\"total\"").is_absent());
  std::uint64_t malformed = 0;
  for (const ReadError& error : reader_.errors()) {
    EXPECT_EQ(error.reason, "malformed");
    malformed += error.count;
  }
  EXPECT_EQ(malformed, 11U);
  EXPECT_THAT(reader_.errors(), SizeIs(6)) << "one for each file";
}

TEST_F(CgroupReaderV2, NeverTakesACutFileForAWholeOne) {
  const std::string whole = on_.tree_.content(on_.path("memory.stat", cgroup_));
  ASSERT_EQ(on_.read(reader_, "memory.stat", cgroup_), ReadOutcome::ok);
  std::array<Value, kRowCount> values;
  for (std::size_t row = 0; row < kRowCount; ++row) values[row] = on_.snapshot_.value(row, kSlot);
  for (std::size_t size = 1; size < whole.size(); ++size) {
    const ReadOutcome outcome = read_as("memory.stat", whole.substr(0, size));
    EXPECT_EQ(outcome, whole[size - 1] == '\n' ? ReadOutcome::ok : ReadOutcome::failed) << size;
    for (std::size_t row = 0; row < kRowCount; ++row) {
      const Value value = on_.snapshot_.value(row, kSlot);
      if (!value.is_absent()) {
        EXPECT_EQ(value, values[row]) << size << kRows[row].family;
      }
    }
  }
}

TEST_F(CgroupReaderV2, GrowsForLongFilesUpToItsBound) {
  std::string longest = "anon 7\n";
  while (longest.size() < 900'000) longest += "some_key_of_a_later_kernel 123456789\n";
  EXPECT_EQ(read_as("memory.stat", longest), ReadOutcome::ok);
  EXPECT_EQ(on_.value("container_memory_rss"), Value::of(7));
  EXPECT_EQ(read_as("memory.stat", longest + longest), ReadOutcome::failed);
  EXPECT_TRUE(on_.value("container_memory_rss").is_absent());
  ASSERT_THAT(reader_.errors(), SizeIs(1));
  EXPECT_EQ(reader_.errors()[0].reason, "too_large");
}

TEST_F(CgroupReaderV2, TellsHowAReadEnded) {
  struct Case {
    int error;
    ReadOutcome outcome;
    std::string_view counted;
  };
  for (const Case& one :
       {Case{ENOENT, ReadOutcome::absent, ""}, Case{ENODEV, ReadOutcome::gone, ""},
        Case{EOPNOTSUPP, ReadOutcome::unsupported, ""}, Case{EACCES, ReadOutcome::denied, "EACCES"},
        Case{EPERM, ReadOutcome::denied, "EPERM"}, Case{EIO, ReadOutcome::failed, "EIO"},
        Case{EMFILE, ReadOutcome::failed, "EMFILE"}}) {
    for (const auto call : {FaultyFiles::Call::open, FaultyFiles::Call::read}) {
      FaultyFiles faulty(on_.tree_, {.nth = 1, .error = one.error, .lasting = true, .call = call});
      CgroupReader reader(faulty, on_.plan_, ReaderOptions{});
      on_.reset();
      EXPECT_EQ(on_.read(reader, "cpu.pressure", cgroup_), one.outcome) << one.error;
      EXPECT_EQ(on_.read(reader, "cpu.pressure", cgroup_), one.outcome) << one.error;
      EXPECT_TRUE(on_.value("container_pressure_cpu_waiting_seconds_total").is_absent());
      if (one.counted.empty()) {
        EXPECT_THAT(reader.errors(), IsEmpty()) << one.error;
      } else {
        ASSERT_THAT(reader.errors(), SizeIs(1)) << one.error;
        EXPECT_EQ(reader.errors()[0].reason, one.counted);
        EXPECT_EQ(reader.errors()[0].file, "cpu.pressure");
        EXPECT_EQ(reader.errors()[0].count, 2U);
        EXPECT_EQ(reader.errors()[0].example, cgroup_.substr(1) + "/cpu.pressure");
      }
    }
  }
  EXPECT_THAT(on_.tree_.open_paths(), IsEmpty());
}

TEST(CgroupReaderV1, ReadsTicksCpusLimitsAndKeysOfV1) {
  Reading on("debian-6.1-v1-cgroupfs");
  const std::string cgroup =
      "/docker/" + container_of(on.tree_, "/sys/fs/cgroup/memory/docker", "");
  CgroupReader reader(on.tree_, on.plan_, ReaderOptions{});
  const auto read_as = [&](std::string_view name, std::string_view text) {
    on.reset();
    on.tree_.set_file(on.path(name, cgroup), text);
    return on.read(reader, name, cgroup);
  };
  EXPECT_EQ(read_as("cpuacct.stat", "user 1754\nsystem 372\n"), ReadOutcome::ok);
  EXPECT_EQ(on.value("container_cpu_user_seconds_total"), Value::of(17'540'000'000));
  EXPECT_EQ(read_as("cpuacct.usage_percpu", "12 0 7 \n"), ReadOutcome::ok);
  const auto& cpus = on.snapshot_.axes[find_row("container_cpu_usage_seconds_total")];
  ASSERT_THAT(cpus, SizeIs(2)) << "a CPU that it never ran on has no sample";
  EXPECT_EQ(cpus[1].element, 2U);
  EXPECT_EQ(cpus[1].value, 7U);
  EXPECT_EQ(read_as("cpu.cfs_quota_us", "-1\n"), ReadOutcome::ok);
  EXPECT_EQ(on.value("container_spec_cpu_quota"), Value::unlimited());
  EXPECT_EQ(read_as("memory.limit_in_bytes", "9223372036854771712\n"), ReadOutcome::ok);
  EXPECT_EQ(on.value("container_spec_memory_limit_bytes"), Value::unlimited());
  EXPECT_EQ(read_as("memory.stat", "rss 1\ntotal_rss 2\npgfault 3\ntotal_pgfault 4\n"),
            ReadOutcome::ok);
  EXPECT_EQ(on.value("container_memory_rss"), Value::of(2));
  EXPECT_EQ(
      on.value("container_memory_failures_total", R"(failure_type="pgfault",scope="container")"),
      Value::of(3));
  EXPECT_EQ(
      on.value("container_memory_failures_total", R"(failure_type="pgfault",scope="hierarchy")"),
      Value::of(4));
  EXPECT_THAT(reader.errors(), IsEmpty());
}

/// `row` of the slot as "labels' values=number", in the order of reading.
std::vector<std::string> spread(const Snapshot& snapshot, std::string_view family,
                                std::string_view labels = {}) {
  std::vector<std::string> samples;
  const std::size_t row_index = find_row(family, labels);
  for (const AxisSample& sample : snapshot.axes.at(row_index)) {
    std::string text;
    for (std::size_t i = 0; i < label_names(kRows[row_index].axis).size(); ++i) {
      text += snapshot.elements->at(sample.element).values.at(i) + ' ';
    }
    samples.push_back(text + std::to_string(sample.value));
  }
  return samples;
}

class CgroupReaderOverAxes : public CgroupReaderV2 {
 protected:
  ReadOutcome read_elements(std::string_view name, std::string_view text) {
    reader_.begin_pass(kSlot + 1);
    const ReadOutcome outcome = read_as(name, text);
    reader_.end_pass({}, 0, on_.snapshot_);
    return outcome;
  }
  [[nodiscard]] std::vector<std::string> samples(std::string_view family,
                                                 std::string_view labels = {}) const {
    return spread(on_.snapshot_, family, labels);
  }
};

TEST_F(CgroupReaderOverAxes, NamesDevicesAndShowsTheNumberOfThoseWithoutAName) {
  EXPECT_EQ(read_elements("io.stat",
                          "7:7 \n8:99 rbytes=5 wbytes=6 rios=1 wios=2 dbytes=0 dios=0\n"
                          "254:0 rbytes=7 wbytes=8 rios=3 wios=4 dbytes=9 dios=1 cost.usage=250 "
                          "delay_nsec=3\n"),
            ReadOutcome::ok);
  EXPECT_THAT(samples("container_fs_reads_bytes_total"), ElementsAre("8:99 5", "/dev/vda 7"));
  EXPECT_THAT(samples("container_fs_discards_total"), ElementsAre("8:99 0", "/dev/vda 1"));
  EXPECT_THAT(samples("container_fs_io_cost_usage_seconds_total"), ElementsAre("/dev/vda 250000"));
  EXPECT_THAT(samples("container_fs_io_delay_seconds"), ElementsAre("/dev/vda 3"));
  EXPECT_THAT(samples("container_blkio_device_usage_total", R"(operation="Write")"),
              ElementsAre("8:99 8 99 6", "/dev/vda 254 0 8"));
}

TEST_F(CgroupReaderOverAxes, LeavesALimitOutThatIsNone) {
  EXPECT_EQ(read_elements("io.max", "254:0 rbps=1048576 wbps=max riops=max wiops=200\n"),
            ReadOutcome::ok);
  EXPECT_THAT(samples("container_spec_io_read_bytes_per_second"), ElementsAre("/dev/vda 1048576"));
  EXPECT_THAT(samples("container_spec_io_write_bytes_per_second"), IsEmpty());
  EXPECT_THAT(samples("container_spec_io_writes_per_second"), ElementsAre("/dev/vda 200"));
  EXPECT_EQ(read_elements("io.weight", "default 100\n254:0 250\n"), ReadOutcome::ok);
  EXPECT_THAT(samples("container_spec_io_weight"), ElementsAre(" 100", "/dev/vda 250"));
}

TEST_F(CgroupReaderOverAxes, ReadsEachPageSizeNodeAndResource) {
  EXPECT_EQ(read_elements("hugetlb.2MB.rsvd.current", "4194304\n"), ReadOutcome::ok);
  EXPECT_THAT(samples("container_hugetlb_usage_bytes"), ElementsAre("2MB 4194304"));
  EXPECT_EQ(read_elements("hugetlb.1GB.events", "max 3\n"), ReadOutcome::ok);
  EXPECT_THAT(samples("container_hugetlb_failcnt"), ElementsAre("1GB 3"));
  EXPECT_EQ(read_elements("memory.numa_stat", "anon N0=8192 N1=4096\nfile N0=0 N1=12288\n"),
            ReadOutcome::ok);
  EXPECT_THAT(samples("container_memory_numa_bytes", R"(part="anon")"),
              ElementsAre("0 8192", "1 4096"));
  EXPECT_THAT(samples("container_memory_numa_pages", R"(scope="hierarchy",type="file")"),
              ElementsAre("0 0", "1 3"));
  EXPECT_EQ(read_elements("rdma.max", "mlx5_0 hca_handle=2 hca_object=max\n"), ReadOutcome::ok);
  EXPECT_THAT(samples("container_spec_rdma_limit"), ElementsAre("mlx5_0 hca_handle 2"));
  EXPECT_EQ(read_elements("misc.events", "sev.max 4\nsev_es.max 0\n"), ReadOutcome::ok);
  EXPECT_THAT(samples("container_misc_events_max_total"), ElementsAre("sev 4", "sev_es 0"));
  EXPECT_EQ(read_elements("misc.max", "sev max\nsev_es 15\n"), ReadOutcome::ok);
  EXPECT_THAT(samples("container_spec_misc_limit"), ElementsAre("sev_es 15"));
}

TEST_F(CgroupReaderOverAxes, CountsMalformedLinesAndKeepsTheOthers) {
  for (const std::string bad : {"254:0:1 rbytes=1", "254:0 rbytes=x", "254:0 rbytes",
                                "\1:2 rbytes=3", "254:0 rbytes=18446744073709551616"}) {
    EXPECT_EQ(read_elements("io.stat", bad + "\n254:16 rbytes=9\n"), ReadOutcome::failed) << bad;
    EXPECT_THAT(samples("container_fs_reads_bytes_total"), ElementsAre("/dev/vdb 9")) << bad;
  }
  EXPECT_EQ(read_elements("misc.current", "a\tb 3\nsev 1\n"), ReadOutcome::failed);
  EXPECT_THAT(samples("container_misc_usage"), ElementsAre("sev 1"));
}

TEST_F(CgroupReaderOverAxes, LeavesDevicesBeyondTheBoundOutAndCountsThem) {
  std::string text;
  for (int i = 0; i < 70; ++i) text += "9:" + std::to_string(i) + " rios=1\n";
  EXPECT_EQ(read_elements("io.stat", text), ReadOutcome::ok);
  EXPECT_THAT(samples("container_fs_reads_total"), SizeIs(CgroupReader::kMaxDevices));
  EXPECT_EQ(reader_.devices_dropped(), 6U);
}

TEST_F(CgroupReaderOverAxes, FollowsADeviceNumberThatGoesOverToAnotherDisk) {
  const auto name = [&](std::string_view partitions) {
    on_.tree_.set_file("/proc/partitions", partitions);
    EXPECT_EQ(read_elements("io.stat", "259:0 rbytes=1\n"), ReadOutcome::ok);
    return samples("container_fs_reads_bytes_total").at(0);
  };
  EXPECT_EQ(name(" 259 0 5 nvme0n1\n"), "/dev/nvme0n1 1");
  EXPECT_EQ(name(" 259 0 5 nvme1n1\n"), "/dev/nvme1n1 1");
  EXPECT_EQ(name(""), "259:0 1");
}

TEST(CgroupReaderAtTheRoot, WantsOtherFilesThanElsewhere) {
  Reading on("debian-6.1-v2-systemd");
  const CgroupReader reader(on.tree_, on.plan_, ReaderOptions{});
  const auto wanted = [&](std::string_view file, bool is_root) {
    return reader.wanted(on.file(file), kSlot, is_root, on.snapshot_);
  };
  EXPECT_TRUE(wanted("meminfo", true));
  EXPECT_FALSE(wanted("meminfo", false));
  EXPECT_TRUE(wanted("memory.stat", true));
  EXPECT_FALSE(wanted("memory.current", true));
  EXPECT_TRUE(wanted("memory.current", false));
  EXPECT_FALSE(wanted("cpu.pressure", true));
  EXPECT_TRUE(wanted("pressure/cpu", true));
}

TEST(CgroupReaderOnAHybridHost, NeedsAFallbackOnlyWhereTheFirstSourceGaveNothing) {
  Reading on("debian-6.1-hybrid-cgroupfs", default_groups());
  const CgroupReader reader(on.tree_, on.plan_, ReaderOptions{});
  std::size_t fallback = on.plan_.files.size();
  for (std::size_t i = 0; i < on.plan_.files.size(); ++i) {
    if (reader.is_fallback(i) && !on.plan_.files[i].over_axis()) fallback = i;
  }
  ASSERT_LT(fallback, on.plan_.files.size());
  EXPECT_TRUE(reader.wanted(fallback, kSlot, false, on.snapshot_));
  for (const Binding& binding : on.plan_.files[fallback].bindings) {
    on.snapshot_.columns[binding.row].set(kSlot, Value::of(1));
  }
  EXPECT_FALSE(reader.wanted(fallback, kSlot, false, on.snapshot_));
}

}  // namespace
}  // namespace cgmon
