#pragma once

#include <optional>
#include <string>
#include <vector>

#include "collectors/host/disk_queue.h"
#include "collectors/kernel/disk_files.h"
#include "collectors/kernel/files.h"
#include "collectors/parse/device_number.h"
#include "collectors/parse/mountinfo.h"

namespace cgmon {

/// More file systems of the host are left out and counted.
inline constexpr std::size_t kMaxHostDisks = 64;

/// A mount whose space is asked for, with the name that it is shown by.
struct DiskMount {
  std::string name, point;  ///< no name: the one of its device number
  /// What stat says of its files; nothing where that is another than the mount's own (btrfs).
  std::optional<DeviceNumber> device;
};

/// Of all mounts those of local file systems, each once: disks by their device, tmpfs by where they
/// are mounted. Left out are file systems of the kernel and of networks, which may hang, and what
/// engines, snaps and the kubelet mount for their own.
[[nodiscard]] std::vector<DiskMount> choose_disks(const std::vector<Mount>& mounts);

/// Asks for the space of the host's file systems by the mounts of PID 1, as they lie below `root`.
/// Those of which something else lies there are left out: a container to which `root` was not given
/// has its own files in that place.
[[nodiscard]] HostDisks read_host_disks(Files& files, DiskFiles& disks, const std::string& procfs,
                                        const std::string& root);

}  // namespace cgmon
