#include "agent/host_session.h"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>

#include "collectors/host/machine.h"
#include "collectors/identity/engine_files.h"
#include "collectors/parse/number.h"

namespace cgmon {
namespace {

/// What the metadata thread reads with; its own, since it may outlast everything else when a disk
/// hangs.
class MetadataReader {
 public:
  explicit MetadataReader(const SessionOptions& options)
      : roots_(options.roots), docker_roots_(options.docker_roots), allowed_(options.allowed) {}

  /// Made on the thread, since it reads engines' configuration from a disk.
  EngineFiles& engines() {
    if (!engines_) engines_.emplace(files_, roots_, docker_roots_, allowed_);
    return *engines_;
  }

 private:
  SystemFiles files_;
  Roots roots_;
  std::vector<std::string> docker_roots_;
  AllowedKeys allowed_;
  std::optional<EngineFiles> engines_;
};

/// The lines of mountinfo that speak of cgroups; most mounts come and go with containers and do
/// not.
std::string cgroup_mounts(Files& files) {
  std::string text, lines;
  if (read_file(files, Files::kAbsolute, "/proc/self/mountinfo", 16U << 20U, text) != 0) return {};
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::string_view line = take_until(rest, '\n');
    if (line.find(" - cgroup") == line.npos) continue;
    lines += line;
    lines += '\n';
  }
  return lines;
}

constexpr GroupSet kMachineGroups = bit(Group::host) | bit(Group::cpu_topology);

/// The machine changes by hands (a CPU, a module, swap): as often as this is soon enough.
constexpr std::int64_t kMachineAgeNs = 60'000'000'000;
/// It is read while the cgroups are; a pass that is done before waits no longer than this.
constexpr std::int64_t kMachineWaitNs = 2'000'000;

}  // namespace

std::vector<ControllerPlace> controller_places(const Layout& layout) {
  std::vector<ControllerPlace> places;
  for (std::size_t i = 0; i < kControllers; ++i) {
    const auto controller = static_cast<Controller>(i);
    using enum Controller;
    if (controller == core || controller == psi) continue;
    const int serving = layout.serving(controller);
    if (serving >= 0) {
      const Hierarchy& hierarchy = layout.hierarchies[static_cast<std::size_t>(serving)];
      places.push_back({name_of(controller), hierarchy.version == Version::v2 ? "v2" : "v1",
                        hierarchy.mount_point});
      continue;
    }
    const bool is_of_both = controller == cpu || controller == cpuset || controller == memory ||
                            controller == pids || controller == hugetlb || controller == rdma ||
                            controller == misc || (controller == io && layout.serving(blkio) < 0);
    if (is_of_both) places.push_back({name_of(controller), "none", ""});
  }
  return places;
}

HostSession::HostSession(SessionOptions options)
    : options_(std::move(options)), machine_thread_([roots = options_.roots](bool topology) {
        SystemFiles files;  // its own: the thread may outlast everything else when a file hangs
        return read_machine(files, roots, topology);
      }) {}

Result<std::unique_ptr<HostSession>> HostSession::open(const SessionOptions& options,
                                                       Files* through) {
  std::unique_ptr<HostSession> session(new HostSession(options));
  session->through_ = through;
  auto layout = detect_layout(session->files_, options.roots);
  if (!layout) return tl::unexpected(layout.error());
  if (layout->mode == Mode::none) {
    return failure(
        "no cgroup hierarchy is mounted here; is the host's /sys/fs/cgroup mounted, and "
        "--path.rootfs or --path.cgroupfs right? `agent detect` says more",
        options.roots.cgroupfs);
  }
  CollectorOptions& collector = session->options_.collector;
  session->descriptor_limit_ = raise_descriptor_limit();
  collector.descriptors = kept_files_budget(collector.descriptors, session->descriptor_limit_);
  collector.ticks_per_second = user_ticks_per_second();
  collector.page_bytes = page_bytes();
  session->cgroup_mounts_ = cgroup_mounts(session->files_);
  session->begin(*std::move(layout));
  return session;
}

void HostSession::reconfigure(const CollectorOptions& options) {
  const CollectorOptions before = options_.collector;
  options_.collector = options;
  options_.collector.descriptors = kept_files_budget(options.descriptors, descriptor_limit_);
  options_.collector.names_wait_ns = before.names_wait_ns;
  options_.collector.disk_wait_ns = before.disk_wait_ns;
  options_.collector.ticks_per_second = before.ticks_per_second;
  options_.collector.page_bytes = before.page_bytes;
  collector_->reconfigure(options_.collector);
}

void HostSession::collect(Snapshot& snapshot, std::int64_t deadline_ns, GroupSet groups) {
  if (mounts_.changed() && cgroups_were_remounted()) {
    auto layout = detect_layout(files_, options_.roots);
    if (layout && layout->mode != Mode::none &&
        layout->hierarchies != collector_->layout().hierarchies) {
      begin(*std::move(layout));
    }
  }
  const std::int64_t wait_ns = ask_for_machine(groups);
  collector_->collect(snapshot, deadline_ns, groups);
  const std::int64_t left_ns = std::max<std::int64_t>(deadline_ns - clock_.monotonic_ns(), 0);
  if (wait_ns > 0) machine_thread_.wait(std::min(wait_ns, left_ns));
  show_machine(snapshot, groups);
}

/// Has the machine read beside the pass, if it is time. Returns how long that is worth waiting for
/// once the pass is done: 0 where it was not begun now, so that a file that hangs is waited for
/// once.
std::int64_t HostSession::ask_for_machine(GroupSet groups) {
  if ((options_.collector.groups & groups & kMachineGroups) == 0) return 0;
  const bool topology = (options_.collector.groups & bit(Group::cpu_topology)) != 0;
  const std::int64_t now = clock_.monotonic_ns();
  const auto latest = machine_thread_.latest();
  const bool is_known = latest != nullptr && latest->is_whole() && topology == machine_topology_;
  if (is_known && now - machine_asked_ns_ < kMachineAgeNs) return 0;
  if (!machine_thread_.ask(topology)) return 0;
  machine_asked_ns_ = now;
  machine_topology_ = topology;
  return is_known ? kMachineWaitNs : options_.collector.names_wait_ns;
}

void HostSession::show_machine(Snapshot& snapshot, GroupSet groups) {
  snapshot.machine.reset();
  const GroupSet shown = options_.collector.groups & groups & kMachineGroups;
  if (shown == 0) return;
  const auto latest = machine_thread_.latest();
  if (latest != nullptr && latest != machine_) {
    machine_samples_ = std::make_shared<const std::vector<MachineSample>>(
        machine_samples(*latest, controller_places(layout()), options_.program));
    machine_ = latest;
  }
  snapshot.machine = machine_samples_;
  for (const Group group : {Group::host, Group::cpu_topology}) {
    if ((shown & bit(group)) == 0) continue;
    GroupReport& report = snapshot.report.groups[static_cast<std::size_t>(group)];
    report.collected = true;
    report.success = machine_ != nullptr && machine_->is_whole();
  }
}

bool HostSession::cgroups_were_remounted() {
  std::string now = cgroup_mounts(files_);
  now.swap(cgroup_mounts_);
  return now != cgroup_mounts_;
}

DiskThreadOptions HostSession::disk_options() const {
  DiskThreadOptions options{.roots = options_.roots};
  // Where somebody waits for the figures they are not to be spared the work.
  if (options_.collector.disk_wait_ns > 0) options.files_per_second *= 20;
  return options;
}

void HostSession::begin(Layout layout) {
  collector_.reset();  // before the queues that it asks
  machine_.reset();    // its samples name the controllers' places
  disks_ = std::make_unique<DiskThreads>(disk_options());
  const auto reader = std::make_shared<MetadataReader>(options_);
  metadata_ = std::make_unique<MetadataThread>(
      [reader](const MetadataQuestion& asked) { return reader->engines().read(asked); },
      [reader](std::int64_t now_ns) { return reader->engines().ended(now_ns); });
  collector_ = std::make_unique<Collector>(through_ != nullptr ? *through_ : files_, clock_,
                                           options_.roots, std::move(layout), options_.collector,
                                           metadata_.get(), disks_.get());
}

}  // namespace cgmon
