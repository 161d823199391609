#pragma once

#include <cstdint>
#include <span>
#include <vector>

struct pollfd;

namespace cgmon {

/// Watches (handles of Files::open_watch) that a thread sleeps on.
struct Watches {
  std::vector<int> urgent;   ///< what they report is soon gone
  std::vector<int> patient;  ///< what they report can wait a little
};

/// A thread's sleep, ended by another thread, by what is watched, or by time; never by a timer of
/// its own. sleep() is for one thread, wake() for any.
class Sleeper {
 public:
  enum class Woken : std::uint8_t { by_thread, by_watch, by_time };

  Sleeper();
  Sleeper(const Sleeper&) = delete;
  Sleeper& operator=(const Sleeper&) = delete;
  ~Sleeper();

  /// Ends the sleep under way, or else the next one.
  void wake();
  /// Sleeps until somebody calls wake(), one of `watches` (handles of Files::open_watch) has
  /// something to report, or `most_ns` have passed; negative: no limit.
  Woken sleep(std::span<const int> watches, std::int64_t most_ns);

 private:
  int bell_;
  std::vector<pollfd> asked_;
};

}  // namespace cgmon
