#include "agent/enforce/teardown.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <set>

#include "agent/enforce/system.h"

namespace cgmon {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kPatience{10'000};

std::set<pid_t> processes_of(const std::vector<std::string>& directories) {
  std::set<pid_t> pids;
  for (const std::string& directory : directories) {
    for (const pid_t pid : processes_below(directory)) pids.insert(pid);
  }
  return pids;
}

}  // namespace

// One of these files is there: that of the freezer, or of v2. The others answer ENOENT.
void freeze_cgroups(const std::vector<std::string>& directories, bool frozen) {
  for (const std::string& directory : directories) {
    if (write_kernel_file(directory + "/freezer.state", frozen ? "FROZEN" : "THAWED") == 0)
      continue;
    [[maybe_unused]] const int absent =
        write_kernel_file(directory + "/cgroup.freeze", frozen ? "1" : "0");
  }
}

Result<std::size_t> kill_cgroups(const std::vector<std::string>& directories) {
  const std::size_t found = processes_of(directories).size();
  milliseconds waited{0}, pause{1};
  while (!processes_of(directories).empty()) {
    for (const std::string& directory : directories) {
      [[maybe_unused]] const int absent = write_kernel_file(directory + "/cgroup.kill", "1");
    }
    // A process may have left the v2 tree, and v1 has no such file.
    freeze_cgroups(directories, true);
    for (const pid_t pid : processes_of(directories)) kill_process(pid, SIGKILL);
    freeze_cgroups(directories, false);
    [[maybe_unused]] const rusage reaped = reap_all();
    if (waited >= kPatience) return failure("processes that SIGKILL does not end", directories[0]);
    pause_for(pause);
    waited += pause;
    pause = std::min(pause * 2, milliseconds{50});
  }
  return found;
}

Result<void> remove_cgroup(const std::string& directory) {
  std::vector<std::string> all = directories_below(directory);
  all.push_back(directory);
  for (const std::string& each : all) {
    milliseconds pause{1};
    int error = remove_directory(each);
    while (error == EBUSY && pause <= milliseconds{512}) {
      pause_for(pause);
      pause *= 2;
      error = remove_directory(each);
    }
    if (error != 0 && error != ENOENT) return failure("cannot remove the cgroup", each, error);
  }
  return {};
}

}  // namespace cgmon
