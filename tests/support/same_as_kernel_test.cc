// TreeFiles is worth as much as it answers like the kernel: the same questions to both, about the
// same files.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <set>

#include "collectors/kernel/system_files.h"
#include "tests/support/tree_files.h"

namespace cgmon {
namespace {

namespace fs = std::filesystem;

/// The same small tree on a real file system and in memory, under the same absolute path.
class SameAsKernel : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "cgmon-files-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    outer_ = name;
    base_ = name + "/base";
    make_directory("/a/b/c");
    make_file("/a/file", "content\n");
    make_file("/a/.hidden/x", "");
    make_link("/link", "a/file");
    make_link("/dirlink", "a/b");
    make_link("/linklink", "dirlink");
    make_link("/absolute", base_ + "/a");
    make_link("/dangling", "nowhere");
    make_link("/loop", "loop");
    make_link("/up", "..");
    make_link("/escape", "../../../../../../../a/file");
    make_link("/to_slash", "a/b/");
    make_link("/file_slash", "a/file/");
    ASSERT_EQ(::mkfifo((base_ + "/fifo").c_str(), 0644), 0);
    tree_.add_fifo(base_ + "/fifo");
    system_top_ = system_.open_directory(Files::kAbsolute, base_.c_str());
    tree_top_ = tree_.open_directory(Files::kAbsolute, base_.c_str());
    ASSERT_GE(system_top_, 0);
    ASSERT_GE(tree_top_, 0);
  }
  void TearDown() override {
    system_.close(system_top_);
    fs::remove_all(outer_);
  }

  void make_directory(const std::string& path) {
    fs::create_directories(base_ + path);
    tree_.add_directory(base_ + path);
  }
  void make_file(const std::string& path, const std::string& content) {
    fs::create_directories(fs::path(base_ + path).parent_path());
    std::ofstream(base_ + path) << content;
    tree_.set_file(base_ + path, content);
  }
  void make_link(const std::string& path, const std::string& target) {
    fs::create_symlink(target, base_ + path);
    tree_.add_link(base_ + path, target);
  }

  /// Paths below the top, and the same as absolute ones.
  [[nodiscard]] std::vector<std::string> paths() const {
    std::vector<std::string> all{
        "",          ".",          "./",          "a",           "a/",          "a//b/./c",
        "a/b/..",    "a/file",     "a/file/",     "a/file/.",    "a/file/x",    "a/missing",
        "missing/x", "link",       "link/",       "link/x",      "dirlink",     "dirlink/",
        "dirlink/c", "linklink",   "linklink/c",  "linklink/..", "absolute",    "absolute/file",
        "dangling",  "dangling/x", "dangling/",   "loop",        "loop/x",      "up/base/a",
        "fifo",      "fifo/x",     "to_slash",    "to_slash/c",  "file_slash",  "a/.hidden",
        "..",        "../base",    "a/b/../file", "a/b/../../a", "file_slash/", "escape",
    };
    all.emplace_back(255, 'n');
    all.emplace_back(256, 'n');
    all.push_back("a/" + std::string(256, 'n') + "/x");
    all.push_back(std::string(4096, '/') + "a");
    all.push_back(std::string(4090, '/') + "a");
    const std::size_t relative = all.size();
    for (std::size_t i = 1; i < relative; ++i) all.push_back(base_ + "/" + all[i]);
    return all;
  }

  /// An answer in words: an errno's name or "ok".
  static std::string word(std::int64_t answer) {
    return answer < 0 ? std::string(errno_name(static_cast<int>(-answer))) : "ok";
  }
  /// What a handle is good for: the content of a file, or why it cannot be read.
  static std::string contents_and_close(Files& files, int handle) {
    if (handle < 0) return word(handle);
    std::array<char, 64> buffer{};
    const std::int64_t size = files.read(handle, buffer, 0);
    files.close(handle);
    return size < 0 ? word(size) : "\"" + std::string(buffer.data(), std::size_t(size)) + "\"";
  }

  std::string outer_, base_;
  SystemFiles system_;
  TreeFiles tree_;
  int system_top_ = -1, tree_top_ = -1;
};

std::string shown(const std::string& path) { return path.substr(0, 200); }

TEST_F(SameAsKernel, OpensAndReads) {
  for (const std::string& path : paths()) {
    if (path.ends_with("fifo")) continue;  // the kernel would wait for a writer
    EXPECT_EQ(contents_and_close(tree_, tree_.open(tree_top_, path.c_str())),
              contents_and_close(system_, system_.open(system_top_, path.c_str())))
        << shown(path);
  }
}

TEST_F(SameAsKernel, OpensDirectories) {
  for (const std::string& path : paths()) {
    EXPECT_EQ(contents_and_close(tree_, tree_.open_directory(tree_top_, path.c_str())),
              contents_and_close(system_, system_.open_directory(system_top_, path.c_str())))
        << shown(path);
  }
}

TEST_F(SameAsKernel, OpensBeneath) {
  // Without openat2 SystemFiles follows no link at all; then there is nothing to compare with.
  const int probe = system_.open_beneath(system_top_, "link");
  if (probe == -ELOOP) GTEST_SKIP() << "openat2 is not available here";
  system_.close(probe);
  for (const std::string& path : paths()) {
    EXPECT_EQ(contents_and_close(tree_, tree_.open_beneath(tree_top_, path.c_str())),
              contents_and_close(system_, system_.open_beneath(system_top_, path.c_str())))
        << shown(path);
  }
}

TEST_F(SameAsKernel, TellsStatus) {
  FileStatus real_top;
  ASSERT_EQ(system_.status(system_top_, ".", real_top), 0);
  const bool counts_links = real_top.links > 2;  // btrfs and some overlays always say 1
  for (const std::string& path : paths()) {
    FileStatus real, made;
    const int expected = system_.status(system_top_, path.c_str(), real);
    EXPECT_EQ(word(tree_.status(tree_top_, path.c_str(), made)), word(expected)) << shown(path);
    EXPECT_EQ(made.mode & S_IFMT, real.mode & S_IFMT) << shown(path);
    if (counts_links || !S_ISDIR(real.mode)) {
      EXPECT_EQ(made.links, real.links) << shown(path);
    }
  }
}

TEST_F(SameAsKernel, ReadsLinks) {
  const auto followed = [](Files& files, int dir, const std::string& path) {
    std::string target = "left over";
    const int error = files.read_link(dir, path.c_str(), target);
    return word(error) + ' ' + target;
  };
  for (const std::string& path : paths()) {
    EXPECT_EQ(followed(tree_, tree_top_, path), followed(system_, system_top_, path))
        << shown(path);
  }
}

TEST_F(SameAsKernel, TellsWhatIsReadableAndOnWhatFileSystem) {
  for (const std::string& path : paths()) {
    EXPECT_EQ(word(tree_.readable(tree_top_, path.c_str())),
              word(system_.readable(system_top_, path.c_str())))
        << shown(path);
    if (!path.starts_with('/')) continue;
    EXPECT_EQ(word(tree_.filesystem(path.c_str())), word(system_.filesystem(path.c_str())))
        << shown(path);
  }
}

TEST_F(SameAsKernel, ListsDirectories) {
  const auto names = [](Files& files, int dir, const std::string& path) {
    DirectoryListing listing;
    listing.add("left over", 1);
    const int error = files.list_directories(dir, path.c_str(), listing);
    std::set<std::string> found{word(error)};
    for (const auto& entry : listing.entries()) found.emplace(listing.name(entry));
    return found;
  };
  for (const std::string& path : paths()) {
    EXPECT_EQ(names(tree_, tree_top_, path), names(system_, system_top_, path)) << shown(path);
  }
}

TEST_F(SameAsKernel, ListsBeneath) {
  DirectoryListing probe;
  if (system_.list_beneath(system_top_, "link", false, 1, probe) == -ELOOP) {
    GTEST_SKIP() << "openat2 is not available here";
  }
  for (const bool directories : {false, true}) {
    const auto names = [&](Files& files, int dir, const std::string& path) {
      DirectoryListing listing;
      listing.add("left over", 1);
      const int error = files.list_beneath(dir, path.c_str(), directories, 1000, listing);
      std::set<std::string> found{word(error)};
      for (const auto& entry : listing.entries()) found.emplace(listing.name(entry));
      return found;
    };
    const auto bounded = [&](Files& files, int dir) {
      DirectoryListing listing;
      files.list_beneath(dir, ".", directories, 1, listing);
      return listing.entries().size();
    };
    EXPECT_EQ(bounded(tree_, tree_top_), 1U);
    EXPECT_EQ(bounded(system_, system_top_), 1U);
    for (const std::string& path : paths()) {
      EXPECT_EQ(names(tree_, tree_top_, path), names(system_, system_top_, path)) << shown(path);
    }
  }
}

TEST_F(SameAsKernel, CountsLinks) {
  const auto links = [](Files& files, int dir, const std::string& path) {
    LinkCounts counts{.links = 99, .sockets = 99};
    const int error = files.count_links(dir, path.c_str(), counts);
    return word(error) + ' ' + std::to_string(counts.links) + ' ' + std::to_string(counts.sockets);
  };
  for (const std::string& path : paths()) {
    EXPECT_EQ(links(tree_, tree_top_, path), links(system_, system_top_, path)) << shown(path);
  }
}

/// "NUMBER/NAME" of every directory that a watch saw being made.
std::vector<std::string> made_in(const WatchEvents& events) {
  std::vector<std::string> names;
  for (const WatchEvents::Made& made : events.made) {
    names.push_back(std::to_string(made.parent) + '/' + made.name);
  }
  return names;
}

TEST_F(SameAsKernel, WatchesFiles) {
  const int real = system_.open_watch(), made = tree_.open_watch();
  make_file("/a/watched", "1");
  EXPECT_EQ(tree_.watch_file(made, tree_top_, "a/none"),
            system_.watch_file(real, system_top_, "a/none"));
  const int number = system_.watch_file(real, system_top_, "a/watched");
  EXPECT_GT(number, 0);
  EXPECT_EQ(tree_.watch_file(made, tree_top_, "a/watched"), number);
  WatchEvents expected, seen;
  make_file("/a/other", "1");
  EXPECT_EQ(system_.read_watch(real, expected), 0);
  EXPECT_EQ(tree_.read_watch(made, seen), 0);
  EXPECT_EQ(expected.files, std::vector<int>());
  EXPECT_EQ(seen.files, expected.files);
  std::ofstream(base_ + "/a/watched", std::ios::app) << '2';
  tree_.set_file(base_ + "/a/watched", "12");
  EXPECT_EQ(system_.read_watch(real, expected), 0);
  EXPECT_EQ(tree_.read_watch(made, seen), 0);
  EXPECT_EQ(expected.files, std::vector<int>{number});
  EXPECT_EQ(seen.files, expected.files);
  EXPECT_EQ(seen.directories, expected.directories);
  system_.close(real);
  tree_.close(made);
}

TEST_F(SameAsKernel, WatchesTheFilesOfADirectory) {
  const int real = system_.open_watch(), made = tree_.open_watch();
  make_file("/a/limit", "1");
  make_file("/a/memory.events", "1");
  const int number = system_.watch_file(real, system_top_, "a");
  EXPECT_GT(number, 0);
  EXPECT_EQ(tree_.watch_file(made, tree_top_, "a"), number);
  const auto append = [&](const std::string& path) {
    std::ofstream(base_ + path, std::ios::app) << '2';
    tree_.set_file(base_ + path, tree_.content(base_ + path) + '2');
  };
  append("/a/limit");
  append("/a/memory.events");
  make_directory("/a/below");
  WatchEvents expected, seen;
  EXPECT_EQ(system_.read_watch(real, expected), 0);
  EXPECT_EQ(tree_.read_watch(made, seen), 0);
  for (const WatchEvents* const events : {&expected, &seen}) {
    ASSERT_EQ(events->modified.size(), 1U);
    EXPECT_EQ(events->modified[0].directory, number);
    EXPECT_EQ(events->modified[0].name, "limit");
    EXPECT_TRUE(events->files.empty());
    EXPECT_TRUE(events->directories.empty()) << "the set of children is another watch's";
  }
  system_.close(real);
  tree_.close(made);
}

TEST_F(SameAsKernel, WatchesDirectories) {
  const int real = system_.open_watch(), made = tree_.open_watch();
  ASSERT_GE(real, 0);
  // Relative ones only: SystemFiles goes through the descriptor's own link.
  for (const std::string& path : paths()) {
    if (path.starts_with('/') || path.empty()) continue;
    EXPECT_EQ(tree_.watch_directory(made, tree_top_, path.c_str()),
              system_.watch_directory(real, system_top_, path.c_str()))
        << shown(path);
  }
  const auto same_events = [&](const char* when) {
    WatchEvents expected, seen;
    EXPECT_EQ(system_.read_watch(real, expected), 0);
    EXPECT_EQ(tree_.read_watch(made, seen), 0);
    EXPECT_EQ(seen.directories, expected.directories) << when;
    EXPECT_EQ(made_in(seen), made_in(expected)) << when;
    EXPECT_EQ(seen.overflow, expected.overflow) << when;
    return expected.directories.size();
  };
  EXPECT_EQ(same_events("at first"), 0U);
  make_directory("/a/new");
  EXPECT_EQ(same_events("a directory was made"), 1U);
  make_file("/a/new_file", "x");
  EXPECT_EQ(same_events("a file was made"), 0U);
  fs::rename(base_ + "/a/new", base_ + "/moved");
  tree_.rename_directory(base_ + "/a/new", base_ + "/moved");
  EXPECT_EQ(same_events("a directory was moved"), 2U);
  fs::remove(base_ + "/moved");
  tree_.remove_directory(base_ + "/moved");
  EXPECT_EQ(same_events("it was removed"), 1U);
  fs::remove_all(base_ + "/a/b");
  tree_.remove_directory(base_ + "/a/b");
  EXPECT_GE(same_events("a watched one was removed"), 1U);
  const int number = system_.watch_directory(real, system_top_, "a");
  EXPECT_EQ(tree_.watch_directory(made, tree_top_, "a"), number);
  system_.unwatch(real, number);
  tree_.unwatch(made, number);
  make_directory("/a/unseen");
  EXPECT_EQ(same_events("no longer watched"), 0U);
  system_.close(real);
  tree_.close(made);
}

/// A cgroup of our own in the first hierarchy that lets us make one.
class SameAsCgroupfs : public testing::Test {
 protected:
  void SetUp() override {
    const std::string name = "/cgmon-test-" + std::to_string(::getpid());
    for (const char* top : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/pids"}) {
      const std::int64_t magic = system_.filesystem(top);
      if (magic != kCgroupMagic && magic != kCgroup2Magic) continue;
      if (::mkdir((top + name).c_str(), 0755) != 0) continue;
      path_ = top + name;
      tree_.set_filesystem(top, static_cast<std::uint32_t>(magic)).add_directory(path_);
      return;
    }
    GTEST_SKIP() << "may not make cgroups here";
  }
  void TearDown() override {
    if (path_.empty()) return;
    ::rmdir((path_ + "/child").c_str());
    ::rmdir(path_.c_str());
  }
  SystemFiles system_;
  TreeFiles tree_;
  std::string path_;
};

TEST_F(SameAsCgroupfs, LosesAnOpenFileWithItsDirectoryAndGetsAnotherInode) {
  const std::string child = path_ + "/child", procs = child + "/cgroup.procs";
  const auto answers = [&](Files& files, const auto& make, const auto& unmake) {
    std::vector<std::int64_t> seen;
    FileStatus top, first, second;
    std::array<char, 16> buffer{};
    seen.push_back(files.status(Files::kAbsolute, path_.c_str(), top));
    seen.push_back(top.links);
    make();
    seen.push_back(files.status(Files::kAbsolute, path_.c_str(), top));
    seen.push_back(top.links);
    files.status(Files::kAbsolute, child.c_str(), first);
    const int dir = files.open_directory(Files::kAbsolute, child.c_str());
    const int file = files.open(Files::kAbsolute, procs.c_str());
    seen.push_back(files.read(file, buffer, 0));
    unmake();
    seen.push_back(files.read(file, buffer, 0));
    seen.push_back(files.open(dir, "cgroup.procs"));
    DirectoryListing listing;
    seen.push_back(files.list_directories(dir, ".", listing));
    seen.push_back(files.status(Files::kAbsolute, path_.c_str(), top));
    seen.push_back(top.links);
    make();
    seen.push_back(files.read(file, buffer, 0));
    seen.push_back(files.open(dir, "cgroup.procs"));
    files.status(Files::kAbsolute, child.c_str(), second);
    seen.push_back(first.inode != second.inode ? 1 : 0);
    files.close(file);
    files.close(dir);
    unmake();
    return seen;
  };
  const auto real = answers(
      system_, [&] { ASSERT_EQ(::mkdir(child.c_str(), 0755), 0); },
      [&] { ASSERT_EQ(::rmdir(child.c_str()), 0); });
  const auto made = answers(
      tree_, [&] { tree_.add_directory(child).set_file(procs, ""); },
      [&] { tree_.remove_directory(child); });
  EXPECT_EQ(made, real);
  EXPECT_THAT(made, testing::Contains(-ENODEV));
}

}  // namespace
}  // namespace cgmon
