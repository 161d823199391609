#include "agent/host_session.h"

#include <algorithm>
#include <cerrno>

#include "collectors/identity/docker.h"

namespace cgmon {
namespace {

/// What the metadata thread reads with; its own, since it may outlast everything else when a disk
/// hangs.
struct EngineFiles {
  SystemFiles files;
  DockerFiles docker;

  explicit EngineFiles(const SessionOptions& options)
      : docker(files, options.roots, options.docker_roots) {}

  Result<ContainerMetadata> read(std::string_view runtime, std::string_view id) {
    if (runtime == "docker") return docker.read(id);
    return failure("no reader for this runtime", {}, ENOSYS);
  }
};

}  // namespace

Result<std::unique_ptr<HostSession>> HostSession::open(const SessionOptions& options) {
  std::unique_ptr<HostSession> session(new HostSession(options));
  auto layout = detect_layout(session->files_, options.roots);
  if (!layout) return tl::unexpected(layout.error());
  if (layout->mode == Mode::none) {
    return failure(
        "no cgroup hierarchy is mounted here; is the host's /sys/fs/cgroup mounted, and "
        "--path.rootfs or --path.cgroupfs right? `agent detect` says more",
        options.roots.cgroupfs);
  }
  CollectorOptions& collector = session->options_.collector;
  // With a directory beside each file at the most, half of what this process may have open.
  collector.descriptors = std::min(collector.descriptors, raise_descriptor_limit() / 4);
  collector.ticks_per_second = user_ticks_per_second();
  session->begin(*std::move(layout));
  return session;
}

void HostSession::collect(Snapshot& snapshot, std::int64_t deadline_ns) {
  if (mounts_.changed()) {
    auto layout = detect_layout(files_, options_.roots);
    if (layout && layout->mode != Mode::none &&
        layout->hierarchies != collector_->layout().hierarchies) {
      begin(*std::move(layout));
    }
  }
  collector_->collect(snapshot, deadline_ns);
}

void HostSession::begin(Layout layout) {
  collector_.reset();  // before the queue that it asks
  const auto engines = std::make_shared<EngineFiles>(options_);
  metadata_ = std::make_unique<MetadataThread>(
      [engines](std::string_view runtime, std::string_view id) {
        return engines->read(runtime, id);
      });
  collector_ = std::make_unique<Collector>(files_, clock_, options_.roots, std::move(layout),
                                           options_.collector, metadata_.get());
}

}  // namespace cgmon
