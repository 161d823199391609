#include "collectors/cgroup/kept_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <optional>
#include <string>

#include "tests/support/tree_files.h"

namespace cgmon {
namespace {

constexpr std::size_t kFirst = 0, kSecond = 1, kProc = 2, kThird = 3;  // files of the plan

/// Two hierarchies with cgroups c0, c1, …; files of three kinds, one of them below /proc beside.
class Kept : public testing::Test {
 protected:
  Kept() {
    plan_.files = {{.hierarchy = 0, .file = "memory.stat", .keep_rank = 1},
                   {.hierarchy = 0, .file = "memory.current", .keep_rank = 2},
                   {.hierarchy = FileKind::kProc, .file = "meminfo", .keep_rank = 0},
                   {.hierarchy = 1, .file = "cpu.stat", .keep_rank = 3}};
    files_.set_filesystem("/cg/0", kCgroup2Magic).set_filesystem("/cg/1", kCgroupMagic);
    for (Slot slot = 0; slot < 20; ++slot) {
      for (const FileKind& kind : plan_.files) {
        if (kind.hierarchy >= 0) files_.set_file(path_of(kind, slot), std::to_string(slot));
      }
    }
    tops_ = {files_.open_directory(Files::kAbsolute, "/cg/0"),
             files_.open_directory(Files::kAbsolute, "/cg/1")};
    handles_before_ = files_.open_handles();
  }

  static std::string relative(Slot slot) { return "c" + std::to_string(slot); }
  static std::string path_of(const FileKind& kind, Slot slot) {
    return "/cg/" + std::to_string(kind.hierarchy) + "/" + relative(slot) + "/" + kind.file;
  }
  void make(std::size_t budget) { kept_.emplace(files_, plan_, budget); }
  int open(std::size_t file, Slot slot) {
    const auto hierarchy = static_cast<std::size_t>(plan_.files[file].hierarchy);
    return kept_->open(file, slot, tops_.at(hierarchy), relative(slot).c_str());
  }
  void open_all(Slot slots) {
    for (std::size_t file = 0; file < plan_.files.size(); ++file) {
      if (!kept_->keeps(file)) continue;
      for (Slot slot = 0; slot < slots; ++slot) {
        if (kept_->get(file, slot) < 0) {
          EXPECT_GE(open(file, slot), 0);
        }
      }
    }
  }
  std::string content(int handle) {
    std::array<char, 16> buffer{};
    const auto size = files_.read(handle, buffer, 0);
    return size < 0 ? std::string(errno_name(static_cast<int>(-size)))
                    : std::string(buffer.data(), static_cast<std::size_t>(size));
  }
  /// Which kinds are kept, best first.
  std::string kinds() {
    std::string kinds;
    for (const std::size_t file : {kFirst, kSecond, kThird}) {
      kinds += kept_->keeps(file) ? 'k' : '-';
    }
    return kinds;
  }
  std::size_t opened() { return files_.open_handles() - handles_before_; }

  TreeFiles files_;
  ReadPlan plan_;
  std::array<int, 2> tops_{};
  std::size_t handles_before_ = 0;
  std::optional<KeptFiles> kept_;
};

TEST_F(Kept, HoldAFileOpenUnderItsCgroup) {
  make(100);
  kept_->fit(3, 5);
  EXPECT_EQ(kept_->get(kFirst, 2), -1);
  const int handle = open(kFirst, 2);
  EXPECT_EQ(kept_->get(kFirst, 2), handle);
  EXPECT_EQ(content(handle), "2");
  EXPECT_EQ(kept_->get(kFirst, 1), -1);
  EXPECT_EQ(kept_->open_handles(), 2U) << "the file and its directory";
}

TEST_F(Kept, SpendTheBudgetByWholeKindsThoseFirstThatSaveMost) {
  make(20);
  kept_->fit(6, 6);
  EXPECT_EQ(kinds(), "kkk");
  kept_->fit(7, 7);
  EXPECT_EQ(kinds(), "kk-");
  kept_->fit(11, 11);
  EXPECT_EQ(kinds(), "k--");
  kept_->fit(21, 21);
  EXPECT_EQ(kinds(), "---");
}

TEST_F(Kept, HoldNothingWithoutABudgetAndNothingBelowProc) {
  make(0);
  kept_->fit(1, 1);
  EXPECT_EQ(kinds(), "---");
  make(1000);
  kept_->fit(1, 1);
  EXPECT_EQ(kinds(), "kkk");
  EXPECT_FALSE(kept_->keeps(kProc));
}

TEST_F(Kept, CloseAKindThatNoLongerFitsInTheBudget) {
  make(20);
  kept_->fit(6, 10);
  open_all(6);
  EXPECT_EQ(opened(), 18U + 12U) << "files and directories of two hierarchies";
  kept_->fit(10, 10);
  EXPECT_EQ(kinds(), "kk-");
  EXPECT_EQ(opened(), 12U + 6U) << "the other hierarchy's directories too";
  EXPECT_EQ(kept_->open_handles(), opened());
}

TEST_F(Kept, TakeAKindBackOnlyWhenThereIsRoomToSpare) {
  make(18);
  kept_->fit(6, 10);
  EXPECT_EQ(kinds(), "kkk");
  kept_->fit(7, 10);
  EXPECT_EQ(kinds(), "kk-");
  kept_->fit(6, 10);
  EXPECT_EQ(kinds(), "kk-") << "18 of 18 would be wanted: one more cgroup would close all again";
  kept_->fit(5, 10);
  EXPECT_EQ(kinds(), "kkk");
  kept_->fit(6, 10);
  EXPECT_EQ(kinds(), "kkk") << "what is kept stays to the limit";
}

TEST_F(Kept, CloseWhatACgroupHas) {
  make(100);
  kept_->fit(3, 3);
  open_all(3);
  const std::size_t before = opened();
  kept_->drop_cgroup(1);
  EXPECT_EQ(opened(), before - 5) << "three files, two directories";
  for (const std::size_t file : {kFirst, kSecond, kThird}) EXPECT_EQ(kept_->get(file, 1), -1);
  EXPECT_EQ(content(kept_->get(kFirst, 0)), "0");
  EXPECT_EQ(content(kept_->get(kFirst, 2)), "2");
  kept_->drop_cgroup(1);
  EXPECT_EQ(opened(), before - 5);
}

TEST_F(Kept, CloseWhatACgroupHasInOneHierarchyAlone) {
  make(100);
  kept_->fit(3, 3);
  open_all(3);
  kept_->drop_cgroup(1, 0);
  EXPECT_EQ(kept_->get(kFirst, 1), -1);
  EXPECT_EQ(kept_->get(kSecond, 1), -1);
  EXPECT_EQ(content(kept_->get(kThird, 1)), "1");
}

TEST_F(Kept, OpenADroppedFileAnew) {
  make(100);
  kept_->fit(3, 3);
  open(kFirst, 1);
  kept_->drop(kFirst, 1);
  EXPECT_EQ(kept_->get(kFirst, 1), -1);
  kept_->drop(kFirst, 1);
  kept_->drop(kProc, 1);
  EXPECT_EQ(content(open(kFirst, 1)), "1");
  EXPECT_EQ(kept_->open_handles(), opened());
}

TEST_F(Kept, FindTheNewDirectoryUnderAnOldName) {
  make(100);
  kept_->fit(3, 3);
  const int old = open(kFirst, 1);
  files_.remove_directory("/cg/0/c1");
  files_.set_file("/cg/0/c1/memory.stat", "new");
  EXPECT_EQ(content(old), "ENODEV");
  kept_->drop_cgroup(1, 0);
  EXPECT_EQ(content(open(kFirst, 1)), "new");
  EXPECT_EQ(kept_->open_handles(), opened());
}

TEST_F(Kept, SayWhyAFileCannotBeOpenedAndHoldNone) {
  make(100);
  kept_->fit(20, 21);
  EXPECT_EQ(open(kFirst, 20), -ENOENT) << "no such cgroup";
  EXPECT_EQ(kept_->open_handles(), 0U);
  files_.remove("/cg/0/c1/memory.stat");
  EXPECT_EQ(open(kFirst, 1), -ENOENT) << "no such file";
  EXPECT_EQ(kept_->get(kFirst, 1), -1);
  files_.limit_handles(files_.open_handles() + 1);
  EXPECT_EQ(open(kFirst, 2), -EMFILE) << "room for the directory, not for the file";
  EXPECT_EQ(kept_->get(kFirst, 2), -1);
  EXPECT_EQ(kept_->open_handles(), opened());
}

TEST_F(Kept, CloseEverythingAtTheEndAndNothingTwice) {
  make(100);
  kept_->fit(20, 20);
  open_all(20);
  EXPECT_GT(opened(), 60U);
  kept_->drop_cgroup(3);
  kept_->fit(25, 25);
  kept_.reset();
  EXPECT_EQ(opened(), 0U) << testing::PrintToString(files_.open_paths());
  EXPECT_EQ(files_.bad_handles(), 0U);
}

}  // namespace
}  // namespace cgmon
