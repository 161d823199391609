#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "collectors/host/disk_queue.h"
#include "collectors/kernel/roots.h"

namespace cgmon {

struct DiskThreadOptions {
  Roots roots;
  /// How many files a second a walk looks at; it rests in between.
  std::size_t files_per_second = 5000;
};

/// Measures disks on threads of its own, one for layers and one for the host's file systems: what
/// hangs holds up nothing else, the end neither: a thread that does not return is left behind with
/// what it owns. Walks yield CPU and disk to everybody else. Thread-safe.
class DiskThreads final : public DiskQueue {
 public:
  explicit DiskThreads(const DiskThreadOptions& options);
  DiskThreads(const DiskThreads&) = delete;
  DiskThreads& operator=(const DiskThreads&) = delete;
  ~DiskThreads() override;

  void ask(LayerQuestion question) override;
  void ask_host() override;
  void wait(std::int64_t max_ns) override;
  void take(std::vector<LayerAnswer>& layers, std::optional<HostDisks>& host) override;
  [[nodiscard]] Counters counters() const override;

 private:
  struct State;

  std::shared_ptr<State> state_;  // shared with the threads
};

/// Measures one layer. `pace`: see DiskWalker.
[[nodiscard]] LayerAnswer measure_layer(DiskFiles& files, const std::string& root,
                                        const LayerQuestion& question, DiskWalker::Pace pace);

}  // namespace cgmon
