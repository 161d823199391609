#include <limits>

#include "agent/expose/prometheus_text.h"
#include "collectors/collector.h"
#include "collectors/identity/utf8.h"
#include "tests/fuzz/exposition.h"
#include "tests/fuzz/target.h"
#include "tests/fuzz/text.h"
#include "tests/support/manual_clock.h"
#include "tests/support/tree_files.h"

namespace cgmon {
namespace {

constexpr std::size_t kFilesMax = 24;

/// What a file system takes as a name.
bool is_file_name(std::string_view name) {
  return !name.empty() && name.size() <= 255 && name != "." && name != ".." &&
         name.find('/') == name.npos;
}

struct Host {
  /// One hierarchy with all controllers (v2), or three (v1).
  explicit Host(bool v1) {
    files.set_filesystem("/proc", kProcMagic).set_filesystem("/sys/fs/cgroup", kTmpfsMagic);
    std::string mounts;
    if (v1) {
      for (const std::string name : {"memory", "cpu,cpuacct", "pids"}) {
        tops.push_back("/sys/fs/cgroup/" + name);
        files.set_filesystem(tops.back(), kCgroupMagic);
        mounts += "1 1 0:" + std::to_string(tops.size()) + " / " + tops.back() +
                  " rw - cgroup cgroup rw," + name + '\n';
      }
    } else {
      tops = {"/sys/fs/cgroup"};
      files.set_filesystem(tops[0], kCgroup2Magic);
      files.set_file(tops[0] + "/cgroup.controllers", "cpuset cpu io memory pids\n");
      mounts = "1 1 0:1 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
    }
    files.set_file("/proc/self/mountinfo", mounts).set_file("/proc/pressure/cpu", "");
  }

  /// In each hierarchy, in the root and in the cgroup; and below /proc. "mountinfo" says what is
  /// mounted where.
  void set_file(const std::string& cgroup, const std::string& name, std::string_view content) {
    if (name == "mountinfo") {
      files.set_file("/proc/self/mountinfo", content);
      own_mounts = false;
      return;
    }
    for (const std::string& top : tops) {
      files.set_file(top + '/' + name, content);
      files.set_file(top + '/' + cgroup + '/' + name, content);
    }
    if (name != "self" && name != "pressure") files.set_file("/proc/" + name, content);
  }

  TreeFiles files;
  std::vector<std::string> tops;
  bool own_mounts = true;
};

void check_page(std::string_view page, const Host& host, const std::string& cgroup) {
  const std::string id = repair_path('/' + cgroup);
  for (const ReadSample& sample : read_page(page)) {
    const auto label = sample.labels.find("id");
    require(label != sample.labels.end() && label->second.starts_with('/'), "a sample has a path");
    require(!host.own_mounts || label->second == "/" || label->second == id,
            "a sample is of a cgroup that is there");
    require(!sample.value.starts_with('-'), "no number here is negative");
  }
}

}  // namespace

/// Two passes over a host that has a cgroup. The parts of the input: "v1" or "v2", the cgroup's
/// name, then name and content of files.
void check_input(std::string_view input) {
  const auto text = parts(input, 2 + 2 * kFilesMax);
  const std::string cgroup(text[1]);
  if (!is_file_name(cgroup)) return;
  Host host(text[0] == "v1");
  for (const std::string& top : host.tops) host.files.add_directory(top + '/' + cgroup);
  for (std::size_t i = 2; i < text.size(); i += 2) {
    const std::string name(text[i]);
    if (is_file_name(name) && name != cgroup) host.set_file(cgroup, name, text[i + 1]);
  }

  const ManualClock clock;
  {
    auto layout = detect_layout(host.files, Roots());
    require(layout.has_value(), "a layout is found");
    Collector collector(host.files, clock, Roots(), *std::move(layout),
                        {.groups = ~GroupSet{0}, .names_wait_ns = 0}, nullptr);
    Snapshot snapshot;
    std::string page, again;
    collector.collect(snapshot, std::numeric_limits<std::int64_t>::max());
    PrometheusText().render(snapshot, page);
    check_page(page, host, cgroup);
    collector.collect(snapshot, std::numeric_limits<std::int64_t>::max());
    PrometheusText().render(snapshot, again);
    require(page == again, "a host that stands still has one page");
  }
  require(host.files.open_handles() == 0 && host.files.bad_handles() == 0,
          "what is opened is closed once");
}

}  // namespace cgmon
