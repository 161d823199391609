#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "collectors/base/result.h"
#include "collectors/identity/metadata.h"

namespace cgmon {

/// Answers questions on a thread of its own: a disk that hangs holds up names, never numbers.
/// Thread-safe.
class MetadataThread final : public MetadataQueue {
 public:
  /// Reads what is known of a container; called on the thread only. Arguments: runtime, id.
  using Read = std::function<Result<ContainerMetadata>(std::string_view, std::string_view)>;

  explicit MetadataThread(Read read);
  ~MetadataThread() override;

  void ask(std::uint64_t key, std::string_view runtime, std::string_view id) override;
  void wait(std::int64_t max_ns) override;
  void take(std::vector<MetadataAnswer>& answers) override;

 private:
  struct Question {
    std::uint64_t key;
    std::string runtime, id;
  };

  void run();

  Read read_;
  std::mutex mutex_;
  std::condition_variable asked_, answered_;
  std::deque<Question> questions_;
  std::vector<MetadataAnswer> answers_;
  bool busy_ = false, stop_ = false;
  std::thread thread_;
};

/// The answer that a Result stands for.
[[nodiscard]] MetadataAnswer to_answer(std::uint64_t key, std::string_view runtime,
                                       Result<ContainerMetadata> result);

}  // namespace cgmon
