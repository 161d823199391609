#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <thread>

#include "collectors/host/machine.h"

namespace cgmon {

/// Reads the machine on a thread of its own: its many files cost scrapes nothing, and one that
/// hangs holds up neither scrapes nor the end; then it is left behind with what it owns.
/// Thread-safe.
class MachineThread {
 public:
  using Read = std::function<Machine(bool topology)>;

  /// `read` is called on the thread alone, and may outlive this object.
  explicit MachineThread(Read read);
  MachineThread(const MachineThread&) = delete;
  MachineThread& operator=(const MachineThread&) = delete;
  ~MachineThread();

  /// Has the machine read again. False where that is under way already.
  [[nodiscard]] bool ask(bool topology);
  /// Waits until nothing is asked for, at most so long.
  void wait(std::int64_t max_ns);
  /// As it was last read; nullptr before. Another one each time that it was read.
  [[nodiscard]] std::shared_ptr<const Machine> latest() const;

 private:
  struct State;
  static void run(State& state);

  std::shared_ptr<State> state_;  // shared with the thread
  std::thread thread_;
};

}  // namespace cgmon
