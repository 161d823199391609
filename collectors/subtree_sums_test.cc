#include "collectors/subtree_sums.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace cgmon {
namespace {

constexpr std::size_t kRow = row("container_oom_events_total");

/// A handful of cgroups with their own kills, summed pass by pass.
class Sums : public testing::Test {
 protected:
  /// `parent` first, as in the walk's order.
  void add(const std::string& path, Slot slot, const std::string& parent = {}) {
    Cgroup& cgroup = cgroups_[path];
    cgroup.path = path;
    cgroup.slot = slot;
    cgroup.parent = parent.empty() ? nullptr : &cgroups_.at(parent);
  }
  void forget(const std::string& path) { cgroups_.erase(path); }

  /// One pass over own counts; nothing: could not be read. Sums by path, absent ones left out.
  using Counts = std::map<std::string, std::uint64_t>;
  Counts pass(const std::map<std::string, std::optional<std::uint64_t>>& own) {
    Snapshot snapshot;
    snapshot.alive.assign(16, 1);
    snapshot.columns[kRow].reset(16);
    std::vector<const Cgroup*> order;
    for (const auto& [path, cgroup] : cgroups_) {  // by name: parents come first
      order.push_back(&cgroup);
      if (own.at(path)) snapshot.columns[kRow].set(cgroup.slot, Value::of(*own.at(path)));
    }
    sums_.apply(order, snapshot);
    Counts counts;
    for (const Cgroup* const cgroup : order) {
      const Value value = snapshot.value(kRow, cgroup->slot);
      if (value.is_number()) counts[cgroup->path] = value.number;
    }
    return counts;
  }

  SubtreeSums sums_{kRow, 0};
  std::map<std::string, Cgroup> cgroups_;
};

TEST_F(Sums, CountWhatIsBelow) {
  add("/", 0);
  add("/a", 5, "/");
  add("/a/x", 2, "/a");
  add("/a/y", 3, "/a");
  add("/b", 1, "/");
  EXPECT_EQ(pass({{"/", 1}, {"/a", 2}, {"/a/x", 4}, {"/a/y", 8}, {"/b", 16}}),
            (Counts{{"/", 31}, {"/a", 14}, {"/a/x", 4}, {"/a/y", 8}, {"/b", 16}}));
  EXPECT_EQ(pass({{"/", 1}, {"/a", 2}, {"/a/x", 5}, {"/a/y", 8}, {"/b", 16}}),
            (Counts{{"/", 32}, {"/a", 15}, {"/a/x", 5}, {"/a/y", 8}, {"/b", 16}}));
}

TEST_F(Sums, KeepWhatAChildHadCountedWhenItWentAway) {
  add("/", 0);
  add("/a", 1, "/");
  add("/a/x", 2, "/a");
  pass({{"/", 0}, {"/a", 1}, {"/a/x", 3}});
  forget("/a/x");
  sums_.remove(std::vector<Slot>{2});
  EXPECT_EQ(pass({{"/", 0}, {"/a", 1}}), (Counts{{"/", 4}, {"/a", 4}}));
  EXPECT_EQ(pass({{"/", 0}, {"/a", 2}}), (Counts{{"/", 5}, {"/a", 5}})) << "and go on from there";
}

TEST_F(Sums, CountASubtreeThatWentAtOnceJustOnce) {
  add("/", 0);
  add("/a", 1, "/");
  add("/a/x", 2, "/a");
  add("/a/x/p", 3, "/a/x");
  pass({{"/", 1}, {"/a", 2}, {"/a/x", 4}, {"/a/x/p", 8}});
  forget("/a/x/p");
  forget("/a/x");
  forget("/a");
  sums_.remove(std::vector<Slot>{3, 2, 1});
  EXPECT_EQ(pass({{"/", 1}}), (Counts{{"/", 15}}));
}

TEST_F(Sums, NeverFallWhileACgroupCannotBeRead) {
  add("/", 0);
  add("/a", 1, "/");
  add("/a/x", 2, "/a");
  pass({{"/", 1}, {"/a", 2}, {"/a/x", 4}});
  EXPECT_EQ(pass({{"/", 1}, {"/a", 2}, {"/a/x", std::nullopt}}), (Counts{{"/", 7}, {"/a", 6}}))
      << "no value of its own, but its parents' sums stand";
  EXPECT_EQ(pass({{"/", 1}, {"/a", std::nullopt}, {"/a/x", 4}}), (Counts{{"/", 7}, {"/a/x", 4}}));
  forget("/a/x");
  sums_.remove(std::vector<Slot>{2});
  EXPECT_EQ(pass({{"/", 1}, {"/a", std::nullopt}}), (Counts{{"/", 7}}));
  EXPECT_EQ(pass({{"/", 1}, {"/a", 2}}), (Counts{{"/", 7}, {"/a", 6}}));
}

TEST_F(Sums, HandOnWhatLiesBelowACgroupThatWasNeverRead) {
  add("/", 0);
  add("/a", 1, "/");
  add("/a/x", 2, "/a");
  EXPECT_EQ(pass({{"/", 1}, {"/a", std::nullopt}, {"/a/x", 4}}), (Counts{{"/", 5}, {"/a/x", 4}}));
  EXPECT_EQ(pass({{"/", 1}, {"/a", 2}, {"/a/x", 4}}), (Counts{{"/", 7}, {"/a", 6}, {"/a/x", 4}}));
}

TEST_F(Sums, StartASlotThatIsUsedAgainFromItsOwnCount) {
  add("/", 0);
  add("/a", 1, "/");
  add("/b", 2, "/");
  pass({{"/", 0}, {"/a", 7}, {"/b", 1}});
  forget("/a");
  sums_.remove(std::vector<Slot>{1});
  add("/b/new", 1, "/b");  // the slot, below another parent
  EXPECT_EQ(pass({{"/", 0}, {"/b", 1}, {"/b/new", 0}}),
            (Counts{{"/", 8}, {"/b", 1}, {"/b/new", 0}}));
  forget("/b/new");
  sums_.remove(std::vector<Slot>{1});
  EXPECT_EQ(pass({{"/", 0}, {"/b", 1}}), (Counts{{"/", 8}, {"/b", 1}}));
}

TEST_F(Sums, StayWithoutAValueWhereThereIsNone) {
  add("/", 0);
  add("/a", 1, "/");
  EXPECT_EQ(pass({{"/", std::nullopt}, {"/a", 3}}), (Counts{{"/a", 3}}));
}

TEST_F(Sums, TakeRemovalsOfSlotsThatTheyNeverSaw) {
  sums_.remove(std::vector<Slot>{0, 9});
  add("/", 0);
  pass({{"/", 1}});
  sums_.remove(std::vector<Slot>{9, 0, 0});
  EXPECT_EQ(pass({{"/", 1}}), (Counts{{"/", 1}}));
}

}  // namespace
}  // namespace cgmon
