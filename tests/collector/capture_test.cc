// What tests/vm/capture writes down of living cgroups, loaded, answers as the kernel does.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "collectors/kernel/system_files.h"
#include "tests/collector/own_cgroups.h"
#include "tests/support/tree_files.h"

namespace cgmon {
namespace {

namespace fs = std::filesystem;

/// A process that does nothing until it is ended with this object.
class IdleProcess {
 public:
  IdleProcess() : pid_(::fork()) {
    if (pid_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (true) ::pause();
  }
  IdleProcess(const IdleProcess&) = delete;
  IdleProcess& operator=(const IdleProcess&) = delete;
  ~IdleProcess() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
};

/// A file's content, or why it cannot be read.
std::string read_all(Files& files, const std::string& path) {
  std::string content;
  const int error = read_file(files, Files::kAbsolute, path.c_str(), 1 << 20, content);
  return error == 0 ? content : std::string(errno_name(-error));
}

std::set<std::string> directories(Files& files, const std::string& path) {
  DirectoryListing listing;
  EXPECT_EQ(files.list_directories(Files::kAbsolute, path.c_str(), listing), 0) << path;
  std::set<std::string> names;
  for (const auto& entry : listing.entries()) names.emplace(listing.name(entry));
  return names;
}

class Capture : public testing::Test {
 protected:
  /// Every file and directory at and below the own cgroups, files with what the kernel says.
  std::map<std::string, std::string> as_the_kernel_has_it() {
    std::map<std::string, std::string> seen;
    for (const std::string& mount : cgroups_.mounts()) {
      seen[mount + cgroups_.top()] = "";
      for (const auto& entry : fs::recursive_directory_iterator(mount + cgroups_.top())) {
        const std::string path = entry.path();
        const std::string name = entry.path().filename();
        if (name == "tasks" || name == "cgroup.clone_children" || name == "notify_on_release") {
          continue;  // left out
        }
        seen[path] = entry.is_directory() ? "" : read_all(system_, path);
      }
    }
    return seen;
  }

  /// Captures the own cgroups alone and loads what was written.
  void capture() {
    std::string name = testing::TempDir() + "cgmon-capture-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    std::string command = "python3 tests/vm/capture/observe.py";
    for (const std::string& mount : cgroups_.mounts()) {
      command += " --only '" + mount + cgroups_.top() + "'";
    }
    command += " " + name + "/host.tree";
    // NOLINTNEXTLINE(concurrency-mt-unsafe): one thread
    const int status = std::system(command.c_str());
    const Result<void> loaded = tree_.load(name + "/host.tree");
    fs::remove_all(name);
    ASSERT_EQ(status, 0) << command;
    ASSERT_TRUE(loaded) << loaded.error().message();
  }

  SystemFiles system_;
  TreeFiles tree_;
  Roots roots_;
  OwnCgroups cgroups_{detect_layout(system_, roots_).value()};
};

TEST_F(Capture, AnswersAsTheKernelDidAboutLivingCgroups) {
  if (!cgroups_.refused().empty()) GTEST_SKIP() << cgroups_.refused();
  ASSERT_TRUE(cgroups_.make("/with a process") && cgroups_.make("/odd\\x2dname: \t"));
  const IdleProcess process;
  for (const std::string& mount : cgroups_.mounts()) {
    // A new cpuset of v1 takes no process; the others are enough.
    std::ofstream(mount + cgroups_.top() + "/with a process/cgroup.procs") << process.pid();
  }
  const auto before = as_the_kernel_has_it();
  capture();
  const auto after = as_the_kernel_has_it();
  ASSERT_EQ(before.size(), after.size());
  std::size_t same = 0;
  for (const auto& [path, content] : before) {
    if (content != after.at(path)) continue;  // it moved on meanwhile, as pressure's averages do
    FileStatus real, captured;
    ASSERT_EQ(system_.status(Files::kAbsolute, path.c_str(), real), 0) << path;
    ASSERT_EQ(tree_.status(Files::kAbsolute, path.c_str(), captured), 0) << path;
    EXPECT_EQ(captured.mode, real.mode) << path;
    EXPECT_EQ(captured.links, real.links) << path;
    EXPECT_EQ(tree_.filesystem(path.c_str()), system_.filesystem(path.c_str())) << path;
    if (S_ISDIR(real.mode)) {
      EXPECT_EQ(captured.inode, real.inode) << path;
      EXPECT_EQ(captured.mtime_ns, real.mtime_ns) << path;
      EXPECT_EQ(directories(tree_, path), directories(system_, path)) << path;
    } else {
      EXPECT_EQ(read_all(tree_, path), content) << path;
      ++same;
    }
  }
  EXPECT_GT(same, before.size() / 2);
}

}  // namespace
}  // namespace cgmon
