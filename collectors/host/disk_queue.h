#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "collectors/host/disk_walker.h"
#include "collectors/kernel/disk_files.h"

namespace cgmon {

/// A writable layer that is to be measured. Paths are the host's.
struct LayerQuestion {
  std::uint64_t key = 0;
  std::string directory;
  std::string log;  ///< the engine's log file of the container; empty: not known
};

struct LayerAnswer {
  std::uint64_t key = 0;
  DiskUsage usage;
  std::optional<DiskUsage> log;
  std::optional<DiskSpace> space;  ///< of the file system that the layer lies in
  std::int64_t ended_ns = 0;       ///< of the measurement, since the epoch
  std::int64_t duration_ns = 0;
};

/// A local file system of the host.
struct HostDisk {
  std::uint64_t device = 0;  ///< major << 32 | minor
  std::string name;          ///< "/dev/vda1"; of a tmpfs where it is mounted; empty: by its number
  DiskSpace space;
};

struct HostDisks {
  std::vector<HostDisk> disks;  ///< by name
  std::size_t dropped = 0;      ///< beyond the bound
  int error = 0;                ///< negative errno of reading what is mounted
};

/// Where questions about disks go. Answers come from other threads, since disks may hang; in tests
/// at once.
class DiskQueue {
 public:
  DiskQueue() = default;
  DiskQueue(const DiskQueue&) = delete;
  DiskQueue& operator=(const DiskQueue&) = delete;
  virtual ~DiskQueue() = default;

  virtual void ask(LayerQuestion question) = 0;
  virtual void ask_host() = 0;
  /// Waits until every question is answered, at most `max_ns`.
  virtual void wait(std::int64_t max_ns) = 0;
  /// The answers that came since the last call; the newest of the host alone.
  virtual void take(std::vector<LayerAnswer>& layers, std::optional<HostDisks>& host) = 0;

  struct Counters {
    std::uint64_t files = 0;       ///< entries looked at
    std::uint64_t incomplete = 0;  ///< walks that could not end
  };
  [[nodiscard]] virtual Counters counters() const = 0;
};

}  // namespace cgmon
