#include "collectors/cgroup/block_io_counting.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace cgmon {
namespace {

constexpr DeviceNumber kDisk{254, 0};
constexpr auto kWrite = IoDirection::write;
constexpr bool kRule = true;

/// What a pass sees of one cgroup's writes to one disk, with those of its descendants.
struct Seen {
  std::optional<std::uint64_t> bytes;  ///< nothing: no line
  bool rule = false;
  bool was_read = true;
  bool rules_known = true;
};
using Pass = std::map<std::string, Seen>;

struct Case {
  const char* what;
  std::vector<Pass> passes;
  std::vector<std::string> hold;  ///< cgroups whose number holds after the last pass
};

/// "/", "/a", "/a/b": a parent is what stands before the last slash.
std::vector<std::string> held_after(const std::vector<Pass>& passes) {
  std::map<std::string, Cgroup> cgroups;
  BlockIoCounting counting;
  std::vector<const Cgroup*> order;
  for (const auto& [path, seen] : passes.back()) {
    Cgroup& cgroup = cgroups[path];
    cgroup.path = path;
    cgroup.slot = static_cast<Slot>(order.size());
    cgroup.places = std::make_unique<Cgroup::Place[]>(1);
    cgroup.places[0].inode = 1;
    const std::string above = path.substr(0, std::max<std::size_t>(1, path.rfind('/')));
    if (path != "/") cgroup.parent = &cgroups.at(above);
    order.push_back(&cgroup);
  }
  for (const Pass& pass : passes) {
    counting.begin_pass(order.size());
    for (const auto& [path, seen] : pass) {
      const Slot slot = cgroups.at(path).slot;
      if (seen.was_read) counting.read(slot);
      if (seen.bytes) counting.observe(slot, kDisk, kWrite, *seen.bytes);
      if (seen.rule) counting.rule(slot, kDisk, kWrite);
      if (!seen.rules_known) counting.rules_unknown(slot);
    }
    counting.judge(order, 0);
  }
  std::vector<std::string> held;
  for (const Cgroup* const cgroup : order) {
    if (counting.holds(cgroup->slot, kDisk, kWrite)) held.push_back(cgroup->path);
    EXPECT_FALSE(counting.holds(cgroup->slot, kDisk, IoDirection::read)) << cgroup->path;
    EXPECT_FALSE(counting.holds(cgroup->slot, {8, 0}, kWrite)) << cgroup->path;
  }
  return held;
}

TEST(BlockIoCounting, TellsNumbersFromZerosThatSayNothing) {
  const std::vector<Case> cases{
      {"no line: no number", {{{"/", {}}, {"/a", {}}}}, {}},
      {"zeros without a rule say nothing", {{{"/", {0}}, {"/a", {0}}}}, {}},
      {"zeros that stay say nothing", {{{"/", {0}}, {"/a", {0}}}, {{"/", {0}}, {"/a", {0}}}}, {}},
      {"with a rule zero is a number", {{{"/", {0}}, {"/a", {0, kRule}}}}, {"/a"}},
      {"one with a rule beside one without, as on Linux 6.1",
       {{{"/", {7}}, {"/ruled", {7, kRule}}, {"/without", {0}}}},
       {"/ruled"}},
      {"a rule of the parent does not make its child count",
       {{{"/", {7}}, {"/a", {7, kRule}}, {"/a/b", {0}}}},
       {}},
      {"a parent's sum holds when every part of it is counted",
       {{{"/", {7}}, {"/a", {7, kRule}}, {"/a/b", {3, kRule}}, {"/a/idle", {}}}},
       {"/a", "/a/b"}},
      {"a sum that grows by what a rule counts proves nothing",
       {{{"/", {7}}, {"/a", {7, kRule}}, {"/b", {0}}},
        {{"/", {9}}, {"/a", {9, kRule}}, {"/b", {0}}}},
       {"/a"}},
      {"numbers where there is no rule at all",
       {{{"/", {9}}, {"/a", {9}}, {"/b", {0}}}},
       {"/", "/a"}},
      {"growth without a rule proves that zeros are numbers",
       {{{"/", {9}}, {"/a", {9}}, {"/b", {0}}}, {{"/", {10}}, {"/a", {10}}, {"/b", {0}}}},
       {"/", "/a", "/b"}},
      {"growth of one without a rule beside one with a rule, as on Linux 6.18",
       {{{"/", {9}}, {"/a", {2}}, {"/b", {0}}, {"/ruled", {7, kRule}}},
        {{"/", {10}}, {"/a", {3}}, {"/b", {0}}, {"/ruled", {7, kRule}}}},
       {"/", "/a", "/b", "/ruled"}},
      {"the proof stays when nothing grows any more",
       {{{"/", {9}}, {"/a", {9}}, {"/b", {0}}},
        {{"/", {10}}, {"/a", {10}}, {"/b", {0}}},
        {{"/", {10}}, {"/a", {10}}, {"/b", {0}}}},
       {"/", "/a", "/b"}},
      {"growth up to the pass in which the rule is gone proves nothing",
       {{{"/", {7}}, {"/a", {7, kRule}}, {"/b", {0}}}, {{"/", {9}}, {"/a", {9}}, {"/b", {0}}}},
       {"/", "/a"}},
      {"growth since a pass without the file proves nothing",
       {{{"/", {9}}, {"/a", {9}}, {"/b", {0}}},
        {{"/", {{}, false, false}}, {"/a", {{}, false, false}}, {"/b", {{}, false, false}}},
        {{"/", {10}}, {"/a", {10}}, {"/b", {0}}}},
       {"/", "/a"}},
      {"growth since rules could not be read proves nothing",
       {{{"/", {9}}, {"/a", {9, false, true, false}}, {"/b", {0}}, {"/c", {1}}},
        {{"/", {10}}, {"/a", {10}}, {"/b", {0}}, {"/c", {1}}}},
       {"/", "/a", "/c"}},
      {"nor is anything concluded of the cgroup itself and those above",
       {{{"/", {9}}, {"/a", {9, false, true, false}}, {"/b", {0}}, {"/c", {1}}}},
       {"/c"}},
      {"below may be what was not read",
       {{{"/", {7}}, {"/a", {7, kRule}}, {"/a/b", {{}, false, false}}, {"/c", {3}}}},
       {"/c"}},
  };
  for (const Case& entry : cases) {
    EXPECT_THAT(held_after(entry.passes), testing::ElementsAreArray(entry.hold)) << entry.what;
  }
}

TEST(BlockIoCounting, KnowsNothingOfASlotsFormerCgroup) {
  std::vector<Cgroup> cgroups(1);
  cgroups[0].slot = 0;
  cgroups[0].places = std::make_unique<Cgroup::Place[]>(1);
  const std::vector<const Cgroup*> order{cgroups.data()};
  BlockIoCounting counting;
  const auto pass = [&](std::uint64_t bytes) {
    counting.begin_pass(1);
    counting.read(0);
    counting.observe(0, kDisk, kWrite, bytes);
    counting.judge(order, 0);
  };
  pass(5);
  counting.forget(std::vector<Slot>{0});
  pass(9);
  pass(0);
  EXPECT_FALSE(counting.holds(0, kDisk, kWrite)) << "5 to 9 was taken for growth";
}

}  // namespace
}  // namespace cgmon
