// Which files a scrape reads of one container, file by file, committed: what a scrape costs.

#include <gtest/gtest.h>

#include "tests/collector/passes.h"
#include "tests/support/golden.h"

namespace cgmon {
namespace {

constexpr std::size_t kMostAtFirst = 34, kMost = 24;

/// The first pass over a container and the next, file by file.
std::string list_reads(Passes& host) {
  std::string text;
  for (const char* when : {"first", "while nobody writes"}) {
    host.pass();
    const std::vector<std::string> files = host.read_of_container();
    text += std::string(when) + ": " + std::to_string(files.size()) + " files\n";
    for (const std::string& file : files) text += "  " + file + '\n';
  }
  return text;
}

struct Listed {
  const char* fixture;
  const char* golden;
};

class FilesReadPerCgroup : public testing::TestWithParam<Listed> {};

TEST_P(FilesReadPerCgroup, AreThoseListedAndNotTooMany) {
  Passes host(GetParam().fixture);
  host.pass();
  ASSERT_FALSE(host.container.empty());
  // A quota makes cpu.stat read.
  const int cpu = host.collector->layout().serving(Controller::cpu);
  const bool v2 =
      host.collector->layout().hierarchies[static_cast<std::size_t>(cpu)].version == Version::v2;
  host.host.files.set_file(host.file(Controller::cpu, v2 ? "cpu.max" : "cpu.cfs_quota_us"),
                           v2 ? "50000 100000\n" : "50000\n");
  host.collector = host.host.collector({}, &host.read);  // whose first pass is listed
  host.snapshot.report.reads = 0;
  const std::string text = list_reads(host);
  expect_golden(std::string("plan/") + GetParam().golden + ".txt", text);
  EXPECT_LE(host.read_of_container().size(), kMost) << text;
  EXPECT_LE(host.reads, kMost * host.snapshot.order.size()) << "of all cgroups together";
  host.collector->read_all_again();
  host.pass();
  EXPECT_LE(host.read_of_container().size(), kMostAtFirst) << text;
}

INSTANTIATE_TEST_SUITE_P(Fixtures, FilesReadPerCgroup,
                         testing::Values(Listed{"debian-6.1-v2-systemd", "reads-v2"},
                                         Listed{"debian-6.1-hybrid-cgroupfs", "reads-hybrid"},
                                         Listed{"linux-6.18-hybrid", "reads-hybrid-6.18"},
                                         Listed{"debian-6.1-v1-systemd", "reads-v1"}),
                         [](const auto& parameter) {
                           std::string name = parameter.param.golden;
                           std::ranges::replace(name, '-', '_');
                           std::ranges::replace(name, '.', '_');
                           return name;
                         });

}  // namespace
}  // namespace cgmon
