#pragma once

#include <cstdint>

#include "collectors/kernel/clock.h"

namespace cgmon {

/// Clocks that stand still until a test moves them. Not thread-safe.
class ManualClock final : public Clock {
 public:
  ManualClock() = default;
  explicit ManualClock(std::int64_t wall_ns) : wall_ns_(wall_ns) {}

  [[nodiscard]] std::int64_t wall_ns() const override { return wall_ns_; }
  [[nodiscard]] std::int64_t monotonic_ns() const override { return monotonic_ns_; }
  [[nodiscard]] std::int64_t thread_cpu_ns() const override { return thread_cpu_ns_; }

  /// Time passes; the thread sleeps meanwhile.
  void advance(std::int64_t ns) {
    wall_ns_ += ns;
    monotonic_ns_ += ns;
  }
  /// Time passes while the thread works.
  void work(std::int64_t ns) {
    advance(ns);
    thread_cpu_ns_ += ns;
  }
  /// Somebody sets the host's clock: only the wall clock steps.
  void set_wall(std::int64_t wall_ns) { wall_ns_ = wall_ns; }

 private:
  std::int64_t wall_ns_ = 1'700'000'000'000'000'000;
  std::int64_t monotonic_ns_ = 1'000'000'000'000;
  std::int64_t thread_cpu_ns_ = 0;
};

}  // namespace cgmon
