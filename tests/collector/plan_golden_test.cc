// Which file of which hierarchy gives which number, per layout: the plans, committed.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fixture_host.h"
#include "tests/support/golden.h"

namespace cgmon {
namespace {

std::string name_of_row(std::size_t index) {
  std::string name(kRows[index].family);
  if (!kRows[index].labels.empty()) name.append("{").append(kRows[index].labels).append("}");
  return name;
}

std::string describe(const Layout& layout, const ReadPlan& plan) {
  std::string text = "walked:";
  for (const int index : plan.hierarchies) {
    text += ' ' + layout.hierarchies[static_cast<std::size_t>(index)].mount_point;
  }
  text += '\n';
  for (const FileKind& kind : plan.files) {
    text += '\n' + std::string(info(kind.group).name) + ": ";
    text += kind.hierarchy == FileKind::kProc
                ? "/proc"
                : layout.hierarchies[static_cast<std::size_t>(kind.hierarchy)].mount_point;
    text += '/' + kind.file + '\n';
    for (const Binding& binding : kind.bindings) {
      text += "  " + name_of_row(binding.row);
      if (!binding.key.empty()) text += " <- " + std::string(binding.key);
      if (binding.when == When::root) text += ", root";
      if (binding.when == When::not_root) text += ", not root";
      if (binding.fallback) text += ", fallback";
      if (binding.only_if != kNoRow) text += ", if " + name_of_row(binding.only_if);
      text += '\n';
    }
  }
  text += "\nderived:\n";
  for (const DerivedRow& derived : plan.derived) text += "  " + name_of_row(derived.row) + '\n';
  text += "\nsummed over the subtree:\n";
  for (const std::size_t row : plan.subtree_sums) text += "  " + name_of_row(row) + '\n';
  text += "\nread, not shown:\n";
  for (std::size_t i = 0; i < kRowCount; ++i) {
    if (plan.read[i] && !plan.served[i]) text += "  " + name_of_row(i) + '\n';
  }
  text += "\nno source here:\n";
  for (std::size_t i = 0; i < kRowCount; ++i) {
    if (!plan.read[i]) text += "  " + name_of_row(i) + '\n';
  }
  return text;
}

struct Planned {
  const char* fixture;
  bool every_group;
  const char* golden;
};

class Plan : public testing::TestWithParam<Planned> {};

TEST_P(Plan, IsAsCommitted) {
  FixtureHost host(GetParam().fixture);
  const Layout layout = host.layout();
  const GroupSet groups =
      GetParam().every_group ? (GroupSet{1} << kGroups.size()) - 1 : default_groups();
  expect_golden(std::string("plan/") + GetParam().golden + ".txt",
                describe(layout, make_read_plan(layout, groups)));
}

INSTANTIATE_TEST_SUITE_P(Fixtures, Plan,
                         testing::Values(Planned{"debian-6.1-v2-systemd", false, "v2"},
                                         Planned{"debian-6.1-v1-systemd", false, "v1"},
                                         Planned{"debian-6.1-v1-systemd", true, "v1-percpu"},
                                         Planned{"debian-6.1-hybrid-cgroupfs", false, "hybrid"}),
                         [](const auto& parameter) {
                           std::string name = parameter.param.golden;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

TEST(ReadPlan, BindsTheSameFamiliesOnHostsOfTheSameLayout) {
  for (const auto& [one, other] :
       {std::pair{"debian-6.1-v2-systemd", "debian-6.1-v2-cgroupfs"},
        std::pair{"debian-6.1-v1-systemd", "debian-6.1-v1-cgroupfs"},
        std::pair{"debian-6.1-hybrid-systemd", "debian-6.1-hybrid-cgroupfs"},
        std::pair{"debian-6.1-hybrid-systemd", "linux-6.18-hybrid"}}) {
    FixtureHost a(one), b(other);
    EXPECT_EQ(make_read_plan(a.layout(), default_groups()).read,
              make_read_plan(b.layout(), default_groups()).read)
        << one << ' ' << other;
  }
}

TEST(ReadPlan, ReadsEachFileOnce) {
  FixtureHost host("debian-6.1-hybrid-systemd");
  const ReadPlan plan = make_read_plan(host.layout(), ~GroupSet{0});
  for (std::size_t i = 0; i < plan.files.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      EXPECT_FALSE(plan.files[i].hierarchy == plan.files[j].hierarchy &&
                   plan.files[i].file == plan.files[j].file)
          << plan.files[i].file;
    }
  }
}

TEST(ReadPlan, ReadsNothingOfGroupsThatAreOff) {
  FixtureHost host("debian-6.1-v2-systemd");
  const ReadPlan plan = make_read_plan(host.layout(), bit(Group::pids));
  for (const FileKind& kind : plan.files) {
    EXPECT_TRUE(kind.group == Group::pids || kind.group == Group::spec) << kind.file;
  }
  EXPECT_FALSE(plan.read[row("container_memory_rss")]);
  EXPECT_TRUE(plan.served[row("container_threads")]);
  EXPECT_TRUE(plan.served[row("container_spec_memory_limit_bytes")]);
}

TEST(PlanPart, IsThePlanWhenAllGroupsAreAskedFor) {
  for (const char* fixture :
       {"debian-6.1-v2-systemd", "debian-6.1-v1-systemd", "debian-6.1-hybrid-cgroupfs"}) {
    FixtureHost host(fixture);
    const ReadPlan plan = make_read_plan(host.layout(), kAllGroups);
    const PlanPart part = part_of(plan, kAllGroups);
    EXPECT_EQ(part.served, plan.served);
    for (std::size_t group = 0; group < kGroups.size(); ++group) {
      std::vector<std::size_t> files;
      for (std::size_t file = 0; file < plan.files.size(); ++file) {
        if (static_cast<std::size_t>(plan.files[file].group) == group) files.push_back(file);
      }
      EXPECT_EQ(part.files[group], files) << kGroups[group].name << " of " << fixture;
    }
  }
}

TEST(PlanPart, HasTheFilesThatItsGroupsNeedAndNoOthers) {
  FixtureHost host("debian-6.1-v2-systemd");
  const ReadPlan plan = make_read_plan(host.layout(), default_groups());
  const PlanPart part = part_of(plan, bit(Group::cpu));
  EXPECT_EQ(part.groups, bit(Group::cpu));
  std::vector<std::string> files;
  for (const std::size_t file : part.files[static_cast<std::size_t>(Group::cpu)]) {
    files.push_back(plan.files[file].file);
  }
  EXPECT_THAT(files,
              testing::ElementsAre("cpu.weight", "cpu.max", "cpu.stat", "cpuset.cpus.effective"));
  EXPECT_TRUE(part.served[row("container_cpu_cfs_periods_total")]);
  EXPECT_FALSE(part.served[row("container_memory_rss")]);
  EXPECT_EQ(part_of(plan, bit(Group::percpu)).groups, 0U) << "a group that is off";
}

}  // namespace
}  // namespace cgmon
