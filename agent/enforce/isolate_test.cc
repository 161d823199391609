#include "agent/enforce/isolate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/sched.h>

#include "agent/enforce/leftovers.h"
#include "agent/enforce/seccomp_filter.h"
#include "tests/support/tree_files.h"

namespace cgmon {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kId = "0123456789abcdef";

class IsolateTest : public testing::Test {
 protected:
  Result<IsolationPlan> plan(const Isolation& wanted) {
    return plan_isolation(wanted, {files_, roots_, caller_, kId, {}});
  }
  std::vector<std::string> lines(const Isolation& wanted) {
    const auto made = plan(wanted);
    if (!made) {
      ADD_FAILURE() << made.error().message();
      return {};
    }
    std::vector<std::string> found;
    for (const auto* steps : {&made->child.setup, &made->child.command}) {
      for (const ChildStep& step : *steps) found.push_back(text_of(step));
    }
    return found;
  }
  void become_ordinary() {
    caller_.uid = caller_.gid = 1000;
    files_.set_file("/proc/self/status", "Name:\tagent\nCapEff:\t0000000000000000\n");
  }

  TreeFiles files_;
  Roots roots_;
  Caller caller_{0, 0, "/root", {"PATH=/bin", "HOME=/root", "SECRET=1"}};
};

TEST_F(IsolateTest, DoesNothingUnasked) {
  const auto made = plan({});
  ASSERT_TRUE(made);
  EXPECT_EQ(made->child.namespaces, 0U);
  EXPECT_FALSE(made->child.has_init);
  EXPECT_FALSE(made->child.has_environment);
  EXPECT_THAT(made->child.setup, IsEmpty());
  EXPECT_THAT(made->child.command, IsEmpty());
  EXPECT_THAT(made->scratch, IsEmpty());
}

TEST_F(IsolateTest, NamesTheRightThatAnOrdinaryUserLacks) {
  become_ordinary();
  Isolation wanted;
  wanted.namespaces = bit(Namespace::net);
  const auto refused = plan(wanted);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr("CAP_SYS_ADMIN"));
  EXPECT_THAT(refused.error().message(), HasSubstr("--ns=user"));
  wanted.namespaces |= bit(Namespace::user);
  const auto made = plan(wanted);
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_EQ(made->child.namespaces, std::uint64_t{CLONE_NEWNET | CLONE_NEWUSER});
  ASSERT_EQ(made->maps.size(), 3U);
  EXPECT_EQ(made->maps[0].name + ' ' + made->maps[0].text, "setgroups deny");
  EXPECT_EQ(made->maps[1].text, "0 1000 1\n");
  wanted.uid_map = {{0, 100'000, 65'536}};
  EXPECT_THAT(plan(wanted).error().message(), HasSubstr("CAP_SETUID"));
}

TEST_F(IsolateTest, KeepsWhatAnOrdinaryUserIsolatesInAUserNamespace) {
  become_ordinary();
  Isolation wanted;
  wanted.standard = true;
  const auto made = plan(wanted);
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_TRUE((made->child.namespaces & CLONE_NEWUSER) != 0);
  EXPECT_TRUE(made->child.has_init);
}

TEST_F(IsolateTest, CleansTheEnvironment) {
  Isolation wanted;
  wanted.standard = true;
  wanted.environment = {"A=b", "HOME=/x"};
  auto made = plan(wanted);
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_THAT(made->child.environment, ElementsAre("PATH=/bin", "A=b", "HOME=/x"));
  wanted.standard = false;
  made = plan(wanted);
  EXPECT_THAT(made->child.environment, Contains("SECRET=1"));
  wanted.standard = true;
  wanted.environment = {"SECRET", "ABSENT"};
  made = plan(wanted);
  EXPECT_THAT(made->child.environment, ElementsAre("PATH=/bin", "HOME=/root", "SECRET=1"));
}

TEST_F(IsolateTest, GivesUpRightsInTheOrderThatTheyAreNeededIn) {
  files_.set_file("/etc/passwd", "root:x:0:0::/root:/bin/sh\nweb:x:33:34:Web:/srv:/bin/sh\n");
  files_.set_file("/etc/group", "disk:x:6:\n");
  Isolation wanted;
  wanted.user = "web:disk";
  wanted.capabilities = capability("net_raw");
  wanted.seccomp = Seccomp::standard;
  wanted.workdir = "/srv";
  std::vector<std::string> all = lines(wanted);
  ASSERT_EQ(all.size(), 6U);
  EXPECT_THAT(all.back(), HasSubstr("seccomp filter of "));
  all.pop_back();
  EXPECT_THAT(all, ElementsAre("chdir /srv", "capabilities of any program: net_raw",
                               "user 33, group 6, no other groups", "capabilities: net_raw",
                               "no new privileges by any program"));
  wanted.user = "nobody-here";
  EXPECT_THAT(plan(wanted).error().message(), HasSubstr("no user nobody-here"));
}

TEST_F(IsolateTest, MakesMountPointsBelowAllLayers) {
  files_.add_directory("/image/etc");
  files_.add_directory("/data");
  files_.add_directory("/var/tmp");
  Isolation wanted;
  wanted.lowers = {"/image/"};
  wanted.binds = {{"/data", "/srv/data", true}};
  const auto made = plan(wanted);
  ASSERT_TRUE(made) << made.error().message();
  std::vector<std::string> paths;
  for (const ScratchEntry& entry : made->scratch) paths.push_back(entry.path);
  const std::string scratch = "/var/tmp/cgmon-run-0123456789abcdef";
  EXPECT_THAT(paths, Contains(scratch + "/base/srv/data"));
  EXPECT_THAT(paths, Contains(scratch + "/base/proc"));
  EXPECT_THAT(made->scratch_roots, ElementsAre(scratch));
  EXPECT_THAT(lines(wanted), Contains(HasSubstr("lowerdir=/image:" + scratch +
                                                "/base,upperdir=" + scratch + "/upper")));
  EXPECT_THAT(lines(wanted), Contains("bind  /data at /srv/data, read only"));
}

TEST_F(IsolateTest, RefusesMoreLayersThanTheKernelTakes) {
  Isolation wanted;
  for (int i = 0; i < 100; ++i) {
    wanted.lowers.push_back("/a-directory-whose-name-is-rather-long-" + std::to_string(i));
    files_.add_directory(wanted.lowers.back());
  }
  EXPECT_THAT(plan(wanted).error().message(), HasSubstr("4095"));
}

TEST(SeccompFilter, FitsIntoTheKernel) {
  for (const Seccomp mode : {Seccomp::standard, Seccomp::log}) {
    const std::string filter = seccomp_filter(mode);
    EXPECT_EQ(filter.size() % sizeof(sock_filter), 0U);
    EXPECT_GT(filter.size(), 50 * sizeof(sock_filter));
    EXPECT_LT(filter.size(), std::size_t{BPF_MAXINSNS} * sizeof(sock_filter));
  }
  EXPECT_NE(seccomp_filter(Seccomp::standard), seccomp_filter(Seccomp::log));
}

TEST(ScratchOfState, TakesOnlyWhatIsOurs) {
  const auto of = [](const std::string& scratch) {
    return scratch_of_state(R"({"id":"0123456789abcdef","scratch":[")" + scratch + R"("]})");
  };
  EXPECT_THAT(of("/var/tmp/cgmon-run-0123456789abcdef"),
              ElementsAre("/var/tmp/cgmon-run-0123456789abcdef"));
  EXPECT_THAT(of("/etc"), IsEmpty());
  EXPECT_THAT(of("/etc/../cgmon-run-0123456789abcdef"), IsEmpty());
  EXPECT_THAT(of("cgmon-run-0123456789abcdef"), IsEmpty());
  EXPECT_THAT(of("/var/tmp/cgmon-run-fedcba9876543210"), IsEmpty());
}

}  // namespace
}  // namespace cgmon
