// The captured hosts in tests/fixtures hold what they are there for.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <functional>
#include <map>

#include "tests/support/tree_files.h"

namespace cgmon {
namespace {

using testing::HasSubstr;

struct Host {
  const char* name;
  std::uint32_t top_magic;    ///< of /sys/fs/cgroup
  const char* memory;         ///< where the memory controller's top is, or nullptr
  const char* v2;             ///< where the v2 hierarchy's top is, or nullptr
  std::size_t places_of_web;  ///< in how many hierarchies the container is; links not counted
};

std::ostream& operator<<(std::ostream& out, const Host& host) { return out << host.name; }

constexpr const char* kTop = "/sys/fs/cgroup";
constexpr const char* kMemory = "/sys/fs/cgroup/memory";
constexpr const char* kUnified = "/sys/fs/cgroup/unified";

class CapturedTree : public testing::TestWithParam<Host> {
 protected:
  void SetUp() override {
    const Result<void> loaded =
        files_.load(std::string("tests/fixtures/") + GetParam().name + ".tree");
    ASSERT_TRUE(loaded) << loaded.error().message();
  }
  /// Calls back for every directory at and below `path`.
  void each_directory(const std::string& path,
                      const std::function<void(const std::string&)>& visit) {
    visit(path);
    DirectoryListing listing;
    ASSERT_EQ(files_.list_directories(Files::kAbsolute, path.c_str(), listing), 0) << path;
    for (const auto& entry : listing.entries()) {
      each_directory(std::string(path).append("/").append(listing.name(entry)), visit);
    }
  }
  TreeFiles files_;
};

TEST_P(CapturedTree, HasTheFileSystemsOfItsLayout) {
  EXPECT_EQ(files_.filesystem(kTop), GetParam().top_magic);
  EXPECT_EQ(files_.filesystem("/proc/self/mountinfo"), kProcMagic);
  const bool v1 = GetParam().top_magic == kTmpfsMagic;
  if (GetParam().memory != nullptr) {
    EXPECT_EQ(files_.filesystem(GetParam().memory), v1 ? kCgroupMagic : kCgroup2Magic);
  }
  if (GetParam().v2 != nullptr) {
    EXPECT_EQ(files_.filesystem(GetParam().v2), kCgroup2Magic);
  }
  EXPECT_THAT(files_.content("/proc/self/mountinfo"), HasSubstr(" /sys/fs/cgroup"));
}

TEST_P(CapturedTree, CountsTheLinksOfEveryCgroupAsItListsThem) {
  std::size_t directories = 0;
  each_directory(kTop, [&](const std::string& path) {
    FileStatus status;
    DirectoryListing listing;
    ASSERT_EQ(files_.status(Files::kAbsolute, path.c_str(), status), 0);
    ASSERT_EQ(files_.list_directories(Files::kAbsolute, path.c_str(), listing), 0);
    EXPECT_EQ(status.links, 2 + listing.entries().size()) << path;
    EXPECT_NE(status.inode, 0U);
    EXPECT_GT(status.mtime_ns, 1'700'000'000'000'000'000) << path;
    ++directories;
  });
  EXPECT_GT(directories, 20U);
}

TEST_P(CapturedTree, HasTheContainerInEveryHierarchyWithItsProcesses) {
  std::size_t places = 0;
  std::string id;
  each_directory("/sys/fs/cgroup", [&](const std::string& path) {
    const std::string procs = path + "/cgroup.procs";
    if (!files_.exists(procs) || files_.content(procs).empty()) return;
    if (path.find("docker/") == path.npos && path.find("/docker-") == path.npos) return;
    std::string pid = files_.content(procs).substr(0, files_.content(procs).find('\n'));
    EXPECT_TRUE(files_.exists("/proc/" + pid + "/stat")) << procs;
    const std::string cgroups = files_.content("/proc/" + pid + "/cgroup");
    const std::string leaf = path.substr(path.rfind('/'));
    EXPECT_THAT(cgroups, HasSubstr(leaf));
    if (id.empty()) id = leaf;
    if (leaf == id) ++places;
  });
  EXPECT_EQ(places, GetParam().places_of_web);
}

TEST_P(CapturedTree, HasFilesThatCannotBeRead) {
  const bool v1 = GetParam().top_magic == kTmpfsMagic;
  const std::string path = std::string(kTop) + (v1 ? "/devices/devices.allow" : "/memory.reclaim");
  const int file = files_.open(Files::kAbsolute, path.c_str());
  ASSERT_GE(file, 0);
  char byte = 0;
  EXPECT_EQ(files_.read(file, std::span(&byte, 1), 0), -EINVAL);
  files_.close(file);
}

/// Memory usage by id, as cAdvisor showed it.
std::map<std::string, std::string> expected_usage(const std::string& file) {
  std::map<std::string, std::string> usage;
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) {
    const std::size_t first = line.find('\t'), last = line.rfind('\t');
    if (line.substr(0, first) != "container_memory_usage_bytes") continue;
    const std::string labels = line.substr(first + 1, last - first - 1);  // id="/…"
    usage[labels.substr(4, labels.size() - 5)] = line.substr(last + 1);
  }
  return usage;
}

TEST_P(CapturedTree, AgreesWithWhatCadvisorShowed) {
  const std::string file = std::string("tests/fixtures/expected/") + GetParam().name + ".tsv";
  const std::map<std::string, std::string> usage = expected_usage(file);
  const bool witnessed = std::string_view(GetParam().name).ends_with("-v2-systemd") ||
                         std::string_view(GetParam().name).ends_with("-v1-systemd") ||
                         std::string_view(GetParam().name).ends_with("-hybrid-cgroupfs") ||
                         std::string_view(GetParam().name) == "linux-6.18-hybrid";
  ASSERT_EQ(usage.size(), witnessed ? 2U : 0U);
  const bool v1 = GetParam().top_magic == kTmpfsMagic;
  for (const auto& [id, value] : usage) {
    const std::string name = v1 ? "/memory.usage_in_bytes" : "/memory.current";
    const std::string path = std::string(GetParam().memory).append(id).append(name);
    EXPECT_EQ(files_.content(path), value + "\n") << id;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Hosts, CapturedTree,
    testing::Values(Host{"debian-6.1-v2-systemd", kCgroup2Magic, kTop, kTop, 1},
                    Host{"debian-6.1-v2-cgroupfs", kCgroup2Magic, kTop, kTop, 1},
                    Host{"debian-6.1-v1-systemd", kTmpfsMagic, kMemory, nullptr, 12},
                    Host{"debian-6.1-v1-cgroupfs", kTmpfsMagic, kMemory, nullptr, 12},
                    Host{"debian-6.1-hybrid-systemd", kTmpfsMagic, kMemory, kUnified, 13},
                    Host{"debian-6.1-hybrid-cgroupfs", kTmpfsMagic, kMemory, kUnified, 13},
                    Host{"debian-6.1-v2-nopsi", kCgroup2Magic, kTop, kTop, 1},
                    Host{"debian-6.1-v1-nomemory", kTmpfsMagic, nullptr, nullptr, 11},
                    Host{"linux-6.18-hybrid", kTmpfsMagic, kMemory, kUnified, 10}),
    [](const auto& host) {
      std::string name = host.param.name;
      std::ranges::replace_if(
          name, [](char c) { return c == '-' || c == '.'; }, '_');
      return name;
    });

TEST(CapturedTrees, SayWhichFileCannotBeLoaded) {
  TreeFiles files;
  const Result<void> loaded = files.load("tests/fixtures/missing.tree");
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().message(), HasSubstr("tests/fixtures/missing.tree"));
  EXPECT_FALSE(files.load_text("cgmon-tree 1\nf /a/b 0644\n", "x")) << "no directory above";
}

}  // namespace
}  // namespace cgmon
