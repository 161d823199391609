// Whole pages of captured hosts, committed: a change of any number, name or label shows in a diff.

#include <gtest/gtest.h>

#include "tests/support/fixture_host.h"
#include "tests/support/golden.h"

namespace cgmon {
namespace {

class Page : public testing::TestWithParam<const char*> {};

TEST_P(Page, IsAsCommitted) {
  FixtureHost host(GetParam());
  EngineNames names(host.files, host.roots);
  const auto collector = host.collector({}, nullptr, &names);
  Snapshot snapshot;
  collector->collect(snapshot, kNoDeadline);
  const std::string page = page_of(snapshot);
  expect_golden(std::string("page/") + GetParam() + ".txt", page);
  EXPECT_TRUE(snapshot.read_errors.empty()) << snapshot.read_errors.front().example;

  Snapshot again;
  collector->collect(again, kNoDeadline);
  EXPECT_EQ(page_of(again), page) << "a second pass over an unchanged host";
}

INSTANTIATE_TEST_SUITE_P(Fixtures, Page,
                         testing::Values("debian-6.1-v2-systemd", "debian-6.1-v1-systemd",
                                         "debian-6.1-hybrid-cgroupfs"),
                         [](const auto& parameter) {
                           std::string name = parameter.param;
                           for (char& byte : name) {
                             if (byte == '-' || byte == '.') byte = '_';
                           }
                           return name;
                         });

}  // namespace
}  // namespace cgmon
