#include "collectors/identity/host_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "collectors/kernel/system_files.h"
#include "tests/support/tree_files.h"

namespace cgmon {
namespace {

using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

struct BelowHost : testing::Test {
  BelowHost() {
    files.set_file("/host/etc/a", "inside").set_file("/etc/a", "outside");
    files.add_link("/host/link", "/etc/a").add_link("/host/up", "../../etc");
    files.add_fifo("/host/fifo");
  }
  TreeFiles files;
};

TEST_F(BelowHost, LinksLeadNowhereElse) {
  HostFiles host(files, Roots{.rootfs = "/host"});
  std::string text;
  EXPECT_EQ(host.read("/link", text), 0);
  EXPECT_EQ(text, "inside") << "the host's own / is /host";
  EXPECT_EQ(host.read("/up/a", text), 0);
  EXPECT_EQ(text, "inside");
  EXPECT_EQ(host.read("/fifo", text), -EINVAL);
  EXPECT_EQ(host.read("/etc", text), -EINVAL);
  EXPECT_EQ(host.read("/missing", text), -ENOENT);
}

TEST_F(BelowHost, ListsBeneathTheRootWithABound) {
  for (int i = 0; i < 10; ++i) files.add_directory("/host/data/d" + std::to_string(i));
  files.set_file("/host/data/file", "").add_link("/host/moved", "/data");
  files.set_file("/data/secret", "");
  HostFiles host(files, Roots{.rootfs = "/host"});
  int error = 1;
  EXPECT_THAT(host.names("/up", 100, error), UnorderedElementsAre("a"));
  EXPECT_EQ(error, 0);
  EXPECT_THAT(host.directories("/moved", 100), SizeIs(10));
  EXPECT_THAT(host.names("/moved", 100, error), SizeIs(11));
  EXPECT_THAT(host.names("/moved", 3, error), SizeIs(3));
  EXPECT_THAT(host.names("/etc/a", 3, error), IsEmpty());
  EXPECT_EQ(error, -ENOTDIR);
  EXPECT_EQ(files.open_handles(), 1U);
}

TEST_F(BelowHost, BoundsSizes) {
  files.set_file("/host/just", std::string(HostFiles::kMaxFile, 'x'));
  files.set_file("/host/large", std::string(HostFiles::kMaxFile + 1, 'x'));
  HostFiles host(files, Roots{.rootfs = "/host"});
  std::string text;
  EXPECT_EQ(host.read("/just", text), 0);
  EXPECT_THAT(text, SizeIs(HostFiles::kMaxFile));
  EXPECT_EQ(host.read("/large", text), -EFBIG);
  EXPECT_EQ(text, "");
  const int file = host.open("/large");
  ASSERT_GE(file, 0);
  std::array<char, 8> buffer{};
  EXPECT_EQ(host.read_at(file, HostFiles::kMaxFile - 7, buffer), 0);
  EXPECT_EQ(host.read_at(file, HostFiles::kMaxFile, buffer), -ERANGE);
  host.close(file);
}

TEST(HostFiles, SayWhyTheRootCannotBeOpened) {
  TreeFiles files;
  HostFiles host(files, Roots{.rootfs = "/none"});
  std::string text;
  int error = 0;
  EXPECT_EQ(host.error(), -ENOENT);
  EXPECT_EQ(host.read("/a", text), -ENOENT);
  EXPECT_THAT(host.names("/", 1, error), IsEmpty());
  EXPECT_EQ(error, -ENOENT);
}

TEST(IsPathComponent, RefusesWhatWouldBeAnother) {
  for (const char* const good : {"a", "...", "a b", "\xff"}) {
    EXPECT_TRUE(is_path_component(good)) << good;
  }
  for (const std::string_view bad :
       {std::string_view(), std::string_view("."), std::string_view(".."), std::string_view("a/b"),
        std::string_view("a\0b", 3)}) {
    EXPECT_FALSE(is_path_component(bad)) << bad;
  }
  EXPECT_FALSE(is_path_component(std::string(256, 'x')));
}

TEST(HostFiles, DoesNotLookThroughAllThatFillsADirectory) {
  // tmpfs lists by age, in the one direction or the other: what was made between is between.
  std::string top = "/dev/shm/cgmon-host-files-XXXXXX";
  if (::mkdtemp(top.data()) == nullptr) {
    GTEST_SKIP()
        << "the order of a listing is known of tmpfs alone, and no directory can be made in "
           "/dev/shm: "
        << std::strerror(errno);
  }
  const auto fill = [&](const std::string& prefix) {
    for (int i = 0; i < 2000; ++i) std::ofstream(top + '/' + prefix + std::to_string(i)) << "";
  };
  fill("a");
  std::filesystem::create_directory(top + "/wanted");
  fill("b");
  SystemFiles files;
  Roots roots;
  roots.rootfs = top;
  HostFiles host(files, roots);
  const std::vector<std::string> none, wanted{"wanted"};
  EXPECT_EQ(host.directories("/", 1), none) << "2000 others come first";
  EXPECT_EQ(host.directories("/", 1000), wanted);
  std::filesystem::remove_all(top);
}

}  // namespace
}  // namespace cgmon
