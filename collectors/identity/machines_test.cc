#include "collectors/identity/machines.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>

#include "tests/support/tree_files.h"

namespace cgmon {
namespace {

// As systemd 252 writes it.
const std::string kMachine =
    "# This is private data. Do not parse.\nNAME=deb\nUNIT=systemd-nspawn@deb.service\n"
    "SCOPE=systemd-nspawn@deb.service\nSERVICE=systemd-nspawn\nROOT=/var/lib/machines/deb\n"
    "LEADER=1234\nCLASS=container\nREALTIME=1700000000000000\nMONOTONIC=5\n";

TEST(ParseMachine, ReadsWhoMadeItAndWhen) {
  const auto read = parse_machine(kMachine);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->name, "deb");
  EXPECT_EQ(read->runtime, "nspawn");
  EXPECT_EQ(read->life.created_at_ns, 1'700'000'000'000'000'000);
  EXPECT_TRUE(read->complete);
  EXPECT_EQ(parse_machine("NAME=vm\nSERVICE=libvirt-qemu\n")->runtime, "libvirt");
  EXPECT_EQ(parse_machine("NAME=x\nSERVICE=other\n")->runtime, "");
}

TEST(ParseMachine, UndoesQuotesAndBoundsWhatIsHostile) {
  EXPECT_EQ(parse_machine("NAME=\"a \\\"b\\\\ \\$c\"\n")->name, "a \"b\\ $c");
  EXPECT_EQ(parse_machine("NAME=\"\\\"")->name, "\\");
  EXPECT_EQ(parse_machine("NAME=" + std::string(10'000, 'x'))->name.size(), kMaxLabelBytes);
  EXPECT_EQ(parse_machine("NAME=\xff")->name, "\xEF\xBF\xBD");
  EXPECT_EQ(parse_machine("NAME=x\nREALTIME=18446744073709551615")->life.created_at_ns, 0);
  for (const char* const bad : {"", "NAME=", "NAME", "NAME=\"\"", "XNAME=a", "\n\n"}) {
    const auto read = parse_machine(bad);
    ASSERT_FALSE(read) << bad;
    EXPECT_EQ(read.error().error, EBADMSG);
  }
}

TEST(Machines, AreFoundByTheirUnit) {
  TreeFiles files;
  files.set_file("/run/systemd/machines/deb", kMachine)
      .add_link("/run/systemd/machines/unit:systemd-nspawn@deb.service", "deb");
  HostFiles host(files, Roots{});
  Machines machines(host);
  EXPECT_EQ(machines.read("systemd-nspawn@deb.service")->name, "deb");
  EXPECT_EQ(machines.read("machine-other.scope").error().error, ENOENT);
  EXPECT_EQ(machines.read("../deb").error().error, ENOENT);
}

}  // namespace
}  // namespace cgmon
