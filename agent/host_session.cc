#include "agent/host_session.h"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>

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

}  // namespace

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
  collector_->collect(snapshot, deadline_ns, groups);
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
