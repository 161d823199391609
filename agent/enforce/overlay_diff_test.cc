#include "agent/enforce/overlay_diff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace cgmon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Layers on disk, as an overlay leaves them. `user.overlay.` needs no right.
class OverlayDiffTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "overlay_diff.XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    for (const char* name : {"upper", "top", "low"}) std::filesystem::create_directory(at(name));
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::string at(const std::string& path) const { return folder_ + '/' + path; }
  void file(const std::string& path, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(at(path)).parent_path());
    std::ofstream(at(path)) << text;
  }
  void directory(const std::string& path) const { std::filesystem::create_directories(at(path)); }
  void opaque(const std::string& path) const {
    ASSERT_EQ(::setxattr(at(path).c_str(), "user.overlay.opaque", "y", 1, 0), 0) << path;
  }
  // Of the newer form, which needs no right either.
  void whiteout(const std::string& path) const {
    file(path, "");
    ASSERT_EQ(::setxattr(at(path).c_str(), "user.overlay.whiteout", "y", 1, 0), 0) << path;
  }
  [[nodiscard]] std::vector<std::string> changes() const {
    const auto diff = overlay_diff({{at("top"), at("low")}, at("upper"), true});
    if (!diff) {
      ADD_FAILURE() << diff.error().message();
      return {};
    }
    EXPECT_EQ(diff->incomplete, "");
    std::vector<std::string> lines;
    for (const OverlayChange& change : diff->changes) {
      lines.push_back(std::string(1, static_cast<char>(change.kind)) + ' ' + change.path);
    }
    return lines;
  }

  std::string folder_;
};

TEST_F(OverlayDiffTest, ListsWhatWasAddedWithTheDirectoriesAbove) {
  file("low/etc/motd", "a");
  file("upper/etc/new/deep", "b");
  EXPECT_THAT(changes(), ElementsAre("C /etc", "A /etc/new", "A /etc/new/deep"));
}

TEST_F(OverlayDiffTest, SaysNothingOfACopyThatIsAsItWas) {
  file("low/etc/motd", "a");
  file("upper/etc/motd", "a");
  std::filesystem::last_write_time(at("upper/etc/motd"),
                                   std::filesystem::last_write_time(at("low/etc/motd")));
  EXPECT_THAT(changes(), IsEmpty());
  file("upper/etc/motd", "b");
  std::filesystem::last_write_time(at("upper/etc/motd"),
                                   std::filesystem::last_write_time(at("low/etc/motd")));
  EXPECT_THAT(changes(), ElementsAre("C /etc", "C /etc/motd"));
}

TEST_F(OverlayDiffTest, KnowsADirectoryThatWasMadeAnew) {
  file("low/d/old", "a");
  file("top/d/kept", "b");
  file("low/d/sub/x", "c");
  file("upper/d/kept", "bb");
  directory("upper/d/sub");
  opaque("upper/d");
  EXPECT_THAT(changes(), ElementsAre("C /d", "C /d/kept", "D /d/old", "C /d/sub", "D /d/sub/x"));
}

TEST_F(OverlayDiffTest, SeesOnlyWhatTheLayersShow) {
  file("low/hidden", "a");
  whiteout("top/hidden");
  file("low/d/below", "a");
  directory("top/d");
  opaque("top/d");
  file("upper/hidden", "new");
  file("upper/d/below", "new");
  whiteout("upper/never");
  EXPECT_THAT(changes(), ElementsAre("C /d", "A /d/below", "A /hidden"));
}

TEST_F(OverlayDiffTest, DeletesAWholeDirectoryInOneLine) {
  file("low/d/a", "a");
  file("low/d/b", "b");
  whiteout("upper/d");
  EXPECT_THAT(changes(), ElementsAre("D /d"));
}

TEST_F(OverlayDiffTest, KnowsAFileInPlaceOfADirectory) {
  file("low/d/a", "a");
  file("low/f", "f");
  file("upper/d", "now a file");
  file("upper/f/now", "a directory");
  EXPECT_THAT(changes(), ElementsAre("C /d", "C /f", "A /f/now"));
}

TEST_F(OverlayDiffTest, SaysWhenItCannotTellAll) {
  directory("upper/renamed");
  ASSERT_EQ(::setxattr(at("upper/renamed").c_str(), "user.overlay.redirect", "/a", 2, 0), 0);
  const auto diff = overlay_diff({{at("low")}, at("upper"), true});
  ASSERT_TRUE(diff);
  EXPECT_THAT(diff->incomplete, HasSubstr("/renamed was renamed"));
  EXPECT_FALSE(overlay_diff({{at("low")}, at("nowhere"), true}));
}

}  // namespace
}  // namespace cgmon
