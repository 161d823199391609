#include "collectors/parse/cpuinfo.h"

#include <gtest/gtest.h>

#include <string>

namespace cgmon {
namespace {

/// As an x86 kernel writes it, the lines that do not count left out but for some.
std::string cpu(int number, int socket, int core) {
  return "processor\t: " + std::to_string(number) +
         "\nvendor_id\t: GenuineIntel\nphysical id\t: " + std::to_string(socket) +
         "\nsiblings\t: 4\ncore id\t\t: " + std::to_string(core) +
         "\ncpu cores\t: 2\npower management:\n\n";
}

TEST(ParseCpuinfo, CountsCpusCoresAndSockets) {
  std::string text;
  for (int i = 0; i < 8; ++i) text += cpu(i, i / 4, i / 2 % 2);
  EXPECT_EQ(parse_cpuinfo(text), (CpuInfo{.cpus = 8, .cores = 4, .sockets = 2}));
}

TEST(ParseCpuinfo, LeavesCoresOpenWhereNotEveryCpuTellsThem) {
  EXPECT_EQ(parse_cpuinfo(cpu(0, 0, 0) + "processor\t: 1\nphysical id\t: 0\n\n"),
            (CpuInfo{.cpus = 2}));
}

TEST(ParseCpuinfo, CountsTheCpusOfArm) {
  EXPECT_EQ(parse_cpuinfo("processor\t: 0\nBogoMIPS\t: 50.00\nCPU implementer\t: 0x41\n\n"
                          "processor\t: 1\nBogoMIPS\t: 50.00\nCPU implementer\t: 0x41\n\n"),
            (CpuInfo{.cpus = 2}));
}

TEST(ParseCpuinfo, HasNothingOfAnEmptyFile) { EXPECT_EQ(parse_cpuinfo(""), CpuInfo{}); }

TEST(ParseCpuinfo, HasNoMoreOfAFileThatWasCutAtAnyByte) {
  const std::string whole = cpu(0, 0, 0) + cpu(1, 0, 1);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    const CpuInfo info = parse_cpuinfo(whole.substr(0, i));
    EXPECT_LE(info.cpus, 2U);
    EXPECT_LE(info.cores, info.cpus);
    EXPECT_LE(info.sockets, info.cores);
  }
}

TEST(ParseCpuinfo, CountsNoCpuWhoseNumberIsNone) {
  for (const char* const bad :
       {"processor\n", "processor:\n", "processor\t: x\n", "processor\t: 99999999999999999999\n",
        "Processor\t: 0\n", "physical id\t: 0\ncore id\t\t: 0\n"}) {
    EXPECT_EQ(parse_cpuinfo(bad), CpuInfo{}) << bad;
  }
}

}  // namespace
}  // namespace cgmon
