#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <thread>
#include <vector>

#include "collectors/base/result.h"
#include "collectors/identity/metadata.h"

namespace cgmon {

/// Answers questions on a thread of its own: a disk that hangs holds up names, never numbers, and
/// not the end either: a reader that does not return is left behind with what it owns. Thread-safe.
class MetadataThread final : public MetadataQueue {
 public:
  /// Reads what is known of a container.
  using Read = std::function<Result<ContainerMetadata>(const MetadataQuestion&)>;
  /// Lists those that have ended.
  using ListEnded = std::function<EndedContainers(std::int64_t now_ns)>;

  /// Both are called on the thread only, and destroyed there when it outlives this object.
  explicit MetadataThread(Read read, ListEnded list_ended = nullptr);
  MetadataThread(const MetadataThread&) = delete;
  MetadataThread& operator=(const MetadataThread&) = delete;
  ~MetadataThread() override;

  void ask(const MetadataQuestion& question) override;
  void ask_ended(std::int64_t now_ns) override;
  void wait(std::int64_t max_ns) override;
  void take(std::vector<MetadataAnswer>& answers) override;
  std::optional<EndedContainers> take_ended() override;

 private:
  struct State;
  static void run(State& state);

  std::shared_ptr<State> state_;  // shared with the thread
  std::thread thread_;
};

/// The answer that a Result stands for.
[[nodiscard]] MetadataAnswer to_answer(const MetadataQuestion& question,
                                       Result<ContainerMetadata> result);

}  // namespace cgmon
