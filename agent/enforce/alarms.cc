#include "agent/enforce/alarms.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <string_view>
#include <utility>

namespace cgmon {
namespace {

constexpr std::string_view kTrigger = "some 200000 2000000";  // microseconds of a window

void add_pressure(const std::string& directory, std::vector<Alarm>& alarms) {
  for (const auto& [file, kind] : {std::pair("/cpu.pressure", "cpu_pressure"),
                                   std::pair("/memory.pressure", "memory_pressure"),
                                   std::pair("/io.pressure", "io_pressure")}) {
    UniqueFd pressure(::open((directory + file).c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
    if (pressure.get() < 0) continue;
    // With its end of text, as the kernel wants it.
    if (::write(pressure.get(), kTrigger.data(), kTrigger.size() + 1) < 0) continue;
    alarms.push_back({kind, std::move(pressure), UniqueFd(), POLLPRI});
  }
}

void add_memory(const RunDirectory& directory, std::vector<Alarm>& alarms) {
  if (directory.version == Version::v2) {
    UniqueFd events(::open((directory.limits + "/memory.events").c_str(), O_RDONLY | O_CLOEXEC));
    if (events.get() >= 0) {
      alarms.push_back({"memory_events", std::move(events), UniqueFd(), POLLPRI});
    }
    return;
  }
  UniqueFd control(
      ::open((directory.limits + "/memory.oom_control").c_str(), O_RDONLY | O_CLOEXEC));
  UniqueFd event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (control.get() < 0 || event.get() < 0) return;
  const std::string text = std::to_string(event.get()) + ' ' + std::to_string(control.get());
  if (write_kernel_file(directory.limits + "/cgroup.event_control", text) != 0) return;
  alarms.push_back({"memory_events", std::move(event), std::move(control), POLLIN});
}

}  // namespace

std::vector<Alarm> open_alarms(const Plan& plan, const Layout& layout) {
  std::vector<Alarm> alarms;
  const int memory = layout.serving(Controller::memory);
  for (const RunDirectory& directory : plan.directories) {
    if (directory.version == Version::v2) add_pressure(directory.path, alarms);
    if (memory >= 0 && directory.hierarchy == static_cast<std::size_t>(memory)) {
      add_memory(directory, alarms);
    }
  }
  return alarms;
}

}  // namespace cgmon
