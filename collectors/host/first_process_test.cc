#include "collectors/host/first_process.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/tree_files.h"

namespace cgmon {
namespace {

TEST(FirstProcess, IsTheFirstOfTheFile) {
  EXPECT_EQ(first_process("812\n813\n").pid, 812U);
  EXPECT_EQ(first_process("4194304\n").pid, 4194304U);
}

TEST(FirstProcess, IsNoneWhereTheFileIsEmptyOrCut) {
  EXPECT_EQ(first_process("").pid, 0U);
  EXPECT_EQ(first_process("81").pid, 0U);
  EXPECT_EQ(first_process("x\n-1\n\n99999999999\n").pid, 0U);
  EXPECT_FALSE(first_process("").hidden);
}

TEST(FirstProcess, IsHiddenWhereAllAreInAnotherPidNamespace) {
  EXPECT_TRUE(first_process("0\n0\n").hidden);
  EXPECT_EQ(first_process("0\n0\n").pid, 0U);
  EXPECT_EQ(first_process("0\n7\n").pid, 7U);  // the agent's own cgroup
}

TEST(FirstProcess, OfAFileWithManyIsReadFromItsBeginning) {
  TreeFiles files;
  std::string text;
  for (int pid = 1000; pid < 20'000; ++pid) text += std::to_string(pid) + '\n';
  files.set_file("/c/cgroup.procs", text);
  EXPECT_EQ(read_first_process(files, Files::kAbsolute, "/c/cgroup.procs").pid, 1000U);
  EXPECT_EQ(read_first_process(files, Files::kAbsolute, "/c/nothing").error, -ENOENT);
  files.set_error("/c/cgroup.procs", EOPNOTSUPP);
  EXPECT_EQ(read_first_process(files, Files::kAbsolute, "/c/cgroup.procs").error, -EOPNOTSUPP);
  EXPECT_EQ(files.open_handles(), 0U);
}

TEST(OwnPidNamespace, IsTheOneThatTheKernelDidNotBeginWith) {
  TreeFiles files;
  EXPECT_FALSE(in_own_pid_namespace(files));
  files.add_link("/proc/self/ns/pid", "pid:[4026531836]");
  EXPECT_FALSE(in_own_pid_namespace(files));
  files.remove("/proc/self/ns/pid").add_link("/proc/self/ns/pid", "pid:[4026532299]");
  EXPECT_TRUE(in_own_pid_namespace(files));
}

TEST(PidView, FitsAProcfsThatKnowsThisProcessByTheSameNumber) {
  TreeFiles files;
  EXPECT_TRUE(pid_view(files, "/proc").fits_procfs);
  files.set_file("/proc/self/status", "Name:\ta\nNSpid:\t12\nNSpgid:\t12\t1\n");
  EXPECT_TRUE(pid_view(files, "/proc").fits_procfs);
  files.set_file("/host/proc/self/status", "Name:\tNSpid: 1 2\nNSpid:\t4711\t12\n");
  EXPECT_FALSE(pid_view(files, "/host/proc").fits_procfs);
}

}  // namespace
}  // namespace cgmon
