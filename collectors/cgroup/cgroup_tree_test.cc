#include "collectors/cgroup/cgroup_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <map>

#include "tests/support/faulty_files.h"
#include "tests/support/made_up_tree.h"

namespace cgmon {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;

constexpr int kTurnsOfALeaf = 16;

bool is_container(std::string_view path) { return path.find("/docker-") != path.npos; }

std::vector<std::string> paths(const CgroupTree& tree) {
  std::vector<std::string> found;
  for (const Cgroup* const cgroup : tree.in_order()) found.push_back(cgroup->path);
  return found;
}

const Cgroup* find(const CgroupTree& tree, std::string_view path) {
  for (const Cgroup* const cgroup : tree.in_order()) {
    if (cgroup->path == path) return cgroup;
  }
  return nullptr;
}

class CgroupTreeTest : public testing::Test {
 protected:
  CgroupTree& watch(TreeBounds bounds = {}) {
    tree_ =
        std::make_unique<CgroupTree>(host_.files, host_.layout, host_.all(), bounds, is_container);
    tree_->refresh();
    return *tree_;
  }
  void TearDown() override {
    tree_.reset();
    EXPECT_THAT(host_.files.open_paths(), IsEmpty());
    EXPECT_EQ(host_.files.bad_handles(), 0U);
  }
  MadeUpTree host_;
  std::unique_ptr<CgroupTree> tree_;
};

TEST_F(CgroupTreeTest, FindsWhatIsThereAtFirstWithParentsBeforeChildrenAndSiblingsByName) {
  MadeUpTree::make_v2(host_);
  host_.make("/b.slice");
  host_.make("/a");
  host_.make("/a/z");
  host_.make("/a/b");
  host_.make("/a/b/c");
  host_.make("/a-b");
  CgroupTree& tree = watch();
  EXPECT_THAT(paths(tree), ElementsAre("/", "/a", "/a/b", "/a/b/c", "/a/z", "/a-b", "/b.slice"));
  EXPECT_EQ(find(tree, "/a/b/c")->parent, find(tree, "/a/b"));
  EXPECT_EQ(find(tree, "/")->parent, nullptr);
  EXPECT_STREQ(tree.relative(*find(tree, "/"), 0), ".");
  EXPECT_STREQ(tree.relative(*find(tree, "/a/b"), 0), "a/b");
}

TEST_F(CgroupTreeTest, FollowsWhatIsMadeAndRemoved) {
  MadeUpTree::make_v2(host_);
  host_.make("/a");
  CgroupTree& tree = watch();
  host_.make("/a/b");
  host_.make("/a/b/c");
  host_.make("/d");
  tree.refresh();
  EXPECT_THAT(paths(tree), ElementsAre("/", "/a", "/a/b", "/a/b/c", "/d"));
  EXPECT_THAT(tree.removed(), IsEmpty());
  const Slot b = find(tree, "/a/b")->slot, c = find(tree, "/a/b/c")->slot;
  host_.remove("/a/b");
  tree.refresh();
  EXPECT_THAT(paths(tree), ElementsAre("/", "/a", "/d"));
  EXPECT_THAT(tree.removed(), ElementsAre(c, b)) << "children first";
  tree.refresh();
  EXPECT_THAT(tree.removed(), IsEmpty());
  EXPECT_EQ(tree.counters().added, 5U);
  EXPECT_EQ(tree.counters().removed, 2U);
}

TEST_F(CgroupTreeTest, SurvivesThatEventsRemoveWhatTheCheckWouldHaveLookedAt) {
  MadeUpTree::make_v1(host_);
  for (int i = 0; i < 50; ++i) host_.make("/" + std::to_string(i));
  CgroupTree& tree = watch();
  for (int i = 0; i < 49; ++i) host_.remove("/" + std::to_string(i));
  tree.distrust();
  tree.refresh();
  EXPECT_THAT(paths(tree), ElementsAre("/", "/49"));
}

TEST_F(CgroupTreeTest, GivesACgroupMadeAnewUnderItsNameAnotherLife) {
  MadeUpTree::make_v2(host_);
  host_.files.set_now(1'000'000'000);
  host_.make("/a");
  host_.make("/a/old");
  CgroupTree& tree = watch();
  const Slot before = find(tree, "/a")->slot;
  EXPECT_EQ(find(tree, "/a")->created_ns, 1'000'000'000);
  host_.files.set_now(2'000'000'000);
  host_.remove("/a");
  host_.make("/a");
  host_.make("/a/new");
  tree.refresh();
  EXPECT_THAT(paths(tree), ElementsAre("/", "/a", "/a/new"));
  EXPECT_THAT(tree.removed(), Contains(before));
  EXPECT_EQ(find(tree, "/a")->created_ns, 2'000'000'000);
  EXPECT_EQ(tree.counters().removed, 2U);
}

TEST_F(CgroupTreeTest, DropsOnlyADirectoryMadeAnewOutsideOfTheMaster) {
  MadeUpTree::make_v1(host_);
  host_.make("/a");
  CgroupTree& tree = watch();
  const Slot before = find(tree, "/a")->slot;
  host_.files.remove_directory("/cg/cpu/a").add_directory("/cg/cpu/a");
  tree.refresh();
  EXPECT_EQ(find(tree, "/a")->slot, before);
  EXPECT_THAT(tree.removed(), IsEmpty());
  EXPECT_THAT(tree.replaced(), ElementsAre(Pair(before, 2U)));
  host_.files.remove_directory("/cg/pids/a");
  tree.refresh();
  EXPECT_EQ(find(tree, "/a")->slot, before);
  EXPECT_FALSE(find(tree, "/a")->is_in(0));
  EXPECT_THAT(tree.replaced(), ElementsAre(Pair(before, 0U)));
}

TEST_F(CgroupTreeTest, EndsTheLivesOfAllBelowACgroupMadeAnewEvenOfThoseThatAnotherHierarchyShows) {
  MadeUpTree::make_v1(host_);
  host_.make("/a");
  host_.make("/a/b");
  CgroupTree& tree = watch();
  const Slot a = find(tree, "/a")->slot, b = find(tree, "/a/b")->slot;
  host_.remove("/a");
  host_.make("/a");
  tree.refresh();
  EXPECT_THAT(paths(tree), ElementsAre("/", "/a"));
  const auto& removed = tree.removed();
  ASSERT_THAT(removed, Contains(a));
  ASSERT_THAT(removed, Contains(b));
  EXPECT_LT(std::ranges::find(removed, b), std::ranges::find(removed, a)) << "children first";
}

TEST_F(CgroupTreeTest, TakesACgroupThatTheMasterNeverHadAsNewWhenItIsMadeAnew) {
  MadeUpTree::make_v1(host_);
  host_.files.set_now(1'000'000'000).add_directory("/cg/pids/only");
  CgroupTree& tree = watch();
  const Slot before = find(tree, "/only")->slot;
  host_.files.set_now(2'000'000'000).remove_directory("/cg/pids/only");
  host_.files.add_directory("/cg/pids/only");
  tree.refresh();
  EXPECT_THAT(tree.removed(), ElementsAre(before));
  EXPECT_EQ(find(tree, "/only")->created_ns, 2'000'000'000);
}

TEST_F(CgroupTreeTest, SeesARenamedCgroupAsAnotherOneWithAllThatIsInIt) {
  MadeUpTree::make_v1(host_);
  host_.make("/a");
  host_.make("/a/in");
  CgroupTree& tree = watch();
  for (const char* mount : {"/cg/pids", "/cg/memory", "/cg/cpu"}) {
    host_.files.rename_directory(std::string(mount) + "/a", std::string(mount) + "/b");
  }
  tree.refresh();
  EXPECT_THAT(paths(tree), ElementsAre("/", "/b", "/b/in"));
  // Its watches still report.
  host_.make("/b/in/side");
  tree.refresh();
  EXPECT_THAT(paths(tree), ElementsAre("/", "/b", "/b/in", "/b/in/side"));
  EXPECT_EQ(host_.files.watched(), 3U * 4U);
}

TEST_F(CgroupTreeTest, ServesACgroupThatIsInOneHierarchyAloneWithWhatItHas) {
  MadeUpTree::make_v1(host_);
  host_.make("/both");
  host_.files.add_directory("/cg/cpu/system");
  host_.files.add_directory("/cg/cpu/both/sub");
  CgroupTree& tree = watch();
  EXPECT_THAT(paths(tree), ElementsAre("/", "/both", "/both/sub", "/system"));
  const Cgroup& system = *find(tree, "/system");
  EXPECT_FALSE(system.is_in(0));
  EXPECT_FALSE(system.is_in(1));
  EXPECT_TRUE(system.is_in(2));
}

TEST_F(CgroupTreeTest, JoinsAMountThatShowsAPartWithOneThatShowsAll) {
  MadeUpTree::make_v2(host_);
  Hierarchy& part = host_.add("/cg/part", Version::v1, {Controller::pids});
  part.mount_root = part.prefix = "/docker/abc";
  part.real_root = false;
  host_.files.add_directory("/cg/v2/docker");
  host_.files.add_directory("/cg/v2/docker/abc");
  host_.files.add_directory("/cg/part/inner");
  CgroupTree& tree = watch();
  EXPECT_THAT(paths(tree), ElementsAre("/", "/docker", "/docker/abc", "/docker/abc/inner"));
  const Cgroup& joined = *find(tree, "/docker/abc");
  EXPECT_TRUE(joined.is_in(0) && joined.is_in(1));
  EXPECT_STREQ(tree.relative(joined, 0), "docker/abc");
  EXPECT_STREQ(tree.relative(joined, 1), ".");
  EXPECT_STREQ(tree.relative(*find(tree, "/docker/abc/inner"), 1), "inner");
}

TEST_F(CgroupTreeTest, ShowsNoAncestorsThatItCannotSee) {
  Hierarchy& part = host_.add("/cg/part", Version::v2, {Controller::memory});
  part.mount_root = part.prefix = "/docker/abc";
  part.real_root = false;
  host_.files.add_directory("/cg/part/inner");
  CgroupTree& tree = watch();
  EXPECT_THAT(paths(tree), ElementsAre("/docker/abc", "/docker/abc/inner"));
  EXPECT_FALSE(tree.is_host_root(*find(tree, "/docker/abc")));
}

TEST_F(CgroupTreeTest, FindsWhatAnOverflowSwallowed) {
  for (const bool v2 : {true, false}) {
    MadeUpTree host;
    v2 ? MadeUpTree::make_v2(host) : MadeUpTree::make_v1(host);
    host.make("/a");
    host.make("/x");
    CgroupTree tree(host.files, host.layout, host.all(), {}, is_container);
    tree.refresh();
    host.remove("/x");
    host.make("/y");
    host.make("/a/first");
    host.files.overflow_watches();
    tree.refresh();
    EXPECT_THAT(paths(tree), ElementsAre("/", "/a", "/a/first", "/y")) << v2;
  }
}

TEST_F(CgroupTreeTest, WalksExactlyWithoutAnyWatch) {
  for (const int failure : {0, 1, 2}) {
    MadeUpTree host;
    MadeUpTree::make_v1(host);
    if (failure == 0) host.files.fail_open_watch(EMFILE);
    if (failure == 1) host.files.fail_watches(ENOSPC);
    host.make("/a");
    host.make("/x");
    CgroupTree tree(host.files, host.layout, host.all(), {}, is_container);
    tree.refresh();
    if (failure == 2) {  // max_user_watches is reached later
      host.files.fail_watches(ENOSPC);
      host.make("/b");
      tree.refresh();
      host.remove("/b");
    }
    host.remove("/x");
    host.make("/y");
    host.make("/a/first");
    tree.refresh();
    EXPECT_THAT(paths(tree), ElementsAre("/", "/a", "/a/first", "/y")) << failure;
    EXPECT_EQ(tree.counters().watch_failures, 3U) << failure;
  }
}

TEST_F(CgroupTreeTest, FindsAtOnceInTheMasterWhatChangesTheNumberOfKnownSiblings) {
  MadeUpTree::make_v1(host_);
  host_.make("/a");
  host_.make("/a/b");
  CgroupTree& tree = watch();
  host_.files.mute_watches(true);
  host_.make("/c");
  host_.make("/a/d");
  tree.refresh();
  EXPECT_THAT(paths(tree), ElementsAre("/", "/a", "/a/b", "/a/d", "/c"));
  host_.remove("/a/d");
  host_.remove("/c");
  for (int i = 0; i < 3; ++i) tree.refresh();  // the others in their turns
  EXPECT_THAT(paths(tree), ElementsAre("/", "/a", "/a/b"));
}

TEST_F(CgroupTreeTest, FindsAnExchangeThatNothingAnnouncedWhenTheTurnOfTheLeafComes) {
  MadeUpTree::make_v2(host_);
  host_.make("/x");
  host_.make("/stays");
  CgroupTree& tree = watch();
  host_.files.mute_watches(true);
  host_.remove("/x");
  host_.make("/y");         // as many siblings as before
  host_.make("/stays/in");  // a leaf no more
  for (int i = 0; i < kTurnsOfALeaf; ++i) tree.refresh();
  EXPECT_THAT(paths(tree), ElementsAre("/", "/stays", "/stays/in", "/y"));
}

TEST_F(CgroupTreeTest, FindsAnExchangeAtOnceWhenAReadToldOfIt) {
  MadeUpTree::make_v1(host_);
  host_.make("/x");
  CgroupTree& tree = watch();
  host_.files.mute_watches(true);
  host_.remove("/x");
  host_.make("/y");
  tree.distrust();
  tree.refresh();
  EXPECT_THAT(paths(tree), ElementsAre("/", "/y"));
}

TEST_F(CgroupTreeTest, WalksAHierarchyWhoseWatchKeepsSilent) {
  MadeUpTree::make_v2(host_);
  CgroupTree& tree = watch();
  host_.files.mute_watches(true);
  for (int i = 0; i < 5; ++i) {
    host_.make("/" + std::to_string(i));
    tree.refresh();
  }
  EXPECT_EQ(tree.counters().watch_failures, 1U);
  host_.remove("/4");
  host_.make("/exchanged");
  tree.refresh();
  EXPECT_THAT(paths(tree), ElementsAre("/", "/0", "/1", "/2", "/3", "/exchanged"));
}

TEST_F(CgroupTreeTest, KeepsASlotForALifeAndHandsItOutAgainOnlyAfterwards) {
  MadeUpTree::make_v2(host_);
  for (const char* path : {"/a", "/b", "/c"}) host_.make(path);
  CgroupTree& tree = watch();
  const Slot a = find(tree, "/a")->slot, b = find(tree, "/b")->slot, c = find(tree, "/c")->slot;
  host_.remove("/b");
  tree.refresh();
  EXPECT_EQ(tree.at(b), nullptr);
  host_.make("/d");
  tree.refresh();
  EXPECT_EQ(find(tree, "/a")->slot, a);
  EXPECT_EQ(find(tree, "/c")->slot, c);
  EXPECT_EQ(find(tree, "/d")->slot, b);
  EXPECT_EQ(tree.slots(), 4U);
}

TEST_F(CgroupTreeTest, CountsWhatLiesBeyondTheBoundsAndTakesItInWhenThereIsRoom) {
  MadeUpTree::make_v2(host_);
  for (const char* path : {"/a", "/b", "/c", "/d", "/e"}) host_.make(path);
  CgroupTree& tree = watch({.cgroups = 4, .depth = 2});
  EXPECT_EQ(tree.in_order().size(), 4U);
  EXPECT_EQ(tree.counters().dropped_bound, 2U);
  const std::string kept = tree.in_order().back()->path;
  host_.make(kept + "/in");
  tree.refresh();
  EXPECT_EQ(tree.counters().dropped_bound, 3U);
  EXPECT_EQ(tree.in_order().size(), 4U);
  host_.remove(kept);
  tree.refresh();
  tree.refresh();
  EXPECT_EQ(tree.in_order().size(), 4U);
  EXPECT_EQ(tree.counters().dropped_bound, 1U);
  const std::string next = tree.in_order().back()->path;
  host_.remove(next);
  tree.refresh();
  tree.refresh();
  EXPECT_EQ(tree.in_order().size(), 4U);
  EXPECT_EQ(tree.counters().dropped_bound, 0U);
  EXPECT_EQ(tree.counters().watch_failures, 0U) << "nothing here was unannounced";
}

TEST_F(CgroupTreeTest, StopsAtTheDepthAndForgetsWhatItDroppedWhenItGoes) {
  MadeUpTree::make_v1(host_);
  host_.make("/1");
  host_.make("/1/2");
  host_.make("/1/2/3");
  host_.make("/1/2/other");
  CgroupTree& tree = watch({.cgroups = 100, .depth = 2});
  EXPECT_THAT(paths(tree), ElementsAre("/", "/1", "/1/2"));
  EXPECT_EQ(tree.counters().dropped_depth, 2U);
  EXPECT_EQ(tree.counters().dropped_bound, 0U);
  host_.remove("/1/2/3");
  tree.refresh();
  EXPECT_EQ(tree.counters().dropped_depth, 1U);
  host_.remove("/1");
  tree.refresh();
  EXPECT_EQ(tree.counters().dropped_depth, 0U);
}

TEST_F(CgroupTreeTest, PrefersContainersWhenTheBoundIsReached) {
  MadeUpTree::make_v2(host_);
  for (int i = 0; i < 6; ++i) host_.make("/unit" + std::to_string(i));
  host_.make("/docker-first");
  CgroupTree& tree = watch({.cgroups = 5});
  EXPECT_THAT(paths(tree), Contains("/docker-first"));
  EXPECT_EQ(tree.counters().dropped_bound, 3U);
  host_.make("/docker-second");
  tree.refresh();
  EXPECT_THAT(paths(tree), Contains("/docker-second"));
  EXPECT_THAT(paths(tree), Contains("/docker-first"));
  EXPECT_EQ(tree.in_order().size(), 5U);
  EXPECT_EQ(tree.counters().dropped_bound, 4U);
  for (int i = 0; i < 6; ++i) host_.remove("/unit" + std::to_string(i));
  tree.refresh();
  EXPECT_THAT(paths(tree), ElementsAre("/", "/docker-first", "/docker-second"));
  EXPECT_EQ(tree.counters().dropped_bound, 0U);
}

TEST_F(CgroupTreeTest, KeepsToNewBoundsAndTheSlotsOfThoseThatStay) {
  MadeUpTree::make_v1(host_);
  for (const char* path : {"/a", "/a/b", "/a/b/c", "/d", "/z", "/z/docker-1"}) host_.make(path);
  CgroupTree& tree = watch();
  ASSERT_THAT(tree.in_order(), testing::SizeIs(7));
  const Slot container = find(tree, "/z/docker-1")->slot;
  tree.reconfigure(host_.layout, host_.all(), {.cgroups = 3});
  tree.refresh();
  EXPECT_THAT(paths(tree), ElementsAre("/", "/z", "/z/docker-1"));
  EXPECT_EQ(find(tree, "/z/docker-1")->slot, container);
  EXPECT_THAT(tree.removed(), testing::SizeIs(4));
  EXPECT_EQ(tree.counters().dropped_bound, 2U) << "/a and /d; what is below is not looked at";
  tree.reconfigure(host_.layout, host_.all(), {.cgroups = 1000, .depth = 1});
  tree.refresh();
  EXPECT_THAT(paths(tree), ElementsAre("/", "/a", "/d", "/z"));
  EXPECT_EQ(tree.counters().dropped_depth, 2U);
  tree.reconfigure(host_.layout, host_.all(), {});
  tree.refresh();
  EXPECT_THAT(tree.in_order(), testing::SizeIs(7));
}

TEST_F(CgroupTreeTest, WalksAFurtherHierarchyWithoutNewSlots) {
  MadeUpTree::make_v1(host_);
  host_.make("/a");
  CgroupTree tree(host_.files, host_.layout, {host_.layout.master()}, {}, is_container);
  tree.refresh();
  const Slot before = find(tree, "/a")->slot;
  tree.reconfigure(host_.layout, host_.all(), {});
  host_.make("/b");
  tree.refresh();
  for (std::size_t h = 0; h < 3; ++h) {
    EXPECT_TRUE(find(tree, "/a")->is_in(h) && find(tree, "/b")->is_in(h)) << tree.walked()[h];
  }
  EXPECT_EQ(find(tree, "/a")->slot, before);
}

TEST_F(CgroupTreeTest, FindsContainersBelowACgroupThatCameAfterTheBoundWasReached) {
  MadeUpTree::make_v1(host_);
  for (int i = 0; i < 6; ++i) host_.make("/z" + std::to_string(i));  // listed first here
  host_.make("/engine");
  host_.make("/engine/docker-deep");
  CgroupTree& tree = watch({.cgroups = 5});
  EXPECT_THAT(paths(tree), Contains("/engine/docker-deep"));
  EXPECT_EQ(tree.in_order().size(), 5U);
}

TEST_F(CgroupTreeTest, TriesAHierarchyAgainThatCouldNotBeOpened) {
  MadeUpTree::make_v1(host_);
  host_.make("/a");
  FaultyFiles faulty(host_.files, {.nth = 1,
                                   .error = EMFILE,
                                   .call = FaultyFiles::Call::open_directory,
                                   .path_suffix = "memory"});
  CgroupTree tree(faulty, host_.layout, host_.all(), {}, is_container);
  tree.refresh();
  EXPECT_THAT(paths(tree), ElementsAre("/", "/a"));
  EXPECT_TRUE(find(tree, "/a")->is_in(1));
}

TEST_F(CgroupTreeTest, ListsAgainWhatCouldNotBeListedOrLookedAt) {
  for (const auto call : {FaultyFiles::Call::list_directories, FaultyFiles::Call::status,
                          FaultyFiles::Call::watch_directory}) {
    for (const int error : {EIO, EACCES, ENOENT, EMFILE}) {
      for (std::size_t nth = 1; nth < 8; ++nth) {
        MadeUpTree host;
        MadeUpTree::make_v2(host);
        host.make("/a");
        host.make("/a/b");
        FaultyFiles faulty(host.files, {.nth = nth, .error = error, .call = call});
        CgroupTree tree(faulty, host.layout, host.all(), {}, is_container);
        tree.refresh();
        tree.refresh();
        EXPECT_THAT(paths(tree), ElementsAre("/", "/a", "/a/b")) << nth << ' ' << error;
        host.make("/a/b/c");
        tree.refresh();
        tree.refresh();
        EXPECT_THAT(paths(tree), ElementsAre("/", "/a", "/a/b", "/a/b/c")) << nth << ' ' << error;
      }
    }
  }
}

TEST_F(CgroupTreeTest, KeepsWhatItKnowsWhileADirectoryCannotBeListed) {
  MadeUpTree::make_v2(host_);
  host_.make("/a");
  host_.make("/a/b");
  FaultyFiles faulty(host_.files);
  CgroupTree tree(faulty, host_.layout, host_.all(), {}, is_container);
  tree.refresh();
  for (const int error : {EMFILE, ENOENT, EIO}) {
    faulty.set_fault(
        {.nth = 1, .error = error, .lasting = true, .call = FaultyFiles::Call::list_directories});
    host_.make("/a/new");
    tree.refresh();
    EXPECT_THAT(paths(tree), ElementsAre("/", "/a", "/a/b")) << error;
    EXPECT_THAT(tree.removed(), IsEmpty());
    faulty.set_fault({});
    tree.refresh();
    EXPECT_THAT(paths(tree), ElementsAre("/", "/a", "/a/b", "/a/new")) << error;
    host_.remove("/a/new");
    tree.refresh();
  }
}

}  // namespace
}  // namespace cgmon
