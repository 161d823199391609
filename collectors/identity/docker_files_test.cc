#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>

#include "collectors/identity/docker.h"
#include "collectors/kernel/system_files.h"
#include "tests/support/faulty_files.h"
#include "tests/support/tree_files.h"

namespace cgmon {
namespace {

using testing::ElementsAre;

const std::string kId(64, 'a');

/// A host's root in a directory of its own, on the real file system.
class DockerFilesOnDisk : public testing::Test {
 protected:
  DockerFilesOnDisk() {
    std::string path = testing::TempDir() + "docker_files_XXXXXX";
    EXPECT_NE(::mkdtemp(path.data()), nullptr);
    top_ = path;
    std::filesystem::create_directory(top_ / "root");
    roots_.rootfs = top_ / "root";
  }
  ~DockerFilesOnDisk() override { std::filesystem::remove_all(top_); }

  void write(const std::string& path, const std::string& content) {
    const std::filesystem::path whole = top_ / path;
    std::filesystem::create_directories(whole.parent_path());
    std::ofstream(whole) << content;
  }
  static std::string config_path(const std::string& data_root) {
    return data_root + "/containers/" + kId + "/config.v2.json";
  }
  static std::string config_of(const std::string& name) { return R"({"Name":"/)" + name + "\"}"; }
  /// The name, or the errno's.
  std::string read(std::vector<std::string> data_roots) {
    DockerFiles docker(files_, roots_, std::move(data_roots));
    const auto metadata = docker.read(kId);
    return metadata ? metadata->name : std::string(errno_name(metadata.error().error));
  }
  std::vector<std::string> found_roots() { return DockerFiles(files_, roots_, {}).data_roots(); }

  std::filesystem::path top_;
  Roots roots_;
  SystemFiles files_;
};

TEST(DockerFilesNetwork, IsWhatItsNetworksAreOrWhoseItUses) {
  TreeFiles files;
  const std::string directory = "/var/lib/docker/containers/" + kId;
  const auto network = [&](const std::string& networks, const std::string& mode,
                           const std::string& labels = "") {
    files.set_file(directory + "/config.v2.json",
                   R"({"Name":"/web","Config":{"Labels":{)" + labels +
                       R"(}},"NetworkSettings":{"Networks":{)" + networks + "}}}");
    files.set_file(directory + "/hostconfig.json", R"({"NetworkMode":")" + mode + "\"}");
    const auto read = DockerFiles(files, Roots{}, {"/var/lib/docker"}).read(kId);
    return read ? read->network : "malformed";
  };
  EXPECT_EQ(network(R"("host":{"NetworkID":"a"})", "host"), "host");
  EXPECT_EQ(network(R"("none":{})", "none"), "none");
  EXPECT_EQ(network(R"("bridge":{"IPAMConfig":null})", "default"), "own");
  EXPECT_EQ(network(R"("shop_default":{"DriverOpts":{"host":"x"}})", "shop_default"), "own");
  EXPECT_EQ(network("", "container:bb"), "container");
  EXPECT_EQ(network("", "container:bb", R"("io.kubernetes.pod.uid":"1")"), "pod");
  EXPECT_EQ(network("", "bridge"), "own") << "taken out of all networks";
  EXPECT_EQ(network("", ""), "");
  files.remove(directory + "/hostconfig.json");
  EXPECT_EQ(DockerFiles(files, Roots{}, {"/var/lib/docker"}).read(kId)->network, "");
}

TEST_F(DockerFilesOnDisk, LooksInDockersDefaultDirectory) {
  write(config_path("root/var/lib/docker"), config_of("web"));
  EXPECT_EQ(read({}), "web");
  EXPECT_THAT(found_roots(), ElementsAre("/var/lib/docker"));
}

TEST_F(DockerFilesOnDisk, FollowsTheDataRootOfTheDaemonsConfiguration) {
  write("root/etc/docker/daemon.json", R"({"log-opts":{"data-root":"/no"},"data-root":"/mnt/d/"})");
  write(config_path("root/mnt/d"), config_of("moved"));
  EXPECT_THAT(found_roots(), ElementsAre("/mnt/d"));
  EXPECT_EQ(read({}), "moved");
}

TEST_F(DockerFilesOnDisk, KeepsToTheDefaultWhenTheConfigurationNamesNoDirectory) {
  for (const std::string text :
       {"", "{", "[]", "{}", R"({"data-root":5})", R"({"data-root":["/x"]})", R"({"data-root":""})",
        R"({"data-root":"relative"})", R"({"x":{"data-root":"/x"}})"}) {
    write("root/etc/docker/daemon.json", text);
    EXPECT_THAT(found_roots(), ElementsAre("/var/lib/docker")) << text;
  }
}

TEST_F(DockerFilesOnDisk, TriesSeveralDataRootsInTurn) {
  write("root/etc/docker/daemon.json", R"({"data-root":"/ignored"})");
  write(config_path("root/b"), config_of("second"));
  EXPECT_EQ(read({"/a", "/b/"}), "second");
  write(config_path("root/a"), config_of("first"));
  EXPECT_EQ(read({"/a", "/b/"}), "first");
}

TEST_F(DockerFilesOnDisk, TakesAnySpellingOfADataRoot) {
  write(config_path("root/a"), config_of("web"));
  write(config_path("root"), config_of("top"));
  EXPECT_EQ(read({"//a//"}), "web");
  EXPECT_EQ(read({"a"}), "web");
  EXPECT_EQ(read({"/"}), "top");
  EXPECT_EQ(read({""}), "top");
}

TEST_F(DockerFilesOnDisk, SaysWhichFileCouldNotBeReadAndWhy) {
  // A directory in the place of the file, then no file at all: the first is the more telling one.
  std::filesystem::create_directories(top_ / config_path("root/a"));
  DockerFiles docker(files_, roots_, {"/a", "/b"});
  const auto metadata = docker.read(kId);
  ASSERT_FALSE(metadata);
  EXPECT_EQ(metadata.error().error, EINVAL);
  EXPECT_EQ(metadata.error().path, config_path("/a"));
  EXPECT_EQ(read({"/b"}), "ENOENT");
}

TEST_F(DockerFilesOnDisk, SaysThatTheHostsRootIsMissing) {
  roots_.rootfs = top_ / "none";
  EXPECT_EQ(read({}), "ENOENT");
}

TEST_F(DockerFilesOnDisk, NeverWaitsForAFifo) {
  const std::filesystem::path path = top_ / config_path("root/a");
  std::filesystem::create_directories(path.parent_path());
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(read({"/a"}), "EINVAL");  // ctest's timeout would end a test that waits
}

TEST_F(DockerFilesOnDisk, DoesNotEvenOpenAFifo) {
  const std::filesystem::path path = top_ / config_path("root/a");
  std::filesystem::create_directories(path.parent_path());
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  write(config_path("root/b"), config_of("web"));
  const int watch = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  ASSERT_GE(::inotify_add_watch(watch, path.c_str(), IN_OPEN), 0);
  std::array<char, 256> event{};
  EXPECT_EQ(read({"/a", "/b"}), "web");
  EXPECT_EQ(::read(watch, event.data(), event.size()), -1) << "it was opened";
  EXPECT_EQ(errno, EAGAIN);
  ::close(watch);
}

TEST_F(DockerFilesOnDisk, LeavesTheHostsRootThroughNoLink) {
  write(config_path("outside"), config_of("stolen"));
  write("outside/config.v2.json", config_of("stolen"));
  const std::filesystem::path root = top_ / "root";
  std::filesystem::create_directory_symlink(top_ / "outside", root / "absolute");
  std::filesystem::create_directory_symlink("../../../outside", root / "relative");
  std::filesystem::create_directories(root / "file/containers" / kId);
  std::filesystem::create_symlink(top_ / "outside/config.v2.json", root / config_path("file"));
  EXPECT_EQ(read({"/absolute"}), "ENOENT");
  EXPECT_EQ(read({"/relative"}), "ENOENT");
  EXPECT_EQ(read({"/file"}), "ENOENT");
  EXPECT_EQ(read({"/../outside"}), "ENOENT");
}

TEST_F(DockerFilesOnDisk, FollowsALinkThatStaysInTheHostsRoot) {
  write(config_path("root/mnt/d"), config_of("linked"));
  std::filesystem::create_directories(top_ / "root/var/lib");
  std::filesystem::create_directory_symlink("/mnt/d", top_ / "root/var/lib/docker");
  EXPECT_EQ(read({}), "linked");
}

TEST_F(DockerFilesOnDisk, ReadsAFileUpToItsBoundAndNoLargerOne) {
  const std::string text = config_of("web");
  constexpr std::size_t kBound = 1U << 20U;
  write(config_path("root/a"), text + std::string(kBound - text.size(), ' '));
  EXPECT_EQ(read({"/a"}), "web");
  write(config_path("root/a"), text + std::string(kBound - text.size() + 1, ' '));
  EXPECT_EQ(read({"/a"}), "EFBIG");
  write(config_path("root/a"), "");
  EXPECT_EQ(read({"/a"}), "EBADMSG");
}

TEST(DockerFiles, ReportsAFileThatMayNotBeRead) {
  TreeFiles files;
  const std::string path = "/var/lib/docker/containers/" + kId + "/config.v2.json";
  files.set_file(path, R"({"Name":"/web"})").set_error(path, EACCES);
  DockerFiles docker(files, Roots{}, {});
  const auto metadata = docker.read(kId);
  ASSERT_FALSE(metadata);
  EXPECT_EQ(metadata.error().error, EACCES);
}

TEST(DockerFiles, ReportsWhicheverCallFailsAndClosesWhatItOpened) {
  TreeFiles files;
  files.set_file("/var/lib/docker/containers/" + kId + "/config.v2.json", R"({"Name":"/web"})");
  std::size_t failures = 0;
  for (std::size_t n = 1; n < 100; ++n) {
    FaultyFiles faulty(files, {.nth = n, .error = EIO});
    {
      DockerFiles docker(faulty, Roots{}, {});
      const auto metadata = docker.read(kId);
      // The configuration of the daemon may be missing; without it the default stands.
      if (metadata) {
        EXPECT_EQ(metadata->name, "web") << n;
      } else {
        EXPECT_EQ(metadata.error().error, EIO) << n;
        ++failures;
      }
    }
    EXPECT_EQ(files.open_handles(), 0U) << n;
    if (!faulty.fired()) break;
  }
  EXPECT_GE(failures, 3U) << "the root, opening, reading";
  EXPECT_EQ(files.bad_handles(), 0U);
}

}  // namespace
}  // namespace cgmon
