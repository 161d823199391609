#include "collectors/kernel/clock.h"

#include <ctime>

namespace cgmon {
namespace {

std::int64_t now_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

std::int64_t SystemClock::wall_ns() const { return now_ns(CLOCK_REALTIME); }
std::int64_t SystemClock::monotonic_ns() const { return now_ns(CLOCK_MONOTONIC); }
std::int64_t SystemClock::coarse_monotonic_ns() const { return now_ns(CLOCK_MONOTONIC_COARSE); }
std::int64_t SystemClock::thread_cpu_ns() const { return now_ns(CLOCK_THREAD_CPUTIME_ID); }

}  // namespace cgmon
