#include "collectors/kernel/sleeper.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <ctime>

namespace cgmon {

// Without an event descriptor no thread could wake the one that sleeps: nothing works then.
Sleeper::Sleeper() : bell_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (bell_ < 0) std::abort();
}

Sleeper::~Sleeper() { ::close(bell_); }

void Sleeper::wake() {
  const std::uint64_t one = 1;
  // EAGAIN: it has been rung four billion times, and wakes anyway.
  [[maybe_unused]] const ssize_t size = ::write(bell_, &one, sizeof one);
}

Sleeper::Woken Sleeper::sleep(std::span<const int> watches, std::int64_t most_ns) {
  asked_.assign(1, pollfd{bell_, POLLIN, 0});
  for (const int watch : watches) asked_.push_back(pollfd{watch, POLLIN, 0});
  const timespec most{most_ns / 1'000'000'000, most_ns % 1'000'000'000};
  const int ready = ::ppoll(asked_.data(), asked_.size(), most_ns < 0 ? nullptr : &most, nullptr);
  if (ready == 0) return Woken::by_time;
  if (ready < 0) return Woken::by_thread;  // EINTR: the caller looks whether it is wanted
  if (asked_[0].revents == 0) return Woken::by_watch;
  std::uint64_t rung = 0;
  [[maybe_unused]] const ssize_t size = ::read(bell_, &rung, sizeof rung);
  return Woken::by_thread;
}

}  // namespace cgmon
