#pragma once

#include <cstdint>

namespace cgmon {

/// The clocks, injected so that tests stand still.
class Clock {
 public:
  Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  virtual ~Clock() = default;
  [[nodiscard]] virtual std::int64_t wall_ns() const = 0;       ///< since the epoch
  [[nodiscard]] virtual std::int64_t monotonic_ns() const = 0;  ///< never steps
  /// The same up to a few milliseconds ago, without asking the hardware: for deadlines.
  [[nodiscard]] virtual std::int64_t coarse_monotonic_ns() const { return monotonic_ns(); }
  [[nodiscard]] virtual std::int64_t thread_cpu_ns() const = 0;  ///< CPU time of the calling thread
};

/// The kernel's clocks. Thread-safe.
class SystemClock final : public Clock {
 public:
  [[nodiscard]] std::int64_t wall_ns() const override;
  [[nodiscard]] std::int64_t monotonic_ns() const override;
  [[nodiscard]] std::int64_t coarse_monotonic_ns() const override;
  [[nodiscard]] std::int64_t thread_cpu_ns() const override;
};

}  // namespace cgmon
