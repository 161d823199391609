// Our pages of captured hosts beside what a real cAdvisor 0.49.2 said of their paused containers
// (tests/fixtures/expected): the same to the last digit, but for the exceptions listed here.

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "tests/support/fixture_host.h"

namespace cgmon {
namespace {

constexpr const char* kAnyHost = "";

struct Exception {
  std::string_view family;
  std::string_view host;  ///< part of the fixture's name
  std::string_view why;
  enum class How : std::uint8_t { differs, absent } how;
};
constexpr auto kAbsent = Exception::How::absent;
constexpr auto kDiffers = Exception::How::differs;

// clang-format off
constexpr auto kExceptions = std::to_array<Exception>({
    {"container_cpu_schedstat_run_periods_total", kAnyHost, "of /proc/PID/schedstat, summed over the processes: no cgroup file", kAbsent},
    {"container_cpu_schedstat_run_seconds_total", kAnyHost, "as above", kAbsent},
    {"container_cpu_schedstat_runqueue_seconds_total", kAnyHost, "as above", kAbsent},
    {"container_memory_kernel_usage", "-v2-", "kernel of memory.stat, which cAdvisor does not read: it says 0", kDiffers},
    {"container_memory_migrate", "-v2-", "v2 has no cpuset.memory_migrate: cAdvisor says 0", kAbsent},
    {"container_memory_max_usage_bytes", "-v2-", "memory.peak, which cAdvisor 0.49 does not read: it says 0", kDiffers},
    {"container_spec_memory_reservation_limit_bytes", "-v2-", "memory.low, which cAdvisor does not read: it says 0", kDiffers},
});
// clang-format on

using Samples = std::map<std::string, std::string>;  // family and sorted labels -> value

/// `a="x",b="y"` by name, of a label block without escapes.
std::string sorted_labels(std::string_view block, std::set<std::string> keep) {
  std::map<std::string, std::string> labels;
  while (!block.empty()) {
    const std::size_t equals = block.find("=\""), end = block.find('"', equals + 2);
    const std::string name(block.substr(0, equals));
    if (keep.empty() || keep.contains(name)) {
      labels[name] = block.substr(equals + 2, end - equals - 2);
    }
    block.remove_prefix(std::min(end + 2, block.size()));
  }
  std::string text;
  for (const auto& [name, value] : labels) text += name + "=\"" + value + "\",";
  return text;
}

Samples expected_of(const std::string& host) {
  Samples samples;
  std::ifstream in("tests/fixtures/expected/" + host + ".tsv");
  std::string line;
  while (std::getline(in, line)) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream fields(line);
    std::string family, labels, value;
    std::getline(fields, family, '\t');
    std::getline(fields, labels, '\t');
    std::getline(fields, value);
    samples[family + '{' + sorted_labels(labels, {}) + '}'] = value;
  }
  return samples;
}

Samples ours_of(const std::string& host_name, GroupSet groups) {
  FixtureHost host(host_name);
  const auto collector = host.collector({.groups = groups});
  Snapshot snapshot;
  collector->collect(snapshot, kNoDeadline);
  const std::string page = page_of(snapshot);
  Samples samples;
  for (const std::string& line : samples_of(page)) {
    const std::size_t open = line.find('{'), close = line.rfind('}');
    samples[line.substr(0, open) + '{' +
            sorted_labels(line.substr(open + 1, close - open - 1),
                          {"id", "cpu", "device", "failure_type", "major", "minor", "node",
                           "operation", "scope", "type"}) +
            '}'] = line.substr(close + 2);
  }
  return samples;
}

class BesideCadvisor : public testing::TestWithParam<const char*> {};

TEST_P(BesideCadvisor, SaysTheSameOfPausedContainers) {
  const std::string host = GetParam();
  const Samples expected = expected_of(host);
  ASSERT_GT(expected.size(), 50U);
  // With percpu, as cAdvisor prints v1.
  const Samples ours = ours_of(
      host, default_groups() | bit(Group::percpu) | bit(Group::memory_numa) | bit(Group::cpuset));
  std::size_t equal = 0;
  for (const auto& [series, value] : expected) {
    const auto exception = std::ranges::find_if(kExceptions, [&](const Exception& entry) {
      return series.starts_with(std::string(entry.family) + '{') &&
             host.find(entry.host) != host.npos;
    });
    const auto found = ours.find(series);
    if (exception != kExceptions.end()) {
      if (exception->how == kAbsent) {
        EXPECT_EQ(found, ours.end()) << series << " is listed as absent: " << exception->why;
      } else {
        EXPECT_NE(found, ours.end()) << series;
      }
      continue;
    }
    if (found == ours.end()) {
      ADD_FAILURE() << series << " is missing, cAdvisor has " << value;
      continue;
    }
    EXPECT_EQ(found->second, value) << series;
    equal += found->second == value ? 1 : 0;
  }
  EXPECT_GT(equal, 35U);
}

TEST_P(BesideCadvisor, HasNoExceptionThatIsNotNeeded) {
  const Samples expected = expected_of(GetParam());
  const Samples ours = ours_of(GetParam(), default_groups() | bit(Group::percpu));
  for (const Exception& entry : kExceptions) {
    if (std::string_view(GetParam()).find(entry.host) == std::string_view::npos) continue;
    if (entry.how == kAbsent) continue;
    const bool differs = std::ranges::any_of(expected, [&](const auto& sample) {
      const auto found = ours.find(sample.first);
      return sample.first.starts_with(std::string(entry.family) + '{') && found != ours.end() &&
             found->second != sample.second;
    });
    EXPECT_TRUE(differs) << entry.family << " is equal here: " << entry.why;
  }
}

TEST_P(BesideCadvisor, HasTheSumOfTheCpusAsTotal) {
  Samples sums;
  const Samples expected = expected_of(GetParam());
  const Samples ours = ours_of(GetParam(), default_groups());
  std::map<std::string, std::int64_t> nanoseconds;
  for (const auto& [series, value] : expected) {
    if (!series.starts_with("container_cpu_usage_seconds_total{cpu=\"")) continue;
    const std::size_t point = value.find('.');
    std::string fraction = point == value.npos ? "" : value.substr(point + 1);
    fraction.resize(9, '0');
    nanoseconds[series.substr(series.find("id="))] +=
        std::stoll(value.substr(0, point)) * 1'000'000'000 + std::stoll(fraction);
  }
  ASSERT_EQ(nanoseconds.size(), 2U);
  for (const auto& [id, sum] : nanoseconds) {
    const std::string series = "container_cpu_usage_seconds_total{cpu=\"total\"," + id;
    ASSERT_TRUE(ours.contains(series)) << series;
    std::array<char, 32> text{};
    char* const end = write_number(text.data(), static_cast<std::uint64_t>(sum), 9);
    EXPECT_EQ(ours.at(series), std::string(text.data(), end)) << series;
  }
}

INSTANTIATE_TEST_SUITE_P(Fixtures, BesideCadvisor,
                         testing::Values("debian-6.1-v2-systemd", "debian-6.1-v1-systemd",
                                         "debian-6.1-hybrid-cgroupfs", "linux-6.18-hybrid"),
                         [](const auto& parameter) {
                           std::string name = parameter.param;
                           for (char& byte : name) {
                             if (byte == '-' || byte == '.') byte = '_';
                           }
                           return name;
                         });

}  // namespace
}  // namespace cgmon
