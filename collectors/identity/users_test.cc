#include "collectors/identity/users.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/tree_files.h"

namespace cgmon {
namespace {

TEST(ParsePasswd, ReadsUsersAndSkipsWhatIsNone) {
  const auto users = parse_passwd(
      "root:x:0:0:root:/root:/bin/sh\nann:x:1000:1000:Ann,,:/home/ann/:/bin/sh\n\nx\n:x:5:5::/:/\n"
      "neg:x:-1:0::/:/\nbig:x:4294967295:0::/:/\nnohome:x:7:7::rel:/x\ncut:x:8");
  ASSERT_EQ(users.size(), 4U);
  EXPECT_EQ(users[0].name, "root");
  EXPECT_EQ(users[1].uid, 1000U);
  EXPECT_EQ(users[1].home, "/home/ann");
  EXPECT_EQ(users[2].home, "");
  EXPECT_EQ(users[3].name, "cut");
}

TEST(Users, FollowTheFile) {
  TreeFiles files;
  HostFiles host(files, Roots{});
  Users users(host);
  EXPECT_FALSE(users.refresh()) << "there is none yet";
  EXPECT_EQ(users.name_of("1000"), "");
  std::string text = "ann:x:1000:1000::/home/ann:/bin/sh\nnobody:x:65534:65534::/x:/x\n";
  for (int i = 0; i < 1000; ++i) {
    text += "u" + std::to_string(i) + ":x:" + std::to_string(2000 + i) + ":1::/home/u:/x\n";
  }
  files.set_file("/etc/passwd", text);
  EXPECT_TRUE(users.refresh());
  EXPECT_FALSE(users.refresh());
  EXPECT_EQ(users.name_of("1000"), "ann");
  EXPECT_EQ(users.name_of("2999"), "u999");
  for (const char* const uid : {"", "x", "1", "01000x", "99999999999999999999"}) {
    EXPECT_EQ(users.name_of(uid), "") << uid;
  }
  EXPECT_EQ(users.persons().size(), 256U) << "whose stores are looked into";
  files.remove("/etc/passwd");
  EXPECT_TRUE(users.refresh());
  EXPECT_EQ(users.name_of("1000"), "");
}

}  // namespace
}  // namespace cgmon
