// Processes over a captured host with a /proc of our own.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <vector>

#include "tests/support/fixture_host.h"

namespace cgmon {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kV1 = "debian-6.1-v1-systemd";
constexpr const char* kV2 = "debian-6.1-v2-systemd";

class CollectorProcesses : public testing::Test {
 protected:
  explicit CollectorProcesses(const char* fixture = kV2, std::string top = "/sys/fs/cgroup")
      : host_(fixture), top_(std::move(top)) {
    collect(default_groups());
    for (const Slot slot : snapshot_.order) {
      const std::string& id = snapshot_.labels[slot]->id;
      const bool container = snapshot_.labels[slot]->kind == CgroupKind::container;
      if (container && id_.empty()) id_ = id;
      for (const char* const file : {"/cgroup.procs", "/cgroup.threads"}) {
        host_.files.set_file(directory(id) + file, "");
      }
    }
    host_.files.set_file("/proc/1/stat", "1 (init) S 0 1\n");
  }

  [[nodiscard]] std::string directory(const std::string& id) const {
    return id == "/" ? top_ : top_ + id;
  }
  void set_members(const std::string& id, std::string_view text) {
    host_.files.set_file(directory(id) + "/cgroup.procs", text);
    host_.files.set_file(directory(id) + "/cgroup.threads", text);
  }
  void add_process(int pid, char state, int files, int sockets) {
    const std::string process = "/proc/" + std::to_string(pid);
    host_.files.set_file(process + "/stat", std::to_string(pid) + " (a) b) " + state + " 1 1\n");
    host_.files.set_file(process + "/limits", "Max open files            100   200   files\n");
    host_.files.set_file(process + "/oom_score_adj", "-5\n");
    host_.files.add_directory(process + "/fd");
    for (int i = 0; i < files; ++i) {
      host_.files.add_link(process + "/fd/" + std::to_string(i), "/dev/null");
    }
    for (int i = 0; i < sockets; ++i) {
      host_.files.add_link(process + "/fd/" + std::to_string(files + i), "socket:[77]");
    }
  }
  void collect(GroupSet groups) {
    if (!collector_ || groups != groups_) collector_ = host_.collector({.groups = groups});
    groups_ = groups;
    collector_->collect(snapshot_, kNoDeadline);
  }
  std::vector<std::string> samples(const std::string& family, const std::string& id) {
    collect(default_groups() | bit(Group::process) | bit(Group::cpu_load));
    std::vector<std::string> found;
    for (const std::string& line : samples_of(page_of(snapshot_), family + "{")) {
      if (line.find("id=\"" + id + "\"") != line.npos) found.push_back(line);
    }
    return found;
  }
  [[nodiscard]] std::uint32_t lacking(Group group, Reason reason) const {
    return snapshot_.report.groups[static_cast<std::size_t>(group)]
        .unavailable[static_cast<std::size_t>(reason)];
  }
  static auto is(const std::string& value) { return ElementsAre(testing::EndsWith("} " + value)); }

  FixtureHost host_;
  std::string top_;
  std::string id_;
  Snapshot snapshot_;
  GroupSet groups_ = 0;
  std::unique_ptr<Collector> collector_;
};

TEST_F(CollectorProcesses, AreAddedUpOverTheCgroupsBelow) {
  const std::string inner = id_ + "/inside";
  host_.files.add_directory(directory(inner));
  set_members(id_, "701\n702\n");
  set_members(inner, "703\n");
  add_process(701, 'S', 3, 1);
  add_process(702, 'Z', 0, 0);
  add_process(703, 'R', 50, 10);
  EXPECT_THAT(samples("container_processes", id_), is("3"));
  EXPECT_THAT(samples("container_processes", inner), is("1"));
  EXPECT_THAT(samples("container_processes", "/"), is("3"));
  EXPECT_THAT(samples("container_processes_zombie", id_), is("1"));
  EXPECT_THAT(samples("container_file_descriptors", id_), is("64"));
  EXPECT_THAT(samples("container_sockets", id_), is("11"));
  EXPECT_THAT(samples("container_file_descriptors_highest_ratio", id_), is("0.6"));
  EXPECT_THAT(samples("container_ulimits_soft", id_), is("100"));
  EXPECT_THAT(samples("container_oom_score_adj", id_), is("-5"));
  EXPECT_THAT(samples("container_tasks_state", id_),
              ElementsAre(testing::EndsWith("} 1"), testing::EndsWith("} 1"),
                          testing::EndsWith("} 0"), testing::EndsWith("} 0")));
  EXPECT_EQ(host_.files.bad_handles(), 0U);
}

TEST_F(CollectorProcesses, AreNoSumWhereOneMayNotBeLookedInto) {
  set_members(id_, "701\n702\n");
  add_process(701, 'S', 3, 1);
  add_process(702, 'S', 3, 1);
  host_.files.set_error("/proc/702/fd", EACCES);
  EXPECT_THAT(samples("container_processes", id_), is("2"));
  EXPECT_THAT(samples("container_file_descriptors", id_), IsEmpty());
  EXPECT_THAT(samples("container_file_descriptors", "/"), IsEmpty());
  EXPECT_GT(lacking(Group::process, Reason::permission), 0U);
  EXPECT_THAT(samples("container_processes_zombie", id_), is("0"));
}

TEST_F(CollectorProcesses, HaveNoSocketsWhereOneMayNotBeAskedWhatItsDescriptorsAre) {
  set_members(id_, "701\n702\n");
  add_process(701, 'S', 3, 1);
  add_process(702, 'S', 3, 1);
  host_.files.set_error("/proc/702/fd/0", EACCES);
  EXPECT_THAT(samples("container_file_descriptors", id_), is("8"));
  EXPECT_THAT(samples("container_sockets", id_), IsEmpty());
  EXPECT_GT(lacking(Group::process, Reason::permission), 0U);
}

TEST_F(CollectorProcesses, ThatEndMeanwhileAreNotMissed) {
  set_members(id_, "701\n702\n");
  add_process(701, 'S', 3, 1);
  EXPECT_THAT(samples("container_file_descriptors", id_), is("4"));
  EXPECT_EQ(lacking(Group::process, Reason::namespace_hidden), 0U);
}

TEST_F(CollectorProcesses, ThatAreHiddenAreCountedAndNoMoreIsSaid) {
  set_members(id_, "0\n0\n");
  EXPECT_THAT(samples("container_processes", id_), is("2"));
  EXPECT_THAT(samples("container_file_descriptors", id_), IsEmpty());
  EXPECT_THAT(samples("container_tasks_state", id_), IsEmpty());
  EXPECT_GT(lacking(Group::process, Reason::namespace_hidden), 0U);
  // hidepid=2: nothing of others is there, PID 1's neither.
  host_.files.remove("/proc/1/stat");
  set_members(id_, "701\n");
  EXPECT_THAT(samples("container_file_descriptors", id_), IsEmpty());
}

TEST_F(CollectorProcesses, AreNotThoseOfAProcfsThatNumbersThemOtherwise) {
  // A container's agent with a PID namespace of its own, and the host's procfs.
  set_members(id_, "701\n");
  add_process(701, 'S', 3, 1);
  host_.files.set_file("/proc/self/status", "NSpid:\t4711\t701\n");
  EXPECT_THAT(samples("container_processes", id_), is("1"));
  EXPECT_THAT(samples("container_file_descriptors", id_), IsEmpty());
  EXPECT_THAT(samples("container_ulimits_soft", id_), IsEmpty());
  EXPECT_THAT(samples("container_tasks_state", id_), IsEmpty());
  EXPECT_GT(lacking(Group::process, Reason::namespace_hidden), 0U);
}

class CollectorProcessesV1 : public CollectorProcesses {
 protected:
  CollectorProcessesV1() : CollectorProcesses(kV1, "/sys/fs/cgroup/memory") {}
};

TEST_F(CollectorProcessesV1, AreNoSumWhereTheKernelLeavesSomeOut) {
  set_members(id_, "");
  EXPECT_THAT(samples("container_processes", id_), is("0"));
  EXPECT_EQ(lacking(Group::process, Reason::namespace_hidden), 0U);
  collector_.reset();
  host_.files.add_link("/proc/self/ns/pid", "pid:[4026532299]");
  set_members("/", "1\n");  // the agent
  add_process(1, 'S', 3, 1);
  for (const char* const family :
       {"container_processes", "container_processes_zombie", "container_file_descriptors",
        "container_sockets", "container_tasks_state", "container_ulimits_soft"}) {
    EXPECT_THAT(samples(family, id_), IsEmpty()) << family;
    EXPECT_THAT(samples(family, "/"), IsEmpty()) << family;
  }
  EXPECT_GT(lacking(Group::process, Reason::namespace_hidden), 0U);
  EXPECT_GT(lacking(Group::cpu_load, Reason::namespace_hidden), 0U);
}

TEST_F(CollectorProcesses, AreNotReadWhereNobodyAsks) {
  set_members(id_, "701\n");
  collect(default_groups());
  EXPECT_THAT(samples_of(page_of(snapshot_), "container_processes{"), IsEmpty());
}

TEST_F(CollectorProcesses, OfACgroupWithoutAnyAreZero) {
  EXPECT_THAT(samples("container_processes", id_), is("0"));
  EXPECT_THAT(samples("container_file_descriptors", id_), is("0"));
  EXPECT_THAT(samples("container_file_descriptors_highest_ratio", id_), IsEmpty());
}

}  // namespace
}  // namespace cgmon
