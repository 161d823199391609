#include "collectors/selection.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

namespace cgmon {
namespace {

using enum Selection::Verdict;

struct Made {
  std::string path;
  CgroupKind kind = CgroupKind::other;
  std::string runtime, name_space, outer;
};

std::shared_ptr<const CgroupLabels> labels_of(const Made& made) {
  auto labels = std::make_shared<CgroupLabels>();
  labels->id = made.path;
  labels->kind = made.kind;
  labels->runtime = made.runtime;
  labels->namespace_name = made.name_space;
  labels->outer = made.outer;
  return labels;
}

Selection::Verdict judge(Selection& selection, const Made& made, bool named = true) {
  return selection.judge({.slot = 0, .named = named}, labels_of(made)).verdict;
}

const Made kRoot{"/", CgroupKind::root};
const Made kWeb{"/docker/web", CgroupKind::container, "docker"};
const Made kShop{"/kubepods/pod1/web", CgroupKind::container, "containerd", "prod"};
const Made kDns{"/kubepods/pod2/dns", CgroupKind::container, "crio", "kube-system"};
const Made kSsh{"/system.slice/ssh.service", CgroupKind::unit};

TEST(Selection, ShowsAllByDefault) {
  for (const Made& made : {kRoot, kWeb, kShop, kSsh}) {
    Selection selection({}, {});
    EXPECT_EQ(judge(selection, made), shown) << made.path;
    Selection unnamed({}, {});
    EXPECT_EQ(judge(unnamed, made, false), shown) << made.path << ": nothing hangs on names";
  }
}

TEST(Selection, GoesByKindsAndNeverHidesTheRoot) {
  const auto with = [](const Made& made, Only only) {
    Selection selection(only, {.paths = {.include = {}, .exclude = {"*"}}});
    return judge(selection, made);
  };
  EXPECT_EQ(with(kRoot, {.all = false}), shown);
  EXPECT_EQ(with(kWeb, {}), hidden);
  const auto only = [](const Made& made, Only which) {
    Selection selection(which, {});
    return judge(selection, made);
  };
  const Only containers{.all = false, .containers = true};
  EXPECT_EQ(only(kWeb, containers), shown);
  EXPECT_EQ(only(kSsh, containers), hidden);
  EXPECT_EQ(only({"/m", CgroupKind::machine}, containers), shown);
  EXPECT_EQ(only({"/s", CgroupKind::sandbox}, containers), shown);
  EXPECT_EQ(only({"/p", CgroupKind::pod}, {.all = false, .pods = true}), shown);
  EXPECT_EQ(only(kSsh, {.all = false, .units = true}), shown);
}

TEST(Selection, GoesByPatternsOfPathsRuntimesAndNamespaces) {
  struct Case {
    Filters filters;
    bool web, shop, dns, ssh;
  };
  for (const auto& [filters, web, shop, dns, ssh] : {
           Case{{.paths = {{"/system.slice/*", "/docker/*"}, {}}}, true, false, false, true},
           Case{{.paths = {{}, {"/kubepods/*"}}}, true, false, false, true},
           Case{{.paths = {{"/*"}, {"*/ssh.service"}}}, true, true, true, false},
           Case{{.runtimes = {{"docker", "crio"}, {}}}, true, false, true, false},
           Case{{.runtimes = {{}, {"docker", "cont*"}}}, false, false, true, true},
           Case{{.runtimes = {{"*"}, {}}}, true, true, true, false},
           Case{{.namespaces = {{"prod"}, {}}}, false, true, false, false},
           Case{{.namespaces = {{}, {"kube-*"}}}, true, true, false, true},
           Case{{.runtimes = {{"crio"}, {}}, .namespaces = {{"prod"}, {}}},
                false,
                false,
                false,
                false},
       }) {
    const auto is_shown = [&](const Made& made) {
      Selection selection({}, filters);
      return judge(selection, made) == shown;
    };
    EXPECT_EQ(is_shown(kWeb), web);
    EXPECT_EQ(is_shown(kShop), shop);
    EXPECT_EQ(is_shown(kDns), dns);
    EXPECT_EQ(is_shown(kSsh), ssh);
  }
}

TEST(Selection, WaitsForNamesThatDecide) {
  Selection selection({}, {.namespaces = {{}, {"kube-*"}}});
  const Made unnamed{kDns.path, CgroupKind::container, "containerd"};
  EXPECT_EQ(judge(selection, unnamed, false), open) << "read, and not shown";
  EXPECT_EQ(judge(selection, kDns, true), hidden);
  EXPECT_EQ(judge(selection, kShop, true), shown);
  EXPECT_EQ(judge(selection, unnamed, true), shown) << "it has none, and nothing more is to come";
  Selection by_path({}, {.paths = {{"/docker/*"}, {}}, .namespaces = {{"prod"}, {}}});
  EXPECT_EQ(judge(by_path, unnamed, false), hidden) << "whatever it is called";
}

TEST(Selection, WaitsForWhatMayBeAContainer) {
  const auto guess = [](Only only, bool may_be) {
    Selection selection(only, {});
    return selection
        .judge({.slot = 0, .named = false, .may_be_container = may_be},
               labels_of({"/testns/ktask"}))
        .verdict;
  };
  EXPECT_EQ(guess({.all = false, .containers = true}, true), open);
  EXPECT_EQ(guess({.all = false, .containers = true}, false), hidden);
  EXPECT_EQ(guess({.all = false, .units = true}, true), hidden);
  EXPECT_EQ(guess({}, true), shown);
}

TEST(Selection, TakesWhatLiesInAContainerAlong) {
  Selection selection({}, {.runtimes = {{}, {"docker"}}});
  const auto inner = labels_of({"/docker/web/init", CgroupKind::other, "", "", "/docker/web"});
  const auto deeper = labels_of({"/docker/web/init/x", CgroupKind::other, "", "", "/docker/web"});
  const auto judged = [&](Slot slot, Slot parent, const auto& labels) {
    return selection.judge({.slot = slot, .parent = parent}, labels).verdict;
  };
  EXPECT_EQ(judged(1, kNoSlot, labels_of(kWeb)), hidden);
  EXPECT_EQ(judged(2, 1, inner), hidden);
  EXPECT_EQ(judged(3, 2, deeper), hidden);
  Made podman = kWeb;
  podman.runtime = "podman";
  EXPECT_EQ(judged(1, kNoSlot, labels_of(podman)), shown);
  EXPECT_EQ(judged(2, 1, inner), shown) << "though its own labels did not change";
  EXPECT_EQ(judged(3, 2, deeper), shown);
}

TEST(Selection, SaysWhenItJudgesOtherwise) {
  Selection selection({}, {.namespaces = {{"prod"}, {}}});
  const auto first = labels_of(kShop);
  EXPECT_TRUE(selection.judge({.slot = 0}, first).changed);
  EXPECT_FALSE(selection.judge({.slot = 0}, first).changed);
  EXPECT_FALSE(selection.judge({.slot = 0}, labels_of(kShop)).changed)
      << "new labels, same verdict";
  Made moved = kShop;
  moved.name_space = "test";
  EXPECT_TRUE(selection.judge({.slot = 0}, labels_of(moved)).changed);
  selection.reconfigure({}, {});
  EXPECT_EQ(selection.judge({.slot = 0}, labels_of(moved)).verdict, shown);
  moved.kind = CgroupKind::sandbox;
  EXPECT_TRUE(selection.judge({.slot = 0}, labels_of(moved)).changed) << "another kind";
  selection.remove(0);
  EXPECT_TRUE(selection.judge({.slot = 0}, labels_of(kSsh)).changed);
}

TEST(Selection, GoesByRuntimeAndNamespaceOfWhatHasEnded) {
  EXPECT_TRUE(Selection({}, {}).shows_ended("docker", ""));
  EXPECT_FALSE(Selection({.all = false, .units = true}, {}).shows_ended("docker", ""));
  EXPECT_FALSE(Selection({}, {.runtimes = {{"crio"}, {}}}).shows_ended("docker", ""));
  EXPECT_FALSE(Selection({}, {.namespaces = {{}, {"kube-*"}}}).shows_ended("crio", "kube-system"));
  EXPECT_FALSE(Selection({}, {.paths = {{"/docker/*"}, {}}}).shows_ended("docker", ""));
  EXPECT_TRUE(Selection({}, {.paths = {{}, {"/docker/*"}}}).shows_ended("docker", ""));
}

}  // namespace
}  // namespace cgmon
