// Random lives of cgroups: after every refresh the known set must be the kernel's.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "collectors/cgroup/cgroup_tree.h"
#include "tests/support/made_up_tree.h"

namespace cgmon {
namespace {

enum class Events : std::uint8_t { all, some_overflow, none_but_distrust, no_watch, watches_full };

struct Churn {
  bool v1;
  Events events;
  unsigned seed;
};

std::ostream& operator<<(std::ostream& out, const Churn& churn) {
  return out << (churn.v1 ? "three hierarchies" : "one hierarchy") << ", events "
             << static_cast<int>(churn.events) << ", seed " << churn.seed;
}

using Inodes = std::map<std::string, std::uint64_t>;  // by path

void list_all(TreeFiles& files, const std::string& mount, const std::string& path, Inodes& into) {
  FileStatus status;
  ASSERT_EQ(files.status(Files::kAbsolute, (mount + path).c_str(), status), 0) << mount << path;
  into[path.empty() ? "/" : path] = status.inode;
  DirectoryListing listing;
  ASSERT_EQ(files.list_directories(Files::kAbsolute, (mount + path).c_str(), listing), 0);
  for (const auto& entry : listing.entries()) {
    list_all(files, mount, path + '/' + std::string(listing.name(entry)), into);
  }
}

class Host {
 public:
  Host(bool v1, unsigned seed) : random_(seed) {
    v1 ? MadeUpTree::make_v1(made_) : MadeUpTree::make_v2(made_);
  }
  MadeUpTree& made() { return made_; }
  std::size_t below(std::size_t bound) { return random_() % bound; }

  void change() {
    const std::string& mount =
        made_.layout.hierarchies[below(made_.layout.hierarchies.size())].mount_point;
    const bool everywhere = below(3) != 0;
    const std::string path = any_path(mount);
    const std::string name = path + '/' + std::string(1, static_cast<char>('a' + below(6)));
    const std::size_t what = below(10);
    for (const Hierarchy& hierarchy : made_.layout.hierarchies) {
      if (!everywhere && hierarchy.mount_point != mount) continue;
      change_one(hierarchy.mount_point, path, name, what);
    }
  }
  std::vector<Inodes> truth() {
    std::vector<Inodes> all;
    for (const Hierarchy& hierarchy : made_.layout.hierarchies) {
      list_all(made_.files, hierarchy.mount_point, "", all.emplace_back());
    }
    return all;
  }

 private:
  std::string any_path(const std::string& mount) {
    Inodes inodes;
    list_all(made_.files, mount, "", inodes);
    auto at = inodes.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(below(inodes.size())));
    return at->first == "/" ? "" : at->first;
  }
  void change_one(const std::string& mount, const std::string& path, const std::string& name,
                  std::size_t what) {
    TreeFiles& files = made_.files;
    const std::string at = mount + path;
    if (!files.exists(at)) return;
    if (what < 5) {
      if (!files.exists(mount + name) && std::ranges::count(name, '/') < 6) {
        files.add_directory(mount + name);
      }
    } else if (path.empty()) {
      return;
    } else if (what < 8) {
      files.remove_directory(at);
      if (what == 7) files.add_directory(at);
    } else {
      const std::string to = at.substr(0, at.rfind('/')) + "/r" + std::to_string(what);
      if (!files.exists(to)) files.rename_directory(at, to);
    }
  }

  MadeUpTree made_;
  std::mt19937 random_;
};

/// What a tree says must fit what it said before: slots for a life, removed() complete.
class Lives {
 public:
  void compare(const CgroupTree& tree, std::size_t master) {
    for (const Slot slot : tree.removed()) lives_.erase(slot);
    std::set<Slot> living;
    for (const Cgroup* const cgroup : tree.in_order()) {
      living.insert(cgroup->slot);
      ASSERT_EQ(tree.at(cgroup->slot), cgroup);
      const auto [life, is_new] =
          lives_.try_emplace(cgroup->slot, Life{cgroup->path, cgroup->places[master].inode});
      ASSERT_EQ(life->second.path, cgroup->path) << "in use again without being removed";
      const std::uint64_t inode = cgroup->places[master].inode;
      if (inode != 0 && life->second.inode != 0) {
        ASSERT_EQ(life->second.inode, inode) << cgroup->path;
      }
      life->second.inode = inode;
    }
    ASSERT_EQ(living.size(), tree.in_order().size());
    ASSERT_EQ(lives_.size(), living.size()) << "gone without being removed";
  }

 private:
  struct Life {
    std::string path;
    std::uint64_t inode;
  };
  std::map<Slot, Life> lives_;
};

void expect_truth(const CgroupTree& tree, const std::vector<Inodes>& truth) {
  std::set<std::string> wanted;
  for (const Inodes& inodes : truth) {
    for (const auto& [path, inode] : inodes) wanted.insert(path);
  }
  std::set<std::string> known;
  for (const Cgroup* const cgroup : tree.in_order()) {
    known.insert(cgroup->path);
    for (std::size_t h = 0; h < truth.size(); ++h) {
      const auto found = truth[h].find(cgroup->path);
      ASSERT_EQ(cgroup->places[h].inode, found == truth[h].end() ? 0U : found->second)
          << cgroup->path << " in " << h;
    }
  }
  ASSERT_EQ(known, wanted);
}

std::size_t directories(const std::vector<Inodes>& truth) {
  std::size_t count = 0;
  for (const Inodes& inodes : truth) count += inodes.size();
  return count;
}

class CgroupTreeUnderChurn : public testing::TestWithParam<Churn> {};

TEST_P(CgroupTreeUnderChurn, KnowsExactlyWhatThereIs) {
  const Churn& churn = GetParam();
  Host host(churn.v1, churn.seed);
  TreeFiles& files = host.made().files;
  if (churn.events == Events::no_watch) files.fail_open_watch(EMFILE);
  if (churn.events == Events::none_but_distrust) files.mute_watches(true);
  {
    CgroupTree tree(files, host.made().layout, host.made().all(), {},
                    [](std::string_view) { return false; });
    Lives lives;
    for (int step = 0; step < 2500; ++step) {
      for (std::size_t i = host.below(6); i > 0; --i) host.change();
      if (churn.events == Events::some_overflow && host.below(4) == 0) files.overflow_watches();
      if (churn.events == Events::none_but_distrust) tree.distrust();
      if (churn.events == Events::watches_full && step == 1000) files.fail_watches(ENOSPC);
      tree.refresh();
      const auto truth = host.truth();
      ASSERT_NO_FATAL_FAILURE(expect_truth(tree, truth)) << step;
      ASSERT_NO_FATAL_FAILURE(lives.compare(tree, churn.v1 ? 1 : 0)) << step;
      if (churn.events == Events::all) {
        ASSERT_EQ(files.watched(), directories(truth)) << step;
      }
    }
    EXPECT_GT(tree.counters().removed, 1000U);
    EXPECT_LT(tree.slots(), 2000U);
    if (churn.events == Events::all) {
      EXPECT_EQ(tree.counters().watch_failures, 0U);
    }
  }
  EXPECT_EQ(files.open_handles(), 0U);
  EXPECT_EQ(files.bad_handles(), 0U);
}

INSTANTIATE_TEST_SUITE_P(
    AllLayouts, CgroupTreeUnderChurn,
    testing::Values(Churn{false, Events::all, 1}, Churn{true, Events::all, 2},
                    Churn{false, Events::some_overflow, 3}, Churn{true, Events::some_overflow, 4},
                    Churn{false, Events::none_but_distrust, 5},
                    Churn{true, Events::none_but_distrust, 6}, Churn{false, Events::no_watch, 7},
                    Churn{true, Events::no_watch, 8}, Churn{true, Events::watches_full, 9}));

TEST(CgroupTreeUnderSilentChurn, CatchesUpWithinTheTurnsOfAllLeavesAndHierarchies) {
  Host host(true, 11);
  host.made().files.mute_watches(true);
  CgroupTree tree(host.made().files, host.made().layout, host.made().all(), {},
                  [](std::string_view) { return false; });
  for (int step = 0; step < 200; ++step) {
    for (std::size_t i = host.below(6); i > 0; --i) host.change();
    for (int turn = 0; turn < 3 * 8; ++turn) tree.refresh();
    ASSERT_NO_FATAL_FAILURE(expect_truth(tree, host.truth())) << step;
  }
}

TEST(CgroupTreeUnderChurnWithBounds, CountsEveryListedDirectoryAsKnownOrDropped) {
  for (const bool v1 : {false, true}) {
    Host host(v1, 12);
    CgroupTree tree(host.made().files, host.made().layout, host.made().all(),
                    {.cgroups = 20, .depth = 3},
                    [](std::string_view path) { return path.ends_with('a'); });
    Lives lives;
    std::size_t most_dropped = 0;
    for (int step = 0; step < 2500; ++step) {
      for (std::size_t i = host.below(6); i > 0; --i) host.change();
      tree.refresh();
      ASSERT_LE(tree.in_order().size(), 20U) << step;
      ASSERT_NO_FATAL_FAILURE(lives.compare(tree, v1 ? 1 : 0)) << step;
      // A cgroup that found room in one hierarchy is looked for in the others the next time.
      for (int turn = 0; turn < 4; ++turn) {
        tree.refresh();
        ASSERT_NO_FATAL_FAILURE(lives.compare(tree, v1 ? 1 : 0)) << step;
      }
      const auto truth = host.truth();
      std::vector<std::size_t> dropped(truth.size());
      for (const Cgroup* const cgroup : tree.in_order()) {
        for (std::size_t h = 0; h < truth.size(); ++h) {
          const auto found = truth[h].find(cgroup->path);
          ASSERT_EQ(cgroup->places[h].inode, found == truth[h].end() ? 0U : found->second)
              << cgroup->path << " step " << step;
          const auto known = std::ranges::count_if(
              cgroup->children, [h](const auto& child) { return child.second->is_in(h); });
          dropped[h] += cgroup->places[h].directories - static_cast<std::size_t>(known);
        }
      }
      const auto& counters = tree.counters();
      const std::size_t most = *std::ranges::max_element(dropped);
      ASSERT_LE(counters.dropped_bound, most) << step;
      ASSERT_LE(counters.dropped_depth, most) << step;
      ASSERT_GE(counters.dropped_bound + counters.dropped_depth, most) << step;
      most_dropped = std::max(most_dropped, most);
    }
    EXPECT_GT(most_dropped, 5U);
    for (const Hierarchy& hierarchy : host.made().layout.hierarchies) {
      DirectoryListing listing;
      host.made().files.list_directories(Files::kAbsolute, hierarchy.mount_point.c_str(), listing);
      for (const auto& entry : listing.entries()) {
        host.made().files.remove_directory(hierarchy.mount_point + '/' +
                                           std::string(listing.name(entry)));
      }
    }
    tree.refresh();
    EXPECT_EQ(tree.counters().dropped_bound, 0U);
    EXPECT_EQ(tree.counters().dropped_depth, 0U);
    EXPECT_EQ(tree.in_order().size(), 1U);
  }
}

}  // namespace
}  // namespace cgmon
