#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cgmon {

/// What an engine's own files say of a container.
struct ContainerMetadata {
  std::string name, image;         ///< valid UTF-8, bounded
  std::int64_t created_at_ns = 0;  ///< since the epoch, 0: not known
  std::int64_t started_at_ns = 0;  ///< since the epoch, 0: not running yet, as far as the file says
  std::string log_path;     ///< the engine's log of it, on the host; empty: none, or not known
  bool oom_killed = false;  ///< that is how it ended
};

/// Answer to one question.
struct MetadataAnswer {
  std::uint64_t key = 0;  ///< the asker's
  bool found = false;
  std::string_view source;  ///< which engine's files, e.g. "docker"
  std::string_view reason;  ///< when not found: errno's name, "malformed" or "too_large"
  ContainerMetadata metadata;
};

/// Where questions about containers go. Implementations answer on another thread, since engines'
/// files may lie on disks that hang; in tests at once.
class MetadataQueue {
 public:
  MetadataQueue() = default;
  MetadataQueue(const MetadataQueue&) = delete;
  MetadataQueue& operator=(const MetadataQueue&) = delete;
  virtual ~MetadataQueue() = default;

  /// Asks about a container of a runtime by its id.
  virtual void ask(std::uint64_t key, std::string_view runtime, std::string_view id) = 0;
  /// Waits until every question is answered, at most `max_ns`.
  virtual void wait(std::int64_t max_ns) = 0;
  /// Appends the answers that came since the last call.
  virtual void take(std::vector<MetadataAnswer>& answers) = 0;
};

}  // namespace cgmon
