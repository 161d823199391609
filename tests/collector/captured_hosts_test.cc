// The collector over the hosts that tests/vm/capture makes: what each layout has and lacks.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "tests/support/fixture_host.h"

namespace cgmon {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

struct Captured {
  const char* name;
  bool memory = true, pressure = true;
};

std::ostream& operator<<(std::ostream& out, const Captured& host) { return out << host.name; }

class CapturedHosts : public testing::TestWithParam<Captured> {
 protected:
  CapturedHosts() : host_(GetParam().name), names_(host_.files, host_.roots) {
    host_.collector({}, nullptr, &names_)->collect(snapshot_, kNoDeadline);
    page_ = page_of(snapshot_);
  }
  /// Samples of one family (or more, by their common beginning) with docker's name.
  std::vector<std::string> of(std::string_view name, std::string_view family) {
    std::vector<std::string> samples = samples_of(page_, family);
    std::erase_if(samples, [&](const std::string& sample) {
      return sample.find("name=\"" + std::string(name) + '"') == sample.npos;
    });
    return samples;
  }

  FixtureHost host_;
  EngineNames names_;
  Snapshot snapshot_;
  std::string page_;
};

TEST_P(CapturedHosts, AreReadWithoutAnError) {
  EXPECT_TRUE(snapshot_.read_errors.empty()) << snapshot_.read_errors.front().example;
}

TEST_P(CapturedHosts, HaveNamesForTheLivingContainersOnly) {
  for (const char* name : {"web", "db", "plain", "hurt"}) {
    EXPECT_THAT(of(name, "container_cpu_usage_seconds_total{"), testing::SizeIs(1)) << name;
  }
  for (const char* name : {"gone", "hog"}) EXPECT_THAT(of(name, "container_"), IsEmpty()) << name;
}

TEST_P(CapturedHosts, ShowThatTheLimitedContainerIsThrottledAndTheOthersAreNot) {
  EXPECT_THAT(of("web", "container_cpu_cfs_throttled_periods_total{"),
              AllOf(Not(IsEmpty()), Each(Not(testing::EndsWith("} 0")))));
  EXPECT_THAT(of("web", "container_spec_cpu_quota_cores{"), Contains(testing::EndsWith("} 0.5")));
  EXPECT_THAT(of("plain", "container_spec_cpu_quota_cores{"), IsEmpty());
}

TEST_P(CapturedHosts, HaveMemoryAndOomKillsWhereTheKernelHasTheController) {
  EXPECT_EQ(of("web", "container_memory_usage_bytes{").size(), GetParam().memory ? 1U : 0U);
  const auto kills = of("hurt", "container_oom_events_total{");
  if (GetParam().memory) {
    EXPECT_THAT(kills, Contains(testing::EndsWith("} 1")));
    EXPECT_THAT(of("plain", "container_oom_events_total{"), Contains(testing::EndsWith("} 0")));
  } else {
    EXPECT_THAT(kills, IsEmpty());
    EXPECT_THAT(of("web", "container_memory_"), IsEmpty());
  }
}

TEST_P(CapturedHosts, HavePressureOfContainersWhereTheKernelCountsIt) {
  const auto pressure = of("web", "container_pressure_");
  EXPECT_EQ(pressure.empty(), !GetParam().pressure);
}

TEST_P(CapturedHosts, CountEachProcessOnceThoughOneContainerKeepsThemInACgroupInside) {
  EXPECT_THAT(of("db", "container_threads{"), Contains(testing::EndsWith("} 3")));
  EXPECT_THAT(samples_of(page_, "container_threads{"),
              Contains(AllOf(HasSubstr("/inner\"}"), testing::EndsWith("} 3"))));
  // Without controllers on v2: CPU time is all that the kernel counts there.
  EXPECT_THAT(samples_of(page_, "container_cpu_usage_seconds_total{"),
              Contains(HasSubstr("/inner/empty\"} 0")));
}

TEST(MiscCapacity, IsOfTheRootOnBothVersions) {
  for (const auto& [name, file] :
       {std::pair{"debian-6.1-v1-cgroupfs", "/sys/fs/cgroup/misc/misc.capacity"},
        std::pair{"debian-6.1-v2-nopsi", "/sys/fs/cgroup/misc.capacity"}}) {
    FixtureHost host(name);
    host.files.set_file(file, "sev 500\nsev_es 9\n");
    Snapshot snapshot;
    host.collector({.groups = bit(Group::misc)})->collect(snapshot, kNoDeadline);
    EXPECT_THAT(samples_of(page_of(snapshot), "cgmon_misc_capacity"),
                testing::ElementsAre(R"(cgmon_misc_capacity{resource="sev",id="/"} 500)",
                                     R"(cgmon_misc_capacity{resource="sev_es",id="/"} 9)"))
        << name;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Fixtures, CapturedHosts,
    testing::Values(Captured{"debian-6.1-v2-cgroupfs"},
                    Captured{.name = "debian-6.1-v1-cgroupfs", .pressure = false},
                    Captured{"debian-6.1-hybrid-systemd"},
                    Captured{.name = "debian-6.1-v2-nopsi", .pressure = false},
                    Captured{.name = "debian-6.1-v1-nomemory", .memory = false, .pressure = false}),
    [](const auto& host) {
      std::string name = host.param.name;
      std::ranges::replace_if(
          name, [](char c) { return c == '-' || c == '.'; }, '_');
      return name;
    });

}  // namespace
}  // namespace cgmon
