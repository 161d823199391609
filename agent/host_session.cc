#include "agent/host_session.h"

#include <algorithm>
#include <cerrno>

namespace cgmon {

Result<std::unique_ptr<HostSession>> HostSession::open(const SessionOptions& options) {
  std::unique_ptr<HostSession> session(new HostSession);
  auto layout = detect_layout(session->files_, options.roots);
  if (!layout) return tl::unexpected(layout.error());
  if (layout->mode == Mode::none) {
    return failure(
        "no cgroup hierarchy is mounted here; is the host's /sys/fs/cgroup mounted, and "
        "--path.rootfs or --path.cgroupfs right? `agent detect` says more",
        options.roots.cgroupfs);
  }
  session->docker_ = std::make_unique<DockerFiles>(session->metadata_files_, options.roots,
                                                   options.docker_roots);
  DockerFiles& docker = *session->docker_;
  session->metadata_ = std::make_unique<MetadataThread>(
      [&docker](std::string_view runtime, std::string_view id) -> Result<ContainerMetadata> {
        if (runtime != "docker") return failure("no reader for this runtime", {}, ENOSYS);
        return docker.read(id);
      });
  CollectorOptions collector = options.collector;
  // With a directory beside each file at the most, half of what this process may have open.
  collector.descriptors = std::min(collector.descriptors, raise_descriptor_limit() / 4);
  collector.ticks_per_second = user_ticks_per_second();
  session->collector_ =
      std::make_unique<Collector>(session->files_, session->clock_, options.roots,
                                  *std::move(layout), collector, session->metadata_.get());
  return session;
}

}  // namespace cgmon
